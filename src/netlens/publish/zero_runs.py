"""Bytes with many zeros, shortened so that a script can read them without a library."""

import numpy as np
from numpy.typing import NDArray


def short_zeros(values: NDArray[np.int8]) -> bytes:
    """Bytes of small numbers in which a zero is followed by how many there are in a row, 1 to 255.

    Most positions of a layer contribute nothing to most of another, so that maps between layers take an eighth.
    """
    flat = np.ascontiguousarray(values).ravel()
    parts = []
    for run in np.split(flat, np.flatnonzero(np.diff(flat == 0)) + 1):
        if run.size and run[0] == 0:
            whole, rest = divmod(run.size, 255)
            parts.append(b"\0\xff" * whole + (bytes([0, rest]) if rest else b""))
        else:
            parts.append(run.tobytes())
    return b"".join(parts)


def long_zeros(content: bytes) -> NDArray[np.int8]:
    """Inverse of `short_zeros`, as a flat array."""
    parts = []
    start = 0
    while start < len(content):
        zero = content.find(b"\0", start)
        zero = len(content) if zero < 0 else zero
        parts.append(content[start:zero])
        parts.append(bytes(content[zero + 1]) if zero < len(content) else b"")
        start = zero + 2
    return np.frombuffer(b"".join(parts), np.int8)
