"""Names of a network's layers along the x axis, for networks of five layers and of fifty, with their blocks."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from netlens.plots import style
from netlens.plots.fitted_text import shortened, width_in

#: Layers whose names fit beside each other on a figure of column width, at the usual size.
MOST_IN_COLUMN: Final = 16

#: Color behind every second block.
SHADE: Final = "0.945"

# Height in inches of a letter of a name that is turned by 90 degrees, beyond the letters that a figure has room for.
_LETTER_IN, _FREE_LETTERS = 0.062, 8
# Longer names are shortened in the middle.
_MOST_LETTERS = 36
_SIZE, _SMALL = 7.0, 6.0
_MANY: Final = 40
# Height of the line with the names of blocks, and its distance from the names of layers.
_BLOCK_LINE_IN: Final = 0.15
_BLOCK_GAP_PT: Final = 8.0
# A name has a letter's height and a little more to itself; where layers are closer, every second, or fewer, is named.
_PITCH: Final = 1.05
# What stands beside the axes of a figure over layers.
_BESIDE_IN: Final = 0.55


@dataclass(frozen=True)
class Block:
    """Neighboring layers whose names begin alike.

    Attributes
    ----------
    name
        What their names begin with; the layer's own name for a single layer.
    start, stop
        The first of them, and the first behind them.
    """

    name: str
    start: int
    stop: int

    @property
    def is_single(self) -> bool:
        """Whether this is a layer by itself."""
        return self.stop - self.start == 1


def blocks(labels: Sequence[str]) -> list[Block]:
    """Return a network's blocks in order: ``fire2/squeeze1x1`` and its neighbor ``fire2/expand1x1`` are in ``fire2``.

    A name belongs to the block that its parts up to the first that ends in a digit name; parts end with a slash,
    underscore or period. Layers that follow each other and belong to one block are in it, unless one of them has no
    name beyond the block's.

    Parameters
    ----------
    labels
        Short names of the layers.

    Examples
    --------
    >>> [block.name for block in blocks(["conv1", "fire2/a", "fire2/b", "conv2d", "conv2d_1"])]
    ['conv1', 'fire2', 'conv2d', 'conv2d_1']
    """
    found: list[Block] = []
    for name, run in groupby(range(len(labels)), key=lambda place: _block_of(labels[place])):
        places = list(run)
        if len(places) > 1 and all(_within(labels[place], name) for place in places):
            found.append(Block(name, places[0], places[-1] + 1))
        else:
            found += [Block(labels[place], place, place + 1) for place in places]
    return found


def figure_width_in(labels: Sequence[str]) -> float:
    """Return the width of a figure over layers: a column's, or the page's where there are many layers."""
    return style.WIDTH_IN if len(labels) <= MOST_IN_COLUMN else style.FULL_WIDTH_IN


def extra_height_in(labels: Sequence[str]) -> float:
    """Return what a figure needs in height beyond the usual for the longest of the names that `name_layers` shows."""
    letters = min(max(map(len, _shown(labels)), default=0), _MOST_LETTERS)
    line = _BLOCK_LINE_IN * any(not block.is_single for block in blocks(labels))
    return _LETTER_IN * max(letters - _FREE_LETTERS, 0) + line


def shade_blocks(ax: Axes, labels: Sequence[str]) -> None:
    """Shade every second block of a network whose layers are at 0, 1, 2, ... of the x axis."""
    runs = blocks(labels)
    if all(block.is_single for block in runs):
        return
    for block in runs[1::2]:
        ax.axvspan(block.start - 0.5, block.stop - 0.5, facecolor=SHADE, edgecolor="none", linewidth=0, zorder=-2)


def name_layers(ax: Axes, labels: Sequence[str], *, size_pt: float | None = None) -> None:
    """Name the layers along the x axis, turned by 90 degrees, and shade and name their blocks below.

    Names are shortened where they are long. Where layers are closer than a line of text, every second one is named, or
    fewer; so are blocks that are narrower than their names.

    Parameters
    ----------
    ax
        The layers are at 0, 1, 2, ... of its x axis.
    labels
        Short names of the layers.
    size_pt
        Size of the names. Default: smaller where there are many.
    """
    size = size_pt or (_SIZE if len(labels) <= _MANY else _SMALL)
    shown = [shortened(label, _LETTER_IN * _MOST_LETTERS, _SIZE) for label in _shown(labels)]
    pitch_in = _axes_width_in(ax) / max(len(labels), 1)
    step = max(1, math.ceil(_PITCH * size / 72 / pitch_in))
    # Ticks that are not named stay, so that points can be counted.
    ax.set_xticks(range(len(labels)), [name if place % step == 0 else "" for place, name in enumerate(shown)])
    ax.tick_params(axis="x", labelrotation=90, labelsize=size)
    ax.set_xlim(-0.5, len(labels) - 0.5)
    shade_blocks(ax, labels)
    _name_blocks(ax, labels, shown, size, pitch_in)


def _name_blocks(ax: Axes, labels: Sequence[str], shown: Sequence[str], size: float, pitch_in: float) -> None:
    wide = [block for block in blocks(labels) if not block.is_single]
    below_pt = 72 * max((width_in(name, size) for name in shown), default=0.0) + _BLOCK_GAP_PT
    reached = -math.inf
    for block in wide:
        middle = (block.start + block.stop - 1) / 2
        name = shortened(block.name, 1.2, size)
        half = width_in(name, size) / 2 / pitch_in
        if middle - half < reached:
            continue
        reached = middle + half + 0.3
        ax.annotate(
            name, (middle, 0), (0, -below_pt), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha="center", va="top", fontsize=size, annotation_clip=False,
        )  # fmt: skip


def _axes_width_in(ax: Axes) -> float:
    """Return about how wide axes will be, which are laid out later: their share of the columns of a grid."""
    figure_in = float(ax.figure.get_size_inches()[0])  # type: ignore[union-attr]
    place = ax.get_subplotspec()
    if place is None:
        return figure_in - _BESIDE_IN
    ratios = np.asarray(place.get_gridspec().get_width_ratios(), np.float64)
    share = float(ratios[place.colspan.start : place.colspan.stop].sum() / ratios.sum())
    return (figure_in - _BESIDE_IN) * share


def _shown(labels: Sequence[str]) -> list[str]:
    """Return what is written for each layer: what its name has beyond its block's."""
    return [
        labels[place] if block.is_single else _within(labels[place], block.name)
        for block in blocks(labels)
        for place in range(block.start, block.stop)
    ]


def _block_of(label: str) -> str:
    taken = ""
    for part in re.split(r"(?<=[/_.])", label):
        taken += part
        if part.rstrip("/_.")[-1:].isdigit():
            return taken.rstrip("/_.")
    return label


def _within(label: str, block: str) -> str:
    return label[len(block) :].lstrip("/_.")
