"""How well linear probes predict a unit from the layers of several networks, over the relative depth of the layers."""

from collections.abc import Mapping

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from netlens.plots import style
from netlens.plots.layer_depth import depth_lines, name_lines, relative_depths


def analogy_quality(along: Mapping[str, ArrayLike], whole: Mapping[str, ArrayLike], own_layer: int) -> Figure:
    """Draw held-out R2 over depth: along the unit's direction (left), and from the whole layer (right).

    Parameters
    ----------
    along, whole
        By network, the first network first: R2 of the probe along the direction, and of the one on the whole layer,
        (layers,).
    own_layer
        Index of the unit's own layer among those of the first network, where a label points to it.

    Returns
    -------
    Figure
        As wide as the page. Call `netlens.plots.style.paper` before.

    Raises
    ------
    ValueError
        There is no network.
    """
    if not along:
        raise ValueError("a figure of analogies shows at least one network; there is none")
    fig, axes = plt.subplots(1, 2, figsize=(style.FULL_WIDTH_IN, 2.3), sharey=True)
    for ax, lines, title in zip(axes, (along, whole), ("along the direction", "from the whole layer"), strict=True):
        depth_lines(ax, lines)
        ax.set_title(title, loc="left")
    axes[0].set_ylabel("held-out R\N{SUPERSCRIPT TWO}")
    heights = list(next(iter(along.values())))  # type: ignore[arg-type]
    depth = relative_depths(len(heights))[own_layer]
    # Where there is more room.
    offset, side = ((-5, 0), "right") if depth > 1 / 3 else ((5, 0), "left")
    axes[0].annotate(
        "its own layer", (depth, heights[own_layer]), offset, textcoords="offset points", fontsize=7, va="center",
        ha=side,
    )  # fmt: skip
    # Names are placed on the axes as laid out.
    fig.draw_without_rendering()
    name_lines(axes[1], whole)
    return fig
