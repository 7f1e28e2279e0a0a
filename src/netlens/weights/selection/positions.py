"""One unit's expanded weights position by position: at each, a direction among the source layer's units."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.weights.selection.strongest import WeightsError, existing_unit

#: Gray that an image fades to where its position hardly counts.
FADED = 0.9


def position_vectors(weights: NDArray[Any], unit: int, largest_side: int) -> NDArray[np.float32]:
    """Return the weights of a unit at each position of its own window.

    The window of a layer is that of its widest branch. A margin where this unit has no weights at all, equal on all
    four sides, is dropped, and so is what lies beyond `largest_side` positions about the center.

    Parameters
    ----------
    weights
        (W, W, source units, target units).
    unit
        Target unit.
    largest_side
        Positions that are kept along each side, at most; rounded down to the parity of W.

    Returns
    -------
    ndarray
        float32, (w, w, source units), w at most W.

    Raises
    ------
    WeightsError
        There is no such unit, or its weights are all zero.
    """
    side, units = weights.shape[0], weights.shape[-1]
    existing_unit(unit, units, "target")
    rows, columns = np.nonzero(np.any(weights[..., unit] != 0, axis=-1))
    if not rows.size:
        raise WeightsError(f"the expanded weights into unit {unit} are zero everywhere; choose another unit")
    empty = min(rows.min(), columns.min(), side - 1 - rows.max(), side - 1 - columns.max())
    margin = max(int(empty), -(-(side - largest_side) // 2))
    kept = slice(margin, side - margin)
    return np.ascontiguousarray(weights[kept, kept, :, unit], np.float32)


def position_strengths(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """Return each position's norm over the largest norm.

    Parameters
    ----------
    vectors
        (w, w, source units).

    Returns
    -------
    ndarray
        float64, (w, w), 0 to 1.

    Raises
    ------
    WeightsError
        All vectors are zero.
    """
    norms = np.linalg.norm(np.asarray(vectors, np.float64), axis=-1)
    if not norms.max() > 0:
        raise WeightsError("the unit's weights are zero at every position that is shown")
    strengths: NDArray[np.float64] = norms / norms.max()
    return strengths


def faded(picture: NDArray[np.uint8], strength: float) -> NDArray[np.float64]:
    """Return an image blended towards light gray: unchanged at strength 1, gray at strength 0.

    Parameters
    ----------
    picture
        uint8, (height, width, 3).
    strength
        0 to 1.

    Returns
    -------
    ndarray
        float64, (height, width, 3), 0 to 1.
    """
    blended: NDArray[np.float64] = strength * (picture / 255.0) + (1 - strength) * FADED
    return blended
