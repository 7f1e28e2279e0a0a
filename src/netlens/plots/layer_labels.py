"""Names of a network's layers along the x axis, for networks of five layers and of fifty."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes

from netlens.plots import style
from netlens.plots.fitted_text import shortened

#: Layers whose names fit beside each other on a figure of column width, at the usual size.
MOST_IN_COLUMN: Final = 30

# Height in inches of a letter of a name that is turned by 90 degrees, beyond the letters that a figure has room for.
_LETTER_IN, _FREE_LETTERS = 0.062, 8
# Longer names are shortened in the middle.
_MOST_LETTERS = 36
_SIZE, _SMALL = 7.0, 5.5


def figure_width_in(labels: Sequence[str]) -> float:
    """Return the width of a figure over layers: a column's, or the page's where there are many layers."""
    return style.WIDTH_IN if len(labels) <= MOST_IN_COLUMN else style.FULL_WIDTH_IN


def extra_height_in(labels: Sequence[str]) -> float:
    """Return what a figure needs in height beyond the usual for the longest of the names that `name_layers` shows."""
    letters = min(max(map(len, labels), default=0), _MOST_LETTERS)
    return _LETTER_IN * max(letters - _FREE_LETTERS, 0)


def name_layers(ax: Axes, labels: Sequence[str]) -> None:
    """Name the layers along the x axis, turned by 90 degrees, smaller where there are many, shortened where long."""
    shown = [shortened(label, _LETTER_IN * _MOST_LETTERS, _SIZE) for label in labels]
    ax.set_xticks(range(len(labels)), shown, rotation=90)
    if len(labels) > MOST_IN_COLUMN:
        ax.tick_params(axis="x", labelsize=_SMALL)
    ax.set_xlim(-0.5, len(labels) - 0.5)
