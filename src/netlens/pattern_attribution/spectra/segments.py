"""Networks with branches as chains of matrices.

Every path through a network passes the tensors of its trunk. What lies between two of them is a segment: one layer, or
branches that part and join again. With every rectifier replaced by the identity, seen at the center taps of its
kernels, a segment is one matrix: layers in a row are multiplied, ``x @ M_1 @ M_2``; branches that are concatenated
stand side by side; branches that are added are summed, and a branch without a layer is the unit matrix. So the segments
of any network form a chain, and in a network without branches each segment is a layer.

The graph comes as plain data (`netlens.models.keras.layer_graph`), and nothing here starts TensorFlow.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from netlens.models.keras.layer_graph import LayerGraph, LayerNode
from netlens.pattern_attribution.spectra.matrices import Array, SpectraError

#: Inter-layer items need at least this many segments: with two there is a single item, and no chain behind the first.
FEWEST_SEGMENTS: Final = 3

#: Layers with a kernel that is a matrix at its center tap.
KERNELS: Final = frozenset({"Conv2D", "Convolution2D", "Dense", "DepthwiseConv2D", "SeparableConv2D"})

_SIDE_BY_SIDE = frozenset({"Concatenate", "concat", "ConcatV2"})
_SUMS = frozenset({"Add", "Average", "__operators__.add", "add", "math.add", "math.add_n", "AddV2", "AddN"})
_SCALES = frozenset({"BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2"})
_FLATTENS = frozenset({"Flatten", "Reshape", "reshape"})
# What acts on each channel alone, and is the identity where every rectifier lets pass and maps are constant.
_UNITS = frozenset({
    "InputLayer", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "ThresholdedReLU", "Softmax", "Dropout",
    "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization", "MaxPooling2D",
    "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "ZeroPadding2D", "Cropping2D", "UpSampling2D",
    "Rescaling", "Flatten", "Reshape", "nn.relu", "nn.relu6", "nn.elu", "nn.selu", "nn.gelu", "nn.silu", "nn.swish",
    "nn.leaky_relu", "nn.softmax", "nn.softplus", "nn.bias_add", "nn.max_pool", "nn.max_pool2d", "nn.avg_pool",
    "nn.avg_pool2d", "nn.pool", "pad", "cast", "identity", "stop_gradient", "squeeze", "reshape", "clip_by_value",
    "math.reduce_mean", "reduce_mean", "math.tanh", "tanh", "math.sigmoid", "sigmoid", "Relu", "Relu6", "Elu",
    "LeakyRelu", "BiasAdd", "MaxPool", "AvgPool", "Pad", "PadV2", "MirrorPad", "Identity", "Squeeze",
})  # fmt: skip


class NotApplicableError(SpectraError):
    """A network that is no chain of segments, so what lies between its layers is not defined; the message says why."""


@dataclass(frozen=True)
class Segment:
    """What lies between two neighboring tensors of the trunk.

    Attributes
    ----------
    name
        Name of the trunk tensor that it leads to: its only layer with a kernel, or what joins its branches.
    nodes
        Its nodes, in the order of the graph; layers without kernels that follow belong to it as well.
    layers
        Names of those that have kernels.
    """

    name: str
    nodes: tuple[LayerNode, ...]
    layers: tuple[str, ...]


def segments_of(graph: LayerGraph) -> tuple[Segment, ...]:
    """Return the segments of a network.

    Parameters
    ----------
    graph
        The network's graph; batch normalizations may be folded or not.

    Returns
    -------
    tuple of Segment
        In network order. Empty for a network without kernels.

    Raises
    ------
    NotApplicableError
        The network has several inputs or outputs, or a layer that is not linear even where all rectifiers let pass.
    """
    _check_kinds(graph)
    found: list[Segment] = []
    leading: tuple[LayerNode, ...] = ()
    for piece in _pieces(graph):
        layers = tuple(node.name for node in piece if node.kind in KERNELS)
        if layers:
            found.append(Segment(piece[-1].name, (*leading, *piece), layers))
            leading = ()
        elif found:
            found[-1] = Segment(found[-1].name, (*found[-1].nodes, *piece), found[-1].layers)
        else:
            leading += piece
    return tuple(found)


def chain_obstacle(graph: LayerGraph) -> str:
    """Return in one line why a network has no inter-layer items and no chain; empty if it has them.

    Parameters
    ----------
    graph
        As in `segments_of`.
    """
    try:
        checked_segments(graph)
    except NotApplicableError as error:
        return str(error)
    return ""


def checked_segments(graph: LayerGraph) -> tuple[Segment, ...]:
    """Return the segments of a network that has enough of them for inter-layer items.

    Raises
    ------
    NotApplicableError
        As `segments_of`, or there are fewer than `FEWEST_SEGMENTS`.
    """
    found = segments_of(graph)
    if len(found) < FEWEST_SEGMENTS:
        raise NotApplicableError(
            f"the network has {len(found)} segment{'s' * (len(found) != 1)} between tensors that every path passes; "
            f"what lies between layers needs at least {FEWEST_SEGMENTS}"
        )
    return found


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
        As `checked_segments`.
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


def _check_kinds(graph: LayerGraph) -> None:
    """Check that every node is one that composes, and that maps are not joined flattened."""
    for count, what in ((len(graph.inputs), "inputs"), (len(graph.outputs), "outputs")):
        if count != 1:
            raise NotApplicableError(f"the network has {count} {what}, so it is not a chain of layers")
    flattened: set[str] = set()
    for node in graph.nodes:
        is_flat = any(source in flattened for source in node.sources)
        if node.kind in _SIDE_BY_SIDE | _SUMS:
            if is_flat and len(node.sources) > 1:
                raise NotApplicableError(f"layer {node.name!r} joins flattened maps, whose positions are not channels")
        elif node.kind in KERNELS:
            is_flat = False
        elif node.kind not in _UNITS | _SCALES or len(node.sources) > 1:
            raise NotApplicableError(
                f"layer {node.name!r} ({node.kind}) is not a matrix even where all rectifiers let pass"
            )
        if is_flat or node.kind in _FLATTENS:
            flattened.add(node.name)


def _pieces(graph: LayerGraph) -> Iterable[tuple[LayerNode, ...]]:
    """Yield the nodes behind each trunk tensor up to the next, that one included.

    With each node after its sources, a path avoids a node exactly if some edge leads over it.
    """
    place = {node.name: index for index, node in enumerate(graph.nodes)}
    reach = 0
    piece: list[LayerNode] = []
    last_use = {node.name: place[node.name] for node in graph.nodes}
    for node in graph.nodes:
        for source in node.sources:
            last_use[source] = place[node.name]
    for index, node in enumerate(graph.nodes):
        piece.append(node)
        if reach <= index:
            yield tuple(piece)
            piece = []
        reach = max(reach, last_use[node.name])


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
                raise SpectraError(f"layer {node.name} has no matrix; the matrices are of {', '.join(layers)}")
            value = _after(value, np.asarray(layers[node.name], dtype=np.float64), node, channels)
        elif node.kind in _SCALES:
            raise SpectraError(f"batch normalization {node.name} was not folded; prepare the network first")
        elif len(sources) > 1 and node.kind in _SIDE_BY_SIDE:
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
