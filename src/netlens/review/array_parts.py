"""Numbers of an item as named arrays: what of them is kept as published, and how far two versions are apart.

Small arrays are kept whole. Of a large one a reference keeps evenly spread elements, and the mean and root mean square
of each of 256 consecutive blocks, so that a change anywhere in it is seen in its block.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

#: Arrays of at most this many elements are kept whole.
WHOLE_COUNT: Final = 8192
#: Elements kept of a larger one, and blocks of which mean and root mean square are kept.
SAMPLE_COUNT: Final = 2048
BLOCK_COUNT: Final = 256
#: Elements smaller than this share of the largest are measured against that share instead of themselves.
SMALL_SHARE: Final = 1e-3
#: Consecutive pixels whose root mean square difference is one value.
_PIXELS: Final = 256


@dataclass(frozen=True)
class Kept:
    """What a reference keeps of one array.

    Attributes
    ----------
    shape, kind
        Shape, and numpy's letter for the dtype's kind.
    sha256
        Digest of all elements.
    arrays
        The array itself as ``whole``, or ``sample`` and ``blocks`` of shape (2, `BLOCK_COUNT`).
    """

    shape: tuple[int, ...]
    kind: str
    sha256: str
    arrays: Mapping[str, Array]

    @property
    def is_whole(self) -> bool:
        """Whether the array is kept with all its elements."""
        return "whole" in self.arrays


def kept(array: Array) -> Kept:
    """What is kept of an array."""
    array = np.asarray(array)
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    arrays: dict[str, Array] = {"whole": array}
    if array.size > WHOLE_COUNT and array.dtype.kind in "biuf":
        flat = array.reshape(-1)
        arrays = {"sample": flat[_spread(flat.size, SAMPLE_COUNT)], "blocks": _blocks(flat)}
    return Kept(array.shape, array.dtype.kind, digest.hexdigest(), arrays)


def _spread(size: int, count: int) -> Array:
    """Positions of `count` elements, evenly spread but for a shift, so that no period of the array is followed."""
    steps = np.arange(count)
    shift = (steps * 7919) % max(1, size // count)
    return np.asarray(np.minimum(steps * (size // count) + shift, size - 1))


def _blocks(flat: Array) -> Array:
    edges = np.linspace(0, flat.size, BLOCK_COUNT + 1).astype(int)[:-1]
    values = np.nan_to_num(flat.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    counts = np.diff([*edges, flat.size])
    means = np.add.reduceat(values, edges) / counts
    return np.stack([means, np.sqrt(np.add.reduceat(values**2, edges) / counts)])


@dataclass(frozen=True)
class Distance:
    """How far an array is from its published version.

    Attributes
    ----------
    value
        Zero if they are alike; otherwise as `deviation` measures, or infinite.
    words
        What differs, if it is no matter of degree: shape, type, text.
    """

    value: float
    words: str = ""


def distance(new: Array, published: Kept) -> Distance:
    """Distance of an array from what is kept of the published one."""
    now = kept(new)
    if now.sha256 == published.sha256:
        return Distance(0.0)
    if now.shape != published.shape:
        return Distance(np.inf, f"shape {_shown(now.shape)} instead of {_shown(published.shape)}")
    if (now.kind in "biuf") != (published.kind in "biuf"):
        return Distance(np.inf, "text instead of numbers" if now.kind == "U" else "numbers instead of text")
    if now.kind not in "biuf":
        return _text_distance(now.arrays["whole"], published.arrays["whole"])
    if published.is_whole:
        return Distance(deviation(now.arrays["whole"], published.arrays["whole"]))
    # Digests tell that something differs, even where it is in none of the elements that are kept.
    blocks = published.arrays["blocks"]
    if published.kind == "u":
        by_block = float(np.max(np.abs(now.arrays["blocks"] - blocks))) / 255
    else:
        scale = float(np.max(np.abs(blocks))) or 1.0
        by_block = float(np.max(np.abs(now.arrays["blocks"] - blocks))) / scale
    sampled = deviation(now.arrays["sample"], published.arrays["sample"])
    return Distance(max(by_block, sampled, float(np.finfo(float).eps)))


def deviation(new: Array, published: Array) -> float:
    """Largest deviation between two arrays of the same shape.

    Parameters
    ----------
    new, published
        Numbers. Arrays of unsigned bytes are pixels.

    Returns
    -------
    float
        The largest ``|new - published| / (|published| + s)`` with ``s`` a thousandth of the largest published number.
        For pixels, the largest root mean square difference over 256 consecutive ones, as a share of 255. Infinite if
        one is finite where the other is not.
    """
    a, b = np.asarray(new, np.float64).reshape(-1), np.asarray(published, np.float64).reshape(-1)
    if published.dtype.kind == "u" and new.dtype.kind == "u":
        # The last window overlaps the one before it, so that a few pixels at the end count no more than others.
        squares = (a - b) ** 2
        if squares.size <= _PIXELS:
            return float(np.sqrt(squares.mean())) / 255 if squares.size else 0.0
        starts = np.append(np.arange(0, squares.size - _PIXELS, _PIXELS), squares.size - _PIXELS)
        sums = np.concatenate([[0.0], np.cumsum(squares)])
        return float(np.sqrt(np.max(np.maximum(sums[starts + _PIXELS] - sums[starts], 0)) / _PIXELS)) / 255
    finite = np.isfinite(b)
    if not np.array_equal(finite, np.isfinite(a)) or not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    a, b = a[finite], b[finite]
    if not b.size:
        return 0.0
    small = SMALL_SHARE * float(np.max(np.abs(b)))
    apart = np.abs(a - b)
    scale = np.abs(b) + small
    return float(np.max(np.divide(apart, scale, out=np.where(apart > 0, np.inf, 0.0), where=scale > 0)))


def _text_distance(new: Array, published: Array) -> Distance:
    differ = np.flatnonzero((new != published).reshape(-1))
    if not differ.size:
        return Distance(0.0)  # stored wider, with the same letters
    first = differ[0]
    now, then = str(new.reshape(-1)[first]), str(published.reshape(-1)[first])
    more = f" and {differ.size - 1} more" if differ.size > 1 else ""
    return Distance(float("inf"), f"{_short(now)!r} instead of {_short(then)!r}{more}")


def _short(text: str, width: int = 60) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _shown(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "of one number"
