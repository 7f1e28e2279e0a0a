"""Networks whose first layers scale the images, and preprocessing that would scale them again.

Such a network is given pixels from 0 to 255. If they are scaled before it as well, all images become the same gray to
it, and its numbers are those of chance, without an error.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from netlens.models.errors import NetworkError
from netlens.models.preprocessing import Preprocessing

#: Layers that scale.
SCALING_LAYERS: Final = frozenset({"Normalization", "Rescaling"})
_PASSING: Final = frozenset(
    {"CenterCrop", "Dropout", "GaussianNoise", "InputLayer", "Permute", "Resizing", "ZeroPadding2D"}
)
#: Black and white differ by less than this only if they were scaled twice: once from 255, they differ by 1 and more.
_NARROWEST: Final = 0.1


@dataclass(frozen=True)
class InputScaling:
    """What the first layers of a network multiply its images with.

    Attributes
    ----------
    layer
        The first of these layers, such as ``layer 'rescaling' (Rescaling)``.
    factor
        Product of their factors; of a color channel's, the largest.
    """

    layer: str
    factor: float


def passes_image(kind: str, activation: str) -> bool:
    """Return whether it still is the image that layers behind a layer scale.

    Parameters
    ----------
    kind
        Class of the layer. Augmentations are the identity outside training, the activation ``linear``.
    activation
        Name of its activation, if it has one.
    """
    return kind in _PASSING or (kind == "Activation" and activation == "linear")


def rescaling_factor(scale: Any) -> float:
    """Return the largest factor of a Rescaling layer."""
    return float(np.abs(np.asarray(scale, np.float64)).max())


def normalization_factor(variance: Any) -> float:
    """Return the largest factor of a Normalization layer, from its variances."""
    return float(1 / np.sqrt(np.maximum(np.asarray(variance, np.float64), 1e-14)).min())


def product(factors: Iterable[tuple[str, float]]) -> InputScaling | None:
    """Scaling by layers in a row, given by name and factor; None where there are none."""
    pairs = list(factors)
    if not pairs:
        return None
    return InputScaling(pairs[0][0], float(np.prod([factor for _, factor in pairs])))


def check_scaled_once(scaling: InputScaling | None, preprocessing: Preprocessing) -> None:
    """Check that preprocessing does not scale images for a network that does so itself.

    Parameters
    ----------
    scaling
        What the network does; None if it does not scale or nothing is known of it.
    preprocessing
        What is done to images before the network.

    Raises
    ------
    NetworkError
        Between black and white next to nothing would be left.
    """
    if scaling is None:
        return
    black, white = preprocessing.limits()
    span = float(np.abs(white - black).max())
    if span < 255 and span * scaling.factor < _NARROWEST:
        raise NetworkError(
            f"{scaling.layer} scales the images by {scaling.factor:.3g}, and preprocessing has already done so, to a "
            f"range of {span:.3g}; set preprocessing: none"
        )
