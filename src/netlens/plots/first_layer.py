"""Kernels of the first layer as colors, alone or beside their expanded weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.unit_panels import draw_picture, panel, rows_of, words
from netlens.statistics.even_samples import spread_evenly

_GAP_IN = 0.04
_TITLE_IN = 0.15
# Kernels whose versions are compared.
_COMPARED = 7


def draw_kernels(colors: NDArray[Any], order: ArrayLike, columns_count: int) -> Figure:
    """Draw all kernels in rows, each under its unit's number.

    Parameters
    ----------
    colors
        (units, height, width, 3), sRGB in 0..1.
    order
        Units in the order in which they are drawn.
    columns_count
        Kernels per row.

    Returns
    -------
    Figure
        As wide as the page.
    """
    left_in = 0.03
    side_in = (style.FULL_WIDTH_IN - 2 * left_in + _GAP_IN) / columns_count - _GAP_IN
    rows = rows_of(order, columns_count)
    row_in = _TITLE_IN + side_in + _GAP_IN
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, len(rows) * row_in), layout="none")
    for row, units in enumerate(rows):
        for column, unit in enumerate(units):
            ax = panel(fig, left_in + column * (side_in + _GAP_IN), row * row_in + _TITLE_IN, side_in)
            draw_picture(ax, colors[unit], str(unit), size_pt=6.5)
    return fig


def draw_kernels_compared(
    colors: Mapping[str, NDArray[Any]], weights: tuple[NDArray[Any], NDArray[Any]], order: ArrayLike, difference: float
) -> Figure:
    """Draw two versions of some kernels, one below the other, and all weights of the one over those of the other.

    Parameters
    ----------
    colors
        Label of each of the two versions -> (units, height, width, 3), sRGB in 0..1.
    weights
        Both versions' weights, of the same shape.
    order
        Units; as many as fit into a row are drawn, spread evenly from the first to the last.
    difference
        Largest difference between the two, over the largest weight.

    Returns
    -------
    Figure
        As wide as the page.
    """
    left_in, top_in, side_in, square_in = 0.62, 0.3, 0.5, 1.3
    units = np.asarray(order)
    units = units[spread_evenly(len(units), _COMPARED)]
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, top_in + square_in + 0.38), layout="none")
    for line, (name, version) in enumerate(colors.items()):
        line_in = top_in + 0.13 + line * (side_in + 2 * _GAP_IN)
        words(fig, left_in - 0.05, line_in + side_in / 2, name, ha="right", va="center")
        for column, unit in enumerate(units):
            ax = panel(fig, left_in + column * (side_in + _GAP_IN), line_in, side_in)
            draw_picture(ax, version[unit], "" if line else str(unit), size_pt=6.5)
    ax = panel(fig, style.FULL_WIDTH_IN - square_in - 0.05, top_in, square_in)
    one, other = (np.ravel(each) for each in weights)
    end = 1.08 * float(np.abs([one, other]).max()) or 1.0
    ax.axline((0, 0), slope=1, color="0.6", linewidth=0.8, zorder=0)
    ax.plot(one, other, ".", color=style.PALETTE[0], markersize=2.5, markeredgewidth=0, rasterized=True)
    ax.set(xlim=(-end, end), ylim=(-end, end))
    ax.locator_params(nbins=3)
    ax.tick_params(labelsize=6.5, length=2, pad=2)
    ax.set_title(f"all {one.size:,} weights", fontsize=7, pad=3)
    across, up = (name.replace("\n", " ") for name in colors)
    ax.set_xlabel(across, fontsize=7, labelpad=2)
    ax.set_ylabel(up, fontsize=7, labelpad=2)
    told = f"largest difference: {difference:.1e} of the largest weight" if difference else "no difference at all"
    words(fig, left_in, line_in + side_in + 0.1, told)
    return fig
