"""Panels of factors: three maps as one image, one map by itself, the feature visualization of a direction."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from netlens.plots.unit_panels import bare, draw_picture

#: Names of the colors of three factors, in the order of `as_colors`.
COLOR_NAMES = ("red", "green", "blue")


def as_colors(maps: ArrayLike) -> NDArray[np.float64]:
    """Return one image of three maps: the first red, the second green, the third blue; black where all are 0.

    Parameters
    ----------
    maps
        (3, h, w), not negative; all are divided by their common maximum.

    Returns
    -------
    ndarray
        (h, w, 3), sRGB in 0..1.

    Raises
    ------
    ValueError
        There are not three maps, or a value is negative.
    """
    values = np.asarray(maps, dtype=np.float64)
    if values.ndim != 3 or len(values) != 3:
        raise ValueError(f"three maps must have shape (3, height, width), not {values.shape}")
    if values.size and values.min() < 0:
        raise ValueError("maps must not be negative; draw signed ones with signed_colors")
    colors: NDArray[np.float64] = np.moveaxis(values, 0, -1) / (values.max(initial=0.0) or 1.0)
    return colors


def draw_colors(ax: Axes, maps: ArrayLike) -> None:
    """Draw three maps, (3, h, w), as one image; see `as_colors`."""
    ax.imshow(as_colors(maps), interpolation="nearest")
    bare(ax)


def draw_factor(ax: Axes, maps: ArrayLike, index: int) -> None:
    """Draw one of several non-negative maps: white at 0, black at the largest value of all maps.

    Parameters
    ----------
    ax
        Axes to draw into.
    maps
        (k, h, w), not negative.
    index
        Which map.
    """
    values = np.asarray(maps, dtype=np.float64)
    ax.imshow(values[index], cmap="Greys", vmin=0, vmax=values.max(initial=0.0) or 1.0, interpolation="nearest")
    bare(ax)


def draw_direction(ax: Axes, visualizations: Mapping[str, NDArray[np.generic]], key: str, title: str = "") -> None:
    """Draw the feature visualization of a direction; for a direction of zeros, a gray panel with a dash.

    Parameters
    ----------
    ax
        Axes to draw into.
    visualizations
        uint8 (size, size, 3) by key.
    key
        One of the keys; empty for a direction of zeros.
    title
        Text above.
    """
    if key:
        draw_picture(ax, np.asarray(visualizations[key]), title)
    else:
        draw_picture(ax, np.full((2, 2, 3), 0.9), title)
        ax.text(0.5, 0.5, "\N{EN DASH}", transform=ax.transAxes, ha="center", va="center", fontsize=8)
