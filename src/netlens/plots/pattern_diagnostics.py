"""Activity, dead units and gain of the patterns, layer by layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style
from netlens.plots.layer_labels import extra_height_in, figure_width_in, name_layers, shade_blocks


def pattern_diagnostics(
    active_shares: Sequence[NDArray[Any]],
    gains: Sequence[NDArray[Any]],
    dead: Sequence[NDArray[np.bool_]],
    labels: Sequence[str],
) -> Figure:
    """Draw, for each layer, how often its live units are active, how many are dead, and how far gains are from 1.

    Parameters
    ----------
    active_shares, gains, dead
        (units,) of each layer: share of samples in which a unit is active, w'a, and whether it is dead.
    labels
        Short names of the layers.

    Returns
    -------
    Figure
    """
    size = figure_width_in(labels), 4.6 + extra_height_in(labels)
    fig, axes = plt.subplots(3, 1, figsize=size, sharex=True, height_ratios=[2.2, 1, 1.3])
    x = np.arange(len(labels))
    shares = [share[~is_dead] for share, is_dead in zip(active_shares, dead, strict=True)]
    parts = axes[0].boxplot(shares, positions=x, widths=0.55, whis=(0, 100), patch_artist=True)
    for box in parts["boxes"]:
        box.set(facecolor="0.85", linewidth=0.6)
    for line in parts["whiskers"] + parts["caps"] + parts["medians"]:
        line.set(color="black", linewidth=0.7)
    axes[0].set(ylabel="active share\nof a live unit", ylim=(-0.03, 1.03))
    counts = np.array([int(is_dead.sum()) for is_dead in dead])
    dead_shares = counts / np.array([is_dead.size for is_dead in dead])
    axes[1].bar(x, dead_shares, color=style.PALETTE[3], width=0.55)
    for place, count, share in zip(x, counts, dead_shares, strict=True):
        if count:
            axes[1].text(place, share, f"{count}", ha="center", va="bottom", fontsize=6.5)
    axes[1].set(ylabel="share of\ndead units", ylim=(0, max(0.05, 1.6 * float(dead_shares.max()))))
    errors = [np.abs(gain[~is_dead] - 1).max(initial=0.0) for gain, is_dead in zip(gains, dead, strict=True)]
    floor = np.finfo(np.float32).eps
    axes[2].semilogy(x, np.maximum(errors, floor / 100), "o", color="black")
    axes[2].axhline(floor, color="0.5", linewidth=0.7, linestyle="--", label="rounding of single precision")
    axes[2].legend(loc="upper left")
    axes[2].set(ylabel=r"largest $|w^T a - 1|$" + "\nof a live unit", ylim=(floor / 300, floor * 3000))
    name_layers(axes[2], labels)
    for ax in axes[:2]:
        shade_blocks(ax, labels)
    for ax in axes:
        ax.grid(visible=True, axis="y")
        ax.tick_params(axis="x", length=2)
    fig.align_ylabels(axes)
    return fig
