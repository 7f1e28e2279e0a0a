"""Facts about networks that only TensorFlow can tell: architectures that netlens builds, and frozen graphs.

A study's networks are inspected before anything runs, by a process that does not import TensorFlow. This module is run
as a process of its own for those that need it: it reads a JSON list of specifications from its standard input, and
writes one JSON object for each to the file that it is given.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netlens.files.atomic import writing
from netlens.models.architectures.registry import build
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.models.frozen.graph_files import frozen_network
from netlens.models.frozen.node_names import node_of
from netlens.models.frozen.structure import layer_edges
from netlens.models.inspection import (
    LayerFacts,
    NetworkFacts,
    facts_of_config,
    most_on_one_path,
    segments_count,
    trunk_of,
)
from netlens.models.keras.linear_stretches import has_linear_pair
from netlens.models.network import size_pair
from netlens.models.pretrained.registry import build_architecture

#: Operations that are linear maps, or rectifiers, in `netlens.weights.expanded.linear_operations`.
LINEAR_OPERATIONS = frozenset({
    "Add", "AddN", "AddV2", "AvgPool", "BatchToSpaceND", "BiasAdd", "CheckNumerics", "Concat", "ConcatV2", "Conv2D",
    "DepthwiseConv2dNative", "Elu", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "Identity", "LRN",
    "LeakyRelu", "MatMul", "MaxPool", "Mean", "Mul", "Pad", "PadV2", "PreventGradient", "RealDiv", "Relu", "Relu6",
    "Reshape", "Selu", "Snapshot", "SpaceToBatchND", "Split", "SplitV", "Squeeze", "StopGradient", "StridedSlice",
    "Sub",
})  # fmt: skip
_PRODUCTS = frozenset({"Mul", "RealDiv"})
#: Linear, but each output takes all positions of a map: weights that lead across have no positions.
_WHOLE_MAPS = frozenset({"MatMul", "Mean"})
#: Between the logits of a frozen graph and the layer that computes them.
_PASSING = frozenset({"Identity", "Reshape", "Squeeze", "BiasAdd", "Add", "AddV2"})


def inspect_built(spec: Mapping[str, Any]) -> NetworkFacts:
    """Facts about a network that has to be built or parsed by TensorFlow.

    Parameters
    ----------
    spec
        The study's entry for the network, whose ``kind`` is ``named``, ``pretrained``, ``trained`` (its architecture is
        inspected, not its checkpoint), or ``file`` with a frozen graph.

    Raises
    ------
    FileNotFoundError, NetworkError
        The network cannot be built or read.
    """
    if spec["kind"] == "file":
        return frozen_facts(frozen_network(spec))
    if spec["kind"] == "pretrained":
        model = build_architecture(spec["published"], size_pair(spec["size_px"]) if "size_px" in spec else None)
    else:
        height, width = size_pair(spec["size_px"])
        model = build(spec["architecture"], input_shape=(height, width, 3), classes=int(spec["classes_count"]), seed=0)
    return facts_of_config(json.loads(model.to_json()))


def frozen_facts(network: FrozenNetwork) -> NetworkFacts:
    """Facts about a frozen network, from its layers and operations."""
    nodes = {node.name: node for node in network.graph_def.node}
    place = {layer.name: index for index, layer in enumerate(network.layers)}
    sources: list[list[int]] = [[] for _ in network.layers]
    for source, user in layer_edges(network):
        sources[place[user]].append(place[source])
    kernels = [index for index, layer in enumerate(network.layers) if layer.kind in {"conv", "dense"}]
    maps = {index for index, layer in enumerate(network.layers) if layer.height is not None}
    convolutions, joins = (
        {index for index in maps if network.layers[index].kind in kinds} for kinds in ({"conv"}, {"concat", "add"})
    )
    height, width, _ = network.input_shape
    end = nodes[network.output_node]
    while end.op in _PASSING and end.input:
        end = nodes[node_of(end.input[0])]
    return NetworkFacts(
        is_keras=False,
        size_px=(height, width),
        ending="dense" if end.op in {"MatMul", "Conv2D"} else "features",
        outputs_count=len(network.class_names),
        layers=tuple(
            LayerFacts(
                layer.name,
                str(nodes[layer.node].op),
                None if layer.height is None or layer.width is None else (layer.height, layer.width),
                layer.channels,
            )
            for layer in network.layers
        ),
        kernel_layers_count=len(kernels),
        segments_count=segments_count(sources, len(sources) - 1, kernels),
        convolutions_count=most_on_one_path(sources, convolutions),
        joins_count=most_on_one_path(sources, joins),
        trunk_maps_count=len(trunk_of(sources, len(sources) - 1) & (convolutions | joins)),
        unsupported=(),
        linear_obstacle=_linear_obstacle(network),
    )


def _linear_obstacle(network: FrozenNetwork) -> str:
    """Operation because of which no two maps have expanded weights; empty where two have them."""
    nodes = {node.name: node for node in network.graph_def.node}
    order: list[str] = [network.input_node]
    place = {network.input_node: 0}
    pending, done = [network.output_node], {network.input_node}
    while pending:
        name = pending[-1]
        inputs = [node_of(source) for source in nodes[name].input]
        if missing := [source for source in inputs if source not in done]:
            pending += missing
            continue
        pending.pop()
        if name not in done and any(source in place for source in inputs):
            place[name] = len(order)
            order.append(name)
        done.add(name)
    sources = [[place[node_of(source)] for source in nodes[name].input if node_of(source) in place] for name in order]
    obstacles = [
        index
        for index, name in enumerate(order)
        if index
        and (
            nodes[name].op not in LINEAR_OPERATIONS - _WHOLE_MAPS
            or (nodes[name].op in _PRODUCTS and len(sources[index]) > 1)
        )
    ]
    shown = [layer for layer in network.layers if layer.height is not None and layer.node in place]
    maps = [place[layer.node] for layer in shown if layer.kind in {"conv", "concat", "add"}]
    first = next((place[layer.node] for layer in shown if layer.kind == "conv"), None)
    if first is None or has_linear_pair(sources, obstacles, (0, first), sorted(maps)):
        return ""
    return f"operation {order[obstacles[0]]!r} ({nodes[order[obstacles[0]]].op})" if obstacles else ""


def main(specs: str, output: Path) -> None:
    """Inspect the networks of a JSON list and write their facts, or what is wrong with them, as JSON."""
    found: list[dict[str, Any]] = []
    for spec in json.loads(specs):
        try:
            found.append({"facts": inspect_built(spec).as_json()})
        except (NetworkError, FileNotFoundError) as error:
            found.append({"problem": str(error)})
    with writing(output) as temporary:
        temporary.write_text(json.dumps(found), encoding="utf-8")
