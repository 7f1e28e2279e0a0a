"""Networks as frozen TensorFlow graphs: how they are made or read, their kernels and their structure."""
