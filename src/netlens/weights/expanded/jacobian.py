"""Expanded weights as gradients of the graph itself: a second way to compute the same numbers, as a check.

The part of the graph between the two layers is imported with some gradients replaced: that of a ReLU by the identity,
that of a pooling by the gradient of an average over the whole window (where TensorFlow would divide by fewer positions
at a border), that of a local response normalization by its derivative where nothing is active. The source is as large
as a central target unit needs to depend on no border. Each element of a batch differentiates another target channel.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from netlens.models.backend import tf, tf1
from netlens.models.errors import UnsupportedLayerError
from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.models.frozen.node_names import node_of
from netlens.weights.expanded.linear_graph import Extent, LinearGraph, has_no_positions, linear_graph
from netlens.weights.expanded.linear_operations import RECTIFIERS, response_scale
from netlens.weights.expanded.window import ExpandedWeights, Window, WindowError, checked_units, window_of

_POOLINGS = frozenset({"MaxPool", "AvgPool"})


@tf1.RegisterGradient("NetlensPassedOn")  # type: ignore[untyped-decorator]
def _passed_on(_operation: Any, gradient: Any) -> Any:
    """Gradient of a ReLU that is replaced by the identity."""
    return gradient


@tf1.RegisterGradient("NetlensResponse")  # type: ignore[untyped-decorator]
def _response(operation: Any, gradient: Any) -> Any:
    """Gradient of a local response normalization where nothing is active."""
    return gradient * response_scale(operation.node_def)


@tf1.RegisterGradient("NetlensWholeWindow")  # type: ignore[untyped-decorator]
def _whole_window(operation: Any, gradient: Any) -> Any:
    """Gradient of a pooling that is replaced by the average over the whole window, zeros beyond a border included."""
    shape = operation.inputs[0].shape.as_list()
    counts, strides = operation.get_attr("ksize"), operation.get_attr("strides")
    padding = operation.get_attr("padding")
    explicit = operation.get_attr("explicit_paddings") if padding == b"EXPLICIT" else [0] * 8
    padded, before = list(shape), [0, 0, 0, 0]
    for axis in (1, 2):
        before[axis] = explicit[2 * axis]
        padded[axis] += before[axis] + explicit[2 * axis + 1]
        if padding == b"SAME":
            windows = -(-shape[axis] // strides[axis])
            missing = max((windows - 1) * strides[axis] + counts[axis] - shape[axis], 0)
            padded[axis] += missing
            before[axis] = missing // 2
    whole = tf.raw_ops.AvgPoolGrad(
        orig_input_shape=padded, grad=gradient, ksize=counts, strides=strides, padding="VALID"
    )
    return tf.slice(whole, before, shape)


def expanded_weights_by_gradient(
    network: FrozenNetwork,
    source: str,
    target: str,
    *,
    window: int | None = None,
    units: Sequence[int] | None = None,
    batch_size: int = 64,
    progress: bool = False,
) -> ExpandedWeights:
    """Compute the linear map from a window of one layer to the central unit of a later one, from gradients.

    The same as `netlens.weights.expanded.composition.expanded_weights` in float32, up to rounding.

    Parameters
    ----------
    network
        The frozen network.
    source, target
        Names of its layers, the earlier and the later one.
    window
        W, in positions of the source; default and placement as there.
    units
        Channels of the target, in the order in which they are returned. Default: all.
    batch_size
        Target channels whose gradients are computed at once.
    progress
        Draw a progress bar on stderr.

    Returns
    -------
    ExpandedWeights
        Its weights have shape (W, W, channels of the source, channels of the target), float32.

    Raises
    ------
    NetworkError
        There is no such layer (the message names the nearest), or the target does not depend on the source.
    UnsupportedLayerError
        An operation between the layers has no linear map, or takes all positions of a map at once, so that there is no
        central unit; the message names it.
    WindowError
        The window, the units or the batch size are impossible.
    """
    graph = linear_graph(network, source, target)
    if graph.whole_map is not None:
        raise UnsupportedLayerError(
            f"network {network.name!r}: between {source!r} and {target!r}, operation {graph.whole_map} takes all "
            "positions of a map, so no unit is central; use the composition instead"
        )
    extent = graph.extents()[graph.tensors[-1].name]
    placed = window_of(extent, window, graph)
    chosen = checked_units(units, graph.tensors[-1].channels, target)
    if batch_size < 1:
        raise WindowError(f"batch_size is {batch_size}; use at least 1")
    batch_size = min(batch_size, len(chosen))
    centre, size = _enough(extent, graph)
    channels = graph.tensors[0].channels
    weights = np.zeros((placed.size, placed.size, channels, len(chosen)), np.float32)

    with tf.Graph().as_default() as own:
        gradient, wanted, feed = _gradient(network, (source, target), batch_size, centre, size)
        with tf1.Session(graph=own) as session:
            for first in tqdm(range(0, len(chosen), batch_size), desc=f"{source} to {target}", disable=not progress):
                part = chosen[first : first + batch_size]
                # The last batch is filled up, so that the graph has one shape.
                filled = [*part, *[part[-1]] * (batch_size - len(part))]
                found = session.run(gradient, {**feed, wanted: filled})[: len(part)]
                weights[..., first : first + len(part)] = _on_window(found, extent, placed, centre)
    return ExpandedWeights(
        weights, source, target, max(extent.size), max(extent.stride), None if units is None else tuple(chosen)
    )


def _enough(extent: Extent, graph: LinearGraph) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return a target position that depends on no border, and the size that the source needs for it.

    The size differs from the network's own by a multiple of all strides, so that padding falls as it does there.
    """
    centre, size, period = [], [], graph.period()
    for axis in (0, 1):
        stride, offset, reach = extent.stride[axis], extent.offset[axis], extent.size[axis]
        position = max(-(offset // stride), 0)
        least = position * stride + offset + reach
        own = graph.tensors[0].size[axis] or 0
        centre.append(position)
        size.append(least + (own - least) % period[axis])
    return (centre[0], centre[1]), (size[0], size[1])


def _gradient(
    network: FrozenNetwork,
    layers: tuple[str, str],
    batch_size: int,
    centre: tuple[int, int],
    size: tuple[int, int],
) -> tuple[Any, Any, dict[Any, Any]]:
    """Return the gradient of one target channel per element of a batch, the channels' placeholder, and other feeds."""
    sized = linear_graph(network, *layers, source_size=size)
    first, last = sized.tensors[0], sized.tensors[-1]
    flat = has_no_positions(network.layer(layers[0]))
    shapes = {
        name: (batch_size, count) if flat else (batch_size, *map_size, count)
        for name, (map_size, count) in {**sized.outside, first.name: (size, first.channels)}.items()
    }
    # Values do not matter for the gradient of a linear map.
    given = {name: tf1.placeholder(tf.float32, shape) for name, shape in shapes.items()}
    y = tf1.import_graph_def(
        _part_between(network, shapes, last.name),
        input_map={_with_output(name): tensor for name, tensor in given.items()},
        return_elements=[_with_output(last.name)],
        name="part",
    )[0]
    wanted = tf1.placeholder(tf.int32, [batch_size])
    at_centre = tf.one_hot(wanted, last.channels)
    if y.shape.rank == 4:
        around = [[at, count - at - 1] for at, count in zip(centre, y.shape.as_list()[1:3], strict=True)]
        at_centre = tf.pad(at_centre[:, None, None], [[0, 0], *around, [0, 0]])
    gradient = tf.gradients(y, given[first.name], at_centre)[0]
    if flat:
        gradient = gradient[:, None, None]
    return gradient, wanted, {given[name]: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def _part_between(network: FrozenNetwork, given: Any, last: str) -> Any:
    """Copy what `last` needs from the `given` tensors onwards, with gradients replaced."""
    nodes = {node.name: node for node in network.graph_def.node}
    needed: set[str] = set()
    pending = [last]
    while pending:
        name = pending.pop()
        if name not in given and node_of(name) not in needed:
            needed.add(node_of(name))
            pending += [s.removesuffix(":0") for s in nodes[node_of(name)].input if not s.startswith("^")]
    part = tf1.GraphDef(versions=network.graph_def.versions)
    for node in network.graph_def.node:
        # The operation of a given tensor stays, since its name is mapped to the tensor.
        if any(node.name == node_of(name) for name in given) and node.name not in needed:
            part.node.add(name=node.name, op="Placeholder").attr["dtype"].type = tf.float32.as_datatype_enum
            continue
        if node.name not in needed:
            continue
        copy = part.node.add()
        copy.CopyFrom(node)
        override = (
            b"NetlensPassedOn"
            if node.op in RECTIFIERS
            else b"NetlensWholeWindow"
            if node.op in _POOLINGS
            else b"NetlensResponse"
            if node.op == "LRN"
            else b""
        )
        if override:
            copy.attr["_gradient_op_type"].s = override
    return part


def _with_output(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def _on_window(found: Any, extent: Extent, window: Window, centre: tuple[int, int]) -> Any:
    """Return gradients (n, height, width, channels) on the window, as (W, W, channels, n); 0 outside the source."""
    out = np.zeros((window.size, window.size, found.shape[3], len(found)), np.float32)
    places = []
    for axis in (0, 1):
        start = centre[axis] * extent.stride[axis] + window.start[axis]
        low, high = max(start, 0), min(start + window.size, found.shape[axis + 1])
        places.append((slice(low - start, high - start), slice(low, high)))
    (to_y, from_y), (to_x, from_x) = places
    out[to_y, to_x] = found[:, from_y, from_x].transpose(1, 2, 3, 0)
    return out
