"""Which positions of a layer a position of a later layer can depend on: its reach, or receptive field in that layer.

Positions whose reaches do not overlap can share one backward pass: for 14 x 14 positions that each see 5 x 5, 25 passes
take the place of 196. The reach in the image says which part of it a unit sees.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import tf
from netlens.models.errors import NetworkError

Indices = NDArray[np.int64]

_WINDOWED: Final = frozenset({"Conv2D", "DepthwiseConv2dNative", "MaxPool", "AvgPool"})
_PADDING: Final = frozenset({"Pad", "PadV2"})
# Each output position depends only on the same position of the inputs.
_POINTWISE: Final = frozenset(
    {"Abs", "Add", "AddV2", "BiasAdd", "Cast", "ConcatV2", "Elu", "FusedBatchNorm", "FusedBatchNormV3", "Identity"}
    | {"LRN", "LeakyRelu", "Maximum", "Minimum", "Mul", "Neg", "RealDiv", "Relu", "Relu6", "Rsqrt", "Selu", "Sigmoid"}
    | {"Softplus", "Sqrt", "Square", "StopGradient", "Sub", "Tanh"}
)


@dataclass(frozen=True)
class Reach:
    """First and last source index that each target index depends on, along one axis.

    Attributes
    ----------
    first, last
        (positions of the target,), both inclusive and non-decreasing.
    """

    first: Indices
    last: Indices

    def spacing(self) -> int:
        """Return the smallest distance at which the reaches of two target positions never overlap."""
        count = len(self.first)
        for distance in range(1, count):
            if (self.last[:-distance] < self.first[distance:]).all():
                return distance
        return count

    def widest(self) -> int:
        """Return the largest number of source positions that a target position depends on."""
        return int((self.last - self.first).max()) + 1


def reaches(source: Any, target: Any, *, blurred_pools: bool = False) -> tuple[Reach, Reach]:
    """Derive the reach of every position of `target` in `source`, along rows and columns.

    Parameters
    ----------
    source, target
        Tensors (n, height, width, channels) of one TensorFlow graph, with known height and width.
    blurred_pools
        Whether the gradient of each max-pooling is blurred, 3 x 3, which extends the reach by one position each way.

    Returns
    -------
    rows, columns : Reach
        Clipped at the borders of the maps. An operation that is not known to be local is taken to depend on all
        positions.

    Raises
    ------
    NetworkError
        `target` does not depend on `source`.
    """
    found: dict[str, tuple[Reach, Reach] | None] = {}
    size = [int(length) for length in source.shape[1:3]]
    everything = [(np.array(0), np.array(length - 1)) for length in size]
    found[source.name] = tuple(Reach(np.arange(length), np.arange(length)) for length in size)  # type: ignore[assignment]
    for tensor in _in_order(source, target):
        parts = [found[part.name] for part in tensor.op.inputs if found[part.name] is not None]
        if not parts:
            found[tensor.name] = None
            continue
        pair = []
        for axis in (0, 1):
            lengths = _positions(tensor)
            inputs = [part[axis] for part in parts if part is not None]
            if tensor.op.type in _PADDING and len(inputs) == 1:
                pair.append(_shifted(tensor, axis, inputs[0]))
            elif tensor.op.type in _WINDOWED and len(inputs) == 1 and _is_channels_last(tensor.op):
                pair.append(_through_window(tensor, axis, inputs[0], blurred_pools))
            elif tensor.op.type in _POINTWISE and lengths and _same_length(inputs, lengths[axis]):
                pair.append(_joined(inputs, lengths[axis]))
            else:
                count = lengths[axis] if lengths else 1
                first, last = everything[axis]
                pair.append(Reach(np.full(count, first), np.full(count, last)))
        found[tensor.name] = (pair[0], pair[1])
    result = found[target.name]
    if result is None:
        raise NetworkError(f"{target.op.name} does not depend on {source.op.name}")
    return result


def _in_order(source: Any, target: Any) -> list[Any]:
    """Return the tensors from `source` to `target`, each after its inputs."""
    order: list[Any] = []
    seen = {source.name}
    pending = [(target, False)]
    while pending:
        tensor, inputs_done = pending.pop()
        if inputs_done:
            order.append(tensor)
        elif tensor.name not in seen:
            seen.add(tensor.name)
            pending.append((tensor, True))
            pending.extend((part, False) for part in tensor.op.inputs)
    return order


def _positions(tensor: Any) -> list[int] | None:
    shape = tensor.shape
    if shape.rank != 4 or shape[1] is None or shape[2] is None:
        return None
    return [int(shape[1]), int(shape[2])]


def _is_channels_last(operation: Any) -> bool:
    return bool(operation.get_attr("data_format") == b"NHWC")


def _same_length(inputs: list[Reach], length: int) -> bool:
    # One position may stand for all, such as the scale of a channel that is computed from the whole map.
    return all(len(part.first) in (1, length) for part in inputs)


def _joined(inputs: list[Reach], length: int) -> Reach:
    first = np.min([np.broadcast_to(part.first, length) for part in inputs], axis=0)
    last = np.max([np.broadcast_to(part.last, length) for part in inputs], axis=0)
    return Reach(first, last)


def _shifted(tensor: Any, axis: int, part: Reach) -> Reach:
    """Return the reach of a padded map; what was added depends on nothing, and counts as the nearest position."""
    amounts = tf.get_static_value(tensor.op.inputs[1])
    before, count = len(part.first), int(tensor.shape[1 + axis])
    if amounts is None or len(amounts) != 4:
        return Reach(np.full(count, part.first.min()), np.full(count, part.last.max()))
    places = np.clip(np.arange(count) - int(amounts[1 + axis][0]), 0, before - 1)
    return Reach(part.first[places], part.last[places])


def _through_window(tensor: Any, axis: int, part: Reach, blurred_pools: bool) -> Reach:
    operation = tensor.op
    stride = int(operation.get_attr("strides")[1 + axis])
    is_pool = operation.type in ("MaxPool", "AvgPool")
    if is_pool:
        window = int(operation.get_attr("ksize")[1 + axis])
    else:
        window = int(operation.inputs[1].shape[axis])
        window = (window - 1) * int(operation.get_attr("dilations")[1 + axis]) + 1
    before, after = len(part.first), int(tensor.shape[1 + axis])
    padding = operation.get_attr("padding")
    if padding == b"EXPLICIT":
        margin = int(operation.get_attr("explicit_paddings")[2 * (1 + axis)])
    elif padding == b"SAME":
        margin = max(0, (after - 1) * stride + window - before) // 2
    else:
        margin = 0
    start = np.arange(after) * stride - margin
    stop = start + window - 1
    if blurred_pools and operation.type == "MaxPool":
        start, stop = start - 1, stop + 1
    return Reach(part.first[np.clip(start, 0, before - 1)], part.last[np.clip(stop, 0, before - 1)])
