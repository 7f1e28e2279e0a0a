"""Singular value decompositions, and how the directions of neighboring segments meet, as pictures of matrices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize, TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style
from netlens.plots.fitted_text import shortened, wrapped
from netlens.plots.signed_matrix import directions_color_bar, directions_image
from netlens.plots.unit_panels import panel, words

Matrix = NDArray[np.floating]

#: Where the colors of rotations end, in multiples of what a random rotation has.
ROTATION_END: Final = 3.0
#: Decades below the largest tile that the colors of items show.
ITEM_DECADES: Final = 2

# Decades below the largest singular value that a spectrum in a grid shows.
_DECADES = 4
_NAME_PT: Final = 6.5
# Directions of each layer that a grid shows: few enough for each to be seen.
_DIRECTIONS: Final = 4
_OUTPUTS: Final = r"$V^\mathsf{T}$: directions × outputs"
_SYMBOLS: Final = ("$R_l$", "$R_l S_{l+1}$", "$T_l$")
# Tiles whose first direction is one of these are labeled.
_NAMED: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@dataclass(frozen=True)
class DecompositionRow:
    """One decomposition of `decomposition_grid`.

    Attributes
    ----------
    label
        Short name of the layer.
    U, Vh
        Its leading directions, as pictures: inputs by directions, and directions by outputs.
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


@dataclass(frozen=True)
class RotationRow:
    """What lies between two neighboring segments, in tiles.

    Attributes
    ----------
    label
        Short names of both.
    rotation
        (a, b) root mean squares of the rotation's tiles, relative to those of a random one.
    scaled, item
        (a, b) root mean squares of the tiles of the scaled rotation and of the inter-layer item.
    rows, columns
        (a,) and (b,) first direction of each tile, counted from 0.
    """

    label: str
    rotation: Matrix
    scaled: Matrix
    item: Matrix
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


def decomposition_grid(layers: Sequence[DecompositionRow]) -> Figure:
    """Draw the singular values and the first directions of each layer in a row; units are `in_order`.

    Directions have the sign for which the entries over the outputs have a positive sum, so that one that is common to
    all outputs is red.

    Parameters
    ----------
    layers
        In network order.

    Returns
    -------
    Figure
        As wide as the page.
    """
    left_in, spectrum_in, gap_in, top_in, row_in = 0.9, 1.0, 0.1, 0.34, 0.52
    tall_in, start_in = row_in - 0.1, left_in + 0.35 + spectrum_in + gap_in
    strip_in = (style.FULL_WIDTH_IN - start_in - gap_in - 0.05) / 2
    height_in = top_in + row_in * len(layers) + 0.62
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, height_in), layout="none")
    places_in = (start_in, start_in + strip_in + gap_in)
    for place_in, title in zip(places_in, ("$U^\\mathsf{T}$: directions × inputs", _OUTPUTS), strict=True):
        words(fig, place_in + strip_in / 2, 0.1, title, ha="center")
    words(fig, start_in - gap_in - spectrum_in / 2, 0.1, r"$\sigma_i/\sigma_1$ over $i$", ha="center")
    for index, layer in enumerate(layers):
        line_in = top_in + index * row_in
        label = wrapped(layer.label, left_in - 0.08, _NAME_PT)
        words(fig, left_in - 0.04, line_in + tall_in / 2, label, ha="right", va="center", fontsize=_NAME_PT)
        spectrum = panel(fig, left_in + 0.35, line_in, spectrum_in, tall_in)
        _spectrum(spectrum, layer.s, min(len(layer.Vh), _DIRECTIONS))
        shown = r"\infty" if np.isinf(layer.ratio) else f"{layer.ratio:.3g}"
        ratio = rf"$\sigma_1/\sigma_2 = {shown}$"
        spectrum.text(0.05, 0.06, ratio, transform=spectrum.transAxes, ha="left", va="bottom", fontsize=6.5)
        U, Vh = layer.U[:, :_DIRECTIONS], layer.Vh[:_DIRECTIONS]
        signs = np.where(Vh.sum(axis=1) < 0, -1.0, 1.0)
        for place_in, directions in zip(places_in, (U * signs, Vh.T * signs), strict=True):
            directions_image(panel(fig, place_in, line_in, strip_in, tall_in), in_order(directions).T)
    directions_color_bar(fig, panel(fig, start_in, height_in - 0.5, 2 * strip_in + gap_in, 0.08))
    return fig


