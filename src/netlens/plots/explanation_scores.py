"""Scores of methods over images: similarity of the maps of two logits, cascades of randomization, pixel flipping."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.explanation_checks.choices import label_of
from netlens.explanation_checks.results import CASCADES, NetworkChecks
from netlens.plots import style
from netlens.plots.explanation_methods import look_of
from netlens.statistics.intervals import Interval

_CASCADE_TITLES: Final = {
    "top_down": "from the logits down",
    "bottom_up": "from the image up",
    "smoothed": "down, smoothed maps",
}

# A panel with more columns has no room for numbers.
_MOST_NUMBERED: Final = 5
# Magnitude from which the diverging colors are too dark for black digits.
_DARK: Final = 0.75


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
    """Draw similarity and rank correlation to the original maps as layers are randomized, as numbers on colors.

    Parameters
    ----------
    checks
        Checks of networks whose cascades were computed.

    Returns
    -------
    Figure
        Two rows of panels for each network; a column of panels for each kind of cascade. In a panel, rows are methods
        and columns are numbers of randomized layers; few enough columns have numbers.
    """
    kinds = [kind for row, kind in enumerate(CASCADES) if any(np.isfinite(c.cascade_ssim[row]).any() for c in checks)]
    rows_in = [0.19 * len(found.cascaded) + 0.42 for found in checks for _ in range(2)]
    fig, axes = plt.subplots(
        len(rows_in),
        len(kinds),
        figsize=(style.FULL_WIDTH_IN, sum(rows_in) + 0.55),
        squeeze=False,
        height_ratios=rows_in,
    )
    norm, colors = Normalize(-1, 1), style.diverging()
    for number, found in enumerate(checks):
        for measure, values in enumerate((found.cascade_ssim, found.cascade_ranks)):
            means = values.mean(axis=-1)
            for column, kind in enumerate(kinds):
                ax = axes[2 * number + measure, column]
                _numbered(ax, means[CASCADES.index(kind)], norm, colors)
                ax.set_xticks(range(len(found.cascade_counts)), [str(count) for count in found.cascade_counts])
                methods = [label_of(method) if column == 0 else "" for method in found.cascaded]
                ax.set_yticks(range(len(methods)), methods)
                ax.tick_params(length=0, pad=2)
                if measure == 0:
                    ax.set_title(f"{found.network}: {_CASCADE_TITLES[kind]}", fontsize=7, loc="left")
                else:
                    ax.set_xlabel("layers randomized")
            axes[2 * number + measure, 0].set_ylabel(("SSIM", "rank correlation")[measure])
    bar = fig.colorbar(
        ScalarMappable(norm, colors), ax=axes.ravel().tolist(), location="bottom", aspect=50, fraction=0.02, pad=0.02,
        shrink=0.5,
    )  # fmt: skip
    bar.set_label("to the map of the trained network", fontsize=7)
    bar.ax.tick_params(labelsize=6.5, length=2)
    bar.outline.set(linewidth=0.4)  # type: ignore[operator]
    return fig


def _numbered(ax: Axes, values: NDArray[np.float64], norm: Normalize, colors: Colormap) -> None:
    """Draw a matrix as colors, with its numbers where cells have room for them; NaN is white."""
    ax.imshow(values, cmap=colors, norm=norm, aspect="auto", interpolation="nearest")
    if values.shape[1] <= _MOST_NUMBERED:
        for row, column in np.argwhere(np.isfinite(values)).tolist():
            value = float(values[row, column])
            # The ends of the scale are dark.
            shade = "white" if abs(value) > _DARK else "black"
            # What rounds to 0 has no sign.
            shown = f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")
            ax.text(column, row, shown, ha="center", va="center", fontsize=6.5, color=shade)
    for side in ax.spines.values():
        side.set(linewidth=0.4, color="0.6")


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
