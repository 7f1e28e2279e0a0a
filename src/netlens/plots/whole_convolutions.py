"""Ratios of whole convolutions over all frequencies, beside those of their center taps."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from netlens.pattern_attribution.spectra.whole_convolution import WholeConvolution
from netlens.plots import style
from netlens.plots.layer_labels import extra_height_in, figure_width_in, name_layers, shade_blocks
from netlens.plots.singular_ratios import RATIO_LABEL

_TITLES: Final = {"gradient": "weights $W$", "pattern_attribution": r"PatternAttribution, $A \odot W$"}


def whole_convolution_sheet(found: Sequence[WholeConvolution]) -> Figure:
    """Draw both ratios of each layer, a panel for each kind of matrix.

    Parameters
    ----------
    found
        The layers in network order, of each kind of matrix.

    Returns
    -------
    Figure
        Dots are medians over frequencies, bars go from the 10th to the 90th percentile; infinite ratios are left out.
    """
    kinds = list(dict.fromkeys(each.matrix for each in found))
    labels = list(dict.fromkeys(each.layer for each in found))
    height = 1.35 * len(kinds) + 0.75 + extra_height_in(labels)
    fig, axes = plt.subplots(len(kinds), 1, figsize=(figure_width_in(labels), height), sharex=True, squeeze=False)
    for ax, kind in zip(axes[:, 0], kinds, strict=True):
        rows = {each.layer: each for each in found if each.matrix == kind}
        places = np.array([labels.index(layer) for layer in rows])
        low, middle, high, tap = (
            np.array([getattr(each, name) for each in rows.values()]) for name in ("low", "median", "high", "tap")
        )
        shown = np.isfinite(high)
        ax.vlines(places[shown] + 0.12, low[shown], high[shown], color=style.PALETTE[0], linewidth=3, alpha=0.35)
        ax.plot(
            places + 0.12, np.where(np.isfinite(middle), middle, np.nan), "o", color=style.PALETTE[0], markersize=3.4,
            label="whole convolution",
        )  # fmt: skip
        ax.plot(
            places - 0.12, np.where(np.isfinite(tap), tap, np.nan), linestyle="", color=style.COLORS[kind],
            marker=style.MARKERS[kind], label=f"center tap, {style.LABELS[kind]}",
        )  # fmt: skip
        ax.set(yscale="log", ylabel=RATIO_LABEL)
        for axis_format in (ax.yaxis.set_major_formatter, ax.yaxis.set_minor_formatter):
            axis_format(StrMethodFormatter("{x:g}"))
        ax.set_title(_TITLES[kind], loc="left", fontsize=7.5)
        ax.grid(axis="y", linewidth=0.3, color="0.88", which="both")
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
    for ax in axes[:-1, 0]:
        shade_blocks(ax, labels)
        ax.tick_params(axis="x", length=2)
    name_layers(axes[-1, 0], labels)
    handles = {
        label: handle for ax in axes[:, 0] for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    fig.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=3 if fig.get_size_inches()[0] > style.WIDTH_IN else 2,
    )
    return fig
