"""Position-to-position maps with one byte per entry, each map with its own scale; no TensorFlow."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.spatial_attribution.choices import AttributionError

#: The value that stands for the largest magnitude of a map.
FULL: Final = 127


def packed(maps: ArrayLike) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Scale maps to whole numbers from -127 to 127.

    Parameters
    ----------
    maps
        (..., height, width), finite.

    Returns
    -------
    values : ndarray
        int8, shape of `maps`.
    scales : ndarray
        float32, (...): the largest magnitude of each map; 0 for a map of zeros.

    Raises
    ------
    AttributionError
        A map holds NaN or infinity.
    """
    given = np.asarray(maps, dtype=np.float64)
    if not np.isfinite(given).all():
        raise AttributionError("an attribution is NaN or infinite")
    scales = np.abs(given).max(axis=(-2, -1))
    divisor = np.where(scales > 0, scales, 1)[..., None, None]
    return np.rint(given / divisor * FULL).astype(np.int8), scales.astype(np.float32)


def unpacked(values: NDArray[np.int8], scales: ArrayLike) -> NDArray[np.float32]:
    """Scale `packed` maps back; the error is at most 1/254 of each map's largest magnitude."""
    factor = np.asarray(scales, np.float32)[..., None, None] / np.float32(FULL)
    maps: NDArray[np.float32] = values.astype(np.float32) * factor
    return maps
