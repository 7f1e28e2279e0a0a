"""Expanded weights as the product of the linear maps along all paths of the graph.

A tensor's map from the source is the sum over its inputs of the operation applied to the input's map; see
`netlens.weights.expanded.taps` for what a map is, and `netlens.weights.expanded.linear_graph` for what each operation
does. Only tensors between the two layers are visited, each once. The product can also be computed from the target
backwards; whichever takes fewer multiplications is used. Borders play no part: the map is that of a unit whose whole
receptive field lies inside every map on the way.
"""

from collections import Counter as Multiset
from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np

from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.weights.expanded.linear_graph import LinearGraph, linear_graph
from netlens.weights.expanded.taps import (
    Array,
    Block,
    Counter,
    Dense,
    Grid,
    Pick,
    Products,
    Term,
    compose,
    identity,
    merged,
)
from netlens.weights.expanded.window import ExpandedWeights, checked_units, cut_out, window_of

Direction = Literal["source", "target"]


def expanded_weights(
    network: FrozenNetwork,
    source: str,
    target: str,
    *,
    window: int | None = None,
    units: Sequence[int] | None = None,
    dtype: Any = np.float32,
    start: Direction | None = None,
    counter: Counter | None = None,
) -> ExpandedWeights:
    """Compute the linear map from a window of one layer to the central unit of a later one, exactly.

    Every ReLU is replaced by the identity, every max pooling by average pooling without border effects; biases play no
    part (Voss et al. 2021, "Visualizing Weights"). Batch normalization counts as its scale, local response
    normalization as its derivative where nothing is active.

    Parameters
    ----------
    network
        The frozen network.
    source, target
        Names of its layers, the earlier and the later one.
    window
        W, in positions of the source. Default: the receptive field, or one more where the stride between the layers is
        more than 1. A smaller window keeps the middle, with a warning; a larger one is padded with zeros. See
        `netlens.weights.expanded.window` for how it is placed.
    units
        Channels of the target, in the order in which they are returned. Default: all.
    dtype
        float32 or float64: of the computation and the result.
    start
        ``"source"`` or ``"target"``: where the product starts. Default: where it takes fewer multiplications.
    counter
        Counts the multiply-adds of the matrix products.

    Returns
    -------
    ExpandedWeights
        Its weights have shape (W, W, channels of the source, channels of the target).

    Raises
    ------
    NetworkError
        There is no such layer (the message names the nearest), or the target does not depend on the source.
    UnsupportedLayerError
        An operation between the layers has no linear map; the message names it.
    WindowError
        The window or the units are impossible.
    """
    graph = linear_graph(network, source, target, dtype=dtype)
    extent = graph.extents()[graph.tensors[-1].name]
    placed = window_of(extent, window, graph)
    chosen = checked_units(units, graph.tensors[-1].channels, target)
    ascending = np.sort(np.asarray(chosen, dtype=np.intp))
    counter = Counter() if counter is None else counter
    if start is None:
        start = cheaper_start(graph, len(chosen))
    select = Pick(Grid(), ascending, np.ones((1, 1, len(ascending)), dtype))
    blocks = (_from_source if start == "source" else _from_target)(graph, select, counter)

    channels = graph.tensors[0].channels
    inside = all(
        placed.start[axis] <= extent.offset[axis]
        and extent.offset[axis] + extent.size[axis] <= placed.start[axis] + placed.size
        for axis in (0, 1)
    )
    (height, width), origin = ((placed.size, placed.size), placed.start) if inside else (extent.size, extent.offset)
    # Each block is computed straight into its place.
    weights = np.zeros((height, width, channels, len(chosen)), dtype)
    for block in blocks:
        _put_down(block, weights, origin, counter)
    if not inside:
        weights = cut_out(weights, extent, placed)
    if chosen != ascending.tolist():
        weights = np.ascontiguousarray(weights[..., np.searchsorted(ascending, chosen)])
    return ExpandedWeights(
        weights, source, target, max(extent.size), max(extent.stride), None if units is None else tuple(chosen)
    )


