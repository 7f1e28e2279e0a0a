"""What can be wrong with a subject network."""


class NetworkError(ValueError):
    """A network cannot be read, or does not have the form that was asked for."""


class UnsupportedLayerError(NetworkError):
    """A layer that the computation does not define; the message names it."""


class CheckpointError(NetworkError):
    """A checkpoint is truncated, damaged, or not the one that is expected."""
