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
from netlens.plots.layer_labels import extra_height_in, figure_width_in, name_layers

#: The mathematical name of what is plotted.
RATIO_LABEL = r"$\sigma_1 / \sigma_2$"

# From this quotient of the largest and the smallest ratio on, the axis is logarithmic.
_DECADES_APART = 30
# Diameter of a ring around a symbol, in points.
_RING_PT = 7.5


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
    ax: Axes, positions: ArrayLike, values: ArrayLike, kind: str, *, label: str = "", ring: bool = False
) -> None:
    """Draw the ratios of one kind of matrix as symbols; an infinite ratio is an open symbol at the upper edge.

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
    ring
        Draw rings, for a second series of the same kind, which stay visible around the symbols of the first.
    """
    x, y = np.asarray(positions, dtype=float), np.asarray(values, dtype=float)
    finite = np.isfinite(y)
    name, color = label or style.LABELS[kind], style.COLORS[kind]
    look: dict[str, Any] = {"marker": style.MARKERS[kind], "markerfacecolor": color, "markeredgewidth": 0.4}
    if ring:
        look = {"marker": "o", "markerfacecolor": "none", "markeredgewidth": 0.8, "markersize": _RING_PT}
    ax.plot(x, np.where(finite, y, np.nan), color=color, linestyle="none", label=name, **look)
    if not finite.all():
        ax.plot(
            x[~finite],
            np.ones((~finite).sum()),
            transform=ax.get_xaxis_transform(),
            clip_on=False,
            color=color,
            linestyle="none",
            label=f"{name}: infinite",
            **{**look, "markerfacecolor": "none", "markeredgewidth": 1.0},
        )


def join(ax: Axes, positions: ArrayLike, first: ArrayLike, second: ArrayLike, colors: tuple[Any, Any]) -> None:
    """Join the two ratios of each place by a line in the color of the larger one.

    Parameters
    ----------
    ax
        Where to draw.
    positions
        Places along the network, (n,).
    first, second
        Ratios, (n,); where one of them is infinite, there is no line.
    colors
        Colors of both.
    """
    x, one, other = (np.asarray(values, dtype=float) for values in (positions, first, second))
    finite = np.isfinite(one) & np.isfinite(other)
    for chosen, color in zip((finite & (one > other), finite & (other > one)), colors, strict=True):
        ax.vlines(x[chosen], one[chosen], other[chosen], color=color, linewidth=1.6, alpha=0.45, zorder=1)


def draw_kinds(ax: Axes, start: float, series: Mapping[str, NDArray[Any]]) -> None:
    """Draw the ratios of two kinds of matrix over the network, those of each place joined.

    Parameters
    ----------
    ax
        Where to draw.
    start
        The first place; the next ones are 1 apart.
    series
        Ratios of each kind, (n,), the same number of both.
    """
    (one, first), (other, second) = series.items()
    places = start + np.arange(len(first))
    join(ax, places, first, second, (style.COLORS[one], style.COLORS[other]))
    for kind, values in series.items():
        ratios(ax, places, values, kind)


def layer_axis(ax: Axes, labels: Sequence[str], *, legend: bool = True) -> None:
    """Name the layers along the x axis, turned by 90 degrees, and add a grid, the y label and a legend above.

    The y axis is logarithmic where the ratios span more than a decade and a half.
    """
    name_layers(ax, labels)
    ax.set_ylabel(RATIO_LABEL)
    drawn = _drawn_ratios(ax)
    if len(drawn) and drawn.max() > _DECADES_APART * drawn.min():
        _logarithmic(ax)
    else:
        ax.set_ylim(bottom=min(1.0, ax.get_ylim()[0]))
    ax.grid(visible=True, axis="y")
    ax.tick_params(axis="x", length=2)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if legend:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, borderaxespad=0, handletextpad=0.1)


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
        draw_kinds(ax, 0.5, series)
    # The limits of the shared axis follow from what all panels hold.
    for ax, (network, (_, labels)) in zip(axes[0], panels.items(), strict=True):
        layer_axis(ax, labels, legend=False)
        ax.set_title(network, fontsize=7.5)
        ax.label_outer()
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
