"""Which layer of a network reads which, as plain data that is saved in the network's description.

`netlens.models.keras.graph` walks a Keras model that is loaded, `netlens.models.keras.saved_graph` the configuration in
a file. A `LayerGraph` is made from either and holds no more than what follows from the connections alone needs, such as
the spectra of networks with branches. Nothing here starts TensorFlow.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from netlens.models.errors import NetworkError
from netlens.models.keras.graph import graph_of
from netlens.models.keras.saved_graph import SavedGraph

#: Layers, functions and operations that join tensors side by side.
CONCATENATIONS: Final = frozenset({"Concatenate", "concat", "ConcatV2"})
#: What follows their names where these are not joined along the channels.
OTHER_AXIS: Final = " along another axis than the channels"


@dataclass(frozen=True)
class LayerNode:
    """One use of one layer.

    Attributes
    ----------
    name
        Name of the layer; a second use of it has ``:1`` appended, and so on.
    kind
        Class of the layer, such as ``Conv2D``; for a TensorFlow function or operation its name, such as ``nn.relu``.
    sources
        Names of the nodes whose outputs it reads, in the order of the call; constants are left out.
    """

    name: str
    kind: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class LayerGraph:
    """The uses of all layers that a network's outputs need.

    Attributes
    ----------
    nodes
        Each after its sources.
    outputs
        Names of the nodes whose outputs the network gives.
    channels
        Channels of its (first) input; None if unknown.
    """

    nodes: tuple[LayerNode, ...]
    outputs: tuple[str, ...]
    channels: int | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the nodes that read no other."""
        return tuple(node.name for node in self.nodes if not node.sources)

    def as_json(self) -> dict[str, Any]:
        """Return the graph as values that JSON can hold; `from_json` reads them."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "LayerGraph":
        """Return the graph that `as_json` described.

        Raises
        ------
        KeyError, TypeError
            It did not.
        """
        nodes = [
            LayerNode(str(each["name"]), str(each["kind"]), tuple(map(str, each["sources"])))
            for each in document["nodes"]
        ]
        channels = document["channels"]
        return cls(tuple(nodes), tuple(map(str, document["outputs"])), None if channels is None else int(channels))


def layer_graph(model: Any) -> LayerGraph:
    """Graph of a Keras model that is loaded; models inside it are opened.

    Raises
    ------
    NetworkError
        As `netlens.models.keras.graph.graph_of`.
    """
    graph = graph_of(model)
    number = {id(step): index for index, step in enumerate(graph.steps)}
    calls = [
        (step.name, step.kind, step.layer.get_config(), [number[id(source)] for source, _ in step.sources])
        for step in graph.steps
    ]
    last = [step.output_shape[-1] if step.output_shape else None for step in graph.steps]
    channels = [step.output_shape[-1] for step in graph.steps if not step.sources and step.output_shape]
    return _graph(calls, [number[id(step)] for step, _ in graph.outputs], channels, last)


def saved_layer_graph(saved: SavedGraph) -> LayerGraph:
    """Graph of a network that was read from its file without TensorFlow."""
    calls = [(step.name, step.kind, step.options, step.sources) for step in saved.steps]
    channels = [step.shape[-1] for step in saved.steps if not step.sources and step.shape]
    return _graph(calls, saved.outputs, channels, [step.shape[-1] if step.shape else None for step in saved.steps])


def read_layer_graph(path: str | Path) -> LayerGraph:
    """Graph of a prepared network, from the description beside it.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    NetworkError
        It does not describe a graph.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such description of a network; run the rule that makes it")
    try:
        return LayerGraph.from_json(json.loads(file.read_text(encoding="utf-8"))["graph"])
    except (ValueError, KeyError, TypeError) as error:
        raise NetworkError(f"{file}: does not describe a network's graph ({error}); make it again") from error


def _graph(
    calls: Sequence[tuple[str, str, Mapping[str, Any], Sequence[int]]],
    outputs: Sequence[int],
    channels: Sequence[int | None],
    last: Sequence[int | None],
) -> LayerGraph:
    """Graph of calls, each with the layer's name, class and options, the calls it reads, and the size of its last axis.

    A concatenation along another axis than the last, which are the channels, has a class of its own.
    """
    nodes: list[LayerNode] = []
    uses: Counter[str] = Counter()
    for number, (layer, kind, options, sources) in enumerate(calls):
        name = f"{layer}:{uses[layer]}" if uses[layer] else layer
        uses[layer] += 1
        read = tuple(nodes[source].name for source in sources)
        what = _function(kind, options)
        sizes = [last[each] for each in (*sources, number)]
        known = [size for size in sizes if size is not None]
        if what in CONCATENATIONS and len(known) == len(sizes) and known[-1] != sum(known[:-1]):
            what += OTHER_AXIS
        nodes.append(LayerNode(name, what, read))
    names = tuple(dict.fromkeys(nodes[output].name for output in outputs))
    return LayerGraph(tuple(nodes), names, channels[0] if channels else None)


def _function(kind: str, options: Mapping[str, Any]) -> str:
    """Name of the function that a layer of one TensorFlow function consists of; else the layer's class."""
    if kind in {"TFOpLambda", "SlicingOpLambda"}:
        return str(options["function"]).removeprefix("compat.v1.")
    return str(options["node_def"]["op"]) if kind == "TensorFlowOpLayer" else kind
