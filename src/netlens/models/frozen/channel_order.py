"""Frozen graphs whose maps have channels first, which would be read as heights: refused by name.

Positions and channels of a map are found by their place in its shape, which is (height, width, channels) everywhere.
Graphs that were converted from other frameworks often have channels first, all the way or between two transposes.
"""

from collections.abc import Mapping
from typing import Any, Final

from netlens.models.backend import tf
from netlens.models.errors import UnsupportedLayerError
from netlens.models.frozen.node_names import node_of

_TO_CHANNELS_FIRST: Final = [0, 3, 1, 2]
_TO_CHANNELS_LAST: Final = [0, 2, 3, 1]
#: What may take maps that were transposed to channels first: it makes vectors of them, or turns them back.
_HARMLESS_USERS: Final = frozenset({"Reshape", "Shape", "Transpose"})
#: What a placeholder's images may pass on their way to a transpose.
_PASSING: Final = frozenset({"Identity", "Cast", "Sub", "Mul", "RealDiv", "Add", "AddV2", "BiasAdd", "StopGradient"})


def check_channels_last(name: str, nodes: Mapping[str, Any]) -> None:
    """Check that a graph computes maps of shape (images, height, width, channels).

    Parameters
    ----------
    name
        Name of the network, for error messages.
    nodes
        NodeDefs by name, each after its sources: everything that the logits need. Not modified.

    Raises
    ------
    UnsupportedLayerError
        An operation takes channels first, or maps are transposed to channels first for more than a flatten.
    """
    users: dict[str, list[Any]] = {}
    for node in nodes.values():
        for source in node.input:
            users.setdefault(node_of(source), []).append(node)
        order = node.attr["data_format"].s.decode("ascii", "replace") if "data_format" in node.attr else ""
        if order.startswith("NC"):
            raise _refused(name, f"{node.name[:80]!r} ({node.op}) takes maps with channels first ({order[:20]})")
    for node in nodes.values():
        if node.op != "Transpose" or len(node.input) < 2:
            continue
        axes = _axes(nodes[node_of(node.input[1])])
        if axes == _TO_CHANNELS_LAST and _is_image(nodes, node_of(node.input[0])):
            raise _refused(name, f"it takes images with channels first, which {node.name[:80]!r} transposes")
        if axes == _TO_CHANNELS_FIRST:
            for user in users.get(node.name, []):
                if user.op not in _HARMLESS_USERS:
                    raise _refused(name, f"{user.name[:80]!r} ({user.op}) takes maps with channels first")


def _refused(name: str, what: str) -> UnsupportedLayerError:
    return UnsupportedLayerError(f"network {name!r}: {what}; convert the graph to channels last (NHWC)")


def _axes(node: Any) -> list[int]:
    if node.op != "Const":
        return []
    try:
        return [int(axis) for axis in tf.make_ndarray(node.attr["value"].tensor).reshape(-1)[:5]]
    except (TypeError, ValueError):
        return []  # TensorFlow will refuse it.


def _is_image(nodes: Mapping[str, Any], name: str) -> bool:
    while nodes[name].op in _PASSING and nodes[name].input:
        name = node_of(nodes[name].input[0])
    return str(nodes[name].op).startswith("Placeholder")
