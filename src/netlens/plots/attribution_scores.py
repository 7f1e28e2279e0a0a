"""Means with intervals, one line of a figure for each thing that is compared."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from netlens.plots import style

_MARKERS: Final = ("o", "s", "D", "^", "v")
_COLORS: Final = (style.PALETTE[0], style.PALETTE[1], style.PALETTE[2], style.PALETTE[4], style.PALETTE[5])


class Interval(Protocol):
    """A mean and its interval; `netlens.spatial_attribution.ground_truth.Interval` is one."""

    @property
    def mean(self) -> float:
        """The mean."""

    @property
    def low(self) -> float:
        """Lower end."""

    @property
    def high(self) -> float:
        """Upper end."""


def dots(
    ax: Axes,
    lines: Sequence[str],
    entries: Sequence[tuple[str, str, Interval]],
    *,
    colours: Sequence[str],
    chance: float,
) -> None:
    """Draw means with intervals.

    Parameters
    ----------
    ax
        Where to draw.
    lines
        Labels of the figure's lines, from the top.
    entries
        Line, kind and interval each. Kinds among `colours` have a colour and a marker of their own and share a line
        side by side; others are black dots.
    colours
        Kinds with a colour, in order.
    chance
        Where a dashed line is drawn.
    """
    place = {label: row for row, label in enumerate(lines)}
    spread = 0.22
    for line, kind, interval in entries:
        index = list(colours).index(kind) if kind in colours else -1
        color = _COLORS[index] if index >= 0 else "black"
        shift = spread * (index - (len(colours) - 1) / 2) if index >= 0 else 0.0
        height = place[line] + shift
        ax.plot([interval.low, interval.high], [height, height], color=color, linewidth=1.0, solid_capstyle="butt")
        ax.plot(interval.mean, height, color=color, marker=_MARKERS[index] if index >= 0 else "o", markersize=3.2)
    ax.axvline(chance, color="0.45", linestyle=(0, (4, 3)), linewidth=0.8, zorder=0)
    for row in range(1, len(lines), 2):
        ax.axhspan(row - 0.5, row + 0.5, color="0.95", zorder=-1, linewidth=0)
    ax.set(ylim=(len(lines) - 0.5, -0.5), xlim=(0, 1.015))
    ax.set_yticks(range(len(lines)), list(lines))
    ax.tick_params(axis="y", length=0)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def key(fig: Figure, labels: Mapping[str, str]) -> None:
    """Say below the figure which colour is which kind; `labels` by kind, in the order of `dots`' colours."""
    handles = [
        Line2D([], [], color=_COLORS[index], marker=_MARKERS[index], markersize=3.2, label=label)
        for index, label in enumerate(labels.values())
    ]
    handles.append(Line2D([], [], color="black", marker="o", markersize=3.2, label="at the input"))
    handles.append(
        Line2D([], [], color="0.45", linestyle=(0, (4, 3)), linewidth=0.8, label="chance: mean area of a part")
    )
    columns = len(handles) if fig.get_size_inches()[0] >= style.FULL_WIDTH_IN else 2
    fig.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=1.8)
