"""A table of a network's layers, drawn as a figure."""

from collections.abc import Sequence

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from netlens.plots import style
from netlens.plots.fitted_text import shortened, width_in

_ROW_IN, _SMALL_ROW_IN = 0.155, 0.118
# Rows that stand at the usual size below each other.
_MOST_LARGE = 30
# Text that is wider than its column is made smaller, down to this share of its size, and then shortened.
_SMALLEST = 0.75
_GAP_IN = 0.06


def layer_table(header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float]) -> Figure:
    """Draw a table with a line below its header, smaller where there are many rows; cells keep to their columns.

    Parameters
    ----------
    header
        Titles of the columns.
    rows
        The cells of each row, as text.
    widths
        Share of the width for each column; the first is aligned left, the others are centered.

    Returns
    -------
    Figure
    """
    large = len(rows) <= _MOST_LARGE
    step = _ROW_IN if large else _SMALL_ROW_IN
    height = step * (len(rows) + 1.6)
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, height), layout="none")
    ax = fig.add_axes((0.01, 0.0, 0.98, 1.0))
    ax.set(xlim=(0, sum(widths)), ylim=(len(rows) + 1.4, -0.2))
    ax.axis("off")
    size = 7 if large else 5.6
    left = 0.0
    for column, (title, width) in enumerate(zip(header, widths, strict=True)):
        place, side = (left, "left") if column == 0 else (left + width / 2, "center")
        ax.text(place, 0.4, title, ha=side, va="center", fontsize=size, fontweight="bold")
        room = 0.98 * style.FULL_WIDTH_IN * width / sum(widths) - _GAP_IN
        for index, row in enumerate(rows):
            fitting = size * min(1.0, max(_SMALLEST, room / max(width_in(row[column], size), 1e-9)))
            text = shortened(row[column], room, fitting)
            ax.text(place, index + 1.5, text, ha=side, va="center", fontsize=fitting)
        left += width
    ax.axhline(0.92, color="0.3", linewidth=0.6)
    for index in range(5, len(rows), 5):
        ax.axhline(index + 1, color="0.85", linewidth=0.4)
    return fig
