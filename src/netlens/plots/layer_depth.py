"""Lines over the relative depth of layers, one per network, labeled at their ends."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style
from netlens.plots.fitted_text import shortened

#: Color and marker of the first, second and third network.
COLOURS: Final = (style.PALETTE[0], style.PALETTE[1], style.PALETTE[2])
MARKERS: Final = ("o", "s", "D")

# Longer names are shortened.
_NAME_IN: Final = 1.2


def relative_depths(count: int) -> NDArray[np.float64]:
    """Return the relative depths of layers, (count,), from 0 for the first to 1 for the last; 0 for a single layer."""
    return np.arange(count) / max(1, count - 1)


def depth_lines(ax: Axes, lines: Mapping[str, ArrayLike]) -> None:
    """Draw one line per network, its values (layers,) over the relative depth; the first network is on top."""
    table = pd.DataFrame(
        [
            {"network": name, "depth": depth, "value": value}
            for name, values in lines.items()
            for depth, value in zip(relative_depths(np.size(values)), np.asarray(values, np.float64), strict=True)
        ]
    )
    look: dict[str, Any] = {"markersize": 3.6, "markeredgewidth": 0, "dashes": False, "legend": False}
    sns.lineplot(
        table, x="depth", y="value", hue="network", style="network", ax=ax, estimator=None, sort=False,
        palette=list(COLOURS[: len(lines)]), markers=list(MARKERS[: len(lines)]), **look,
    )  # fmt: skip
    for index, line in enumerate(ax.get_lines()):
        line.set_zorder(5 - index)
    ax.set_ylabel("")
    ax.set_xlabel("relative depth of the layer")
    ax.set_xticks([0, 0.5, 1], ["0 (first)", "0.5", "1 (last)"])
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.axhline(0, color="0.6", linewidth=0.6, zorder=0)


def name_lines(ax: Axes, lines: Mapping[str, ArrayLike]) -> None:
    """Write each line's name to the right of its end, in its color, moved up or down where names would touch."""
    low, high = ax.get_ylim()
    height_in = ax.get_window_extent().height / ax.figure.dpi
    # Distance of lines of text at 7 points, in the unit of the axis.
    ends = [float(np.asarray(values)[-1]) for values in lines.values()]
    heights = spread(ends, 9.5 / 72 / height_in * (high - low))
    for index, (name, end, height) in enumerate(zip(lines, ends, heights, strict=True)):
        ax.annotate(
            shortened(name, _NAME_IN, 7),
            (1.0, end),
            (1.1, height),
            color=COLOURS[index],
            fontsize=7,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": COLOURS[index], "lw": 0.5, "shrinkA": 1, "shrinkB": 2},
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Move positions apart until they are at least `gap` from each other, in order and as little as possible.

    Parameters
    ----------
    places
        Preferred positions.
    gap
        Smallest distance between two of them.

    Returns
    -------
    list of float
        New positions, in the given order.

    Examples
    --------
    >>> spread([0.0, 0.5, 3.0], 1.0)
    [-0.25, 0.75, 3.0]
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    # Groups that touch move as one, centered on the mean of their preferred positions.
    groups: list[tuple[list[int], float]] = []
    for index in order:
        members, centre = [index], places[index]
        while groups and groups[-1][1] + (len(groups[-1][0]) + len(members)) * gap / 2 > centre:
            members = groups.pop()[0] + members
            centre = sum(places[member] for member in members) / len(members)
        groups.append((members, centre))
    moved = [0.0] * len(places)
    for members, centre in groups:
        for position, member in enumerate(members):
            moved[member] = centre + (position - (len(members) - 1) / 2) * gap
    return moved
