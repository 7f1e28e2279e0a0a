"""Which samples are taken, and what a number that was estimated from them may be off by; no TensorFlow."""
