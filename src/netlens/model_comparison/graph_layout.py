"""Where the layers of a network are drawn: in ranks by depth, branches side by side, shortcuts beside what they pass.

The layered drawing of Sugiyama, Tagawa and Toda (1981, IEEE Transactions on Systems, Man, and Cybernetics 11), for
graphs of the size of networks: ranks by longest path, bends where an edge passes a rank, barycentres against crossings,
and places across by isotonic regression, which keeps nodes apart. An edge that goes around layers without a layer of
its own (a residual connection) must not bend what it goes around: it gives way, so the way through the layers stays
straight.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression

from netlens.model_comparison.errors import ComparisonError

# Sweeps against crossings and towards straight edges. Networks settle within a few; more change nothing that is seen.
_ORDER_SWEEPS: Final = 12
_PLACE_SWEEPS: Final = 40
# What a shortcut's bends weigh when they are placed, relative to a layer's.
_YIELDING: Final = 1e-9
# Bends of one edge pull each other into a line.
_STRAIGHT: Final = 4.0
# Places are rounded to halves of the distance of two neighbours, which keeps that distance and makes columns of what
# lies nearly above each other; this much more rounds up, so that rounding errors do not decide.
_TIE: Final = 1e-6


@dataclass(frozen=True)
class Drawing:
    """Where nodes and edges are drawn.

    Attributes
    ----------
    places
        (n, 2) float64: across, in halves, where neighbours are at least 1 apart; and down, the rank. The leftmost
        place, of a node or on a route, is 0.
    routes
        For each edge the points that it passes, (k, 2) float64, from its source's place to its user's: one a rank.
    shortcuts
        (m,) bool: edges around layers that have none of their own, as residual connections.
    """

    places: NDArray[np.float64]
    routes: tuple[NDArray[np.float64], ...]
    shortcuts: NDArray[np.bool_]


def drawing_of(count: int, edges: ArrayLike) -> Drawing:
    """Draw a graph in ranks.

    Parameters
    ----------
    count
        Nodes, numbered from 0 in network order.
    edges
        (m, 2) int: from node, to node; each to a later one and each once. A node may have none.

    Returns
    -------
    Drawing
        The same for the same graph. A chain is a straight line. No two nodes share a place, and no route passes a node
        that is not one of its ends.

    Raises
    ------
    ComparisonError
        There is no node, or an edge leads backwards, to a node that is not there, or appears twice.
    """
    pairs = _checked(count, edges)
    ranks = _ranks(count, pairs)
    shortcuts = _around(count, pairs)
    graph = _with_bends(ranks, pairs, shortcuts)
    order = _uncrossed(graph)
    across = _across(graph, order)
    down = np.array(graph.ranks, np.float64)
    across = np.floor(2 * across + 0.5 + _TIE) / 2
    points = np.stack([across - across.min(), down], axis=1)
    return Drawing(points[:count], tuple(points[route] for route in graph.routes), np.array(shortcuts, bool))


def edges_between(count: int, edges: ArrayLike, kept: ArrayLike) -> NDArray[np.int64]:
    """Find which of the kept nodes follow each other when the others are left out.

    Parameters
    ----------
    count, edges
        As for `drawing_of`.
    kept
        Numbers of the nodes that are kept, ascending.

    Returns
    -------
    ndarray
        (k, 2) int64, as places in `kept`: there is a path from the first to the second without another kept node.
        By user, then by source.

    Raises
    ------
    ComparisonError
        As for `drawing_of`; or `kept` is not ascending, or names a node that is not there.
    """
    pairs = _checked(count, edges)
    numbers = [int(number) for number in np.asarray(kept, np.int64).ravel()]
    if numbers != sorted(set(numbers)) or (numbers and not 0 <= numbers[0] <= numbers[-1] < count):
        raise ComparisonError(f"kept nodes {numbers}: give numbers from 0 to {count - 1}, ascending, each once")
    place = {number: index for index, number in enumerate(numbers)}
    # Of each node, the kept ones that its output comes from: itself, or those of its sources.
    known: list[set[int]] = [set() for _ in range(count)]
    found = []
    sources = _neighbours(count, pairs)[0]
    for node in range(count):
        before = set().union(*(known[source] for source in sources[node]))
        if node in place:
            found += [(place[source], place[node]) for source in sorted(before)]
            known[node] = {node}
        else:
            known[node] = before
    return np.array(found, np.int64).reshape(-1, 2)


def pack(drawing: Drawing) -> dict[str, NDArray[Any]]:
    """Give a drawing as arrays: ``x``, ``y``, ``points``, ``route_ends`` (end of each edge's points), ``shortcuts``."""
    lengths = [len(route) for route in drawing.routes]
    return {
        "x": drawing.places[:, 0],
        "y": drawing.places[:, 1],
        "points": np.concatenate([*drawing.routes, np.zeros((0, 2))]),
        "route_ends": np.cumsum(lengths, dtype=np.int64),
        "shortcuts": drawing.shortcuts,
    }


def unpack(arrays: Mapping[str, NDArray[Any]]) -> Drawing:
    """Turn what `pack` made into a drawing again.

    Raises
    ------
    ComparisonError
        An array is missing, or the arrays do not fit each other.
    """
    missing = [name for name in ("x", "y", "points", "route_ends", "shortcuts") if name not in arrays]
    if missing:
        raise ComparisonError(f"a drawing's arrays lack {', '.join(missing)}; make the graph again")
    ends = np.asarray(arrays["route_ends"], np.int64)
    points = np.asarray(arrays["points"], np.float64)
    shortcuts = np.asarray(arrays["shortcuts"], bool)
    if len(shortcuts) != len(ends) or (ends[-1] if len(ends) else 0) != len(points):
        raise ComparisonError("a drawing's arrays do not fit each other; make the graph again")
    routes = tuple(np.split(points, ends[:-1])) if len(ends) else ()
    return Drawing(np.stack([arrays["x"], arrays["y"]], axis=1).astype(np.float64), routes, shortcuts)


# ---- ranks and bends


@dataclass(frozen=True)
class _Bent:
    """A graph whose edges lead from each rank to the next: nodes first, then the bends of long edges."""

    ranks: list[int]
    links: list[tuple[int, int, float]]  # from, to, pull
    routes: list[list[int]]
    yielding: list[bool]  # bends of shortcuts


def _checked(count: int, edges: ArrayLike) -> list[tuple[int, int]]:
    if count < 1:
        raise ComparisonError("a graph without a node cannot be drawn")
    given = np.asarray(edges)
    array = given.astype(np.int64).reshape(-1, 2) if not given.size else np.asarray(given, np.int64)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ComparisonError(f"edges have shape {array.shape}; (m, 2) is needed")
    pairs = [(int(source), int(user)) for source, user in array]
    for source, user in pairs:
        if not 0 <= source < user < count:
            raise ComparisonError(
                f"the edge from node {source} to node {user} does not lead to a later one of {count} nodes; "
                "number them in network order"
            )
    if len(set(pairs)) < len(pairs):
        raise ComparisonError(f"the edge {next(pair for pair in pairs if pairs.count(pair) > 1)} is there twice")
    return pairs


def _neighbours(count: int, pairs: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    sources: list[list[int]] = [[] for _ in range(count)]
    users: list[list[int]] = [[] for _ in range(count)]
    for source, user in pairs:
        sources[user].append(source)
        users[source].append(user)
    return sources, users


def _ranks(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Number of edges of the longest path that leads to each node."""
    sources = _neighbours(count, pairs)[0]
    ranks: list[int] = []
    for node in range(count):
        ranks.append(max((ranks[source] + 1 for source in sources[node]), default=0))
    return ranks


def _around(count: int, pairs: Sequence[tuple[int, int]]) -> list[bool]:
    """Say of each edge whether another path leads from its source to its user."""
    sources = _neighbours(count, pairs)[0]
    before: list[int] = []  # as bits: the node itself and all that it depends on
    for node in range(count):
        reached = 1 << node
        for source in sources[node]:
            reached |= before[source]
        before.append(reached)
    return [any(other != source and before[other] >> source & 1 for other in sources[user]) for source, user in pairs]


def _with_bends(ranks: Sequence[int], pairs: Sequence[tuple[int, int]], shortcuts: Sequence[bool]) -> _Bent:
    all_ranks, yielding = list(ranks), [False] * len(ranks)
    links: list[tuple[int, int, float]] = []
    routes: list[list[int]] = []
    # Bends of shortcuts come last, so that they start out beside everything else.
    by_kind = sorted(range(len(pairs)), key=lambda edge: shortcuts[edge])
    bends: dict[int, list[int]] = {}
    for edge in by_kind:
        source, user = pairs[edge]
        passed = range(ranks[source] + 1, ranks[user])
        bends[edge] = list(range(len(all_ranks), len(all_ranks) + len(passed)))
        all_ranks += passed
        yielding += [shortcuts[edge]] * len(passed)
    for (source, user), shortcut, edge in zip(pairs, shortcuts, range(len(pairs)), strict=True):
        route = [source, *bends[edge], user]
        routes.append(route)
        for start, end in itertools.pairwise(route):
            inner = start not in (source, user) and end not in (source, user)
            links.append((start, end, _STRAIGHT if inner else float(not shortcut)))
    return _Bent(all_ranks, links, routes, yielding)


# ---- order within the ranks


def _uncrossed(graph: _Bent) -> list[list[int]]:
    """Order each rank so that few links cross; where nothing is gained, the first order stays."""
    order: list[list[int]] = [[] for _ in range(max(graph.ranks) + 1)]
    for node, rank in enumerate(graph.ranks):
        order[rank].append(node)
    up, down = _linked(graph)
    best, fewest = [list(nodes) for nodes in order], _crossings(graph, order)
    for sweep in range(_ORDER_SWEEPS):
        if fewest == 0:
            break
        neighbours, ranks = (up, range(1, len(order))) if sweep % 2 == 0 else (down, range(len(order) - 2, -1, -1))
        for rank in ranks:
            nodes = order[rank]
            beside = order[rank - 1 if sweep % 2 == 0 else rank + 1]
            place = {node: index for index, node in enumerate(beside)}
            # Shares of the rank, so that ranks of different lengths lie above each other.
            centre = {
                node: float(np.mean([(place[other] + 0.5) / len(beside) for other, _ in neighbours[node]]))
                if neighbours[node]
                else (index + 0.5) / len(nodes)
                for index, node in enumerate(nodes)
            }
            order[rank] = sorted(nodes, key=lambda node: centre[node])
        crossings = _crossings(graph, order)
        if crossings < fewest:
            best, fewest = [list(nodes) for nodes in order], crossings
    return best


def _linked(graph: _Bent) -> tuple[list[list[tuple[int, float]]], list[list[tuple[int, float]]]]:
    up: list[list[tuple[int, float]]] = [[] for _ in graph.ranks]
    down: list[list[tuple[int, float]]] = [[] for _ in graph.ranks]
    for start, end, pull in graph.links:
        up[end].append((start, pull))
        down[start].append((end, pull))
    return up, down


def _crossings(graph: _Bent, order: Sequence[Sequence[int]]) -> int:
    place = {node: index for nodes in order for index, node in enumerate(nodes)}
    by_rank: dict[int, list[tuple[int, int]]] = {}
    for start, end, _ in graph.links:
        by_rank.setdefault(graph.ranks[start], []).append((place[start], place[end]))
    total = 0
    for links in by_rank.values():
        ends = np.array(sorted(links))
        later = np.triu(np.ones((len(ends), len(ends)), bool), 1) & (ends[:, None, 0] < ends[None, :, 0])
        total += int(np.count_nonzero(later & (ends[:, None, 1] > ends[None, :, 1])))
    return total


# ---- places across


def _across(graph: _Bent, order: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Place nodes and bends across: near what they are linked with, 1 from each other."""
    places = np.zeros(len(graph.ranks))
    for nodes in order:
        # What gives way stands beside, and does not count for the middle.
        firm = [node for node in nodes if not graph.yielding[node]] or list(nodes)
        start = (nodes.index(firm[0]) + nodes.index(firm[-1])) / 2
        places[list(nodes)] = np.arange(len(nodes)) - start
    up, down = _linked(graph)
    weights = np.where(graph.yielding, _YIELDING, 1.0)
    # Upwards, then downwards: branches end up below where they start, and what joins them in their middle.
    for sweep in range(_PLACE_SWEEPS):
        neighbours = (down, up)[sweep % 2]
        for nodes in (order[::-1], order)[sweep % 2]:
            wanted = [_wanted(neighbours[node], places, node) for node in nodes]
            steps = np.arange(len(nodes))
            places[list(nodes)] = isotonic_regression(np.array(wanted) - steps, weights=weights[list(nodes)]).x + steps
    return places


def _wanted(neighbours: Sequence[tuple[int, float]], places: NDArray[np.float64], node: int) -> float:
    """Give the middle of what a node is linked with; shortcuts count only where nothing else does."""
    pulls = np.array([pull for _, pull in neighbours])
    if not len(pulls):
        return float(places[node])
    pulls = pulls if pulls.any() else np.ones(len(pulls))
    return float(pulls @ places[[other for other, _ in neighbours]] / pulls.sum())
