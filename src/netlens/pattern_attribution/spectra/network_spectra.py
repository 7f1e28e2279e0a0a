"""All singular values of a network's matrices and of the inter-layer items, with some decompositions as pictures."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.pattern_attribution.spectra.chain import ChainSpectrum, chain_vectors
from netlens.pattern_attribution.spectra.decomposition import (
    SVD,
    inter_layer_item,
    inter_layer_values,
    rotation,
    sorted_norms,
    svd,
    within_rank,
)
from netlens.pattern_attribution.spectra.matrices import Array
from netlens.pattern_attribution.spectra.pictures import leading_directions, tiled
from netlens.pattern_attribution.spectra.results import (
    ChainDecomposition,
    LayerDecomposition,
    LayerSpectrum,
    MatrixDecompositions,
    MatrixSpectra,
    PairDecomposition,
    SegmentSpectrum,
)
from netlens.statistics.even_samples import spread_evenly


def network_spectra(
    layers: Mapping[str, Array],
    labels: Sequence[str],
    segments: Mapping[str, Array],
    segment_labels: Sequence[str],
    *,
    chain: ChainSpectrum | None = None,
    drawn: Sequence[str] | None = None,
    pictures_count: int,
    picture_px: int,
) -> tuple[MatrixSpectra, MatrixDecompositions]:
    """Compute the spectra and decompositions of one kind of matrix of a network.

    Only two neighboring segments' decompositions are in memory at a time.

    Parameters
    ----------
    layers
        (cin, cout) by layer, from `netlens.pattern_attribution.spectra.matrices.layer_matrices`.
    labels
        Short names of the layers.
    segments
        The same by segment, from `netlens.pattern_attribution.spectra.segments.segment_matrices`; none where
        inter-layer items do not apply. A segment's matrix that is a layer's array is decomposed only once.
    segment_labels
        Short names of the segments.
    chain
        Singular values of the product of all segments but the first. None: without the chain's decomposition.
    drawn
        Names of the layers of which some are kept as pictures. Default: all. There is nothing to see in the bases of a
        depthwise convolution, whose matrix is diagonal.
    pictures_count
        Largest number of layers, and of pairs of segments, whose matrices are kept as pictures.
    picture_px
        Largest number of inputs and of outputs of a layer in a picture.

    Returns
    -------
    spectra : MatrixSpectra
        Of all layers and segments.
    decompositions : MatrixDecompositions
        Of layers and pairs spread evenly.

    Raises
    ------
    netlens.pattern_attribution.spectra.matrices.SpectraError
        A matrix is empty or not finite, or two neighbors do not fit together.
    """
    drawable = list(layers) if drawn is None else list(drawn)
    shown = {drawable[index] for index in spread_evenly(len(drawable), pictures_count)}
    label_of = dict(zip(layers, labels, strict=True))
    made: dict[str, tuple[LayerSpectrum, LayerDecomposition | None]] = {}

    def of_layer(name: str, parts: SVD) -> None:
        matrix = layers[name]
        norms = sorted_norms(matrix, 1), sorted_norms(matrix, 0)
        kept, drawing = within_rank(parts), None
        if name in shown:
            U, Vh = _single(*leading_directions(kept.U, kept.Vh, picture_px))
            drawing = LayerDecomposition(name, label_of[name], U, parts.s, Vh)
        made[name] = LayerSpectrum(name, label_of[name], parts.s, *norms), drawing

    segment_spectra: list[SegmentSpectrum] = []
    pairs: list[PairDecomposition] = []
    names = list(segments)
    shown_pairs = spread_evenly(max(len(names) - 1, 0), pictures_count)
    before: SVD | None = None
    values: Array | None = None
    for index, (name, label) in enumerate(zip(names, segment_labels, strict=True)):
        parts = svd(segments[name], thin=True)
        if segments[name] is layers.get(name):
            of_layer(name, parts)
        after = within_rank(parts)
        if before is not None and values is not None:
            item_values = np.zeros(min(len(values), len(parts.s)))
            found = inter_layer_values(before, after)
            item_values[: len(found)] = found
            previous = names[index - 1], segment_labels[index - 1]
            segment_spectra.append(SegmentSpectrum(*previous, values, item_values))
            if index - 1 in shown_pairs:
                pairs.append(_pair(previous[0], f"{previous[1]}, {label}", before, after))
        before, values = after, parts.s
        if index + 1 == len(names):
            segment_spectra.append(SegmentSpectrum(name, label, values, None))
    for name, matrix in layers.items():
        if name not in made:
            of_layer(name, svd(matrix, thin=True))
    shown_layers = tuple(picked for name in layers if (picked := made[name][1]) is not None)
    spectra = MatrixSpectra(tuple(made[name][0] for name in layers), tuple(segment_spectra))
    return spectra, MatrixDecompositions(
        shown_layers, tuple(pairs), _chain_pictures(list(segments.values())[1:], chain, picture_px)
    )


def _pair(name: str, label: str, before: SVD, after: SVD) -> PairDecomposition:
    turned = rotation(before, after)
    # Entries of a random rotation among so many channels have this root mean square.
    values, rows, columns = tiled(turned * np.sqrt(before.Vh.shape[1]))
    rotated, scaled, item = _single(values, tiled(turned * after.s)[0], tiled(inter_layer_item(before, after))[0])
    return PairDecomposition(name, label, rotated, scaled, item, rows, columns)


def _single(*matrices: ArrayLike) -> list[NDArray[np.float32]]:
    return [np.asarray(matrix, np.float32) for matrix in matrices]


def _chain_pictures(
    matrices: Sequence[Array], chain: ChainSpectrum | None, picture_px: int
) -> ChainDecomposition | None:
    if chain is None:
        return None
    finite = int(np.count_nonzero(np.isfinite(chain.log10_values)))
    U, Vh = chain_vectors(matrices, min(chain.resolved, finite))
    if U.size and Vh.size:
        U, Vh = leading_directions(U, Vh, picture_px)
    inputs, outputs = _single(U, Vh)
    return ChainDecomposition(inputs, chain.log10_values, outputs)
