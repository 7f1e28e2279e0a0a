"""Spectra along a network: one curve per layer or inter-layer item, and items beside the layers that they join."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style
from netlens.plots.fitted_text import wrapped
from netlens.statistics.even_samples import spread_evenly

#: What the panels of the three kinds of matrix are called.
MATRIX_TITLES: Final[Mapping[str, str]] = {
    "weights": "$W$",
    "patterns": "$A$",
    "pattern_attribution": "$P = A \\odot W$",
}

Values = NDArray[np.float64]
_SHARE = "index / number of values"
_COLUMNS = 5
# Room for a title above one of so many panels, and its size.
_TITLE_IN, _TITLE_PT = 1.15, 6.2
# Curves that a legend can name one by one; a bar of colors stands for more.
_MOST_IN_LEGEND = 14
_KIND_LOOKS: Final[Mapping[str, Mapping[str, Any]]] = {
    "weights": {"color": "black", "linestyle": "-"},
    "patterns": {"color": style.PALETTE[0], "linestyle": "--"},
    "pattern_attribution": {"color": style.PALETTE[3], "linestyle": "-."},
}
_NEIGHBOURS: Final[Mapping[str, Mapping[str, Any]]] = {
    "segment before": {"color": style.PALETTE[0], "linestyle": "--"},
    "segment after": {"color": style.PALETTE[1], "linestyle": ":"},
    "item between them": {"color": "black", "linestyle": "-"},
}


def spectra(
    panels: Mapping[str, Sequence[Values]], names: Sequence[str], *, what: str, ylabel: str, lowest: float
) -> Figure:
    """Draw normalized spectra over the relative index, one panel per kind of matrix; later curves are darker.

    Parameters
    ----------
    panels
        By title: normalized singular values of each layer or item, (r,), in network order. Zeros are left out.
    names
        Name of each curve, the same in all panels.
    what
        Title of the legend.
    ylabel, lowest
        Label and lower limit of the vertical axis.

    Returns
    -------
    Figure
    """
    import seaborn as sns

    fig, grid = plt.subplots(1, len(panels), figsize=(style.FULL_WIDTH_IN, 2.6), sharey=True, squeeze=False)
    axes = grid[0]
    # The same colors as seaborn's palette of this name, which are those of the bar.
    colors = sns.color_palette("viridis_r", len(names))
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for s, name, color in zip(curves, names, colors, strict=True):
            share = (np.arange(len(s)) + 1) / len(s)
            ax.semilogy(share, np.where(s > 0, s, np.nan), color=color, linewidth=0.9, label=name)
        ax.set(title=title, xlabel=_SHARE, ylim=(lowest, 1.5), xlim=(0, 1.02))
        ax.grid(visible=True)
    axes[0].set_ylabel(ylabel)
    if len(names) <= _MOST_IN_LEGEND:
        # Long names in the legend leave no room for a label below each panel.
        for ax in axes:
            ax.set_xlabel("")
        axes[len(axes) // 2].set_xlabel(_SHARE)
        fig.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", title=what, handlelength=1.2)
    else:
        _depth_bar(fig, axes, names, what)
    return fig


def _depth_bar(fig: Figure, axes: Sequence[Axes], names: Sequence[str], what: str) -> None:
    """Add a bar with the colors of all curves, in network order, that names a few of them."""
    bounds = np.arange(len(names) + 1)
    colors = ListedColormap(plt.get_cmap("viridis_r")(np.linspace(0, 1, len(names) + 2)[1:-1]))
    scale = ScalarMappable(BoundaryNorm(bounds, len(names)), colors)
    bar = fig.colorbar(scale, ax=list(axes), fraction=0.04, pad=0.01, aspect=30)
    named = spread_evenly(len(names), 6)
    bar.set_ticks([index + 0.5 for index in named], labels=[names[index] for index in named])
    bar.ax.tick_params(labelsize=6.5, length=2)
    bar.ax.minorticks_off()
    bar.ax.invert_yaxis()
    bar.ax.set_title(what, fontsize=7)


def absolute_spectra(panels: Mapping[str, Mapping[str, Values]]) -> Figure:
    """Draw the singular values of W, A and P of each layer in one axes, as they are, over the relative index.

    Parameters
    ----------
    panels
        By layer: the singular values, largest first, of each kind of matrix, named as in `MATRIX_TITLES`. Zeros are
        left out.

    Returns
    -------
    Figure
    """
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    fig, axes = plt.subplots(
        rows, columns, sharex=True, sharey=True, squeeze=False, figsize=(style.FULL_WIDTH_IN, 1.3 * rows + 0.65)
    )
    for ax, (name, curves) in zip(axes.flat, panels.items(), strict=False):
        for kind, s in curves.items():
            share = (np.arange(len(s)) + 1) / len(s)
            ax.semilogy(share, np.where(s > 0, s, np.nan), label=MATRIX_TITLES[kind], **_KIND_LOOKS[kind])
        ax.set_title(name, fontsize=7, pad=2)
        ax.grid(visible=True)
    every = np.concatenate([s for curves in panels.values() for s in curves.values()])
    # A few values that are nearly 0 do not squeeze all others.
    axes[0, 0].set_ylim(float(np.quantile(every[every > 0], 0.01)) / 3, every.max() * 3)
    _hide_from(axes, len(panels))
    fig.supylabel(r"$\sigma_i$", fontsize=8)
    fig.supxlabel(_SHARE, fontsize=8)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, handlelength=2.4)
    return fig


def _hide_from(axes: NDArray[Any], count: int) -> None:
    """Hide the panels behind the first `count` of a grid with shared axes."""
    for ax in axes.flat[count:]:
        ax.set_visible(False)
    for column in axes.T:
        # The axes are shared, so a panel above an empty place would have no tick labels of its own.
        for ax in [ax for ax in column if ax.get_visible()][-1:]:
            ax.tick_params(labelbottom=True)


def neighboring_spectra(parts: Mapping[str, Sequence[tuple[Values, Values, Values]]], names: Sequence[str]) -> Figure:
    """Draw the normalized spectrum of each inter-layer item with those of the segments before and after it.

    Only as many values are drawn as all three have, over their index as a share of that number, from 0 for the first to
    1 for the last.

    Parameters
    ----------
    parts
        By title of a part of the figure: for each item the normalized singular values of the segment before it, of the
        segment after it, and its own, (r,) each.
    names
        Title of each item's panel, the same in all parts.

    Returns
    -------
    Figure
    """
    rows = -(-len(names) // _COLUMNS)
    columns = min(_COLUMNS, len(names))
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, len(parts) * (0.95 * rows + 0.35) + 0.45))
    last = list(parts)[-1]
    for part, (title, items) in zip(fig.subfigures(len(parts), 1, squeeze=False).flat, parts.items(), strict=True):
        axes = part.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for ax, name, curves in zip(axes.flat, names, items, strict=False):
            _beside_neighbors(ax, curves)
            ax.set_title(wrapped(name, _TITLE_IN, _TITLE_PT), fontsize=_TITLE_PT, pad=2)
            ax.set(ylim=(0, 1.04), xlim=(0, 1), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
            ax.set_xticklabels(["0", "0.5", "1"])
            ax.grid(visible=True)
            ax.tick_params(length=2, labelsize=6.5)
        _hide_from(axes, len(names))
        part.suptitle(title, fontsize=8)
        part.supylabel(r"$\sigma_i / \sigma_1$", fontsize=8)
        if title == last:
            part.supxlabel(_SHARE, fontsize=8)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, handlelength=2.4)
    return fig


def _beside_neighbors(ax: Axes, curves: tuple[Values, Values, Values]) -> None:
    """Draw an item's spectrum over those of its neighbors, of which it can have no more values than the shorter."""
    count = min(map(len, curves))
    share = np.arange(count) / max(count - 1, 1)
    before, after, _ = (s[:count] for s in curves)
    ax.fill_between(share, np.minimum(before, after), np.maximum(before, after), color="0.9", linewidth=0)
    # A single value is no line.
    marker = "." if count == 1 else ""
    for (label, look), s in zip(_NEIGHBOURS.items(), curves, strict=True):
        ax.plot(share, s[:count], label=label, marker=marker, **look)
