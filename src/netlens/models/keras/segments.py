"""Stretches of a network between the tensors that every path passes, told from its graph alone.

Every path through a network passes the tensors of its trunk. What lies between two of them is a segment: one layer, or
branches that part and join again. In a network without branches each layer with a kernel is a segment. What the
matrices of segments are is said in `netlens.pattern_attribution.spectra.segments`; here it is decided whether a network
has them. The graph is plain data (`netlens.models.keras.layer_graph`), and nothing here starts TensorFlow.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from netlens.models.errors import NetworkError
from netlens.models.keras.layer_graph import CONCATENATIONS, LayerGraph, LayerNode

#: Inter-layer items need at least this many segments: with two there is a single item, and no chain behind the first.
FEWEST_SEGMENTS: Final = 3

#: Layers with a kernel that is a matrix at its center tap.
KERNELS: Final = frozenset(
    {"Conv2D", "Convolution2D", "Dense", "DepthwiseConv2D", "SeparableConv2D", "SeparableConvolution2D"}
)

#: What joins branches side by side, sums them, and multiplies each channel by a number.
SIDE_BY_SIDE: Final = CONCATENATIONS
SUMS: Final = frozenset({"Add", "Average", "__operators__.add", "add", "math.add", "math.add_n", "AddV2", "AddN"})
SCALES: Final = frozenset({
    "BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization", "Normalization",
})  # fmt: skip
_FLATTENS = frozenset({"Flatten", "Reshape", "reshape"})
# What acts on each channel alone, and is the identity where every rectifier lets pass and maps are constant; a local
# response normalization divides neighboring channels by nearly the same number, which no ratio notices.
_UNITS = frozenset({
    "InputLayer", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "ThresholdedReLU", "Softmax", "Dropout",
    "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization", "MaxPooling2D",
    "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "ZeroPadding2D", "Cropping2D", "UpSampling2D",
    "Rescaling", "Flatten", "Reshape", "nn.relu", "nn.relu6", "nn.elu", "nn.selu", "nn.gelu", "nn.silu", "nn.swish",
    "nn.leaky_relu", "nn.softmax", "nn.softplus", "nn.bias_add", "nn.max_pool", "nn.max_pool2d", "nn.avg_pool",
    "nn.avg_pool2d", "nn.pool", "pad", "cast", "identity", "stop_gradient", "squeeze", "reshape", "clip_by_value",
    "math.reduce_mean", "reduce_mean", "math.tanh", "tanh", "math.sigmoid", "sigmoid", "Relu", "Relu6", "Elu",
    "LeakyRelu", "BiasAdd", "MaxPool", "AvgPool", "Pad", "PadV2", "MirrorPad", "Identity", "Squeeze", "LRN", "nn.lrn",
    "nn.local_response_normalization",
})  # fmt: skip


class NotApplicableError(NetworkError):
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


def _check_kinds(graph: LayerGraph) -> None:
    """Check that every node is one that composes, and that maps are not joined flattened."""
    for count, what in ((len(graph.inputs), "inputs"), (len(graph.outputs), "outputs")):
        if count != 1:
            raise NotApplicableError(f"the network has {count} {what}, so it is not a chain of layers")
    flattened: set[str] = set()
    for node in graph.nodes:
        is_flat = any(source in flattened for source in node.sources)
        if node.kind in SIDE_BY_SIDE | SUMS:
            if is_flat and len(node.sources) > 1:
                raise NotApplicableError(f"layer {node.name!r} joins flattened maps, whose positions are not channels")
        elif node.kind in KERNELS:
            is_flat = False
        elif node.kind not in _UNITS | SCALES or len(node.sources) > 1:
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
