"""Cosine similarity convergence over depth, and beside the singular ratios of the chains that methods multiply."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from netlens.explanation_checks.results import NetworkChecks
from netlens.explanation_checks.summary import RatioPoint
from netlens.plots import style
from netlens.plots.explanation_methods import handles_of, look_of
from netlens.plots.fitted_text import shortened

#: Cosines nearer to 1 than this are drawn at it.
NEAREST: Final = 1e-6
_TICKS: Final = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 1 - NEAREST)
_MOST_LABELS: Final = 14
# Longer names of layers are shortened.
_LABEL_IN: Final = 1.0


def convergence_sheet(checks: Sequence[NetworkChecks], entries_count: int = 2) -> Figure:
    """Draw the convergence of all methods, a row for each network, a column for each layer that relevance enters at.

    Parameters
    ----------
    checks
        Checks of the networks.
    entries_count
        Number of columns, at most.

    Returns
    -------
    Figure
        The axis opens up near 1: it is logarithmic in 1 - CSC.
    """
    columns = min(entries_count, max(len(each.entries) for each in checks))
    fig, axes = plt.subplots(
        len(checks), columns, figsize=(style.FULL_WIDTH_IN, 0.5 + 2.6 * len(checks)), sharey=True, squeeze=False
    )
    for row, found in zip(axes, checks, strict=True):
        for column, ax in enumerate(row):
            if column < len(found.entries):
                _curves(ax, found, column)
            else:
                ax.axis("off")
        row[0].set_ylabel("CSC")
    methods = [method for found in checks for method in found.methods]
    baseline = Line2D([], [], color="0.6", linestyle=":", linewidth=1.2, label="random vectors")
    fig.legend(handles=[*handles_of(methods), baseline], loc="outside lower center", ncols=5, handlelength=2.2)
    return fig


def opened(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the position of cosines on the axis that opens up near 1: -log10 of 1 - cosine, at most 6."""
    return -np.log10(np.maximum(1 - np.asarray(values, np.float64), NEAREST))


def _curves(ax: Axes, found: NetworkChecks, column: int) -> None:
    entry = int(found.entries[column])
    places = np.arange(entry)
    for row, method in enumerate(found.methods):
        ax.plot(
            places, opened(found.convergence[row, column, :entry]), **look_of(method), linewidth=0.9, markersize=3.4
        )
    ax.plot(places, opened(found.baseline[:entry]), color="0.6", linestyle=":", linewidth=1.2, zorder=0)
    step = -(-entry // _MOST_LABELS)
    ax.set_xticks(places[::step], [shortened(label, _LABEL_IN, 6.5) for label in found.labels[:entry:step]])
    ax.tick_params(axis="x", labelrotation=90, labelsize=6.5)
    _open_axis(ax)
    ax.grid(axis="y", linewidth=0.3, color="0.88")
    where = "the logits" if entry == len(found.layers) - 1 else found.labels[entry]
    ax.set_title(f"{found.network}: from {where}", loc="left", fontsize=7.5)


def _open_axis(ax: Axes) -> None:
    ax.set_ylim(-0.02, 6.25)
    ax.yaxis.set_major_locator(FixedLocator([float(opened(np.array(tick))) for tick in _TICKS]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_yticklabels(["0", "0.5", "0.9", "0.99", "0.999", r"$1-10^{-4}$", r"$1-10^{-5}$", r"$1-10^{-6}$"])
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def ratio_scatter(points: Sequence[RatioPoint]) -> Figure:
    """Draw convergence over the ratio of the chain, a point for each method, network and layer.

    Networks differ by whether the markers are filled.
    """
    fig, ax = plt.subplots(figsize=(style.WIDTH_IN, 3.2))
    networks = list(dict.fromkeys(point.network for point in points))
    for point in points:
        look = look_of(point.method) | {"linestyle": ""}
        filled = networks.index(point.network) == 0
        face = look["color"] if filled else "white"
        ax.plot(
            max(point.log10_ratio, 0.0),
            opened(np.array(point.convergence)),
            **look,
            markerfacecolor=face,
            markersize=4.2,
            markeredgewidth=0.8,
            alpha=0.85,
        )
    _open_axis(ax)
    ax.grid(linewidth=0.3, color="0.88")
    ax.set_xlabel(r"$\log_{10}\,\sigma_1/\sigma_2$ of what is multiplied from the logits down")
    ax.set_ylabel("CSC")
    shapes = [
        Line2D([], [], color="0.3", marker="o", linestyle="", markerfacecolor=face, label=shortened(name, 1.2, 7))
        for name, face in zip(networks, ("0.3", "white", "white"), strict=False)
    ]
    handles = [*handles_of([point.method for point in points], lines=False), *shapes]
    fig.legend(handles=handles, loc="outside lower center", ncols=3)
    return fig
