"""How well two sets of patterns agree, layer by layer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style
from netlens.plots.layer_labels import extra_height_in, figure_width_in, name_layers


def pattern_agreement(cosines: Mapping[str, NDArray[Any]]) -> Figure:
    """Draw the cosines of each layer's units as a box, with the median, the quartiles and the 5th to 95th percentile.

    Parameters
    ----------
    cosines
        (units,) by the layer's short name; NaN for units without a value, which are left out.

    Returns
    -------
    Figure
    """
    labels = list(cosines)
    fig, ax = plt.subplots(figsize=(figure_width_in(labels), style.WIDTH_IN / style.GOLDEN + extra_height_in(labels)))
    sns.boxplot(
        [values[np.isfinite(values)] for values in cosines.values()],
        ax=ax,
        color=style.PALETTE[0],
        whis=(5, 95),
        showfliers=False,
        width=0.6,
        linewidth=0.6,
    )
    name_layers(ax, labels)
    ax.set_ylabel("cosine")
    ax.set_ylim(min(-0.05, *ax.get_ylim()), 1.05)
    ax.axhline(0, color="0.6", linewidth=0.5, zorder=0)
    ax.grid(visible=True, axis="y")
    return fig
