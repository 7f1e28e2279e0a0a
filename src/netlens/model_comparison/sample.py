"""The images and positions at which activations are compared, drawn once for all networks and layers.

A position is relative, so it means the same part of the image in maps of any size, and in networks that take images of
different sizes. Row by row, image and position are the same in every layer of every network; without that, no two
layers could be compared.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.model_comparison.errors import ComparisonError

Int = NDArray[np.int64]
Float = NDArray[np.float64]

#: The two parts of an image set, each with its own stream of random numbers.
PARTS: Final = ("train", "heldout")


@dataclass(frozen=True)
class Sample:
    """Images of one part of an image set, and the same number of positions in each.

    Attributes
    ----------
    images
        int64, (n,): indices into the image set, ascending, without repetition.
    positions
        float64, (n, k, 2): row and column of k positions in [0, 1), as fractions of height and width.
    """

    images: Int
    positions: Float

    def __len__(self) -> int:
        return len(self.images)

    @property
    def positions_count(self) -> int:
        """Number of positions in each image."""
        return int(self.positions.shape[1])


@dataclass(frozen=True)
class Samples:
    """The samples of both parts of an image set.

    Attributes
    ----------
    train
        Sample of the training images, which similarities and directions are computed from.
    heldout
        Sample of the held-out images, which analogies are evaluated on.
    """

    train: Sample
    heldout: Sample

    def save(self, path: str | Path) -> None:
        """Save as npz: for each part, the images as ``<part>`` and the positions as ``<part>_positions``.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        arrays: dict[str, NDArray[Any]] = {}
        for part in PARTS:
            sample: Sample = getattr(self, part)
            arrays |= {part: sample.images, f"{part}_positions": sample.positions}
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Samples":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        train, heldout = (
            Sample(
                reader.array(part, "i", f"{part} images"),
                reader.array(f"{part}_positions", "f", f"{part} images", f"{part} positions", 2),
            )
            for part in PARTS
        )
        reader.finish()
        return cls(train, heldout)


def draw_sample(count: int, chosen_count: int, seed: int, part: str = "train", *, positions_count: int = 1) -> Sample:
    """Draw images and positions in each, uniformly at random.

    Positions are drawn for every image of the set, and the chosen images are the first of one random order, so a larger
    sample contains a smaller one, with the same positions.

    Parameters
    ----------
    count
        Number of images in the set.
    chosen_count
        Largest number of images to draw; 0 draws all.
    seed
        Seed of the random numbers; the same seed gives the same sample.
    part
        ``train`` or ``heldout``: their draws are independent.
    positions_count
        Number of positions in each image.

    Returns
    -------
    Sample

    Raises
    ------
    ComparisonError
        There are no images, a number asked for is impossible, or there is no such part.
    """
    if part not in PARTS:
        raise ComparisonError(f"there is no part {part!r} of an image set; choose one of {', '.join(PARTS)}")
    if count < 1:
        raise ComparisonError(f"there are {count} {part} images; at least one is needed")
    if chosen_count < 0:
        raise ComparisonError(f"{chosen_count} {part} images are requested; set a positive number, or 0 for all")
    if positions_count < 1:
        raise ComparisonError(f"{positions_count} positions are requested in each image; at least one is needed")
    places, order = (np.random.default_rng([seed, PARTS.index(part), stream]) for stream in range(2))
    positions = places.random((count, positions_count, 2))
    chosen = np.sort(order.permutation(count)[: chosen_count or count]).astype(np.int64)
    return Sample(chosen, positions[chosen])


def map_indices(positions: Float, height: int, width: int) -> Int:
    """Convert relative positions to indices into a map.

    Parameters
    ----------
    positions
        (..., 2): row and column in [0, 1).
    height, width
        Size of the map.

    Returns
    -------
    ndarray
        int64, (..., 2): the row and column that contain each position, ``floor(position * size)``.

    Raises
    ------
    ComparisonError
        A position is not in [0, 1).
    """
    if not ((positions >= 0) & (positions < 1)).all():
        raise ComparisonError("a relative position is not in [0, 1); draw the sample again")
    indices: Int = np.floor(positions * np.array([height, width])).astype(np.int64)
    return indices
