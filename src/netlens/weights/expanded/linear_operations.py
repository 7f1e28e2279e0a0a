"""The linear map of each operation of a linearized network.

Each operation becomes taps from its inputs to its output:

- Conv2D (strides, SAME, VALID and explicit padding, dilation, groups), DepthwiseConv2dNative and MatMul: their kernels;
- BiasAdd, and addition of a constant or of a branch that does not depend on the source: ignored, as biases are;
- Relu, Relu6, LeakyRelu, Elu, Selu: the identity;
- MaxPool and AvgPool: the average over the whole window, also where TensorFlow would divide by fewer positions at a
  border; a mean over all positions: that average over the map's size;
- batch normalization in inference mode, and multiplication by a constant for each channel: the scale;
- LRN: its derivative where nothing is active, bias ** -beta, which leaves out how channels inhibit each other;
- SpaceToBatchND and BatchToSpaceND around a convolution, which is how Keras dilates: the dilation;
- ConcatV2, Concat, Add, AddV2, AddN, Sub, Split, SplitV, Pad, a StridedSlice that crops, Identity, and a Reshape
  before a MatMul: what they do.

Everything else, including any product of two activations, is refused by name.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.models.errors import UnsupportedLayerError
from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.weights.expanded.graph_nodes import Constants, attribute, inputs_of, node_name
from netlens.weights.expanded.taps import Block, Dense, Grid, Pair, Pick, identity

Size = tuple[int | None, int | None]

#: Operations that are the identity here.
RECTIFIERS: Final = frozenset({"Relu", "Relu6", "LeakyRelu", "Elu", "Selu"})
_PASSING = RECTIFIERS | {"Identity", "StopGradient", "PreventGradient", "CheckNumerics", "Snapshot", "BiasAdd"}


@dataclass(frozen=True)
class Edge:
    """How a tensor depends on one of its inputs.

    Attributes
    ----------
    origin
        Name of the input.
    blocks
        The map from it; see `netlens.weights.expanded.taps`.
    """

    origin: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class LinearTensor:
    """One tensor between source and target, both included.

    Attributes
    ----------
    name
        ``node``, or ``node:1`` for a further output.
    op
        What the graph calls the operation.
    edges
        How it depends on the tensors that depend on the source; none for the source itself.
    channels
        Size of its last axis (of the map that was flattened, for a flattened one).
    size
        Positions down and across; None where unknown.
    flattened
        Whether its positions have been flattened into its last axis.
    parted
        Number of grids, down and across, that its positions are split into along the batch axis, which is how
        TensorFlow dilates.
    """

    name: str
    op: str
    edges: tuple[Edge, ...]
    channels: int
    size: Size
    flattened: bool = False
    parted: Pair = (1, 1)


@dataclass
class OperationReader:
    """Reads the linear maps of the operations between two layers, one after the other.

    Attributes
    ----------
    network, source, target
        The network, and names of the layers, for messages.
    nodes
        The graph's operations by name.
    dtype
        Of the kernels.
    tensors
        What has been read so far, by name; the source must be put here first.
    outside, whole_map
        As in `netlens.weights.expanded.linear_graph.LinearGraph`.
    """

    network: FrozenNetwork
    source: str
    target: str
    nodes: dict[str, Any]
    dtype: Any
    tensors: dict[str, LinearTensor] = field(default_factory=dict)
    outside: dict[str, tuple[Size, int]] = field(default_factory=dict)
    whole_map: str | None = None

    def __post_init__(self) -> None:
        """Start with no constant computed."""
        self._constants = Constants(self.nodes)

    def read(self, name: str) -> None:
        """Add a tensor to `tensors`; those of its inputs that depend on the source must be there already.

        Raises
        ------
        UnsupportedLayerError
            Its operation has no linear map; the message names it.
        """
        node = self.nodes[node_name(name)]
        how = self._way(node.op)
        if how is None:
            raise self._refused(node, "has no linear map; expanded weights are defined through " + _KNOWN)
        if node.op not in _PASSING and node.op not in ("MatMul", "Reshape"):
            for origin in self._dependent(node):
                if origin.flattened:
                    raise self._refused(node, "takes a flattened map; only a dense layer may")
        if node.op not in _PASSING and node.op not in ("Conv2D", "DepthwiseConv2dNative", "BatchToSpaceND"):
            for origin in self._dependent(node):
                if origin.parted != (1, 1):
                    raise self._refused(node, "takes a map that is split for a dilation; only convolutions may")
        if attribute(node, "data_format").s not in (b"", b"NHWC"):
            raise self._refused(node, "has its channels first; only channels last (NHWC) is supported")
        self.tensors[name] = how(node, name)

    def _way(self, op: str) -> Callable[[Any, str], LinearTensor] | None:
        if op in _PASSING:
            return self._pass
        return {
            "Add": self._add,
            "AddV2": self._add,
            "AddN": self._add,
            "Sub": self._add,
            "Mul": self._scale,
            "RealDiv": self._scale,
            "FusedBatchNorm": self._normalize,
            "FusedBatchNormV2": self._normalize,
            "FusedBatchNormV3": self._normalize,
            "LRN": self._respond,
            "Conv2D": self._convolve,
            "DepthwiseConv2dNative": self._convolve_depthwise,
            "MaxPool": self._pool,
            "AvgPool": self._pool,
            "Mean": self._mean,
            "Concat": self._concatenate,
            "ConcatV2": self._concatenate,
            "Split": self._split,
            "SplitV": self._split,
            "Pad": self._pad,
            "PadV2": self._pad,
            "Reshape": self._reshape,
            "Squeeze": self._reshape,
            "StridedSlice": self._crop,
            "MatMul": self._multiply,
            "SpaceToBatchND": self._part,
            "BatchToSpaceND": self._unpart,
        }.get(op)

    def _pass(self, node: Any, name: str) -> LinearTensor:
        x = self._first(node)
        return self._same(name, node, x, identity(x.channels, self.dtype))

    def _add(self, node: Any, name: str) -> LinearTensor:
        origins = [self.tensors.get(source) for source in inputs_of(node)]
        dependent = [origin for origin in origins if origin is not None]
        x = dependent[0]
        edges = []
        for position, (source, origin) in enumerate(zip(inputs_of(node), origins, strict=True)):
            if origin is None:
                self._take_outside(source, x.size, x.channels)
                continue
            if origin.channels != x.channels or origin.size != x.size:
                raise self._refused(node, f"adds maps of {_shape(x)} and {_shape(origin)}; they must agree")
            block = identity(x.channels, self.dtype)
            if node.op == "Sub" and position == 1:
                block = Pick(block.grid, block.rows, -block.taps)
            edges.append(Edge(origin.name, (block,)))
        return LinearTensor(name, node.op, tuple(edges), x.channels, x.size)

    def _scale(self, node: Any, name: str) -> LinearTensor:
        x, sources = self._dependent(node)[0], inputs_of(node)
        position = sources.index(x.name)
        factor = self._constant(sources[1 - position])
        if factor is None:
            raise self._refused(node, "multiplies two activations")
        if node.op == "RealDiv":
            if position == 1:
                raise self._refused(node, "divides by an activation")
            factor = 1 / factor
        return self._scaled(name, node, x, self._for_channels(node, factor, x))

    def _for_channels(self, node: Any, factor: NDArray[Any], x: LinearTensor) -> NDArray[Any]:
        last = factor.shape[-1] if factor.ndim else 1
        if factor.size != last or last not in (1, x.channels):
            raise self._refused(node, f"has a factor of shape {factor.shape}, not ({x.channels},)")
        return np.broadcast_to(factor.reshape(-1), (x.channels,))

    def _normalize(self, node: Any, name: str) -> LinearTensor:
        x = self._first(node)
        if "is_training" not in node.attr or attribute(node, "is_training").b:
            raise self._refused(node, "normalizes by the batch; freeze the network in inference mode")
        gamma, variance = (self._required(node, position) for position in (1, 4))
        scale = gamma / np.sqrt(variance.astype(np.float64) + attribute(node, "epsilon").f)
        return self._scaled(name, node, x, scale)

    def _respond(self, node: Any, name: str) -> LinearTensor:
        x = self._first(node)
        return self._scaled(name, node, x, np.full(x.channels, response_scale(node)))

    def _scaled(self, name: str, node: Any, x: LinearTensor, factor: NDArray[Any]) -> LinearTensor:
        taps = np.asarray(factor, self.dtype).reshape(1, 1, -1)
        return self._same(name, node, x, Pick(Grid(), np.arange(x.channels), taps))

    def _same(self, name: str, node: Any, x: LinearTensor, block: Pick) -> LinearTensor:
        return LinearTensor(name, node.op, (Edge(x.name, (block,)),), x.channels, x.size, x.flattened, x.parted)

    def _convolve(self, node: Any, name: str) -> LinearTensor:
        x, kernel = self._first(node), self._kernel(node)
        inputs, outputs = kernel.shape[2:]
        if x.channels % inputs or outputs % (x.channels // inputs):
            raise self._refused(node, f"has a kernel for {inputs} channels; its input has {x.channels}")
        groups = x.channels // inputs
        grid, size = self._placed(node, x, (kernel.shape[0], kernel.shape[1]))
        each = outputs // groups
        blocks = tuple(
            Dense(grid, kernel[..., group * each : (group + 1) * each], group * inputs, group * each)
            for group in range(groups)
        )
        return LinearTensor(name, node.op, (Edge(x.name, blocks),), outputs, size, parted=x.parted)

    def _convolve_depthwise(self, node: Any, name: str) -> LinearTensor:
        x, kernel = self._first(node), self._kernel(node)
        height, width, inputs, each = kernel.shape
        if inputs != x.channels:
            raise self._refused(node, f"has a kernel for {inputs} channels; its input has {x.channels}")
        grid, size = self._placed(node, x, (height, width))
        block = Pick(grid, np.repeat(np.arange(inputs), each), kernel.reshape(height, width, -1))
        return LinearTensor(name, node.op, (Edge(x.name, (block,)),), inputs * each, size, parted=x.parted)

    def _pool(self, node: Any, name: str) -> LinearTensor:
        x = self._first(node)
        one, height, width, deep = attribute(node, "ksize").list.i
        if (one, deep) != (1, 1):
            raise self._refused(node, "pools over images or channels")
        grid, size = self._placed(node, x, (height, width))
        return LinearTensor(name, node.op, (self._average(x, grid, (height, width)),), x.channels, size)

    def _average(self, x: LinearTensor, grid: Grid, counts: Pair) -> Edge:
        taps = np.full((*counts, x.channels), 1 / (counts[0] * counts[1]), self.dtype)
        return Edge(x.name, (Pick(grid, np.arange(x.channels), taps),))

    def _mean(self, node: Any, name: str) -> LinearTensor:
        x, axes = self._first(node), self._required(node, 1)
        if sorted(int(axis) % 4 for axis in axes.reshape(-1)) != [1, 2]:
            raise self._refused(node, f"is a mean over axes {axes.tolist()}, not over all positions")
        height, width = self._known_size(node, x)
        self._takes_whole_map(node, (height, width))
        return LinearTensor(name, node.op, (self._average(x, Grid(), (height, width)),), x.channels, (1, 1))

    def _concatenate(self, node: Any, name: str) -> LinearTensor:
        sources = inputs_of(node)
        axis, parts = (sources[0], sources[1:]) if node.op == "Concat" else (sources[-1], sources[:-1])
        along = self._constant(axis)
        if along is None or int(along) not in (-1, 3, 1):
            raise self._refused(node, "does not join channels")
        x = next(self.tensors[part] for part in parts if part in self.tensors)
        if int(along) == 1 and x.size != (1, 1):
            raise self._refused(node, "does not join channels")
        edges, channels = [], 0
        for part in parts:
            origin = self.tensors.get(part)
            if origin is None:
                count = self._channels(part)
                self._take_outside(part, x.size, count)
            else:
                count = origin.channels
                if origin.size != x.size:
                    raise self._refused(node, f"joins maps of {_shape(x)} and {_shape(origin)}; they must agree")
                edges.append(Edge(part, (identity(count, self.dtype, first_column=channels),)))
            channels += count
        return LinearTensor(name, node.op, tuple(edges), channels, x.size)

    def _split(self, node: Any, name: str) -> LinearTensor:
        sources = inputs_of(node)
        value, axis = (sources[1], sources[0]) if node.op == "Split" else (sources[0], sources[2])
        x, along, index = self.tensors[value], self._constant(axis), int((name + ":0").split(":")[1])
        if along is None or int(along) not in (-1, 3):
            raise self._refused(node, "does not split channels")
        parts = attribute(node, "num_split").i
        if node.op == "Split":
            counts = [x.channels // parts] * parts
        else:
            counts = [int(count) for count in self._required(node, 1)]
            counts = [x.channels - sum(c for c in counts if c >= 0) if count < 0 else count for count in counts]
        block = identity(counts[index], self.dtype, first_row=sum(counts[:index]))
        return LinearTensor(name, node.op, (Edge(x.name, (block,)),), counts[index], x.size)

    def _pad(self, node: Any, name: str) -> LinearTensor:
        x, amounts = self._first(node), self._required(node, 1)
        if amounts.shape != (4, 2) or amounts[[0, 3]].any():
            raise self._refused(node, "pads images or channels")
        return self._shifted(name, node, x, amounts[1:3])

    def _reshape(self, node: Any, name: str) -> LinearTensor:
        x = self._first(node)
        height, width = self._known_size(node, x)
        if node.op == "Reshape":
            shape = self._constant(inputs_of(node)[1])
            whole = height * width * x.channels
            flat = shape is not None and shape.size == 2 and (shape[1] == whole or shape[1] == -1 != shape[0])
            kept = shape is not None and shape.size == 4 and shape[1:].tolist() == [height, width, x.channels]
            if (height, width) != (1, 1) and not flat and not kept:
                raise self._refused(node, f"rearranges a map of {_shape(x)}; only flattening before a dense layer "
                                          "is supported")  # fmt: skip
            flattened = x.flattened or (flat and (height, width) != (1, 1))
        else:
            if (height, width) != (1, 1):
                raise self._refused(node, f"rearranges a map of {_shape(x)}")
            flattened = False
        edge = Edge(x.name, (identity(x.channels, self.dtype),))
        return LinearTensor(name, node.op, (edge,), x.channels, x.size, flattened)

    def _multiply(self, node: Any, name: str) -> LinearTensor:
        x, kernel = self._first(node), self._kernel(node)
        if attribute(node, "transpose_a").b:
            raise self._refused(node, "multiplies a transposed batch")
        if attribute(node, "transpose_b").b:
            kernel = kernel.T
        height, width = self._known_size(node, x)
        if kernel.shape[0] != height * width * x.channels:
            raise self._refused(node, f"takes {kernel.shape[0]} values; its input has {_shape(x)}")
        self._takes_whole_map(node, (height, width))
        block = Dense(Grid(), kernel.reshape(height, width, x.channels, -1))
        return LinearTensor(name, node.op, (Edge(x.name, (block,)),), kernel.shape[1], (1, 1))

    def _crop(self, node: Any, name: str) -> LinearTensor:
        x = self._first(node)
        begin, end, step = (self._required(node, position).tolist() for position in (1, 2, 3))
        begin_mask, end_mask = (attribute(node, f"{which}_mask").i for which in ("begin", "end"))
        odd = any(attribute(node, f"{which}_mask").i for which in ("ellipsis", "new_axis", "shrink_axis"))
        amounts = np.zeros((4, 2), int)
        for axis, (first, last, stride) in enumerate(zip(begin, end, step, strict=True)):
            before = 0 if begin_mask >> axis & 1 else first
            after = 0 if end_mask >> axis & 1 else last
            # A fixed end would cut a larger map elsewhere.
            if odd or stride != 1 or before < 0 or after > 0:
                raise self._refused(node, "does more than crop rows and columns at their ends")
            amounts[axis] = (-before, after)
        if amounts[[0, 3]].any():
            raise self._refused(node, "crops images or channels")
        return self._shifted(name, node, x, amounts[1:3])

    def _part(self, node: Any, name: str) -> LinearTensor:
        """Split a padded map into grids; what follows convolves each by itself, which is a dilation."""
        x, parts, amounts = self._first(node), self._required(node, 1), self._required(node, 2)
        if parts.shape != (2,) or amounts.shape != (2, 2):
            raise self._refused(node, "splits axes other than rows and columns")
        shifted = self._shifted(name, node, x, amounts)
        return replace(shifted, parted=(int(parts[0]), int(parts[1])))

    def _unpart(self, node: Any, name: str) -> LinearTensor:
        x, parts, amounts = self._first(node), self._required(node, 1), self._required(node, 2)
        if parts.tolist() != list(x.parted):
            raise self._refused(node, "joins another number of grids than there are")
        return replace(self._shifted(name, node, x, -amounts), parted=(1, 1))

    def _shifted(self, name: str, node: Any, x: LinearTensor, amounts: NDArray[Any]) -> LinearTensor:
        """Return a padded or cropped map; `amounts` are (before, after) of rows and columns."""
        (top, bottom), (left, right) = amounts.tolist()
        kept = identity(x.channels, self.dtype)
        size = (
            None if x.size[0] is None else x.size[0] + top + bottom,
            None if x.size[1] is None else x.size[1] + left + right,
        )
        return LinearTensor(
            name, node.op, (Edge(x.name, (replace(kept, grid=Grid((-top, -left))),)),), x.channels, size
        )

    def _placed(self, node: Any, x: LinearTensor, counts: Pair) -> tuple[Grid, Size]:
        """Find where the windows of a convolution or pooling lie, and how many there are."""
        strides = attribute(node, "strides").list.i
        dilations = list(attribute(node, "dilations").list.i) or [1, 1, 1, 1]
        if x.parted != (1, 1):
            if list(strides) != [1, 1, 1, 1] or dilations != [1, 1, 1, 1] or attribute(node, "padding").s != b"VALID":
                raise self._refused(node, "has strides or padding inside a dilation")
            dilations = [1, *x.parted, 1]
        padding = attribute(node, "padding").s.decode()
        explicit = list(attribute(node, "explicit_paddings").list.i)
        offset, size = [], []
        for axis in (0, 1):
            before, count = _padding(
                x.size[axis],
                (counts[axis] - 1) * dilations[axis + 1] + 1,
                strides[axis + 1],
                tuple(explicit[2 * axis + 2 : 2 * axis + 4]) if padding == "EXPLICIT" else padding,
            )
            offset.append(-before)
            size.append(count)
        grid = Grid((offset[0], offset[1]), (strides[1], strides[2]), (dilations[1], dilations[2]))
        return grid, (size[0], size[1])

    def _takes_whole_map(self, node: Any, size: Pair) -> None:
        if size != (1, 1):
            self.whole_map = self.whole_map or f"{node.name!r} ({node.op})"

    def _known_size(self, node: Any, x: LinearTensor) -> Pair:
        height, width = x.size
        if height is None or width is None:
            raise self._refused(node, "takes a whole map, whose size is unknown")
        return (height, width)

    def _dependent(self, node: Any) -> list[LinearTensor]:
        return [self.tensors[source] for source in inputs_of(node) if source in self.tensors]

    def _first(self, node: Any) -> LinearTensor:
        """Return the first input; the others must be constants."""
        source, *others = inputs_of(node)
        if source not in self.tensors or any(other in self.tensors for other in others):
            raise self._refused(node, "uses an activation where a constant is expected")
        return self.tensors[source]

    def _kernel(self, node: Any) -> NDArray[Any]:
        return np.asarray(self._required(node, 1), self.dtype)

    def _required(self, node: Any, position: int) -> NDArray[Any]:
        value = self._constant(inputs_of(node)[position])
        if value is None:
            raise self._refused(node, f"takes {inputs_of(node)[position]!r}, which is not a constant")
        return value

    def _constant(self, name: str) -> NDArray[Any] | None:
        """Return the value of a tensor; None where it depends on the source or is not a constant."""
        return None if name in self.tensors else self._constants.value(name)

    def _take_outside(self, name: str, size: Size, channels: int) -> None:
        if self._constant(name) is None:
            self.outside[name] = (size, channels)

    def _channels(self, name: str) -> int:
        """Find the channels of a tensor that does not depend on the source."""
        node = self.nodes[node_name(name)]
        sources = inputs_of(node)
        if node.op == "Placeholder":
            return int(self.network.input_shape[2])
        if node.op in ("Conv2D", "MatMul"):
            kernel = self._required(node, 1)
            return int(kernel.shape[0 if attribute(node, "transpose_b").b else -1])
        if node.op == "DepthwiseConv2dNative":
            return int(np.prod(self._required(node, 1).shape[2:]))
        if node.op in ("Concat", "ConcatV2"):
            return sum(map(self._channels, sources[1:] if node.op == "Concat" else sources[:-1]))
        activations = [source for source in sources if self._constant(source) is None]
        if not activations or self._way(node.op) is None or node.op in ("Split", "SplitV", "Reshape"):
            raise self._refused(node, "is joined to the path, but its number of channels is unknown")
        return self._channels(activations[0])

    def _refused(self, node: Any, why: str) -> UnsupportedLayerError:
        return UnsupportedLayerError(
            f"network {self.network.name!r}: between {self.source!r} and {self.target!r}, operation {node.name!r} "
            f"({node.op}) {why}"
        )


_KNOWN = "convolutions, dense layers, ReLUs, poolings, batch normalization, sums and concatenations"


def response_scale(node: Any) -> float:
    """Return the derivative of a local response normalization where nothing is active.

    Parameters
    ----------
    node
        The LRN operation.

    Returns
    -------
    float
        bias ** -beta.
    """
    bias = attribute(node, "bias").f if "bias" in node.attr else 1.0
    beta = attribute(node, "beta").f if "beta" in node.attr else 0.5
    return float(float(bias) ** -float(beta))


def _padding(size: int | None, reach: int, stride: int, padding: str | tuple[int, ...]) -> tuple[int, int | None]:
    """Return the zeros before an axis and the number of windows; an unknown size counts as a whole multiple."""
    if isinstance(padding, tuple):
        before, after = padding
        return before, None if size is None else (size + before + after - reach) // stride + 1
    if padding == "VALID":
        return 0, None if size is None else (size - reach) // stride + 1
    if size is None:
        return max(reach - stride, 0) // 2, None
    count = -(-size // stride)
    return max((count - 1) * stride + reach - size, 0) // 2, count


def _shape(tensor: LinearTensor) -> str:
    sides = ["?" if side is None else str(side) for side in tensor.size]
    return " x ".join([*sides, str(tensor.channels)])
