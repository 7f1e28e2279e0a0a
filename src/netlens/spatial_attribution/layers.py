"""Choice of the layers and pairs of layers for spatial attribution where a study does not name them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from netlens.models.frozen.structure import trunk
from netlens.spatial_attribution.choices import AttributionError
from netlens.statistics.even_samples import part_starts

if TYPE_CHECKING:
    from netlens.models.frozen.frozen_network import FrozenLayer, FrozenNetwork

#: Layers with more positions are chosen only if there are no others: nobody points at one of so many positions.
MOST_POSITIONS: Final = 1024

_JOINS: Final = frozenset({"concat", "add"})
_KINDS: Final = _JOINS | {"conv"}


def main_layers(network: "FrozenNetwork", count: int, *, most_positions: int = MOST_POSITIONS) -> list[str]:
    """Choose layers that every path to the logits passes through, spread over the sizes of maps.

    Candidates are convolutions, concatenations and additions with positions that no path from the image to the logits
    bypasses, or poolings where there are none. The last layer of each map size is taken, starting with the smallest
    size; then concatenations and additions, and at last the others, each spread evenly over the network.

    Parameters
    ----------
    network
        A frozen network.
    count
        Maximum number of layers.
    most_positions
        Layers with more positions are left out if at least two others remain.

    Returns
    -------
    list of str
        Names in network order.

    Raises
    ------
    AttributionError
        The network has no layer with positions that every path passes through.
    """
    placed = [layer for layer in trunk(network) if layer.height and layer.width]
    passed = [layer for layer in placed if layer.kind in _KINDS] or [layer for layer in placed if layer.kind == "pool"]
    if not passed:
        raise AttributionError(
            f"network {network.name!r} has no layer with positions that every path passes through; name layers in the "
            "study's section `spatial_attribution`"
        )
    small = [layer for layer in passed if (layer.height or 0) * (layer.width or 0) <= most_positions]
    candidates = small if len(small) >= 2 else passed
    last_of_size = {(layer.height, layer.width): layer.name for layer in candidates}
    first = list(last_of_size.values())[::-1]
    rest = [layer for layer in candidates if layer.name not in first]
    chosen = first[:count]
    for kinds in (_JOINS, _KINDS - _JOINS):
        chosen += _spread([layer.name for layer in rest if layer.kind in kinds], count - len(chosen))
    return [layer.name for layer in candidates if layer.name in chosen]


def _spread(names: Sequence[str], count: int) -> list[str]:
    """Return `count` names, or all if there are fewer, spread evenly and with the last one."""
    return [names[-1 - place] for place in part_starts(len(names), count)]


def checked_layers(network: "FrozenNetwork", names: Sequence[str], count: int) -> list[str]:
    """Return the named layers, or the main layers if none is named, in network order.

    Raises
    ------
    netlens.models.errors.NetworkError
        There is no layer of that name; the message lists the closest names.
    AttributionError
        A layer has no positions.
    """
    if not names:
        return main_layers(network, count)
    for name in names:
        _with_positions(network, name)
    return [layer.name for layer in network.layers if layer.name in names]


def layer_pairs(
    network: "FrozenNetwork", layers: Sequence[str], named: Sequence[Sequence[str]], most_entries: int
) -> list[tuple[str, str]]:
    """Choose pairs of layers for position-to-position attribution.

    Parameters
    ----------
    network
        A frozen network.
    layers
        Names in network order; without `named`, all pairs of them are considered, the earlier layer first.
    named
        Pairs (source, target) that the study names; all of them are taken.
    most_entries
        Without `named`, pairs with the largest maps are left out until all maps together have at most this many entries
        (a map of 8 x 8 by 16 x 16 positions has 16384). At least one pair remains.

    Returns
    -------
    list of (str, str)
        Sorted by target, then by source, both in network order.

    Raises
    ------
    netlens.models.errors.NetworkError
        There is no layer of that name; the message lists the closest names.
    AttributionError
        A layer has no positions, a pair is in the wrong order, or there are fewer than two layers.
    """
    order = {layer.name: place for place, layer in enumerate(network.layers)}
    for pair in named:
        source, target = (_with_positions(network, name) for name in pair)
        if source.name == target.name:
            raise AttributionError(f"pair {source.name} -> {target.name}: name two different layers, the earlier first")
        if order[source.name] > order[target.name]:
            raise AttributionError(
                f"pair {source.name} -> {target.name}: {source.name} comes after {target.name} in network "
                f"{network.name!r}; name the earlier layer first: [{target.name}, {source.name}]"
            )
    if named:
        pairs = list(dict.fromkeys((source, target) for source, target in named))
    else:
        if len(layers) < 2:
            raise AttributionError(
                f"a pair needs two layers, but there is only {', '.join(layers)}; name more in the study"
            )
        sizes = {
            (source, target): _positions(network, source) * _positions(network, target)
            for index, target in enumerate(layers)
            for source in layers[:index]
        }
        pairs = sorted(sizes, key=lambda pair: sizes[pair])
        while len(pairs) > 1 and sum(sizes[pair] for pair in pairs) > most_entries:
            pairs.pop()
    return sorted(pairs, key=lambda pair: (order[pair[1]], order[pair[0]]))


def _positions(network: "FrozenNetwork", name: str) -> int:
    layer = network.layer(name)
    return (layer.height or 0) * (layer.width or 0)


def _with_positions(network: "FrozenNetwork", name: str) -> "FrozenLayer":
    layer = network.layer(name)
    if layer.height is None or layer.width is None:
        raise AttributionError(f"layer {name!r} of network {network.name!r} has no positions")
    return layer
