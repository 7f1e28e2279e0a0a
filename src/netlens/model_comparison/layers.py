"""Which layers of a network are compared."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from netlens.model_comparison.errors import ComparisonError
from netlens.models.frozen.structure import layer_edges, trunk

if TYPE_CHECKING:
    from netlens.models.frozen.frozen_network import FrozenLayer, FrozenNetwork

_KINDS: Final = frozenset({"conv", "concat", "add", "dense"})
#: Linear operations. A layer that ends in one has no activation of its own; any other last operation is its activation.
_LINEAR: Final = frozenset({
    "Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative", "MatMul", "BiasAdd", "Add", "AddV2", "AddN", "Concat",
    "ConcatV2",
})  # fmt: skip


def compared_layers(network: "FrozenNetwork", names: Sequence[str] = ()) -> list[str]:
    """Return the layers of a network that are compared.

    If no names are given, these are the convolutions, concatenations, additions and dense layers through which every
    path from input to output leads, including the logits. If such a layer has no activation of its own and is followed
    by normalization and activation (or activation alone) as separate layers that nothing bypasses, the last of these
    is used instead, since it is what the next layer sees. A convolution with batch normalization thus counts once.

    Parameters
    ----------
    network
        A frozen network.
    names
        Layers of any kind; empty: chosen as above.

    Returns
    -------
    list of str
        In network order.

    Raises
    ------
    netlens.models.errors.NetworkError
        There is no layer of that name; the message lists the nearest names.
    ComparisonError
        A name appears twice, or no layer can be chosen.
    """
    if names:
        for name in names:
            network.layer(name)
        if len(set(names)) < len(names):
            raise ComparisonError(
                f"network {network.name!r}: a layer is named twice: {', '.join(names)}; name each once"
            )
        return [layer.name for layer in network.layers if layer.name in names]
    passed = trunk(network)
    operations = {node.name: node.op for node in network.graph_def.node}
    sources: dict[str, set[str]] = {}
    for source, user in layer_edges(network):
        sources.setdefault(user, set()).add(source)
    found = []
    for place, layer in enumerate(passed):
        if layer.kind in _KINDS:
            linear = operations[layer.node] in _LINEAR
            found.append(_activation(layer, passed[place + 1 :], sources) if linear else layer.name)
    if not found:
        raise ComparisonError(
            f"network {network.name!r} has no convolution or dense layer on every path from input to output; name its "
            "layers in the section `model_comparison` of the study"
        )
    return found


def _activation(layer: "FrozenLayer", after: Sequence["FrozenLayer"], sources: dict[str, set[str]]) -> str:
    """Return the activation after a layer, with at most normalizations between; the layer itself if there is none."""
    before = layer
    for follower in after:
        same = (follower.channels, follower.height, follower.width) == (layer.channels, layer.height, layer.width)
        if not same or sources.get(follower.name) != {before.name}:
            break
        if follower.kind == "other":
            return follower.name
        if follower.kind != "norm":
            break
        before = follower
    return layer.name
