"""Kernels of the first layer as colors, alone or beside their expanded weights."""

from collections.abc import Mapping
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.unit_panels import draw_picture, panel, rows_of, words

_GAP_IN = 0.04
_TITLE_IN = 0.14


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
            draw_picture(ax, colors[unit], str(unit), size_pt=6)
    return fig


def draw_kernels_compared(
    colors: Mapping[str, NDArray[Any]], order: ArrayLike, columns_count: int, difference: float
) -> Figure:
    """Draw two versions of all kernels, one below the other, and state the largest difference.

    Parameters
    ----------
    colors
        Label of each of the two versions -> (units, height, width, 3), sRGB in 0..1.
    order
        Units in the order in which they are drawn.
    columns_count
        Kernels per row.
    difference
        Largest difference between the two, over the largest weight.

    Returns
    -------
    Figure
        As wide as the page.
    """
    left_in, foot_in = 0.6, 0.2
    side_in = (style.FULL_WIDTH_IN - left_in - 0.03 + _GAP_IN) / columns_count - _GAP_IN
    rows = rows_of(order, columns_count)
    row_in = _TITLE_IN + 2 * (side_in + _GAP_IN) + _GAP_IN
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, len(rows) * row_in + foot_in), layout="none")
    for row, units in enumerate(rows):
        for line, (name, version) in enumerate(colors.items()):
            top_in = row * row_in + _TITLE_IN + line * (side_in + _GAP_IN)
            words(fig, left_in - 0.05, top_in + side_in / 2, name, ha="right", va="center", fontsize=6.5)
            for column, unit in enumerate(units):
                ax = panel(fig, left_in + column * (side_in + _GAP_IN), top_in, side_in)
                draw_picture(ax, version[unit], "" if line else str(unit), size_pt=6)
    told = f"largest difference: {difference:.1e} of the largest weight" if difference else "no difference at all"
    words(fig, left_in, len(rows) * row_in + 0.02, told)
    return fig
