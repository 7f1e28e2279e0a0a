"""Looking inside image classifiers: six analyses as one reproducible paper artifact.

Importing this package starts no TensorFlow; `netlens.models.backend` does.
"""

__version__ = "0.1.0"
