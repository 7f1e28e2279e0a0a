"""Lines over the relative depth of layers, one a network, named where they end."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from netlens.plots import style

#: Colour and marker of the first, the second and the third network.
COLOURS: Final = (style.PALETTE[0], style.PALETTE[1], style.PALETTE[2])
MARKERS: Final = ("o", "s", "D")


def relative_depths(count: int) -> NDArray[np.float64]:
    """Give the places of layers, (count,), from 0 for the first to 1 for the last; 0 for one alone."""
    return np.arange(count) / max(1, count - 1)


def depth_lines(ax: Axes, lines: Mapping[str, ArrayLike]) -> None:
    """Draw one line a network, values (layers,) over the relative depth of its layers; the first network on top."""
    for index, values in enumerate(lines.values()):
        heights = np.asarray(values, np.float64)
        look: dict[str, Any] = {"color": COLOURS[index], "marker": MARKERS[index], "zorder": 5 - index}
        ax.plot(relative_depths(len(heights)), heights, markersize=3.6, markeredgewidth=0, **look)
    ax.set_xlabel("relative depth of the layer")
    ax.set_xticks([0, 0.5, 1], ["0 (first)", "0.5", "1 (last)"])
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.axhline(0, color="0.6", linewidth=0.6, zorder=0)


def name_lines(ax: Axes, lines: Mapping[str, ArrayLike]) -> None:
    """Write each line's name right of where it ends, in its colour, moved up or down where names would touch."""
    low, high = ax.get_ylim()
    height_in = ax.get_window_extent().height / ax.figure.dpi
    # A line of 7 points, in the unit of the axis.
    ends = [float(np.asarray(values)[-1]) for values in lines.values()]
    heights = spread(ends, 9.5 / 72 / height_in * (high - low))
    for index, (name, end, height) in enumerate(zip(lines, ends, heights, strict=True)):
        ax.annotate(
            name,
            (1.0, end),
            (1.1, height),
            color=COLOURS[index],
            fontsize=7,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": COLOURS[index], "lw": 0.5, "shrinkA": 1, "shrinkB": 2},
        )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Move places apart until they are `gap` from each other, together as little as that needs, in their order.

    Parameters
    ----------
    places
        Where they would like to be.
    gap
        Least distance of two.

    Returns
    -------
    list of float
        Where they are, in the order in which they were given.
    """
    order = sorted(range(len(places)), key=lambda index: places[index])
    # Groups that touch move as one, centred on what their members wish.
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
