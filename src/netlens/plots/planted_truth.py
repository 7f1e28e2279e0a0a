"""What measures of similarity say of copies whose relation is known."""

from typing import Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from netlens.model_comparison.planted_truth import PlantedTruth
from netlens.plots import style

_MARKERS: Final = ("o", "s", "D", "^", "v", "P")
_COLORS: Final = (0, 1, 2, 3, 4, 9)


def planted_figure(found: PlantedTruth) -> Figure:
    """Draw a line for each measure over the copies, from the most similar to the least.

    Returns
    -------
    Figure
        Measures that rank all copies right have full lines, others are dashed.
    """
    fig, ax = plt.subplots(figsize=(style.WIDTH_IN, 3.5))
    places = np.arange(len(found.copies))
    for row, (name, right) in enumerate(zip(found.measures, found.ranked_right.tolist(), strict=True)):
        ax.plot(
            places + 0.06 * (row - len(found.measures) / 2), found.values[row], marker=_MARKERS[row % len(_MARKERS)],
            color=style.PALETTE[_COLORS[row % len(_COLORS)]], linestyle="-" if right else (0, (3, 2)), linewidth=0.9,
            markersize=3.8, label=f"{name}{'' if right else ' (wrong)'}",
        )  # fmt: skip
    ax.axhline(0, color="0.6", linewidth=0.6, zorder=0)
    ax.set_xticks(places, found.copies, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_ylabel("similarity to the layer")
    ax.grid(axis="y", linewidth=0.3, color="0.88")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    fig.legend(loc="outside lower center", ncols=2)
    return fig
