"""The linear maps between two layers of a frozen network, and which positions depend on which.

Only operations between the two layers are read; `netlens.weights.expanded.linear_operations` says what each does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.frozen.frozen_network import FrozenLayer, FrozenNetwork
from netlens.weights.expanded.graph_nodes import inputs_of, node_name, tensor_name
from netlens.weights.expanded.linear_operations import LinearTensor, OperationReader, Size
from netlens.weights.expanded.taps import Block, Pair


@dataclass(frozen=True)
class Extent:
    """The positions of one tensor that a unit of another one depends on, (rows, columns) each.

    Attributes
    ----------
    offset
        The first position, for the unit at 0.
    size
        From the first position to the last.
    stride
        By how much the positions move from one unit to the next.
    """

    offset: Pair
    size: Pair
    stride: Pair


@dataclass(frozen=True)
class LinearGraph:
    """The linear maps between two layers.

    Attributes
    ----------
    network, source, target
        Names, for messages.
    tensors
        From the source to the target, each after those that it depends on.
    outside
        Other inputs of these tensors, neither constant nor dependent on the source, with size and channels.
    whole_map
        The operation that takes all positions of a map at once, if there is one.
    """

    network: str
    source: str
    target: str
    tensors: tuple[LinearTensor, ...]
    outside: dict[str, tuple[Size, int]]
    whole_map: str | None = None

    def period(self) -> Pair:
        """Return the steps, down and across, by which the source may grow without changing where padding falls."""
        found = self.extents()
        steps = [found[self.tensors[-1].name].stride]
        for tensor in self.tensors:
            (down, across), stride = tensor.parted, found[tensor.name].stride
            steps.append((down * stride[0], across * stride[1]))
        return (math.lcm(*(step[0] for step in steps)), math.lcm(*(step[1] for step in steps)))

    def extents(self) -> dict[str, Extent]:
        """Return the positions of the source that each tensor depends on.

        Raises
        ------
        UnsupportedLayerError
            Branches of different strides meet.
        """
        found = {self.tensors[0].name: Extent((0, 0), (1, 1), (1, 1))}
        for tensor in self.tensors[1:]:
            seen = [
                _seen(block, found[edge.origin], outer_first=False) for edge in tensor.edges for block in edge.blocks
            ]
            found[tensor.name] = self._joined(seen, tensor)
        return found

    def extents_of_target(self) -> dict[str, Extent]:
        """Return the positions of each tensor that the target depends on; `extents` from the other end."""
        seen: dict[str, list[Extent]] = {tensor.name: [] for tensor in self.tensors}
        seen[self.tensors[-1].name].append(Extent((0, 0), (1, 1), (1, 1)))
        found: dict[str, Extent] = {}
        for tensor in reversed(self.tensors):
            found[tensor.name] = self._joined(seen[tensor.name], tensor)
            for edge in tensor.edges:
                seen[edge.origin] += [_seen(block, found[tensor.name], outer_first=True) for block in edge.blocks]
        return found

    def _joined(self, extents: Sequence[Extent], tensor: LinearTensor) -> Extent:
        strides = sorted({extent.stride for extent in extents})
        if len(strides) > 1:
            told = " and ".join("x".join(map(str, stride)) for stride in strides)
            raise UnsupportedLayerError(
                f"network {self.network!r}: at {tensor.name!r} ({tensor.op}), branches of strides {told} between "
                f"{self.source!r} and {self.target!r} meet; no single window fits them"
            )
        top, left = (min(extent.offset[axis] for extent in extents) for axis in (0, 1))
        height, width = (
            max(extent.offset[axis] + extent.size[axis] for extent in extents) - (top, left)[axis] for axis in (0, 1)
        )
        return Extent((top, left), (height, width), strides[0])


def _seen(block: Block, extent: Extent, *, outer_first: bool) -> Extent:
    """Return the extent with an operation applied after it or, with `outer_first`, before it."""
    own = Extent(
        block.grid.offset,
        (
            (block.counts[0] - 1) * block.grid.spacing[0] + 1,
            (block.counts[1] - 1) * block.grid.spacing[1] + 1,
        ),
        block.grid.stride,
    )
    outer, inner = (extent, own) if outer_first else (own, extent)
    offset, size, stride = (
        tuple(made)
        for made in zip(
            *(
                (
                    outer.offset[axis] * inner.stride[axis] + inner.offset[axis],
                    (outer.size[axis] - 1) * inner.stride[axis] + inner.size[axis],
                    outer.stride[axis] * inner.stride[axis],
                )
                for axis in (0, 1)
            ),
            strict=True,
        )
    )
    return Extent(offset, size, stride)  # type: ignore[arg-type]


def has_linear_map(network: FrozenNetwork, source: str, target: str) -> bool:
    """Whether every operation between two layers has a linear map, which the central unit of the target reads.

    Arguments and errors are those of `linear_graph`. Behind an operation that takes all positions of a map at once,
    such as the mean of a squeeze and excitation, no unit is central.
    """
    try:
        return linear_graph(network, source, target).whole_map is None
    except UnsupportedLayerError:
        return False


def linear_graph(
    network: FrozenNetwork,
    source: str,
    target: str,
    *,
    source_size: tuple[int, int] | None = None,
    dtype: Any = np.float32,
) -> LinearGraph:
    """Return the linear maps between two layers.

    Parameters
    ----------
    network
        The frozen network.
    source, target
        Names of its layers, the earlier and the later one.
    source_size
        Positions of the source, down and across. Default: those that it has at the network's input size. With strides,
        SAME padding depends on it.
    dtype
        Of the kernels, float32 or float64.

    Returns
    -------
    LinearGraph

    Raises
    ------
    NetworkError
        There is no such layer, both are the same, or the target does not depend on the source.
    UnsupportedLayerError
        An operation between them has no linear map; the message names it.
    """
    first, last = network.layer(source), network.layer(target)
    nodes = {node.name: node for node in network.graph_def.node}
    start, end = tensor_name(first.node), tensor_name(last.node)
    if start == end:
        raise NetworkError(f"expanded weights need two layers; source and target are both {source!r}")
    order = _between(nodes, start, end)
    if order is None:
        back = _between(nodes, end, start) is not None
        why = "comes before it: swap the two" if back else "does not depend on it"
        raise NetworkError(f"network {network.name!r}: no path leads from {source!r} to {target!r}, which {why}")
    size: Size = source_size or (first.height, first.width)
    if source_size is None and has_no_positions(first):
        size = (1, 1)
    reader = OperationReader(network, source, target, nodes, dtype)
    reader.tensors[start] = LinearTensor(start, nodes[node_name(start)].op, (), first.channels, size)
    for name in order:
        reader.read(name)
    return LinearGraph(network.name, source, target, tuple(reader.tensors.values()), reader.outside, reader.whole_map)


def _between(nodes: dict[str, Any], start: str, end: str) -> list[str] | None:
    """List the tensors between `start` and `end`, in order, without `start`; None if `end` does not depend on `start`.

    Nothing before `start` is visited through `start`.
    """
    order: list[str] = []
    dependent: dict[str, bool] = {start: True}
    pending = [(end, False)]
    while pending:
        name, sources_done = pending.pop()
        if sources_done:
            dependent[name] = any(dependent[source] for source in inputs_of(nodes[node_name(name)]))
            if dependent[name]:
                order.append(name)
        elif name not in dependent:
            dependent[name] = False
            pending.append((name, True))
            pending.extend((source, False) for source in reversed(inputs_of(nodes[node_name(name)])))
    return order if dependent[end] else None


def has_no_positions(layer: FrozenLayer) -> bool:
    """Return whether a layer's output is (n, channels)."""
    return layer.height is None and layer.kind not in ("conv", "input")
