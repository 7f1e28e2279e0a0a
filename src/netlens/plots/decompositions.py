"""Singular value decompositions and what lies between neighboring layers, as pictures of matrices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style
from netlens.plots.signed_matrix import signed_image

Matrix = NDArray[np.floating]


@dataclass(frozen=True)
class DecompositionRow:
    """One row of `decomposition_grid`.

    Attributes
    ----------
    label
        Short name of the layer.
    U, Vh
        Its bases, as pictures.
    s
        (r,) singular values, largest first.
    ratio
        s1 / s2; infinity allowed.
    """

    label: str
    U: Matrix
    s: Matrix
    Vh: Matrix
    ratio: float


def decomposition_grid(layers: Sequence[DecompositionRow]) -> Figure:
    """Draw U, the singular values and Vh of each layer in a row, in two columns of layers.

    Parameters
    ----------
    layers
        In network order, down the first column and then down the second.

    Returns
    -------
    Figure
    """
    columns = 2
    rows = -(-len(layers) // columns)
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, 1.08 * rows + 0.25))
    for half, place in zip(fig.subfigures(1, columns, wspace=0.04, squeeze=False).flat, range(columns), strict=True):
        chosen = layers[place * rows : (place + 1) * rows]
        axes = half.subplots(rows, 3, squeeze=False, width_ratios=[1, 1.1, 1])
        for row, layer in zip(axes, chosen, strict=False):
            s = layer.s
            signed_image(row[0], layer.U)
            signed_image(row[2], layer.Vh)
            row[0].set_ylabel(layer.label, fontsize=7)
            row[1].semilogy(np.arange(len(s)) + 1, np.where(s > 0, s, np.nan), ".-", color="black", markersize=1.5)
            row[1].set_ylim(s[0] * 1e-4, s[0] * 3)
            row[1].tick_params(labelsize=6, length=2, pad=1)
            row[1].minorticks_off()
            shown = r"\infty" if np.isinf(layer.ratio) else f"{layer.ratio:.2f}"
            row[1].set_title(rf"$\sigma_1/\sigma_2 = {shown}$", fontsize=6.5, pad=2)
        for ax, title in zip(axes[0, ::2], ("$U$", r"$V^\mathsf{T}$"), strict=True):
            ax.set_title(title, fontsize=7, pad=2)
        for ax in axes[len(chosen) :].flat:
            ax.remove()
    return fig


def rotation_grid(items: Sequence[tuple[str, Matrix, Matrix]]) -> Figure:
    """Draw the rotation R and the inter-layer item T of each two neighboring layers, in three columns of pairs.

    Parameters
    ----------
    items
        Name of the pair, R and T, in network order.

    Returns
    -------
    Figure
    """
    columns = 3
    rows = -(-len(items) // columns)
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, 1.12 * rows + 0.25))
    for part, place in zip(fig.subfigures(1, columns, wspace=0.03, squeeze=False).flat, range(columns), strict=True):
        chosen = items[place * rows : (place + 1) * rows]
        axes = part.subplots(rows, 2, squeeze=False)
        for row, (name, rotation, item) in zip(axes, chosen, strict=False):
            signed_image(row[0], rotation)
            signed_image(row[1], item)
            row[0].set_ylabel(name, fontsize=6)
        for ax, title in zip(axes[0], ("$R_l$", "$T_l$"), strict=True):
            ax.set_title(title, fontsize=7, pad=2)
        for ax in axes[len(chosen) :].flat:
            ax.remove()
    return fig
