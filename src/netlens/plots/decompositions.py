"""Singular value decompositions and what lies between neighboring segments, as pictures of matrices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style
from netlens.plots.signed_matrix import relative_color_bar, signed_image

Matrix = NDArray[np.floating]

#: Decades below the largest singular value that a spectrum in a grid shows.
_DECADES = 4


@dataclass(frozen=True)
class DecompositionRow:
    """One decomposition of `decomposition_grid`.

    Attributes
    ----------
    label
        Short name of the layer.
    U, Vh
        Its bases, as pictures: inputs by directions, and directions by outputs.
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
    columns = 2 if len(layers) > 1 else 1
    rows = -(-len(layers) // columns)
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, 1.08 * rows + 0.3))
    axes = fig.subplots(rows, 3 * columns, squeeze=False, width_ratios=[1, 1.15, 1] * columns)
    for index, layer in enumerate(layers):
        place = 3 * (index // rows)
        cells = axes[index % rows, place : place + 3]
        signed_image(cells[0], layer.U, logarithmic=True, stretched=True)
        signed_image(cells[2], layer.Vh, logarithmic=True, stretched=True)
        cells[0].set_ylabel(layer.label, fontsize=6.5)
        _spectrum(cells[1], layer.s)
        shown = r"\infty" if np.isinf(layer.ratio) else f"{layer.ratio:.3g}"
        cells[1].set_title(rf"$\sigma_1/\sigma_2 = {shown}$", fontsize=6.5, pad=2)
        if index % rows == 0:
            cells[0].set_title("$U$", fontsize=7, pad=2)
            cells[2].set_title(r"$V^\mathsf{T}$", fontsize=7, pad=2)
    _hide_from(axes, len(layers))
    relative_color_bar(fig, axes)
    return fig


def rotation_grid(items: Sequence[tuple[str, Matrix, Matrix, Matrix]]) -> Figure:
    """Draw R, R S' and T of each two neighboring segments in a row, in two columns of pairs.

    Parameters
    ----------
    items
        Name of the pair, the rotation R, R times the singular values of the next segment, and the inter-layer item T,
        in network order.

    Returns
    -------
    Figure
    """
    columns = 2 if len(items) > 1 else 1
    rows = -(-len(items) // columns)
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, 1.02 * rows + 0.3))
    axes = fig.subplots(rows, 3 * columns, squeeze=False)
    for index, (name, *pictures) in enumerate(items):
        place = 3 * (index // rows)
        cells = axes[index % rows, place : place + 3]
        for ax, picture, symbol in zip(cells, pictures, ("R_l", "R_l S_{l+1}", "T_l"), strict=True):
            signed_image(ax, picture, logarithmic=True, stretched=True)
            if index % rows == 0:
                ax.set_title(f"${symbol}$", fontsize=7, pad=2)
        cells[0].set_ylabel(name.replace(", ", ",\n"), fontsize=5.5)
    _hide_from(axes, len(items))
    relative_color_bar(fig, axes)
    return fig


def chain_grid(chains: Mapping[str, tuple[Matrix, Matrix, Matrix]]) -> Figure:
    """Draw U, the singular values in decades and Vh of whole chains, one chain per row.

    Parameters
    ----------
    chains
        By name: U, the decimal logarithms of all singular values, and Vh.

    Returns
    -------
    Figure
    """
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, 1.75 * len(chains) + 0.3))
    axes = fig.subplots(len(chains), 3, squeeze=False, width_ratios=[1, 1.1, 1.4])
    for row, (name, (U, log10_values, Vh)) in zip(axes, chains.items(), strict=True):
        signed_image(row[0], U, logarithmic=True, stretched=True)
        signed_image(row[2], Vh, logarithmic=True, stretched=True)
        finite = log10_values[np.isfinite(log10_values)]
        row[1].plot(np.arange(len(finite)) + 1, finite, ".-", color="black", markersize=2.5, linewidth=0.6)
        row[1].axvline(U.shape[1] + 0.5, color=style.PALETTE[3], linewidth=0.6, linestyle=":")
        row[1].set(xlabel="index", title=r"$\log_{10} \sigma_i$")
        row[1].tick_params(labelsize=6)
        row[0].set(ylabel=name, title="$U$")
        row[2].set(title=r"$V^\mathsf{T}$")
    relative_color_bar(fig, axes)
    return fig


def _hide_from(axes: NDArray[Any], count: int) -> None:
    """Hide the cells behind the first `count` rows of three, which go down the first column of rows, then the next."""
    rows = len(axes)
    for index in range(count, rows * (axes.shape[1] // 3)):
        for ax in axes[index % rows, 3 * (index // rows) :][:3]:
            ax.set_visible(False)


def _spectrum(ax: Axes, s: NDArray[Any]) -> None:
    ax.semilogy(np.arange(len(s)) + 1, np.where(s > 0, s, np.nan), ".-", color="black", markersize=1.5, linewidth=0.6)
    top = s[0] or 1.0
    ax.set_ylim(top * 10.0**-_DECADES, top * 3)
    ax.tick_params(labelsize=5.5, length=2, pad=1)
    ax.minorticks_off()
