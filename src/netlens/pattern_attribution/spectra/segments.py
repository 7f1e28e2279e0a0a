"""Networks with branches as chains of matrices.

Every path through a network passes the tensors of its trunk; what lies between two of them is a segment
(`netlens.models.keras.segments`). With every rectifier replaced by the identity, and seen at the center taps of its
kernels, a segment is one matrix: layers in a row are multiplied, ``x @ M_1 @ M_2``; branches that are concatenated
stand side by side; branches that are added are summed, and a branch without a layer is the unit matrix. So the segments
of any network form a chain, and in a network without branches each segment is a layer.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from netlens.models.errors import listed
from netlens.models.keras.layer_graph import LayerGraph, LayerNode
from netlens.models.keras.segments import KERNELS, SCALES, SIDE_BY_SIDE, Segment, checked_segments
from netlens.pattern_attribution.spectra.matrices import Array, SpectraError


def segment_matrices(graph: LayerGraph, layers: Mapping[str, ArrayLike]) -> dict[str, Array]:
    """Return the matrix of each segment, composed from those of its layers.

    Parameters
    ----------
    graph
        The network's graph, without batch normalizations: `netlens.models.keras.folding` folds them, and makes those
        that cannot be folded depthwise convolutions, which are diagonal matrices.
    layers
        (cin, cout) by layer, all of one kind, from `netlens.pattern_attribution.spectra.matrices.layer_matrices`.

    Returns
    -------
    dict
        (channels of the trunk tensor before, of that after) in float64 by name of the segment, in network order. That
        of a segment of one layer is the layer's own matrix.

    Raises
    ------
    NotApplicableError
        As `netlens.models.keras.segments.checked_segments`.
    SpectraError
        A layer has no matrix, or the matrices do not fit together.
    """
    matrices: dict[str, Array] = {}
    channels = graph.channels
    for segment in checked_segments(graph):
        matrix = _composed(segment, layers, channels)
        matrices[segment.name] = matrix
        channels = matrix.shape[1]
    return matrices


def _composed(segment: Segment, layers: Mapping[str, ArrayLike], channels: int | None) -> Array:
    """Compose the matrix of a segment; `channels` is how many its first tensor has."""
    # None stands for the unit matrix, so that a segment of one layer is that layer's own matrix to the last bit.
    values: dict[str, Array | None] = {}
    value: Array | None = None
    for node in segment.nodes:
        sources = [values.get(source) for source in node.sources]
        value = sources[0] if sources else None
        if node.kind in KERNELS:
            if node.name not in layers:
                raise SpectraError(f"layer {node.name} has no matrix; the matrices are of {listed(layers)}")
            value = _after(value, np.asarray(layers[node.name], dtype=np.float64), node, channels)
        elif node.kind in SCALES:
            raise SpectraError(f"batch normalization {node.name} was not folded; prepare the network first")
        elif len(sources) > 1 and node.kind in SIDE_BY_SIDE:
            value = np.hstack(_same_rows(sources, node, channels))
        elif len(sources) > 1:
            value = _sum(_same_rows(sources, node, channels), node)
            value = value / len(sources) if node.kind == "Average" else value
        values[node.name] = value
    if value is None:
        raise SpectraError(f"segment {segment.name} has no layer with a kernel")
    return value


def _after(before: Array | None, matrix: Array, node: LayerNode, channels: int | None) -> Array:
    arriving = channels if before is None else before.shape[1]
    if arriving is not None and arriving != matrix.shape[0]:
        raise SpectraError(f"layer {node.name} reads {matrix.shape[0]} channels, but {arriving} arrive")
    return matrix if before is None else before @ matrix


def _same_rows(values: Sequence[Array | None], node: LayerNode, channels: int | None) -> list[Array]:
    if channels is None and None in [value if value is None else 0 for value in values]:
        raise SpectraError(f"layer {node.name} joins the network's input, whose number of channels is not known")
    return [np.eye(channels or 0) if value is None else value for value in values]


def _sum(values: Sequence[Array], node: LayerNode) -> Array:
    widths = {value.shape[1] for value in values}
    if len(widths) > 1:
        raise SpectraError(f"layer {node.name} adds {' and '.join(map(str, sorted(widths)))} channels")
    total: Array = values[0].copy()
    for value in values[1:]:
        total += value
    return total
