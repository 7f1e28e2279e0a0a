"""The architectures that netlens can build and train."""
