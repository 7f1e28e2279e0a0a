"""The layers whose weights are shown, where a study does not name them."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Protocol


class LayerChoiceError(ValueError):
    """A network does not have the requested layers, or has too few to choose from."""


class Layer(Protocol):
    """What the choice needs to know about a layer; `netlens.models.frozen.frozen_network.FrozenLayer` fits."""

    @property
    def name(self) -> str:
        """The layer's name."""

    @property
    def kind(self) -> str:
        """``conv``, ``concat``, ``add`` or another kind."""

    @property
    def channels(self) -> int:
        """Number of its channels."""

    @property
    def height(self) -> int | None:
        """Rows of positions; None where there are no positions."""


@dataclass(frozen=True)
class ShownLayers:
    """The layers whose weights are shown.

    Attributes
    ----------
    first, second
        The first two convolutions; `second` is empty where there is only one.
    source, target
        Connections lead from `source` to `target`.
    next
        Layer that uses `target`; empty where no later layer has positions.
    used
        Layer that uses of `target`'s units are counted from: the pooling behind `target`, where one is, or `target`.
    """

    first: str
    second: str
    source: str
    target: str
    next: str
    used: str = ""

    def __post_init__(self) -> None:
        """Count uses from the target where no other layer is named."""
        object.__setattr__(self, "used", self.used or self.target)


def pooling_behind(trunk: Sequence[Layer], target: str) -> str:
    """Return the pooling that a layer's output enters at once; empty where it enters something else as well.

    Weights that are counted from there lack the pooling's own window, which blurs them.

    Parameters
    ----------
    trunk
        Layers that every path passes through, in network order.
    target
        The layer.

    Returns
    -------
    str
        Name of a pooling with positions and as many channels.
    """
    for layer, following in pairwise(trunk):
        if layer.name == target and following.kind == "pool" and following.height is not None:
            return following.name if following.channels == layer.channels else ""
    return ""


def layer_before(edges: Iterable[tuple[str, str]], layer: str, otherwise: str) -> str:
    """Return the layer that a layer reads; `otherwise` where it reads none or several.

    Before the first convolution, that is the input, or a layer that scales its channels.

    Parameters
    ----------
    edges
        Connections (source, user) of layers, by name.
    layer, otherwise
        Names of layers.
    """
    sources = [source for source, user in edges if user == layer]
    return sources[0] if len(sources) == 1 else otherwise


def shown_layers(
    layers: Sequence[Layer],
    *,
    source: str = "",
    target: str = "",
    next_layer: str = "",
    edges: Sequence[tuple[str, str]] | None = None,
    is_linear: Callable[[str, str], bool] | None = None,
) -> ShownLayers:
    """Return the layers whose weights are shown; those that are not named are chosen.

    Candidates lie on one path: the one with the most concatenations and additions, where a network's paths come
    together, if there are at least three of them. Otherwise, as in a plain chain, they are the convolutions of the path
    with the most of these, without the first two if that leaves three. The first three candidates are source, target
    and next. Where a layer is named, the others are the nearest candidates before or after it. Where some layers have
    no linear map between them, the first two that have one are chosen: candidates in a row, or else any convolutions,
    concatenations or additions that follow each other.

    Parameters
    ----------
    layers
        All layers in network order.
    source, target, next_layer
        Names; empty: chosen.
    edges
        Connections (source, user) of layers, by name. Default: each layer reads the one before it.
    is_linear
        Whether there is a linear map from one layer to another. Default: between any two.

    Returns
    -------
    ShownLayers

    Raises
    ------
    LayerChoiceError
        A named layer does not exist (the message names the nearest), has no positions, or comes after one that it
        should precede; or there are fewer than two candidates.
    """
    convolutions = [layer.name for layer in layers if layer.kind == "conv" and layer.height is not None]
    if not convolutions:
        raise LayerChoiceError("the network has no convolution, and so no weights over positions to show")
    order = {layer.name: place for place, layer in enumerate(layers)}
    for name in filter(None, (source, target, next_layer)):
        _check_named(name, layers, order)
    connections = list(pairwise(order)) if edges is None else edges
    candidates = _candidates(layers, connections)
    given = [source, target, next_layer]
    if is_linear and not any(given):
        given = [*_linear_pair(candidates, layers, connections, is_linear), ""]
    chosen = _fill_in(candidates, order, given)
    if is_linear and not next_layer and chosen[2] and not is_linear(chosen[1], chosen[2]):
        chosen = (*chosen[:2], "")
    named = [name for name in chosen if name]
    if [order[name] for name in named] != sorted({order[name] for name in named}):
        raise LayerChoiceError(f"source, target and next must follow each other in the network, not {', '.join(named)}")
    behind_first = _behind(convolutions[0], order, connections)
    second = next((name for name in convolutions if name in behind_first), "")
    if is_linear and second and not is_linear(convolutions[0], second):
        second = ""
    return ShownLayers(convolutions[0], second, *chosen)


