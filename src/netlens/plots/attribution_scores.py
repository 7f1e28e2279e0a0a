"""Scores of attribution as dots with intervals, one line per layer or method."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from netlens.plots import style
from netlens.statistics.intervals import Interval

_MARKERS: Final = ("o", "s", "D", "^", "v")
_COLORS: Final = (style.PALETTE[0], style.PALETTE[1], style.PALETTE[2], style.PALETTE[4], style.PALETTE[5])


class ScoredRow(Protocol):
    """One way to attribute with its scores; `netlens.spatial_attribution.summary.Row` is one."""

    @property
    def method(self) -> str:
        """A gradient of max-pooling, or a method that attributes to the input."""

    @property
    def label(self) -> str:
        """What figures call it."""

    @property
    def layer(self) -> str:
        """Label of the layer; empty for a method that attributes to the input only."""

    @property
    def scores(self) -> Mapping[str, Interval]:
        """Mean of each measure, with its interval."""

    def control_mean(self, measure: str) -> float:
        """Mean of a measure in the control; NaN where there is none."""


def score_sheet(
    networks: Sequence[str],
    rows: Sequence[Sequence[ScoredRow]],
    chances: Sequence[Mapping[str, float]],
    gradient_labels: Mapping[str, str],
    measure_labels: Mapping[str, str],
) -> Figure:
    """Draw the scores of several networks, one below the other, a column for each measure.

    Parameters
    ----------
    networks
        Names of the networks.
    rows
        The rows of each network. A layer's gradients share one line; every other method has a line of its own.
    chances
        For each network, what every measure is by chance, where the dashed line is drawn.
    gradient_labels
        Labels of the gradients, in the order of their colors.
    measure_labels
        Labels of the measures, in the order of the columns.

    Returns
    -------
    Figure
        A cross is the mean of the control.
    """
    lines = [list(dict.fromkeys(row.layer or row.label for row in found)) for found in rows]
    fig, axes = plt.subplots(
        len(networks),
        len(measure_labels),
        figsize=(style.FULL_WIDTH_IN, 0.75 + sum(0.19 * len(found) + 0.25 for found in lines)),
        sharex="col",
        squeeze=False,
        height_ratios=[len(found) for found in lines],
    )
    for panels, network, found, labels, chance in zip(axes, networks, rows, lines, chances, strict=True):
        for ax, measure in zip(panels, measure_labels, strict=True):
            entries = [
                (row.layer or row.label, row.method, row.scores[measure], row.control_mean(measure))
                for row in found
                if measure in row.scores
            ]
            dots(ax, labels, entries, colors=list(gradient_labels), chance=chance[measure])
            if ax is not panels[0]:
                ax.set_yticklabels([])
        panels[0].set_title(network, loc="left")
    for ax, label in zip(axes[-1], measure_labels.values(), strict=True):
        ax.set_xlabel(label)
    key(fig, gradient_labels)
    return fig


def dots(
    ax: Axes,
    lines: Sequence[str],
    entries: Sequence[tuple[str, str, Interval, float]],
    *,
    colors: Sequence[str],
    chance: float,
) -> None:
    """Draw means with their intervals.

    Parameters
    ----------
    ax
        Axes to draw on.
    lines
        Labels of the lines, from the top.
    entries
        (line, kind, interval, mean of the control or NaN) of each mean. Kinds among `colors` have a color and a marker
        of their own and share a line side by side; all others are black dots.
    colors
        Kinds that have a color, in order.
    chance
        Position of the dashed line.
    """
    place = {label: row for row, label in enumerate(lines)}
    spread = 0.22
    for line, kind, interval, control in entries:
        index = list(colors).index(kind) if kind in colors else -1
        color = _COLORS[index] if index >= 0 else "black"
        shift = spread * (index - (len(colors) - 1) / 2) if index >= 0 else 0.0
        height = place[line] + shift
        ax.plot([interval.low, interval.high], [height, height], color=color, linewidth=1.0, solid_capstyle="butt")
        ax.plot(interval.value, height, color=color, marker=_MARKERS[index] if index >= 0 else "o", markersize=3.2)
        if np.isfinite(control):
            ax.plot(control, height, color=color, marker="x", markersize=3.2, markeredgewidth=0.8)
    ax.axvline(chance, color="0.45", linestyle=(0, (4, 3)), linewidth=0.8, zorder=0)
    for row in range(1, len(lines), 2):
        ax.axhspan(row - 0.5, row + 0.5, color="0.95", zorder=-1, linewidth=0)
    ax.set(ylim=(len(lines) - 0.5, -0.5), xlim=(0, 1.015))
    ax.set_yticks(range(len(lines)), list(lines))
    ax.tick_params(axis="y", length=0)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def key(fig: Figure, labels: Mapping[str, str]) -> None:
    """Explain colors and markers below the figure; `labels` by kind, in the order of the colors of `dots`."""
    handles = [
        Line2D([], [], color=_COLORS[index], marker=_MARKERS[index], markersize=3.2, label=label)
        for index, label in enumerate(labels.values())
    ]
    handles.append(Line2D([], [], color="black", marker="o", markersize=3.2, label="at the input"))
    handles.append(Line2D([], [], color="0.3", marker="x", markersize=3.2, linewidth=0, label="part painted out"))
    handles.append(Line2D([], [], color="0.45", linestyle=(0, (4, 3)), linewidth=0.8, label="chance"))
    columns = len(handles) if fig.get_size_inches()[0] >= style.FULL_WIDTH_IN else 2
    fig.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=1.8)
