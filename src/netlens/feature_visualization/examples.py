"""The images that units respond to most, as arrays in npz files. Nothing here starts TensorFlow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays


@dataclass(frozen=True, eq=False)
class DatasetExamples:
    """The k images that each of n units or directions responds to most, cut to what the unit sees.

    Attributes
    ----------
    keys
        Keys of the n units' feature visualizations.
    activations
        (n, k), float32, strongest first: the largest activation along the direction at any position of each image.
        At most 0 where nothing in the image activates the unit.
    images
        (n, k), int64, indices of the images.
    boxes
        (n, k, 4), int64: first row, first column, height and width of the receptive field at that position in the
        image's pixels. It may reach beyond the image.
    crops
        (n, k, size, size, 3), uint8: what the field shows; light gray beyond the image's edge.
    active_shares
        (n,), share of the images that activate the unit anywhere.
    images_count
        Number of images that were looked at.
    """

    keys: tuple[str, ...]
    activations: NDArray[np.float32]
    images: NDArray[np.int64]
    boxes: NDArray[np.int64]
    crops: NDArray[np.uint8]
    active_shares: NDArray[np.float64]
    images_count: int

    def is_active(self, key: str) -> bool:
        """Return whether any image activates a unit."""
        return bool(self.active_shares[self._place(key)] > 0)

    def images_of(self, key: str) -> NDArray[np.int64]:
        """Return the indices of the images that activate a unit most, strongest first."""
        found: NDArray[np.int64] = self.images[self._place(key)]
        return found

    def strongest(self, key: str, count: int) -> list[tuple[NDArray[np.uint8], float]]:
        """Return the crops that activate a unit most, with their activations, strongest first.

        Parameters
        ----------
        key
            The unit's; an empty one has no examples.
        count
            Number of crops, at most; crops that do not activate the unit are left out.

        Returns
        -------
        list of (ndarray, float)
        """
        if not key:
            return []
        place = self._place(key)
        found = zip(self.crops[place][:count], self.activations[place][:count].tolist(), strict=True)
        return [(crop, activation) for crop, activation in found if activation > 0]

    def arrays(self, keys: tuple[str, ...] | list[str]) -> dict[str, NDArray[Any]]:
        """Return what a figure shows of the examples of some units; empty keys are passed over."""
        places = [self._place(key) for key in dict.fromkeys(keys) if key]
        return {"example_crops": self.crops[places], "example_activations": self.activations[places]}

    def save(self, path: str | Path) -> None:
        """Save as npz, compressed.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(
            path,
            {
                "keys": np.array(self.keys, np.str_),
                "activations": self.activations,
                "images": self.images,
                "boxes": self.boxes,
                "crops": self.crops,
                "active_shares": self.active_shares,
                "images_count": np.array(self.images_count),
            },
            compress=True,
        )

    @classmethod
    def load(cls, path: str | Path) -> "DatasetExamples":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        found = cls(
            keys=reader.names("keys", "units"),
            activations=reader.array("activations", "f", "units", "examples"),
            images=reader.array("images", "i", "units", "examples"),
            boxes=reader.array("boxes", "i", "units", "examples", 4),
            crops=reader.array("crops", "u", "units", "examples", "size", "size", 3),
            active_shares=reader.array("active_shares", "f", "units"),
            images_count=reader.whole("images_count"),
        )
        reader.finish()
        return found

    def _place(self, key: str) -> int:
        if key not in self.keys:
            raise KeyError(f"no examples of the feature visualization {key!r}; run the rule dataset_examples again")
        return self.keys.index(key)
