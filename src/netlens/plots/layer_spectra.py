"""Spectra along a network: one curve per layer or inter-layer item, and items beside the layers that they join."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style

#: What the panels of the three kinds of matrix are called.
MATRIX_TITLES: Final[Mapping[str, str]] = {
    "weights": "$W$",
    "patterns": "$A$",
    "pattern_attribution": "$P = A \\odot W$",
}

Values = NDArray[np.float64]
_COLUMNS = 5
_NEIGHBOURS: Final[Mapping[str, Mapping[str, Any]]] = {
    "layer before": {"color": style.PALETTE[0], "linestyle": "--"},
    "layer after": {"color": style.PALETTE[1], "linestyle": ":"},
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

    fig, axes = plt.subplots(1, len(panels), figsize=(style.FULL_WIDTH_IN, 2.6), sharey=True)
    colors = sns.color_palette("viridis_r", len(names))
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for s, name, color in zip(curves, names, colors, strict=True):
            share = (np.arange(len(s)) + 1) / len(s)
            ax.semilogy(share, np.where(s > 0, s, np.nan), color=color, linewidth=0.9, label=name)
        ax.set(title=title, xlabel="index / number of values", ylim=(lowest, 1.5), xlim=(0, 1.02))
        ax.grid(visible=True)
    axes[0].set_ylabel(ylabel)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", title=what, handlelength=1.2)
    return fig


def neighboring_spectra(parts: Mapping[str, Sequence[tuple[Values, Values, Values]]], names: Sequence[str]) -> Figure:
    """Draw the normalized spectrum of each inter-layer item with those of the layers before and after it.

    Parameters
    ----------
    parts
        By title of a part of the figure: for each item the normalized singular values of the layer before it, of the
        layer after it, and its own, (r,) each. Zeros are left out.
    names
        Title of each item's panel, the same in all parts.

    Returns
    -------
    Figure
    """
    rows = -(-len(names) // _COLUMNS)
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, 2 * (1.22 * rows + 0.35) + 0.35))
    last = list(parts)[-1]
    for part, (title, items) in zip(fig.subfigures(len(parts), 1, squeeze=False).flat, parts.items(), strict=True):
        axes = part.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False)
        for ax, name, curves in zip(axes.flat, names, items, strict=False):
            for (label, look), s in zip(_NEIGHBOURS.items(), curves, strict=True):
                ax.loglog(np.arange(len(s)) + 1, np.where(s > 0, s, np.nan), label=label, **look)
            ax.set_title(name, fontsize=7, pad=2)
            ax.set(ylim=(1e-4, 2), yticks=[1e-4, 1e-2, 1])
            ax.minorticks_off()
            ax.grid(visible=True)
        for ax in axes.flat[len(names) :]:
            ax.set_visible(False)
        for column in axes.T:
            # The axes are shared, so a panel above an empty place would have no tick labels of its own.
            for ax in [ax for ax in column if ax.get_visible()][-1:]:
                ax.tick_params(labelbottom=True)
        part.suptitle(title, fontsize=8)
        part.supylabel(r"$\sigma_i / \sigma_1$", fontsize=8)
        if title == last:
            part.supxlabel("index", fontsize=8)
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, handlelength=2.4)
    return fig
