"""Which layers of a network are compared."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from netlens.model_comparison.errors import ComparisonError
from netlens.models.frozen.structure import layer_edges, trunk

if TYPE_CHECKING:
    from netlens.models.frozen.frozen_network import FrozenLayer, FrozenNetwork

_KINDS: Final = frozenset({"conv", "concat", "add", "dense"})
#: Operations whose result an activation is still to come behind; any other that ends a layer is the activation itself.
_LINEAR: Final = frozenset({
    "Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative", "MatMul", "BiasAdd", "Add", "AddV2", "AddN", "Concat",
    "ConcatV2",
})  # fmt: skip


def compared_layers(network: "FrozenNetwork", names: Sequence[str] = ()) -> list[str]:
    """Give the layers of a network that are compared.

    Where none is named, those are the convolutions, concatenations, additions and dense layers that everything passes
    through, the logits among them. Where such a layer has no activation of its own and normalization and activation
    (or an activation alone) follow as layers of their own, which nothing goes around either, the last of these counts
    in its place: it is what the next layer sees. So a convolution with batch normalization counts once.

    Parameters
    ----------
    network
        A frozen network.
    names
        Layers that the study names, of any kind; empty: chosen as above.

    Returns
    -------
    list of str
        In network order.

    Raises
    ------
    netlens.models.errors.NetworkError
        There is no layer of a name; the message tells the nearest.
    ComparisonError
        A name is given twice, or no layer can be chosen.
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
            f"network {network.name!r} has no convolution or dense layer that everything passes through; name its "
            "layers in the section `model_comparison` of the study"
        )
    return found


def _activation(layer: "FrozenLayer", after: Sequence["FrozenLayer"], sources: dict[str, set[str]]) -> str:
    """Give the activation that follows a layer, at most normalizations between them; the layer itself if none does."""
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
