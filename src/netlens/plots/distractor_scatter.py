"""Scatter plots of two-dimensional data with the directions of signal, distractor, weight and pattern as arrows."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import NDArray

from netlens.plots import style
from netlens.signal_distractor.two_dimensions import Directions, Sample, angle_to_signal

#: Length of every arrow, in the data's units: the arrows show directions only.
ARROW_LENGTH: Final = 2

# Width, dashes and letter tell the arrows apart without color; the wide ones lie below, so that two on one line are
# both seen.
_LOOK: Final[dict[str, dict[str, Any]]] = {
    "signal": {"color": style.PALETTE[2], "linewidth": 6.0, "linestyle": "-", "letter": "s", "words": "signal"},
    "distractor": {
        "color": "#b55aa3",
        "linewidth": 3.6,
        "linestyle": (0, (0.5, 0.6)),
        "letter": "d",
        "words": "distractor",
    },
    "weight": {
        "color": style.COLORS["gradient"],
        "linewidth": 2.2,
        "linestyle": (0, (2.4, 1.2)),
        "letter": "w",
        "words": "weight (fitted)",
    },
    "pattern": {
        "color": style.PALETTE[3],
        "linewidth": 1.1,
        "linestyle": "-",
        "letter": "a",
        "words": "pattern (fitted)",
    },
}
_NOISE = "0.55"
# Both lie along the first axis, so their letters stand beside it.
_ASIDE_DEG: Final = {"signal": -16, "pattern": 16}


def distractor_scatter(
    samples: Sequence[Sample], directions: Sequence[Directions], t_over_pi: Sequence[float]
) -> Figure:
    """One panel per data set: its points colored by the target, its directions as arrows of length `ARROW_LENGTH`.

    Parameters
    ----------
    samples
        The data sets.
    directions
        Those of each data set; a weight that is None is replaced by a remark.
    t_over_pi
        The distractor's angle in each panel's title, in multiples of pi.

    Returns
    -------
    matplotlib.figure.Figure
        Full page width, up to three panels in a row.
    """
    style.paper()
    columns = min(3, len(samples))
    rows = -(-len(samples) // columns)
    fig, axes = plt.subplots(
        rows,
        columns,
        figsize=(style.FULL_WIDTH_IN * (columns + 0.3) / 3.3, 2.05 * rows + 0.55),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for ax in axes.flat[len(samples) :]:
        ax.set_visible(False)
    for index, (sample, arrows, t) in enumerate(zip(samples, directions, t_over_pi, strict=True)):
        ax = axes.flat[index]
        # The distractor alone, which is what the weight has to cancel.
        ax.scatter(*sample.distractor.T, color=_NOISE, s=1.5, linewidths=0, zorder=0.5)
        points = ax.scatter(
            *sample.x.T, c=sample.y, cmap="Blues", vmin=-1, vmax=1, s=7, linewidths=0.25, edgecolors="#6b8fb0", zorder=1
        )
        for order, (name, direction) in enumerate(arrows.by_name().items()):
            if direction is None:
                remark = "w is undefined:\ns and d lie on one line"
                ax.text(0, -3.6, remark, ha="center", fontsize=7, linespacing=1.3)
            else:
                _draw_arrow(ax, name, direction, 3 + order)
                _write_letter(ax, name, direction)
        ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xticks=range(-4, 5, 2), yticks=range(-4, 5, 2))
        ax.set_title("t = 0" if t == 0 else "t = π" if t == 1 else f"t = {t:g} π")
        ax.tick_params(labelleft=index % columns == 0, labelbottom=index + columns >= len(samples))
    fig.supxlabel("$x_1$, the signal's axis", fontsize=8)
    fig.supylabel("$x_2$", fontsize=8)
    fig.colorbar(points, ax=axes, ticks=[-1, 0, 1], shrink=0.6, aspect=25, pad=0.015, label="target y")
    key = [
        Line2D(
            [],
            [],
            color=look["color"],
            linewidth=look["linewidth"],
            linestyle=look["linestyle"],
            dash_capstyle="butt",
            solid_capstyle="butt",
            label=rf"$\mathit{{{look['letter']}}}$  {look['words']}",
        )
        for look in _LOOK.values()
    ]
    key.append(Line2D([], [], color=_NOISE, marker="o", markersize=2, linestyle="none", label="distractor alone"))
    fig.legend(
        handles=key, loc="outside upper center", ncols=5 if columns == 3 else 2, handlelength=2.6, columnspacing=1.5
    )
    return fig


def _draw_arrow(ax: Axes, name: str, direction: NDArray[np.float64], order: int) -> None:
    """Draw a shaft and a solid head, both on a pale ground that sets them off from the points."""
    look = _LOOK[name]
    color, width = look["color"], look["linewidth"]
    head = 0.1 * width + 0.2  # length, in the data's units
    tip, neck = ARROW_LENGTH * direction, (ARROW_LENGTH - head) * direction
    side = 0.6 * head * np.array([-direction[1], direction[0]])
    corners = np.array([tip, neck + side, neck - side])
    shaft = np.array([0 * neck, neck])
    ax.plot(*shaft.T, color="white", alpha=0.8, linewidth=width + 0.8, solid_capstyle="butt", zorder=order)
    ax.add_patch(Polygon(corners, facecolor="white", edgecolor="white", alpha=0.8, linewidth=0.8, zorder=order))
    ax.plot(
        *shaft.T,
        color=color,
        linewidth=width,
        linestyle=look["linestyle"],
        dash_capstyle="butt",
        solid_capstyle="butt",
        zorder=order + 0.1,
    )
    ax.add_patch(Polygon(corners, facecolor=color, linewidth=0, zorder=order + 0.1))


def _write_letter(ax: Axes, name: str, direction: NDArray[np.float64]) -> None:
    """Write the vector's letter beyond the arrow's tip, farther out where it would meet those of signal and pattern."""
    angle = np.radians(angle_to_signal(direction) + _ASIDE_DEG.get(name, 0))
    radius = 3.1 if name not in _ASIDE_DEG and abs(angle) < np.pi / 6 else 2.5
    ax.text(
        radius * np.cos(angle),
        radius * np.sin(angle),
        _LOOK[name]["letter"],
        ha="center",
        va="center",
        style="italic",
        weight="bold",
        fontsize=8,
        zorder=10,
        path_effects=[Stroke(linewidth=2, foreground="white"), Normal()],
    )
