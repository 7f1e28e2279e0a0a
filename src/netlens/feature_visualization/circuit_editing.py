"""Networks without some connections, and what a unit answers without them.

A connection leads from a unit of one layer to a unit of a later one. It is removed by setting weights to zero, with
lucid's ``ParameterEditor``: in each kernel that reads the source layer on the way to the target layer (through ReLUs,
poolings, normalizations, concatenations, additions and splits, which keep channels apart), the weights that take the
source unit. Where that kernel's outputs are themselves units of the target layer, only those of the target unit are set
to zero; where further kernels lie between, all are, since the units between are common to the whole target layer: then
every unit of the target loses the source unit, and the target unit loses nothing else.

What an addition carries past the kernels, as in a residual block, has no weights and stays. A kernel that is used
elsewhere too stays there as it is.

References
----------
Cammarata et al. 2021, "Curve Circuits", Distill (Circuits), set the weights of curve detectors by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import netlens.feature_visualization.adapter  # noqa: F401  (first: lucid runs only with it)

# isort: split
import numpy as np
from lucid.scratch.parameter_editor import ParameterEditor
from numpy.typing import ArrayLike, NDArray

from netlens.models.backend import session_config, tf1
from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.frozen.frozen_network import FrozenNetwork, digest_of
from netlens.models.frozen.node_names import node_of
from netlens.models.frozen.receptive_fields import part_for

_KERNELS: Final = frozenset({"Conv2D", "DepthwiseConv2dNative", "MatMul"})
#: Each output channel comes from the same channel of the inputs.
_CHANNELWISE: Final = frozenset({
    "Add", "AddN", "AddV2", "AvgPool", "BatchToSpaceND", "BiasAdd", "Elu", "FusedBatchNorm", "FusedBatchNormV2",
    "FusedBatchNormV3", "Identity", "LRN", "LeakyRelu", "MaxPool", "Maximum", "Mean", "Minimum", "Mul", "Neg", "Pad",
    "PadV2", "RealDiv", "Relu", "Relu6", "Selu", "SpaceToBatchND", "StridedSlice", "Sub",
})  # fmt: skip
_BATCH_SIZE: Final = 16

Labels = NDArray[np.int64]


def without_connections(
    network: FrozenNetwork, source: str, target: str, connections: Sequence[tuple[int, int]]
) -> FrozenNetwork:
    """Return a network in which some connections between two layers are removed.

    Parameters
    ----------
    network
        The network; it stays as it is.
    source, target
        Names of two layers, the earlier first.
    connections
        Pairs (unit of the source, unit of the target); see the module for what is set to zero.

    Returns
    -------
    FrozenNetwork
        Of the same structure, with another `FrozenNetwork.sha256`.

    Raises
    ------
    NetworkError
        There is no such layer or unit, or the layers are in another order.
    UnsupportedLayerError
        An operation between the layers mixes channels without a constant kernel.

    Examples
    --------
    >>> edited = without_connections(network, "fire2/concat", "fire3/concat", [(17, 73)])
    """
    for name, units in ((source, [a for a, _ in connections]), (target, [b for _, b in connections])):
        count = network.layer(name).channels
        if outside := [unit for unit in units if not 0 <= unit < count]:
            raise NetworkError(f"layer {name!r} has units 0 to {count - 1}; there is no unit {outside[0]}")
    graph = _Between(network, source, target)
    readers = graph.readers(graph.start)
    edited = tf1.GraphDef()
    edited.CopyFrom(network.graph_def)
    kernels = {reader: _own_kernel(edited, reader, graph.kernel_of(reader)) for reader in readers}
    editor = ParameterEditor(edited)
    for reader, labels in readers.items():
        kernel = kernels[reader]
        to_target = graph.carried(reader, graph.end)
        shared = bool(graph.readers(reader))
        for source_unit, unit in connections:
            columns = np.arange(graph.channels(reader))
            if not shared:
                columns = columns[[] if to_target is None or to_target[unit] < 0 else [to_target[unit]]]
            for row in np.flatnonzero(labels == source_unit):
                editor[
                    (kernel, *_place(editor[kernel].shape, graph.nodes[reader], (len(labels), int(row)), columns))
                ] = 0
    return replace(network, graph_def=edited, sha256=digest_of(edited))


def activations_of(networks: Sequence[FrozenNetwork], images: ArrayLike, layer: str, unit: int) -> NDArray[np.float32]:
    """Return a unit's activation in several networks, where it is largest in the first of them.

    Parameters
    ----------
    networks
        Networks of one structure, such as one with and without some connections.
    images
        uint8, (n, height, width, 3), as large as the networks take.
    layer, unit
        The unit.

    Returns
    -------
    ndarray
        float32, (networks, n): at the position of each image at which the first network's unit is most active.

    Raises
    ------
    NetworkError
        There is no such layer or unit, or the images have another size.
    """
    pixels = np.asarray(images)
    maps = np.stack([_maps(network, pixels, layer, unit) for network in networks])
    places = maps[0].argmax(axis=1)
    found: NDArray[np.float32] = maps[:, np.arange(len(pixels)), places]
    return found


def _maps(network: FrozenNetwork, images: NDArray[np.uint8], layer: str, unit: int) -> NDArray[np.float32]:
    """Return a unit's activations, (n, positions)."""
    if not 0 <= unit < network.layer(layer).channels:
        raise NetworkError(f"layer {layer!r} has units 0 to {network.layer(layer).channels - 1}; there is no {unit}")
    with tf1.Graph().as_default() as graph:
        inputs = tf1.placeholder(tf1.float32, (None, *network.input_shape))
        (output,) = tf1.import_graph_def(
            part_for(network, [layer]),
            input_map={f"{network.input_node}:0": inputs},
            return_elements=[f"{network.layer(layer).node}:0"],
        )
        with tf1.Session(graph=graph, config=session_config()) as session:
            parts = [
                session.run(output, {inputs: network.preprocess(images[start : start + _BATCH_SIZE])})[..., unit]
                for start in range(0, len(images), _BATCH_SIZE)
            ]
    return np.concatenate([part.reshape(len(part), -1) for part in parts])


