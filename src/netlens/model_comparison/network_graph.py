"""A network's layers as a graph: what they are, how they are connected, where they are drawn, and their labels.

There are two graphs of each network: one of all layers, and one of the compared layers alone, which are connected as
they follow each other when all others are left out.
"""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.graph_layout import Drawing, drawing_of, edges_between, pack, unpack
from netlens.models.frozen.structure import layer_edges, trunk
from netlens.models.layer_names import short_label

if TYPE_CHECKING:
    from netlens.models.frozen.frozen_network import FrozenNetwork

#: Height and width of a layer without positions.
NO_POSITIONS: Final = -1

# Before the names of the arrays of the graph of compared layers.
_COMPARED: Final = "compared_"
#: Labels of operations at the end of a layer's name.
_OPERATIONS: Final = {"Conv2D": "conv", "BatchNorm": "norm", "BiasAdd": "bias"}
# The operation at the end of a name, which says nothing where a label is distinct without it.
_LAST_OPERATION: Final = re.compile(
    r"(?:/(?:Conv2D|DepthwiseConv2D|BatchNorm|Relu6?|add|concat)|_(?:BN|bn|relu6?))(?=(?:_\d+)?$)"
)

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class LayerGraph:
    """n layers of a network, their m connections, and a drawing of both.

    Attributes
    ----------
    network
        The network's name.
    names, labels, kinds
        Of each layer, in network order: its name, a short label, and what it is (`FrozenLayer.kind`).
    channels, heights, widths
        (n,) int64; `NO_POSITIONS` as height and width of a layer without positions.
    trunk
        (n,) bool: whether every path from input to output passes through the layer.
    edges
        (m, 2) int64: from layer, to layer, as indices.
    drawing
        Positions of layers and edges.
    """

    network: str
    names: tuple[str, ...]
    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    channels: Int
    heights: Int
    widths: Int
    trunk: Bool
    edges: Int
    drawing: Drawing


