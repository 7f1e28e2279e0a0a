"""Panels of factors: several maps as one image, one map by itself."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.unit_panels import bare

#: Colors of factors, the strongest first: the first three are told apart by readers of all kinds of color vision.
COLORS: Final = tuple(style.PALETTE[place] for place in (3, 0, 8, 4, 2))
COLOR_NAMES: Final = ("orange", "blue", "yellow", "pink", "green")


def as_colors(maps: ArrayLike) -> NDArray[np.float64]:
    """Return one image of several maps: white where all are 0, and each takes from white what its color lacks.

    Parameters
    ----------
    maps
        (k, h, w), not negative, with k no larger than the number of `COLORS`; all are divided by their common maximum.

    Returns
    -------
    ndarray
        (h, w, 3), sRGB in 0..1: `COLORS`, laid over each other like inks.

    Raises
    ------
    ValueError
        There are no maps, or more than colors; or a value is negative.
    """
    values = np.asarray(maps, dtype=np.float64)
    if values.ndim != 3 or not 1 <= len(values) <= len(COLORS):
        raise ValueError(f"maps must have shape (1 to {len(COLORS)}, height, width), not {values.shape}")
    if values.size and values.min() < 0:
        raise ValueError("maps must not be negative; draw signed ones with signed_colors")
    return _inks(values / (values.max(initial=0.0) or 1.0))


def draw_colors(ax: Axes, maps: ArrayLike) -> None:
    """Draw several maps, (k, h, w), as one image; see `as_colors`."""
    ax.imshow(as_colors(maps), interpolation="nearest")
    bare(ax)


def draw_factor(ax: Axes, maps: ArrayLike, index: int) -> None:
    """Draw one of several non-negative maps in its color among them, as it is in `draw_colors`.

    Parameters
    ----------
    ax
        Axes to draw into.
    maps
        (k, h, w), not negative: white at 0, full color at the largest value of all maps.
    index
        Which map.
    """
    values = np.asarray(maps, dtype=np.float64)
    alone = np.zeros_like(values)
    alone[index] = values[index] / (values.max(initial=0.0) or 1.0)
    ax.imshow(_inks(alone), interpolation="nearest")
    bare(ax)


def _inks(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    lacking = 1 - np.array(COLORS[: len(shares)])[:, None, None]
    colors: NDArray[np.float64] = np.prod(1 - shares[..., None] * lacking, axis=0)
    return colors
