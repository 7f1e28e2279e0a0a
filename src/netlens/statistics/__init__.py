"""What a number that was estimated from a sample may be off by; no TensorFlow."""