def rotation_grid(items: Sequence[RotationRow]) -> Figure:
    """Draw R, R S' and T of each two neighboring segments in a column, in as many columns as there are pairs.

    Parameters
    ----------
    items
        In network order; at most about five, so that tiles can be told apart.

    Returns
    -------
    Figure
        As wide as the page. Directions are in tiles that grow with their index, so both axes are logarithmic. Colors of
        R are about 1, what a random rotation has: red above, blue below.
    """
    left_in, top_in, gap_in, keys_in = 0.62, 0.36, 0.14, 0.62
    side_in = min(1.25, (style.FULL_WIDTH_IN - left_in - 0.05 + gap_in) / len(items) - gap_in)
    row_in = side_in + 0.2
    height_in = top_in + 3 * row_in + keys_in
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, height_in), layout="none")
    rotations: Normalize = TwoSlopeNorm(1, 0, ROTATION_END)
    others = LogNorm(10.0**-ITEM_DECADES, 1)
    for column, item in enumerate(items):
        place_in = left_in + column * (side_in + gap_in)
        before, _, after = item.label.partition(", ")
        names = [shortened(name, side_in + gap_in - 0.04, _NAME_PT) for name in (before, after) if name]
        words(fig, place_in + side_in / 2, top_in - 0.05, "\n".join(names), ha="center", va="bottom", fontsize=_NAME_PT)
        for row, tiles in enumerate((item.rotation, item.scaled, item.item)):
            ax = panel(fig, place_in, top_in + row * row_in, side_in)
            if row == 0:
                ax.imshow(tiles, cmap=style.diverging(), norm=rotations, interpolation="nearest", aspect="auto")
            else:
                shown = np.maximum(tiles / (tiles.max(initial=0.0) or 1.0), 10.0**-ITEM_DECADES)
                ax.imshow(shown, cmap=style.sequential(), norm=others, interpolation="nearest", aspect="auto")
            _name_tiles(ax, item.rows, item.columns)
            if column == 0:
                ax.set_ylabel(_SYMBOLS[row], fontsize=8, labelpad=3)
    for place, (norm, colors, label, ticks) in enumerate(
        (
            (rotations, style.diverging(), "$R_l$: times a random rotation's", [0, 0.5, 1, 2, 3]),
            (others, style.sequential(), "$R_l S_{l+1}$ and $T_l$: relative to the largest", [0.01, 0.1, 1]),
        )
    ):
        wide_in = (style.FULL_WIDTH_IN - left_in) / 2 - 0.3
        ax = panel(fig, left_in + place * (wide_in + 0.5), height_in - keys_in + 0.08, wide_in, 0.08)
        extend = "max" if norm is rotations else "min"
        bar = fig.colorbar(ScalarMappable(norm, colors), cax=ax, orientation="horizontal", extend=extend)
        bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
        bar.minorticks_off()
        bar.ax.tick_params(labelsize=6.5, length=2)
        bar.set_label(label, fontsize=7)
        bar.outline.set(linewidth=0.4)  # type: ignore[operator]
    return fig


def chain_grid(chains: Mapping[str, tuple[Matrix, Matrix, Matrix]]) -> Figure:
    """Draw U, the singular values in decades and Vh of whole chains, one chain per row; units are `in_order`.

    Parameters
    ----------
    chains
        By name: leading directions U, the decimal logarithms of all singular values, and leading directions Vh.

    Returns
    -------
    Figure
    """
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, 1.75 * len(chains) + 0.3))
    axes = fig.subplots(len(chains), 3, squeeze=False, width_ratios=[1, 1.1, 1.4])
    for row, (name, (U, log10_values, Vh)) in zip(axes, chains.items(), strict=True):
        directions_image(row[0], in_order(U))
        directions_image(row[2], in_order(Vh.T).T)
        finite = log10_values[np.isfinite(log10_values)]
        row[1].plot(np.arange(len(finite)) + 1, finite, ".-", color="black", markersize=2.5, linewidth=0.6)
        row[1].axvline(U.shape[1] + 0.5, color=style.PALETTE[3], linewidth=0.6, linestyle=":")
        row[1].set(xlabel="index", title=r"$\log_{10} \sigma_i$")
        row[1].tick_params(labelsize=6.5)
        row[0].set(ylabel=name, title="$U$: inputs × directions")
        row[2].set(title=_OUTPUTS)
    directions_color_bar(fig, axes)
    return fig


def in_order(directions: Matrix) -> Matrix:
    """Return directions, (units, directions), with units in the order of their entry in the first, the largest first.

    Units have no order of their own. In this one it is seen whether the first direction has one sign, or is carried by
    few units, and whether other directions have to do with it.
    """
    return directions[np.argsort(-directions[:, 0], kind="stable")]


def _name_tiles(ax: Axes, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> None:
    """Name tiles by their first direction, counted from 1."""
    for axis, starts in ((ax.xaxis, columns), (ax.yaxis, rows)):
        chosen = [place for place, start in enumerate(starts) if start + 1 in _NAMED]
        axis.set_ticks(chosen, labels=[str(starts[place] + 1) for place in chosen])
    ax.tick_params(labelsize=6.5, length=1.5, pad=1)
    for side in ax.spines.values():
        side.set(linewidth=0.4, color="0.6")


def _spectrum(ax: Axes, s: NDArray[Any], shown: int) -> None:
    """Draw singular values relative to the largest; those of the directions that are shown have dots."""
    relative = np.where(s > 0, s, np.nan) / (s[0] or 1.0)
    index = np.arange(len(s)) + 1
    ax.semilogy(index, relative, "-", color="0.5", linewidth=0.8)
    ax.semilogy(index[:shown], relative[:shown], ".", color="black", markersize=3.5)
    ax.set_ylim(10.0**-_DECADES, 3)
    ax.set(xticks=[], yticks=[1, 10.0 ** -(_DECADES // 2)])
    ax.tick_params(labelsize=6.5, length=2, pad=1)
    ax.minorticks_off()
    for side in ax.spines.values():
        side.set(linewidth=0.4, color="0.6")
