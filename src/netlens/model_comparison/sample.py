"""Which images activations are compared at, and where in each: drawn once for all networks and layers.

A place is a relative position, so that it means the same part of the image in maps of any size. Image and place of one
row are the same in every layer of every network; without that, no two layers could be compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.model_comparison.errors import ComparisonError

Int = NDArray[np.int64]
Float = NDArray[np.float64]

#: The two parts of an image set, each with a stream of random numbers of its own.
PARTS: Final = ("train", "heldout")


@dataclass(frozen=True)
class Sample:
    """Images of one part of an image set, and one place in each.

    Attributes
    ----------
    images
        int64, (n,): places in the image set, ascending, each once.
    positions
        float64, (n, 2): row and column in [0, 1), as shares of the height and the width.
    """

    images: Int
    positions: Float

    def __len__(self) -> int:
        return len(self.images)


def draw_sample(count: int, chosen_count: int, seed: int, part: str = "train") -> Sample:
    """Draw images, and a place in each, all equally likely.

    Places are drawn for every image of the set and the chosen images are the first of one random order, so a larger
    sample holds a smaller one, with the same places.

    Parameters
    ----------
    count
        How many images there are.
    chosen_count
        How many are taken, at most; 0: all.
    seed
        The same seed gives the same sample.
    part
        ``train`` or ``heldout``: their draws are independent.

    Returns
    -------
    Sample

    Raises
    ------
    ComparisonError
        There are no images, a negative number is chosen, or there is no such part.
    """
    if part not in PARTS:
        raise ComparisonError(f"there is no part {part!r} of an image set; take one of {', '.join(PARTS)}")
    if count < 1:
        raise ComparisonError(f"there are {count} {part} images; at least one is needed")
    if chosen_count < 0:
        raise ComparisonError(f"{chosen_count} {part} images are asked for; give 0 for all, or how many")
    places, order = (np.random.default_rng([seed, PARTS.index(part), stream]) for stream in range(2))
    positions = places.random((count, 2))
    chosen = np.sort(order.permutation(count)[: chosen_count or count]).astype(np.int64)
    return Sample(chosen, positions[chosen])


def map_indices(positions: Float, height: int, width: int) -> Int:
    """Find relative positions in a map.

    Parameters
    ----------
    positions
        (n, 2): row and column in [0, 1).
    height, width
        Of the map.

    Returns
    -------
    ndarray
        int64, (n, 2): the row and column that each position lies in, ``floor(position * size)``.

    Raises
    ------
    ComparisonError
        A position is not in [0, 1).
    """
    if not ((positions >= 0) & (positions < 1)).all():
        raise ComparisonError("a relative position is not in [0, 1); draw the sample again")
    indices: Int = np.floor(positions * np.array([height, width])).astype(np.int64)
    return indices


def pack(samples: Mapping[str, Sample]) -> dict[str, NDArray[Any]]:
    """Write the samples of parts as arrays: ``<part>`` the images, ``<part>_positions`` the places."""
    packed: dict[str, NDArray[Any]] = {}
    for part, sample in samples.items():
        packed |= {part: sample.images, f"{part}_positions": sample.positions}
    return packed


def unpack(arrays: Mapping[str, NDArray[Any]], part: str) -> Sample:
    """Read the sample of a part from what `pack` wrote.

    Raises
    ------
    ComparisonError
        It is not there, or damaged.
    """
    if part not in arrays or f"{part}_positions" not in arrays:
        raise ComparisonError(f"no sample of the {part} images; draw the sample again")
    images = np.asarray(arrays[part], np.int64)
    positions = np.asarray(arrays[f"{part}_positions"], np.float64)
    if images.ndim != 1 or positions.shape != (len(images), 2):
        raise ComparisonError(
            f"sample of the {part} images: {images.shape} images but {positions.shape} positions; draw it again"
        )
    return Sample(images, positions)
