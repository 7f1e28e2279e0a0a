"""Panels of factors: several maps as one picture, a map by itself, the picture of a direction."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from netlens.plots.unit_panels import bare, draw_picture

#: The colors of three factors in words, as `as_colors` mixes them.
COLOR_NAMES = ("red", "green", "blue")


def as_colors(maps: ArrayLike) -> NDArray[np.float64]:
    """Make one picture of three maps: the first red, the second green, the third blue; black where none is.

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
        These are not three maps, or a value is negative.
    """
    values = np.asarray(maps, dtype=np.float64)
    if values.ndim != 3 or len(values) != 3:
        raise ValueError(f"three maps have shape (3, height, width), not {values.shape}")
    if values.size and values.min() < 0:
        raise ValueError("a map that is negative somewhere has no color of its own; draw it in signed colors")
    colors: NDArray[np.float64] = np.moveaxis(values, 0, -1) / (values.max(initial=0.0) or 1.0)
    return colors


def draw_colors(ax: Axes, maps: ArrayLike) -> None:
    """Draw three maps, (3, h, w), as one picture; see `as_colors`."""
    ax.imshow(as_colors(maps), interpolation="nearest")
    bare(ax)


def draw_factor(ax: Axes, maps: ArrayLike, index: int) -> None:
    """Draw one of several maps that are not negative: white at 0, black at the largest value of all of them.

    Parameters
    ----------
    ax
        Where to draw.
    maps
        (k, h, w), not negative.
    index
        Which.
    """
    values = np.asarray(maps, dtype=np.float64)
    ax.imshow(values[index], cmap="Greys", vmin=0, vmax=values.max(initial=0.0) or 1.0, interpolation="nearest")
    bare(ax)


def draw_direction(ax: Axes, pictures: Mapping[str, NDArray[np.generic]], key: str, title: str = "") -> None:
    """Draw the picture of a direction; where there is none, for a factor of zeros, a grey panel with a dash.

    Parameters
    ----------
    ax
        Where to draw.
    pictures
        uint8 (size, size, 3) by key.
    key
        One of them, or empty.
    title
        What is written above.
    """
    if key:
        draw_picture(ax, np.asarray(pictures[key]), title)
    else:
        draw_picture(ax, np.full((2, 2, 3), 0.9), title)
        ax.text(0.5, 0.5, "\N{EN DASH}", transform=ax.transAxes, ha="center", va="center", fontsize=8)
