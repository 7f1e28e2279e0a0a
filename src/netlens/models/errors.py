"""What can be wrong with a subject network."""


class NetworkError(ValueError):
    """A network cannot be read, or does not have the form that was asked for."""


class UnsupportedLayerError(NetworkError):
    """A layer that the computation does not define; the message names it."""


class CheckpointError(NetworkError):
    """A checkpoint is truncated, damaged, or not the one that is expected."""


def first_line(error: BaseException) -> str:
    """First line of an error's message, at most 300 characters; the error's type where it has no message."""
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
