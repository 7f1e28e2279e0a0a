"""Sheets of analogies: a unit's direction in every layer of a network, visualized, and how much of it can be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from netlens.plots import style
from netlens.plots.fitted_text import shortened, wrapped
from netlens.plots.unit_panels import bare, draw_picture, panel, words

#: Colors of the two bars: along the direction, and from the whole layer.
ALONG: Final = style.PALETTE[0]
CEILING: Final = "0.72"

_LABEL_PT, _TITLE_PT = 6.5, 7.0
# In inches.
_EDGE: Final = 0.05
_GAP: Final = 0.09
_HEAD: Final = 0.2
_TITLE: Final = 0.16
_SECOND_TITLE: Final = 0.11
_BAR: Final = 0.055
_NUMBERS: Final = 0.15
_KEY: Final = 0.2
_UNIT: Final = 1.15
_SMALLEST: Final = 0.72


@dataclass(frozen=True)
class Shown:
    """One layer of a sheet.

    Attributes
    ----------
    label
        Label of the layer.
    picture
        (size, size, 3) uint8, feature visualization of the direction; None if the direction is zero.
    r2, ceiling
        Held-out R2 of the probe along the direction, and of the probe on the whole layer.
    """

    label: str
    picture: NDArray[Any] | None
    r2: float
    ceiling: float


def analogy_sheet(titles: tuple[str, str], unit: tuple[str, NDArray[Any]], layers: Sequence[Shown]) -> Figure:
    """Draw a unit's feature visualization and, beside it in rows, one per layer with bars of R2 below.

    Parameters
    ----------
    titles
        Titles above the unit and above the layers.
    unit
        Label of the unit, and its feature visualization, (size, size, 3) uint8.
    layers
        In network order.

    Returns
    -------
    Figure
        As wide as the page, with rows of equal length, as few as keep the images at a readable size.

    Raises
    ------
    ValueError
        There are no layers.
    """
    if not layers:
        raise ValueError("a sheet of analogies shows at least one layer; there is none")
    start = _EDGE + _UNIT + 0.3
    room = style.FULL_WIDTH_IN - _EDGE - start + _GAP
    rows = -(-len(layers) // int(room / (_SMALLEST + _GAP)))
    columns = -(-len(layers) // rows)
    side = min(_UNIT, room / columns - _GAP)
    labels = [wrapped(shown.label, side + _GAP - 0.02, _LABEL_PT) for shown in layers]
    unit_label = wrapped(unit[0], _UNIT, _LABEL_PT)
    title_in = _TITLE + _SECOND_TITLE * any("\n" in label for label in (*labels, unit_label))
    row_in = title_in + side + _BAR + _NUMBERS + 0.12
    height = max(_HEAD + rows * row_in, _HEAD + title_in + _UNIT) + _KEY
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, height), layout="none")
    words(fig, _EDGE, 0.03, shortened(titles[0], start - _EDGE - 0.08, _TITLE_PT))
    words(fig, start, 0.03, shortened(titles[1], style.FULL_WIDTH_IN - start - _EDGE, _TITLE_PT))
    draw_picture(panel(fig, _EDGE, _HEAD + title_in, _UNIT), unit[1], unit_label)
    for place, (shown, label) in enumerate(zip(layers, labels, strict=True)):
        left = start + place % columns * (side + _GAP)
        top = _HEAD + place // columns * row_in + title_in
        _draw_layer(fig, shown, label, (left, top), side)
    _draw_key(fig, start, height - _KEY + 0.02)
    return fig


def _draw_layer(fig: Figure, shown: Shown, label: str, corner: tuple[float, float], side: float) -> None:
    left, top = corner
    ax = panel(fig, left, top, side)
    if shown.picture is None:
        bare(ax)
        ax.set_title(label, fontsize=_LABEL_PT, pad=2.5)
        ax.text(0.5, 0.5, "no direction", ha="center", va="center", fontsize=6.5, color="0.4")
    else:
        draw_picture(ax, shown.picture, label, size_pt=_LABEL_PT)
    bars = panel(fig, left, top + side + 0.035, side, _BAR)
    _draw_bars(bars, shown.r2, shown.ceiling)
    numbers = f"{_decimals(shown.r2)} of {_decimals(shown.ceiling)}"
    words(fig, left + side / 2, top + side + _BAR + 0.06, numbers, fontsize=6.5, ha="center")


def _draw_bars(ax: Axes, r2: float, ceiling: float) -> None:
    """Draw both bars on a scale from 0 to 1, the longer one behind; a negative value has no bar."""
    ax.set(xlim=(0, 1), ylim=(0, 1))
    _plain(ax, "0.93")
    for value, colour in sorted(((ceiling, CEILING), (r2, ALONG)), key=lambda bar: -bar[0]):
        ax.add_patch(Rectangle((0, 0), max(0.0, value), 1, facecolor=colour, linewidth=0))


def _plain(ax: Axes, colour: Any) -> None:
    """Turn a panel into a patch of one color, without ticks and frame."""
    ax.set(xticks=[], yticks=[], facecolor=colour)
    for side in ax.spines.values():
        side.set_visible(False)


def _draw_key(fig: Figure, left: float, top: float) -> None:
    words(fig, left, top, "held-out R\N{SUPERSCRIPT TWO}:", fontsize=6.5)
    left += 0.72
    for colour, label, width in ((ALONG, "along the direction", 1.15), (CEILING, "from the whole layer", 1.2)):
        _plain(panel(fig, left, top + 0.03, 0.14, _BAR), colour)
        words(fig, left + 0.19, top, label, fontsize=6.5)
        left += width + 0.14


def _decimals(value: float) -> str:
    """Format with two decimals and a minus sign as wide as a digit; what rounds to 0 has no sign."""
    text = f"{value:.2f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")
