"""Which preprocessing a network was trained with, tried out on images whose classes it knows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.models.preprocessing import preprocessing_from

#: The usual preprocessings: those with names, and pixels from 0 to 1.
USUAL: Final[Mapping[str, str | dict[str, float]]] = {
    "caffe": "caffe",
    "tf": "tf",
    "torch": "torch",
    "unit": {"scale": 1 / 255},
    "none": "none",
}
#: Differences and accuracies count if they are this many standard deviations from chance.
_DEVIATIONS: Final = 3.0
#: The best must be ahead of the next by this share of the images at least.
_LEAD: Final = 0.1


@dataclass(frozen=True)
class Trial:
    """How often a network is right with some preprocessings.

    Attributes
    ----------
    shares
        Share of the images that are classified correctly, by the name of the preprocessing.
    count
        Number of images.
    classes_count
        Number of classes among them.
    """

    shares: Mapping[str, float]
    count: int
    classes_count: int

    @property
    def chance(self) -> float:
        """Share of correct classes that somebody who does not look at the images can expect."""
        return 1 / self.classes_count

    def is_above_chance(self, name: str) -> bool:
        """Whether a share cannot well be chance."""
        return self.shares[name] > self.chance + _DEVIATIONS * math.sqrt(self.chance * (1 - self.chance) / self.count)

    def clear(self) -> str | None:
        """The preprocessing that is clearly better than all others; None if there is none."""
        (best, share), *others = sorted(self.shares.items(), key=lambda pair: -pair[1])
        if not self.is_above_chance(best):
            return None
        for _, other in others:
            deviation = math.sqrt((share * (1 - share) + other * (1 - other)) / self.count)
            if share - other < max(_LEAD, _DEVIATIONS * deviation):
                return None
        return best


def tried(
    predict: Any, images: NDArray[np.uint8], labels: Sequence[int] | NDArray[Any], names: Sequence[str] = tuple(USUAL)
) -> Trial:
    """How often a network is right about images with each of several preprocessings.

    Parameters
    ----------
    predict
        From preprocessed images to logits, (n, outputs).
    images
        uint8, (n, height, width, 3).
    labels
        The output of each image, (n,).
    names
        Keys of `USUAL`.
    """
    known = np.asarray(labels)
    shares = {}
    for name in names:
        logits = np.asarray(predict(preprocessing_from(USUAL[name])(images)))
        # A network that saturates gives NaN or the same logits for every image, and is right about none.
        usable = np.isfinite(logits).all(axis=1) & (np.ptp(logits, axis=1) > 0)
        shares[name] = float(np.mean(usable & (logits.argmax(axis=1) == known)))
    return Trial(shares, len(known), len(np.unique(known)))
