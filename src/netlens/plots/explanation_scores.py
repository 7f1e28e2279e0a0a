"""Scores of methods over images: similarity of the maps of two logits, cascades of randomization, pixel flipping."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from netlens.explanation_checks.choices import label_of
from netlens.explanation_checks.results import CASCADES, NetworkChecks
from netlens.plots import style
from netlens.plots.explanation_methods import handles_of, look_of
from netlens.statistics.intervals import Interval

_CASCADE_TITLES: Final = {
    "top_down": "from the logits down",
    "bottom_up": "from the image up",
    "smoothed": "down, smoothed maps",
}


def logit_boxes(checks: Sequence[NetworkChecks]) -> Figure:
    """Draw how alike the maps of two logits of one image are, as boxes over images, a panel for each network."""
    fig, axes = _method_rows([found.mapped for found in checks])
    for ax, found in zip(axes, checks, strict=True):
        values = [row[np.isfinite(row)] for row in found.logit_ssim]
        boxes = ax.boxplot(
            values,
            orientation="horizontal",
            positions=range(len(values)),
            widths=0.55,
            patch_artist=True,
            medianprops={"color": "black", "linewidth": 1.2},
            flierprops={"marker": ".", "markersize": 3, "markeredgecolor": "0.4"},
            boxprops={"linewidth": 0.6},
            whiskerprops={"linewidth": 0.6},
            capprops={"linewidth": 0.6},
        )
        for box, method in zip(boxes["boxes"], found.mapped, strict=True):
            box.set_facecolor(look_of(method)["color"] if method != "gradient" else "0.3")
            box.set_alpha(0.75)
        _name_rows(ax, found.mapped)
        ax.set(title=found.network, xlim=(-0.05, 1.02), xlabel="SSIM of the maps of two logits")
    return fig


def flipping_dots(checks: Sequence[NetworkChecks], gaps: Sequence[Mapping[str, Interval]]) -> Figure:
    """Draw the area between insertion and deletion of each method with its interval, a panel for each network.

    Parameters
    ----------
    checks
        Checks of the networks.
    gaps
        Interval by method, and of random orders as ``random``, for each network.

    Returns
    -------
    Figure
        The gray band is the interval of random orders.
    """
    fig, axes = _method_rows([found.mapped for found in checks])
    for ax, found, by_method in zip(axes, checks, gaps, strict=True):
        random = by_method["random"]
        ax.axvspan(random.low, random.high, color="0.88", linewidth=0, zorder=0)
        ax.axvline(0, color="0.45", linewidth=0.7, zorder=0)
        for row, method in enumerate(found.mapped):
            if method in by_method:
                gap = by_method[method]
                color = look_of(method)["color"]
                ax.plot([gap.low, gap.high], [row, row], color=color, linewidth=1.2)
                ax.plot(gap.value, row, color=color, marker="o", markersize=4)
        _name_rows(ax, found.mapped)
        ax.set(title=found.network, xlabel="insertion minus deletion, in logits")
    return fig


def cascade_sheet(checks: Sequence[NetworkChecks]) -> Figure:
    """Draw similarity and rank correlation to the original maps as layers are randomized.

    Parameters
    ----------
    checks
        Checks of networks whose cascades were computed.

    Returns
    -------
    Figure
        Two rows for each network; a column for each kind of cascade.
    """
    kinds = [kind for row, kind in enumerate(CASCADES) if any(np.isfinite(c.cascade_ssim[row]).any() for c in checks)]
    fig, axes = plt.subplots(
        2 * len(checks),
        len(kinds),
        figsize=(style.FULL_WIDTH_IN, 0.5 + 3.3 * len(checks)),
        squeeze=False,
        sharey="row",
        sharex="row",
    )
    for number, found in enumerate(checks):
        for measure, values in enumerate((found.cascade_ssim, found.cascade_ranks)):
            means = values.mean(axis=-1)
            for column, kind in enumerate(kinds):
                ax = axes[2 * number + measure, column]
                for place, method in enumerate(found.cascaded):
                    mean = means[CASCADES.index(kind), place]
                    ax.plot(found.cascade_counts, mean, **look_of(method), linewidth=0.9, markersize=3.4)
                # Both measures can be negative; the axis goes as far as the values do.
                ax.set_ylim(min(-0.05, float(np.nanmin(means)) - 0.05), 1.05)
                ax.xaxis.set_major_locator(MaxNLocator(integer=True))
                ax.grid(axis="y", linewidth=0.3, color="0.88")
                if measure == 0:
                    ax.set_title(f"{found.network}: {_CASCADE_TITLES[kind]}", fontsize=7, loc="left")
                else:
                    ax.axhline(0, color="0.6", linewidth=0.6)
                    ax.set_xlabel("layers randomized")
                for side in ("top", "right"):
                    ax.spines[side].set_visible(False)
            axes[2 * number + measure, 0].set_ylabel(("SSIM", "rank correlation")[measure])
    methods = [method for found in checks for method in found.cascaded]
    fig.legend(handles=handles_of(methods), loc="outside lower center", ncols=4, handlelength=2.2)
    return fig


def _method_rows(methods: Sequence[Sequence[str]]) -> tuple[Figure, list[Axes]]:
    rows = max(map(len, methods))
    shared = len({tuple(each) for each in methods}) == 1
    fig, axes = plt.subplots(
        1, len(methods), figsize=(style.FULL_WIDTH_IN, 0.8 + 0.2 * rows), squeeze=False, sharey=shared
    )
    return fig, list(axes[0])


def _name_rows(ax: Axes, methods: Sequence[str]) -> None:
    ax.set_yticks(range(len(methods)), [label_of(method) for method in methods])
    ax.set_ylim(len(methods) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", linewidth=0.3, color="0.88")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
