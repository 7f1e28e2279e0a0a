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
from netlens.models.frozen.structure import layer_edges
from netlens.models.inspection import (
    LayerFacts,
    NetworkFacts,
    facts_of_config,
    most_on_one_path,
    segments_count,
    trunk_of,
)
from netlens.models.network import size_pair
from netlens.models.pretrained.registry import build_architecture

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
        return _frozen_facts(frozen_network(spec))
    if spec["kind"] == "pretrained":
        model = build_architecture(spec["published"], size_pair(spec["size_px"]) if "size_px" in spec else None)
    else:
        height, width = size_pair(spec["size_px"])
        model = build(spec["architecture"], input_shape=(height, width, 3), classes=int(spec["classes_count"]), seed=0)
    return facts_of_config(json.loads(model.to_json()))


def _frozen_facts(network: FrozenNetwork) -> NetworkFacts:
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
        end = nodes[end.input[0].split(":")[0]]
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
    )


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
