"""Panels of factors: three maps or more as one image, one map by itself."""

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.unit_panels import bare

#: Colors of three factors, which readers of all kinds of color vision tell apart, and their names.
COLORS: Final = (style.PALETTE[3], style.PALETTE[0], style.PALETTE[8])
COLOR_NAMES: Final = ("orange", "blue", "yellow")


def as_colors(maps: ArrayLike) -> NDArray[np.float64]:
    """Return one image of three maps: white where all are 0, and each takes from white what its color lacks.

    Parameters
    ----------
    maps
        (3, h, w), not negative; all are divided by their common maximum.

    Returns
    -------
    ndarray
        (h, w, 3), sRGB in 0..1: `COLORS`, laid over each other like inks.

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
    return _inks(values / (values.max(initial=0.0) or 1.0))


def hue_colors(count: int) -> NDArray[np.float64]:
    """Return colors of evenly spaced hues, each of Euclidean length 1: (count, 3), sRGB in 0..1, the first red.

    Hues are turned away from red, green and blue, which makes equal steps look alike. This is the rule of lucid's
    ``collapse_channels``, which cannot be imported without TensorFlow.
    """
    corners = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]], dtype=np.float64)
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    position = np.arange(count) * len(corners) / count
    sector, share = position.astype(int), position % 1
    primary = sector % 2 == 0
    turned = np.where(primary, np.sin(share * np.pi / 2), 1 - np.sin((1 - share) * np.pi / 2))[:, None]
    mixed = (1 - turned) * corners[sector] + turned * corners[(sector + 1) % len(corners)]
    colors: NDArray[np.float64] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return colors


def as_hues(maps: ArrayLike) -> NDArray[np.float64]:
    """Return one image of k maps, each in its own hue: white where they are equally strong, black where all are 0.

    Parameters
    ----------
    maps
        (k, h, w), not negative; all are divided by the largest length of a position's values.

    Returns
    -------
    ndarray
        (h, w, 3), sRGB in 0..1: the mix of hues, and of white for all but the largest value, as long as the vector of
        values.

    Raises
    ------
    ValueError
        There are no maps, or a value is negative.
    """
    values = np.asarray(maps, dtype=np.float64)
    if values.ndim != 3 or not len(values):
        raise ValueError(f"maps must have shape (k, height, width), not {values.shape}")
    if values.size and values.min() < 0:
        raise ValueError("maps must not be negative; draw signed ones with signed_colors")
    lengths = np.linalg.norm(values, axis=0)
    mixed = np.einsum("khw,kc->hwc", values, hue_colors(len(values)))
    mixed += (values.sum(axis=0) - values.max(axis=0))[..., None]
    directions = mixed / np.maximum(np.linalg.norm(mixed, axis=-1, keepdims=True), 1e-30)
    colors: NDArray[np.float64] = np.clip(directions * (lengths / (lengths.max(initial=0.0) or 1.0))[..., None], 0, 1)
    return colors


def draw_hues(ax: Axes, maps: ArrayLike) -> None:
    """Draw k maps, (k, h, w), as one image; see `as_hues`."""
    ax.imshow(as_hues(maps), interpolation="nearest")
    bare(ax)


def draw_colors(ax: Axes, maps: ArrayLike) -> None:
    """Draw three maps, (3, h, w), as one image; see `as_colors`."""
    ax.imshow(as_colors(maps), interpolation="nearest")
    bare(ax)


def draw_factor(ax: Axes, maps: ArrayLike, index: int, *, colored: bool = False) -> None:
    """Draw one of several non-negative maps: white at 0, black at the largest value of all maps.

    Parameters
    ----------
    ax
        Axes to draw into.
    maps
        (k, h, w), not negative.
    index
        Which map.
    colored
        Draw it in its color among three instead of black, as it is in `draw_colors`.
    """
    values = np.asarray(maps, dtype=np.float64)
    if colored:
        alone = np.zeros_like(values)
        alone[index] = values[index] / (values.max(initial=0.0) or 1.0)
        ax.imshow(_inks(alone), interpolation="nearest")
    else:
        ax.imshow(values[index], cmap="Greys", vmin=0, vmax=values.max(initial=0.0) or 1.0, interpolation="nearest")
    bare(ax)


def _inks(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    colors: NDArray[np.float64] = np.prod(1 - shares[..., None] * (1 - np.array(COLORS)[:, None, None]), axis=0)
    return colors
