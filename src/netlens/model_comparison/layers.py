"""Which layers of a network are compared, and which others have a caricature."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from netlens.model_comparison.errors import ComparisonError
from netlens.models.frozen.structure import layer_edges, trunk

if TYPE_CHECKING:
    from netlens.models.frozen.frozen_network import FrozenLayer, FrozenNetwork

#: Largest number of layers of a network that are compared unless a study says otherwise.
MOST_LAYERS: Final = 12

_KINDS: Final = frozenset({"conv", "concat", "add", "dense"})
_JOINS: Final = frozenset({"concat", "add"})
#: Linear operations. A layer that ends in one has no activation of its own; any other last operation is its activation.
_LINEAR: Final = frozenset({
    "Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative", "MatMul", "BiasAdd", "Add", "AddV2", "AddN", "Concat",
    "ConcatV2",
})  # fmt: skip


def compared_layers(network: "FrozenNetwork", names: Sequence[str] = (), count: int = MOST_LAYERS) -> list[str]:
    """Return the layers of a network that are compared.

    If no names are given, candidates are the convolutions, concatenations, additions and dense layers through which
    every path from input to output leads, and the output itself. If such a layer has no activation of its own and is
    followed by normalization and activation (or activation alone) as separate layers that nothing bypasses, the last of
    these is used instead, since it is what the next layer sees. So a convolution with batch normalization counts once.

    Of more candidates than `count`, those are taken that best tell the stages of the network apart: the first, the last
    and the layers where branches join, which are the outputs of residual and Inception blocks and of fire modules. If
    there are too many of these, they are thinned out evenly over the network's depth; gaps between them are filled with
    other candidates; and a network with few of them is sampled evenly over all candidates.

    Parameters
    ----------
    network
        A frozen network.
    names
        Layers of any kind; empty: chosen as above.
    count
        Largest number of layers that are chosen; 0: all candidates, 1: the output.

    Returns
    -------
    list of str
        In network order.

    Raises
    ------
    netlens.models.errors.NetworkError
        There is no layer of that name; the message lists the nearest names.
    ComparisonError
        A name appears twice, no layer can be chosen, or the count is negative.
    """
    if names:
        for name in names:
            network.layer(name)
        if len(set(names)) < len(names):
            raise ComparisonError(
                f"network {network.name!r}: a layer is named twice: {', '.join(names)}; name each once"
            )
        return [layer.name for layer in network.layers if layer.name in names]
    if count < 0:
        raise ComparisonError(f"{count} layers are to be compared; set at least 1, or 0 for all")
    return [candidate.name for candidate in _chosen(_candidates(network), count)]


def with_caricatures(network: "FrozenNetwork", compared: Sequence[str], count: int = 0) -> list[str]:
    """Return the layers of a network that have a caricature: those that are compared, and others evenly over depth.

    Parameters
    ----------
    network
        A frozen network.
    compared
        Names of the compared layers.
    count
        Largest number of layers with a caricature, to which compared ones always belong; 0: all layers.

    Returns
    -------
    list of str
        In network order, without the input, which has no caricature.
    """
    layers = [layer for layer in network.layers if layer.node != network.input_node]
    others = [place for place, layer in enumerate(layers) if layer.name not in compared]
    if count:
        kept = min(max(count - (len(layers) - len(others)), 0), len(others))
        others = [others[place] for place in _evenly(others, kept)]
    return [layer.name for place, layer in enumerate(layers) if layer.name in compared or place in others]


@dataclass(frozen=True)
class _Candidate:
    """A layer that may be compared.

    Attributes
    ----------
    name
        Its name, or that of the activation after it.
    place
        Its place among all layers of the network.
    is_join
        Whether branches join in it.
    """

    name: str
    place: int
    is_join: bool


def _candidates(network: "FrozenNetwork") -> list[_Candidate]:
    passed = trunk(network)
    operations = {node.name: node.op for node in network.graph_def.node}
    places = {layer.name: place for place, layer in enumerate(network.layers)}
    sources: dict[str, set[str]] = {}
    for source, user in layer_edges(network):
        sources.setdefault(user, set()).add(source)
    found = []
    for place, layer in enumerate(passed):
        if layer.kind in _KINDS:
            linear = operations[layer.node] in _LINEAR
            name = _activation(layer, passed[place + 1 :], sources) if linear else layer.name
            found.append(_Candidate(name, places[layer.name], layer.kind in _JOINS))
    if not found:
        raise ComparisonError(
            f"network {network.name!r} has no convolution or dense layer on every path from input to output; name its "
            "layers in the section `model_comparison` of the study"
        )
    # A network may end in a pooling: its output then is not that of its last convolution.
    output = next((layer for layer in passed if layer.node == network.output_node), None)
    if output is not None and output.name not in (candidate.name for candidate in found):
        found.append(_Candidate(output.name, places[output.name], False))
    return found


def _chosen(candidates: list[_Candidate], count: int) -> list[_Candidate]:
    if not count or len(candidates) <= count:
        return candidates
    if count == 1:
        return candidates[-1:]
    kept = [each for each in candidates if each.is_join or each in (candidates[0], candidates[-1])]
    if len(kept) < count / 2:
        kept = candidates
    if len(kept) > count:
        return [kept[place] for place in _evenly([each.place for each in kept], count)]
    widest = 1.5 * (candidates[-1].place - candidates[0].place) / (count - 1)
    while len(kept) < count:
        gaps = sorted(pairwise(kept), key=lambda gap: gap[0].place - gap[1].place)
        # The widest gap that a candidate can fill.
        filled = (_nearest_middle(candidates, *gap) for gap in gaps if gap[1].place - gap[0].place > widest)
        new = next((each for each in filled if each is not None), None)
        if new is None:
            break
        kept = sorted([*kept, new], key=lambda each: each.place)
    return kept


def _nearest_middle(candidates: Sequence[_Candidate], start: _Candidate, end: _Candidate) -> _Candidate | None:
    between = [each for each in candidates if start.place < each.place < end.place]
    return min(between, key=lambda each: abs(2 * each.place - start.place - end.place), default=None)


def _evenly(places: Sequence[int], count: int) -> list[int]:
    """Return which of some ascending places to keep so that they are as evenly spread as possible, ends included."""
    if not count:
        return []
    if count == 1:
        return [len(places) // 2]
    targets = np.linspace(places[0], places[-1], count)
    _, kept = linear_sum_assignment((targets[:, None] - np.asarray(places, np.float64)) ** 2)
    return sorted(int(place) for place in kept)


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