def _linear_pair(
    candidates: Sequence[str],
    layers: Sequence[Layer],
    edges: Sequence[tuple[str, str]],
    is_linear: Callable[[str, str], bool],
) -> tuple[str, str]:
    names = [layer.name for layer in layers]
    maps = [layer.name for layer in layers if layer.height is not None and layer.kind in {"conv", "concat", "add"}]
    following = (
        (start, end) for start in maps for behind in [_behind(start, names, edges)] for end in maps if end in behind
    )
    return next((pair for pair in chain(pairwise(candidates), following) if is_linear(*pair)), ("", ""))


def following_layers(layers: Sequence[Layer], source: str, target: str) -> tuple[str, str]:
    """Return two named layers, checked: both have positions, and the source comes first.

    Raises
    ------
    LayerChoiceError
        As for `shown_layers`.
    """
    order = {layer.name: place for place, layer in enumerate(layers)}
    for name in (source, target):
        _check_named(name, layers, order)
    if order[source] >= order[target]:
        raise LayerChoiceError(f"source and target must follow each other in the network, not {source}, {target}")
    return source, target


def _check_named(name: str, layers: Sequence[Layer], order: dict[str, int]) -> None:
    if name not in order:
        near = difflib.get_close_matches(name, order, n=3, cutoff=0.5) or list(order)
        raise LayerChoiceError(f"the network has no layer {name!r}; the nearest are {', '.join(near)}")
    if layers[order[name]].height is None:
        raise LayerChoiceError(f"layer {name!r} has no positions; choose a layer before the flatten or global pooling")


def _candidates(layers: Sequence[Layer], edges: Sequence[tuple[str, str]]) -> list[str]:
    names = [layer.name for layer in layers]
    maps = {layer.name: layer.kind for layer in layers if layer.height is not None}
    joins = _on_one_path({name for name, kind in maps.items() if kind in {"concat", "add"}}, names, edges)
    if len(joins) >= 3:
        return joins
    convolutions = _on_one_path({name for name, kind in maps.items() if kind == "conv"}, names, edges)
    return convolutions[2:] if len(convolutions) >= 5 else convolutions


def _on_one_path(wanted: set[str], names: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[str]:
    """Wanted layers on the path that has the most of them, in network order; of several such paths, the first."""
    sources: dict[str, list[str]] = {}
    for source, user in edges:
        sources.setdefault(user, []).append(source)
    best: dict[str, list[str]] = {}
    for name in names:
        before = max((best.get(source, []) for source in sources.get(name, [])), key=len, default=[])
        best[name] = [*before, name] if name in wanted else before
    return max(best.values(), key=len, default=[])


def _behind(first: str, names: Iterable[str], edges: Sequence[tuple[str, str]]) -> set[str]:
    """Layers that a layer's output leads to."""
    users: dict[str, list[str]] = {}
    for source, user in edges:
        users.setdefault(source, []).append(user)
    found = {first}
    for name in names:
        if name in found:
            found.update(users.get(name, []))
    return found - {first}


def _fill_in(candidates: list[str], order: dict[str, int], names: list[str]) -> tuple[str, str, str]:
    source, target, following = names

    def behind(name: str) -> str:
        return next((other for other in candidates if order[other] > order[name]), "")

    def before(name: str) -> str:
        return next((other for other in reversed(candidates) if order[other] < order[name]), "")

    if not target:
        target = (
            behind(source)
            if source
            else before(following)
            if following
            else behind(candidates[0])
            if candidates
            else ""
        )
    if not source and target:
        source = before(target)
    if not (source and target):
        raise LayerChoiceError(
            f"there are no two layers to show connections between; the candidates are {', '.join(candidates)}; name "
            "source and target in the section `weights` of the study"
        )
    return source, target, following or behind(target)
