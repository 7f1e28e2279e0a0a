"""Attribution to two classes as colors.

Source: the spatial attribution notebooks of Olah et al. 2018, "The Building Blocks of Interpretability" (Distill).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.spatial_attribution.choices import AttributionError


def two_class_colors(first: ArrayLike, second: ArrayLike, *, clip_negative: bool = True) -> NDArray[np.float64]:
    """Color positions by how much they speak for each of two classes.

    With a and b the attributions to the two classes, without their negative parts if those are clipped, red is a, blue
    is b, and green is their mean (a + b) / 2. All three are divided by ``0.01 + max|.| / 1.5``, and 0.3 is added, so
    that no attribution at all is a dark gray.

    Parameters
    ----------
    first, second
        (..., height, width), the attributions to the two classes.
    clip_negative
        Whether negative attribution counts as none. It is clipped before the mean is taken, so that attribution against
        one class does not hide attribution for the other.

    Returns
    -------
    ndarray
        (..., height, width, 3), in 0..1.

    Raises
    ------
    AttributionError
        The shapes differ, or an attribution is NaN or infinite.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        raise AttributionError(f"the attributions to two classes have shapes {a.shape} and {b.shape}, not the same")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise AttributionError("an attribution is NaN or infinite")
    if clip_negative:
        a, b = np.maximum(a, 0), np.maximum(b, 0)
    stacked = np.stack([a, (a + b) / 2, b], axis=-1)
    scale = 0.01 + np.abs(stacked).max(axis=(-3, -2, -1), keepdims=True) / 1.5
    colors: NDArray[np.float64] = np.clip(stacked / scale + 0.3, 0, 1)
    return colors
