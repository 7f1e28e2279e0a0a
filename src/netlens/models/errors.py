"""What can be wrong with a subject network, and how lists are told in one line."""

from collections.abc import Iterable


class NetworkError(ValueError):
    """A network cannot be read, or does not have the form that was asked for."""


class UnsupportedLayerError(NetworkError):
    """A layer that the computation does not define; the message names it."""


class CheckpointError(NetworkError):
    """A checkpoint is truncated, damaged, or not the one that is expected."""


def first_line(error: BaseException) -> str:
    """First line of an error's message, at most 160 characters; the error's type where it has no message."""
    text = str(error).strip()
    return _shortened(text.splitlines()[0], 160) if text else type(error).__name__


def listed(values: Iterable[object], *, separator: str = ", ", most: int = 4, longest: int = 60) -> str:
    """List of names, layers or shapes as it is told in a message, such as ``a, b, c, d and 212 more``.

    Parameters
    ----------
    values
        What is listed.
    separator
        What stands between two of them.
    most
        Number of them that are told; a single one more is told as well.
    longest
        Number of characters that are told of each.
    """
    told = [_shortened(str(value), longest) for value in values]
    if len(told) <= most + 1:
        return separator.join(told)
    return f"{separator.join(told[:most])} and {len(told) - most} more"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
