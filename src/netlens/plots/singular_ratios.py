"""Singular ratios along a network, in the style of the paper that they continue (Sixt et al. 2020)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.layer_labels import MOST_IN_COLUMN, extra_height_in, figure_width_in, name_layers

#: The mathematical name of what is plotted.
RATIO_LABEL = r"$\sigma_1 / \sigma_2$"

# From this quotient of the largest and the smallest ratio on, the axis is logarithmic.
_DECADES_APART = 30


def ratio_figure(labels: Sequence[str]) -> tuple[Figure, Axes]:
    """Make a figure for ratios over layers, wider where there are many of them, taller where their names are long.

    Parameters
    ----------
    labels
        Short names of the layers.
    """
    height = style.WIDTH_IN / style.GOLDEN + extra_height_in(labels)
    return plt.subplots(figsize=(figure_width_in(labels), height))


def ratios(
    ax: Axes, positions: ArrayLike, values: ArrayLike, kind: str, *, label: str = "", dashed: bool = False
) -> None:
    """Draw the ratios of one kind of matrix; an infinite ratio is an open symbol at the upper edge.

    Parameters
    ----------
    ax
        Where to draw.
    positions
        Places along the network, (n,).
    values
        Ratios, (n,); infinity allowed.
    kind
        ``gradient``, ``pattern_attribution`` or ``pattern_net``: color, marker and name.
    label
        Name in the legend. Default: that of the kind.
    dashed
        Draw a dotted line, for a second series of the same kind.
    """
    x, y = np.asarray(positions, dtype=float), np.asarray(values, dtype=float)
    finite = np.isfinite(y)
    ax.plot(
        x,
        np.where(finite, y, np.nan),
        color=style.COLORS[kind],
        marker=style.MARKERS[kind],
        linestyle=":" if dashed else "-",
        linewidth=0.8,
        markeredgewidth=0.4,
        label=label or style.LABELS[kind],
    )
    if not finite.all():
        ax.plot(
            x[~finite],
            np.ones((~finite).sum()),
            transform=ax.get_xaxis_transform(),
            clip_on=False,
            color=style.COLORS[kind],
            marker=style.MARKERS[kind],
            markerfacecolor="none",
            linestyle="none",
            label=f"{label or style.LABELS[kind]}: infinite",
        )


def layer_axis(ax: Axes, labels: Sequence[str], *, legend: bool = True) -> None:
    """Name the layers along the x axis, turned by 90 degrees, and add a grid, the y label and a small legend.

    The y axis is logarithmic where the ratios span more than a decade and a half.
    """
    name_layers(ax, labels)
    ax.set_ylabel(RATIO_LABEL)
    drawn = _drawn_ratios(ax)
    if len(drawn) and drawn.max() > _DECADES_APART * drawn.min():
        _logarithmic(ax)
    else:
        ax.set_ylim(bottom=min(1.0, ax.get_ylim()[0]))
    ax.grid(visible=True)
    if legend:
        ax.legend(loc="best", handlelength=1.6)


def networks_side_by_side(
    panels: Mapping[str, tuple[Mapping[str, NDArray[Any]], Sequence[str]]],
) -> Figure:
    """Draw the ratios between the segments of several networks, one panel per network, on one y axis.

    Parameters
    ----------
    panels
        By network: the ratios of each kind of matrix, (segments - 1,), and the short names of the segments.

    Returns
    -------
    Figure
    """
    every = [label for _, labels in panels.values() for label in labels]
    height = style.WIDTH_IN / style.GOLDEN + 0.25 + extra_height_in(every)
    widths = [max(len(labels), 6) for _, labels in panels.values()]
    fig, axes = plt.subplots(
        1, len(panels), sharey=True, squeeze=False, width_ratios=widths, figsize=(style.FULL_WIDTH_IN, height)
    )
    for ax, (series, _) in zip(axes[0], panels.values(), strict=True):
        for kind, values in series.items():
            ratios(ax, np.arange(len(values)) + 0.5, values, kind)
    # The limits of the shared axis follow from what all panels hold.
    for ax, (network, (_, labels)) in zip(axes[0], panels.items(), strict=True):
        layer_axis(ax, labels, legend=False)
        ax.set_title(network)
        ax.label_outer()
        if sum(widths) > MOST_IN_COLUMN:
            ax.tick_params(axis="x", labelsize=5.5 if sum(widths) > 50 else 6)
    # Whether the axis is logarithmic is decided by all panels together, which share it.
    drawn = np.concatenate([_drawn_ratios(ax) for ax in axes[0]])
    if len(drawn) and drawn.max() > _DECADES_APART * drawn.min():
        for ax in axes[0]:
            _logarithmic(ax)
    handles: dict[str, Any] = {}
    for ax in axes[0]:
        handles |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    fig.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4)
    return fig


def _drawn_ratios(ax: Axes) -> NDArray[np.float64]:
    found = [np.asarray(line.get_ydata(), dtype=float) for line in ax.lines if line.get_transform() == ax.transData]
    values = np.concatenate(found) if found else np.empty(0)
    return values[np.isfinite(values)]


def _logarithmic(ax: Axes) -> None:
    ax.set_yscale("log")
    ax.set_ylim(bottom=0.9)
    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