def _own_kernel(graph_def: Any, reader: str, kernel: str) -> str:
    """Return the name of an operation's kernel; where other operations use it as well, of a copy that it is given."""
    nodes = {node.name: node for node in graph_def.node}
    if sum(kernel == node_of(each) for node in nodes.values() for each in node.input) == 1:
        return kernel
    own = graph_def.node.add()
    own.CopyFrom(nodes[kernel])
    own.name = f"{reader}/edited_kernel"
    nodes[reader].input[1] = own.name
    return str(own.name)


def _place(shape: tuple[int, ...], node: Any, channel: tuple[int, int], columns: NDArray[np.int64]) -> tuple[Any, ...]:
    """Return where in an operation's kernel the weights lie with which some of its units read an input channel.

    `channel`: the number of input channels, and one of them; `columns`: the units.
    """
    count, row = channel
    if node.op == "MatMul":
        return (columns, row) if node.attr["transpose_b"].b else (row, columns)
    inputs, outputs = shape[2:]
    if node.op == "DepthwiseConv2dNative":
        return slice(None), slice(None), row, columns[columns // outputs == row] % outputs
    each = outputs // (count // inputs)  # units of a group
    return slice(None), slice(None), row % inputs, columns[columns // each == row // inputs]


@dataclass
class _Between:
    """The operations between two layers, and which channels they carry on."""

    network: FrozenNetwork
    source: str
    target: str
    nodes: dict[str, Any] = field(init=False)
    start: str = field(init=False)
    end: str = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = {node.name: node for node in self.network.graph_def.node}
        self.start, self.end = (self.network.layer(name).node for name in (self.source, self.target))
        with tf1.Graph().as_default() as graph:
            tf1.import_graph_def(self.network.graph_def, name="")
        self._graph = graph
        self._inside = self._reachable()
        if self.start == self.end or self.end not in self._inside:
            raise NetworkError(
                f"network {self.network.name!r}: layer {self.target!r} does not come after {self.source!r}"
            )

    def channels(self, tensor: str) -> int:
        """Return the size of a tensor's last axis."""
        name, _, output = tensor.partition(":")
        size = self._graph.get_tensor_by_name(f"{name}:{output or 0}").shape[-1]
        if size is None:
            raise self._refused(name, "has an unknown number of channels")
        return int(size)

    def readers(self, start: str) -> dict[str, Labels]:
        """Return the kernels' operations that read an operation's output, with its channel (or -1) per input."""
        found = {}
        for name in self._inside:
            if self.nodes[name].op in _KERNELS and name != start:
                labels = self.carried(start, self._inputs(name)[0])
                if labels is not None and (labels >= 0).any():
                    found[name] = labels
        return found

    def carried(self, start: str, tensor: str, known: dict[str, Labels | None] | None = None) -> Labels | None:
        """Return which channel of `start` each channel of a tensor carries on, -1 for none; None if there is none."""
        known = {} if known is None else known
        if tensor not in known:
            known[tensor] = self._carried(start, tensor, known)
        return known[tensor]

    def _carried(self, start: str, tensor: str, known: dict[str, Labels | None]) -> Labels | None:
        name = node_of(tensor)
        if name == start:
            return np.arange(self.channels(tensor))
        node = self.nodes[name]
        if name not in self._inside or node.op in _KERNELS:
            return None
        inputs = self._inputs(name)
        labels = [self.carried(start, each, known) for each in inputs]
        found = [each for each in labels if each is not None]
        return self._passed_on(tensor, inputs, labels) if found else None

    def _passed_on(self, tensor: str, inputs: Sequence[str], labels: Sequence[Labels | None]) -> Labels:
        """Return the channels that an operation carries on from its inputs, of which at least one carries some."""
        name, count = node_of(tensor), self.channels(tensor)
        op, found = self.nodes[name].op, [each for each in labels if each is not None]
        carried = found[0]
        if op in ("Concat", "ConcatV2"):
            parts = slice(1, None) if op == "Concat" else slice(None, -1)
            carried = np.concatenate([
                np.full(self.channels(each), -1) if own is None else own
                for each, own in zip(inputs[parts], labels[parts], strict=True)
            ])  # fmt: skip
        elif op in ("Split", "SplitV"):
            output = int(tensor.partition(":")[2] or 0)
            first = sum(self.channels(f"{name}:{before}") for before in range(output))
            carried = carried[first : first + count]
        elif op in ("Reshape", "Squeeze"):
            carried = np.tile(carried, count // len(carried))
        elif op in _CHANNELWISE and all(len(each) == count for each in found):
            carried = np.maximum.reduce(found)
        else:
            raise self._refused(name, "mixes channels in a way that is not known")
        if len(carried) != count:
            raise self._refused(name, "rearranges channels")
        return carried

    def kernel_of(self, name: str) -> str:
        """Return the name of the constant that an operation has as its kernel."""
        if self.nodes[name].attr["data_format"].s not in (b"", b"NHWC"):
            raise self._refused(name, "has its channels first; only channels last (NHWC) is supported")
        source = node_of(self._inputs(name)[1])
        while self.nodes[source].op == "Identity":
            source = node_of(self._inputs(source)[0])
        if self.nodes[source].op != "Const":
            raise self._refused(name, "has a kernel that is computed, not constant")
        return source

    def _inputs(self, name: str) -> list[str]:
        return [each for each in self.nodes[name].input if not each.startswith("^")]

    def _reachable(self) -> set[str]:
        """Names of the operations that the source leads to and the target needs, both included."""
        needed, pending = set(), [self.end]
        users: dict[str, list[str]] = {}
        while pending:
            name = pending.pop()
            if name in needed:
                continue
            needed.add(name)
            for each in map(node_of, self.nodes[name].input):
                users.setdefault(each, []).append(name)
                pending.append(each)
        behind, pending = set(), [self.start]
        while pending:
            name = pending.pop()
            if name not in behind:
                behind.add(name)
                pending += users.get(name, [])
        return needed & behind

    def _refused(self, name: str, why: str) -> UnsupportedLayerError:
        return UnsupportedLayerError(
            f"network {self.network.name!r}: connections from {self.source!r} to {self.target!r} cannot be removed: "
            f"operation {name!r} ({self.nodes[name].op}) {why}"
        )
