"""Explanations that the notebooks of this section pass on to each other, as dataclasses that npz files hold.

- `Attributions`: images and their three explanations;
- `AttributedShares`: how much of the logit PatternAttribution attributes to the pixels of more images.

Nothing here starts TensorFlow.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays

Array = NDArray[Any]
Names = tuple[str, ...]


@dataclass(frozen=True)
class Attributions:
    """n images and three explanations of each, of the largest logit.

    Attributes
    ----------
    images
        uint8, (n, height, width, 3).
    index
        (n,) which held-out images these are.
    class_names
        Class of each.
    logits
        (n,) the explained logits.
    in_taxonomy
        (n,) bool, whether an image is one of those shown side by side.
    is_example
        (n,) bool, whether it is the study's example image; exactly one is.
    function, signal, attribution
        float32, (n, height, width, 3): gradient, PatternNet and PatternAttribution; see
        `netlens.pattern_attribution.analyzers.taxonomy.Taxonomy`.
    """

    images: NDArray[np.uint8]
    index: Array
    class_names: Names
    logits: Array
    in_taxonomy: Array
    is_example: Array
    function: NDArray[np.float32]
    signal: NDArray[np.float32]
    attribution: NDArray[np.float32]

    @property
    def example(self) -> int:
        """Row of the study's example image."""
        return int(np.flatnonzero(self.is_example)[0])

    @property
    def attributed_shares(self) -> Array:
        """Sum of the attribution over all pixels and channels, divided by the logit, (n,).

        Below 1 where relevance is lost in inactive units and on padding.
        """
        sums: Array = self.attribution.sum(axis=(1, 2, 3), dtype=np.float64)
        return sums / self.logits

    @property
    def taxonomy(self) -> "Attributions":
        """Only the images that are shown side by side."""
        chosen = self.in_taxonomy
        return Attributions(
            images=self.images[chosen],
            index=self.index[chosen],
            class_names=tuple(name for name, kept in zip(self.class_names, chosen, strict=True) if kept),
            logits=self.logits[chosen],
            in_taxonomy=chosen[chosen],
            is_example=self.is_example[chosen],
            function=self.function[chosen],
            signal=self.signal[chosen],
            attribution=self.attribution[chosen],
        )

    def arrays(self) -> dict[str, Array]:
        """Return everything as named arrays, as they are in the file."""
        return {
            "images": self.images,
            "index": self.index,
            "class_names": np.array(self.class_names),
            "logits": self.logits,
            "in_taxonomy": self.in_taxonomy,
            "is_example": self.is_example,
            "function": self.function,
            "signal": self.signal,
            "attribution": self.attribution,
        }

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(path, self.arrays())

    @classmethod
    def load(cls, path: str | Path) -> "Attributions":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        shape = ("images", "height", "width", 3)
        found = cls(
            images=reader.array("images", "u", *shape),
            index=reader.array("index", "i", "images"),
            class_names=reader.names("class_names", "images"),
            logits=reader.array("logits", "f", "images"),
            in_taxonomy=reader.array("in_taxonomy", "b", "images"),
            is_example=reader.array("is_example", "b", "images"),
            function=reader.array("function", "f", *shape),
            signal=reader.array("signal", "f", *shape),
            attribution=reader.array("attribution", "f", *shape),
        )
        reader.finish()
        if found.is_example.sum() != 1:
            raise reader.error(f"array 'is_example' marks {found.is_example.sum()} images instead of one")
        return found


@dataclass(frozen=True)
class AttributedShares:
    """How much of the largest logit of each of n images PatternAttribution attributes to its pixels.

    Attributes
    ----------
    index
        (n,) which held-out images these are.
    logits
        (n,) the explained logits.
    sums
        (n,) sum of the attribution over all pixels and channels, in logits.
    """

    index: Array
    logits: Array
    sums: Array

    @property
    def shares(self) -> Array:
        """The sums, divided by the logits, (n,): below 1 where relevance is lost in inactive units and on padding."""
        return self.sums / self.logits

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(path, {"index": self.index, "logits": self.logits, "sums": self.sums})

    @classmethod
    def load(cls, path: str | Path) -> "AttributedShares":
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
            index=reader.array("index", "i", "images"),
            logits=reader.array("logits", "f", "images"),
            sums=reader.array("sums", "f", "images"),
        )
        reader.finish()
        return found
