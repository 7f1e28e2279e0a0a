"""Attribution to two classes as colours.

Source: the spatial attribution notebooks of Olah et al. 2018, "The Building Blocks of Interpretability" (Distill).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.spatial_attribution.choices import AttributionError


def two_class_colors(first: ArrayLike, second: ArrayLike, *, clip_negative: bool = True) -> NDArray[np.float64]:
    """Colour positions by how much they speak for each of two classes.

    Red and blue are the first and the second class, green is their mean; the sum is divided by
    ``0.01 + max|.| / 1.5`` and 0.3 is added, so that nothing at all is a dark grey.

    Parameters
    ----------
    first, second
        (..., height, width), the attributions to the two classes.
    clip_negative
        Take negative attribution as none.

    Returns
    -------
    ndarray
        (..., height, width, 3), in 0..1.

    Raises
    ------
    AttributionError
        The two have different shapes, or hold NaN or infinity.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        raise AttributionError(f"the attributions to two classes have shapes {a.shape} and {b.shape}, not the same")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise AttributionError("an attribution holds NaN or infinity")
    stacked = np.stack([a, (a + b) / 2, b], axis=-1)
    if clip_negative:
        stacked = np.maximum(stacked, 0)
    scale = 0.01 + np.abs(stacked).max(axis=(-3, -2, -1), keepdims=True) / 1.5
    colors: NDArray[np.float64] = np.clip(stacked / scale + 0.3, 0, 1)
    return colors