def _from_source(graph: LinearGraph, select: Pick, counter: Counter) -> list[Block]:
    """Return the map of the target's selected channels, starting from the source."""
    first, *others = graph.tensors
    waiting = Multiset(edge.origin for tensor in others for edge in tensor.edges)
    maps: dict[str, list[Block]] = {first.name: [identity(first.channels, select.taps.dtype)]}
    for tensor in others:
        made = []
        for edge in tensor.edges:
            for operation in edge.blocks:
                for inner in maps[edge.origin]:
                    made += compose(operation, inner, counter)
            waiting[edge.origin] -= 1
            if not waiting[edge.origin]:
                del maps[edge.origin]
        maps[tensor.name] = merged(made)
    return merged(made for inner in maps[graph.tensors[-1].name] for made in compose(select, inner, counter))


def _from_target(graph: LinearGraph, select: Pick, counter: Counter) -> list[Block]:
    """Return the same map, starting from the target."""
    pending: dict[str, list[Block]] = {tensor.name: [] for tensor in graph.tensors}
    pending[graph.tensors[-1].name].append(select)
    for tensor in reversed(graph.tensors[1:]):
        maps = merged(pending.pop(tensor.name))
        for edge in tensor.edges:
            for operation in edge.blocks:
                for outer in maps:
                    pending[edge.origin] += compose(outer, operation, counter)
    return merged(pending[graph.tensors[0].name])


def _put_down(block: Block, weights: Array, origin: tuple[int, int], counter: Counter) -> None:
    product = block if isinstance(block, Products) else Products((Term(block),), block.column_range)
    (y, x), (height, width) = product.grid.offset, product.counts
    rows, columns = product.row_range, product.column_range
    place = weights[
        y - origin[0] : y - origin[0] + height,
        x - origin[1] : x - origin[1] + width,
        rows.start : rows.stop,
        columns.start : columns.stop,
    ]
    product.add_to(place, counter=counter)


def cheaper_start(graph: LinearGraph, units: int) -> Direction:
    """Return the layer from which multiplying the maps takes fewer multiplications.

    Parameters
    ----------
    graph
        The linear maps.
    units
        Number of channels of the target.

    Returns
    -------
    "source" or "target"
        An estimate, in which every tensor's map reaches as far as its farthest branch.
    """
    first, last = graph.tensors[0], graph.tensors[-1]
    if _kernels_in_a_row(graph) <= 2:
        return "source"  # A single product is the same from either side.
    from_source, from_target = graph.extents(), graph.extents_of_target()
    # Before the first kernel a map is not an array, so the first kernel costs nothing; likewise from the target.
    written: dict[str, bool] = {first.name: False}
    forward = 0
    for tensor in graph.tensors[1:]:
        written[tensor.name] = False
        for edge in tensor.edges:
            for block in edge.blocks:
                if isinstance(block, Dense):
                    if written[edge.origin]:
                        forward += block.kernel.size * first.channels * _area(from_source[edge.origin].size)
                    written[tensor.name] = True
                written[tensor.name] |= written[edge.origin]
    backward = 0
    columns: dict[str, int] = {tensor.name: 0 for tensor in graph.tensors}
    columns[last.name] = units
    behind: dict[str, bool] = {tensor.name: False for tensor in graph.tensors}
    for tensor in reversed(graph.tensors[1:]):
        for edge in tensor.edges:
            for block in edge.blocks:
                is_dense = isinstance(block, Dense)
                if is_dense and behind[tensor.name]:
                    size = cast("Dense", block).kernel.size
                    backward += size * columns[tensor.name] * _area(from_target[tensor.name].size)
                behind[edge.origin] |= is_dense or behind[tensor.name]
                # A branch of a concatenation leads to its own channels only.
                taken = columns[tensor.name]
                if not behind[tensor.name]:
                    taken = min(taken, len(block.column_range))
                columns[edge.origin] = min(units, columns[edge.origin] + taken)
    return "source" if forward <= backward else "target"


def _kernels_in_a_row(graph: LinearGraph) -> int:
    longest = {graph.tensors[0].name: 0}
    for tensor in graph.tensors[1:]:
        longest[tensor.name] = max(
            longest[edge.origin] + any(isinstance(block, Dense) for block in edge.blocks) for edge in tensor.edges
        )
    return longest[graph.tensors[-1].name]


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]
