"""A network's layers as a graph: what they are, which takes from which, where they are drawn, how they are called.

The graph is told twice: all layers, and only those that are compared, which follow each other when the others are left
out.
"""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.graph_layout import drawing_of, edges_between, pack
from netlens.models.frozen.structure import layer_edges, trunk
from netlens.models.layer_names import short_label

if TYPE_CHECKING:
    from netlens.models.frozen.frozen_network import FrozenNetwork

#: Before the names of the arrays of the graph of compared layers.
COMPARED: Final = "compared_"
#: Height and width of a layer without positions.
NO_POSITIONS: Final = -1

#: What the operation at the end of a name is called in a label.
_OPERATIONS: Final = {"Conv2D": "conv", "BatchNorm": "norm", "BiasAdd": "bias"}


def graph_arrays(network: "FrozenNetwork", compared: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Describe a network's graph by arrays.

    Parameters
    ----------
    network
        A frozen network with n layers.
    compared
        Names of the layers that are compared, in network order.

    Returns
    -------
    dict
        ``network``; of each layer, in network order: ``names``, ``labels``, ``kinds`` (n) str, ``channels``,
        ``heights``, ``widths`` (n) int64, `NO_POSITIONS` where there are none, ``trunk``, ``compared`` (n) bool;
        ``edges`` (m, 2) int64, from layer, to layer; and the drawing's arrays
        (`netlens.model_comparison.graph_layout.pack`).
        The same for the k compared layers under names that begin with `COMPARED`: ``compared_labels`` (k),
        ``compared_edges``, ``compared_x``, ...

    Raises
    ------
    ComparisonError
        A compared layer is not there, or they are not in network order, or there is none.
    """
    names = [layer.name for layer in network.layers]
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

    def sizes(side: str) -> NDArray[np.int64]:
        known = [getattr(layer, side) for layer in network.layers]
        return np.array([NO_POSITIONS if size is None else size for size in known], np.int64)

    return {
        "network": np.array(network.name),
        "names": np.array(names),
        "labels": np.array(layer_labels(names)),
        "kinds": np.array([layer.kind for layer in network.layers]),
        "channels": np.array([layer.channels for layer in network.layers], np.int64),
        "heights": sizes("height"),
        "widths": sizes("width"),
        "trunk": np.array([name in alone for name in names]),
        "compared": np.isin(np.arange(len(names)), chosen),
        "edges": edges,
        **pack(drawing_of(len(names), edges)),
        f"{COMPARED}labels": np.array(layer_labels(compared)),
        f"{COMPARED}edges": among,
        **{f"{COMPARED}{name}": values for name, values in pack(drawing_of(len(chosen), among)).items()},
    }


def layer_labels(names: Sequence[str]) -> list[str]:
    """Shorten the names of one network's layers, also those in scopes, so that no two become the same.

    Parameters
    ----------
    names
        The names of different layers, as Keras, lucid or TF-Slim write them.

    Returns
    -------
    list of str
        A label a name, in the same order: as `netlens.models.layer_names.short_label`; where that is the same for the
        operations of one scope, with the operation behind it (``conv1a/norm``); and other names in scopes without the
        scopes that they all share. Names whose labels would still collide stay as they are.
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
    return labels if len(set(labels)) == len(labels) else list(names)


def compared_part(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Give the graph of the compared layers alone, by the names of `graph_arrays` without `COMPARED`."""
    missing = [name for name in ("compared", "edges", f"{COMPARED}edges", f"{COMPARED}x") if name not in arrays]
    if missing:
        raise ComparisonError(f"a graph's arrays lack {', '.join(missing)}; make the graph again")
    kept = np.asarray(arrays["compared"], bool)
    of_layers = ("names", "kinds", "channels", "heights", "widths", "trunk", "compared")
    inner = {name.removeprefix(COMPARED): values for name, values in arrays.items() if name.startswith(COMPARED)}
    return {"network": arrays["network"], **{name: arrays[name][kept] for name in of_layers}, **inner}


def _shared(names: Sequence[str]) -> str:
    """Give the scopes that all names begin with, the last slash included."""
    if len(names) < 2:
        return ""
    parts = [name.split("/")[:-1] for name in names]
    same = itertools.takewhile(lambda scopes: len(set(scopes)) == 1, zip(*parts, strict=False))
    return "".join(f"{scopes[0]}/" for scopes in same)
