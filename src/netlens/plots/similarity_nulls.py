"""Similarities of layers of equal depth, drawn against what they would be by chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from netlens.model_comparison.equal_depth import EqualDepth
from netlens.plots import style
from netlens.plots.fitted_text import shortened

_BAND = "0.8"


@dataclass(frozen=True)
class NullPanel:
    """Two networks.

    Attributes
    ----------
    title
        Text above the panel.
    labels
        Labels of the first network's layers, one for each pair.
    pairs
        The pairs of equal depth.
    random
        Similarity of each of these layers to the same layer with random weights; None if it is not known.
    """

    title: str
    labels: Sequence[str]
    pairs: EqualDepth
    random: Sequence[float] | None = None


def null_sheet(panels: Sequence[NullPanel]) -> Figure:
    """Draw values as dots over the range of their null, a panel for each two networks.

    Parameters
    ----------
    panels
        At least one.

    Returns
    -------
    Figure
        The gray bar goes from 0 to the 95 % quantile of the null; a hollow dot is a value by chance.
    """
    widest = max(len(panel.labels) for panel in panels)
    beside = widest <= 12
    shape = (1, len(panels)) if beside else (len(panels), 1)
    width = style.FULL_WIDTH_IN if len(panels) > 1 or not beside else style.WIDTH_IN
    fig, axes = plt.subplots(*shape, figsize=(width, 3.1 if beside else 2.6 * len(panels)), sharey=True, squeeze=False)
    for ax, panel in zip(axes.ravel(), panels, strict=True):
        places, pairs = np.arange(len(panel.labels)), panel.pairs
        ax.bar(places, pairs.null_quantile, width=0.7, color=_BAND, linewidth=0, zorder=0)
        ax.hlines(pairs.largest, places - 0.35, places + 0.35, color="0.4", linewidth=0.9)
        for chance, face in ((False, style.PALETTE[0]), (True, "white")):
            chosen = pairs.by_chance == chance
            ax.plot(
                places[chosen], pairs.values[chosen], "o", color=style.PALETTE[0], markerfacecolor=face, markersize=4
            )
        if panel.random is not None:
            ax.plot(places, panel.random, "x", color=style.PALETTE[3], markersize=4)
        ax.set_xticks(places, [shortened(label, 0.9, 6.5) for label in panel.labels])
        ax.tick_params(axis="x", labelrotation=90, labelsize=6.5)
        ax.set_title(panel.title, fontsize=7)
        ax.set_ylim(0, 1.03)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    for row in axes:
        row[0].set_ylabel("whitened similarity")
    dot: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": 4, "color": style.PALETTE[0]}
    handles = [
        Line2D([], [], label="beyond chance", **dot),
        Line2D([], [], label="by chance", markerfacecolor="white", **dot),
        Patch(color=_BAND, label="95 % of unrelated images"),
        Line2D([], [], color="0.4", linewidth=0.9, label="largest possible"),
    ]
    if any(panel.random is not None for panel in panels):
        handles.append(
            Line2D([], [], marker="x", linestyle="", color=style.PALETTE[3], label="to itself, random weights")
        )
    fig.legend(handles=handles, loc="outside lower center", ncols=3)
    return fig