@dataclass(frozen=True)
class NetworkGraph:
    """A network's graph of all layers, and its graph of the compared layers.

    Attributes
    ----------
    layers
        The graph of all n layers.
    is_compared
        (n,) bool: which of them are compared.
    compared
        The graph of those alone.
    """

    layers: LayerGraph
    is_compared: Bool
    compared: LayerGraph

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        graph, inner = self.layers, self.compared
        arrays: dict[str, NDArray[Any]] = {
            "network": np.array(graph.network),
            "names": np.array(graph.names),
            "labels": np.array(graph.labels),
            "kinds": np.array(graph.kinds),
            "channels": graph.channels,
            "heights": graph.heights,
            "widths": graph.widths,
            "trunk": graph.trunk,
            "compared": self.is_compared,
            "edges": graph.edges,
            **pack(graph.drawing),
            f"{_COMPARED}labels": np.array(inner.labels),
            f"{_COMPARED}edges": inner.edges,
            **{f"{_COMPARED}{name}": values for name, values in pack(inner.drawing).items()},
        }
        save_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "NetworkGraph":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
        """
        reader = ArrayReader(path)
        network = reader.text("network")
        names = reader.names("names", "layers")
        sizes = [reader.array(name, "i", "layers") for name in ("channels", "heights", "widths")]
        kinds = reader.names("kinds", "layers")
        alone, kept = reader.array("trunk", "b", "layers"), reader.array("compared", "b", "layers")
        parts = []
        for prefix, chosen in (("", np.ones(len(names), bool)), (_COMPARED, kept)):
            count = int(chosen.sum())
            edges = reader.array(f"{prefix}edges", "i", f"{prefix}edges", 2)
            if edges.size and not 0 <= edges.min() <= edges.max() < count:
                raise reader.error(f"array '{prefix}edges' names a layer that is not among the {count}")
            try:
                drawing = unpack(
                    reader.array(f"{prefix}x", "f", count),
                    reader.array(f"{prefix}y", "f", count),
                    reader.array(f"{prefix}points", "f", f"{prefix}points", 2),
                    reader.array(f"{prefix}route_ends", "i", f"{prefix}edges"),
                    reader.array(f"{prefix}shortcuts", "b", f"{prefix}edges"),
                )
            except ComparisonError as error:
                raise reader.error(str(error)) from error
            channels, heights, widths = (size[chosen] for size in sizes)
            parts.append(
                LayerGraph(
                    network=network,
                    names=_chosen(names, chosen),
                    labels=reader.names(f"{prefix}labels", count),
                    kinds=_chosen(kinds, chosen),
                    channels=channels,
                    heights=heights,
                    widths=widths,
                    trunk=alone[chosen],
                    edges=edges,
                    drawing=drawing,
                )
            )
        reader.finish()
        return cls(parts[0], kept, parts[1])


def network_graph(network: "FrozenNetwork", compared: Sequence[str]) -> NetworkGraph:
    """Describe a network's layers as a graph.

    Parameters
    ----------
    network
        A frozen network.
    compared
        Names of the layers that are compared, in network order.

    Returns
    -------
    NetworkGraph

    Raises
    ------
    ComparisonError
        A compared layer does not exist, they are not in network order, or there is none.
    """
    names = tuple(layer.name for layer in network.layers)
    place = {name: index for index, name in enumerate(names)}
    unknown = [name for name in compared if name not in place]
    if unknown:
        raise ComparisonError(f"network {network.name!r} has no layer {unknown[0]!r}")
    chosen = [place[name] for name in compared]
    if not chosen or chosen != sorted(set(chosen)):
        raise ComparisonError(f"network {network.name!r}: compared layers {list(compared)} are not in network order")
    edges = np.array([(place[source], place[user]) for source, user in layer_edges(network)], np.int64).reshape(-1, 2)
    among = edges_between(len(names), edges, chosen)
    alone = {layer.name for layer in trunk(network)}
    kinds = tuple(layer.kind for layer in network.layers)
    channels = np.array([layer.channels for layer in network.layers], np.int64)
    heights, widths = (
        np.array([NO_POSITIONS if size is None else size for size in sizes], np.int64)
        for sizes in ([layer.height for layer in network.layers], [layer.width for layer in network.layers])
    )
    passed = np.array([name in alone for name in names])
    kept = np.isin(np.arange(len(names)), chosen)
    whole = LayerGraph(
        network.name, names, tuple(layer_labels(names)), kinds, channels, heights, widths, passed, edges,
        drawing_of(len(names), edges),
    )  # fmt: skip
    inner = LayerGraph(
        network.name, tuple(compared), tuple(layer_labels(compared)), _chosen(kinds, kept), channels[kept],
        heights[kept], widths[kept], passed[kept], among, drawing_of(len(chosen), among),
    )  # fmt: skip
    return NetworkGraph(whole, kept, inner)


def layer_labels(names: Sequence[str]) -> list[str]:
    """Shorten the names of one network's layers, including those in scopes, while keeping them distinct.

    Parameters
    ----------
    names
        Names of different layers, as written by Keras, lucid or TF-Slim.

    Returns
    -------
    list of str
        One label per name, in the same order: that of `netlens.models.layer_names.short_label`; where it is the same
        for several operations of one scope, followed by the operation (``conv1a/norm``); other names in scopes lose the
        scopes that they all share. An operation at the end (``block3/add``, ``block_13_expand_relu``) is left out where
        the label is distinct without it. If labels would still collide, the names are returned unchanged.
    """
    labels = [short_label(name) for name in names]
    shared = _shared([label for label, name in zip(labels, names, strict=True) if label == name and "/" in name])
    taken = Counter(labels)
    for index, (label, name) in enumerate(zip(labels, names, strict=True)):
        if label == name:
            labels[index] = name.removeprefix(shared)
        elif taken[label] > 1 and "/" in name:
            operation = name.rpartition("/")[2]
            labels[index] = f"{label}/{_OPERATIONS.get(operation, operation.lower())}"
    shorter = [_LAST_OPERATION.sub("", label) or label for label in labels]
    taken = Counter([*shorter, *(label for label, other in zip(labels, shorter, strict=True) if label != other)])
    labels = [other if taken[other] == 1 else label for label, other in zip(labels, shorter, strict=True)]
    return labels if len(set(labels)) == len(labels) else list(names)


def _chosen(values: Sequence[str], kept: Bool) -> tuple[str, ...]:
    return tuple(value for value, keep in zip(values, kept, strict=True) if keep)


def _shared(names: Sequence[str]) -> str:
    """Return the scopes that all names begin with, including the last slash."""
    if len(names) < 2:
        return ""
    parts = [name.split("/")[:-1] for name in names]
    same = itertools.takewhile(lambda scopes: len(set(scopes)) == 1, zip(*parts, strict=False))
    return "".join(f"{scopes[0]}/" for scopes in same)
