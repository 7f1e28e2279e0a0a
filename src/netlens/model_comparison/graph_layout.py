"""Layout of a network's graph: ranks by depth, branches side by side, shortcuts beside what they bypass.

This is the layered drawing of Sugiyama, Tagawa and Toda (1981, IEEE Transactions on Systems, Man, and Cybernetics 11)
for graphs the size of networks: ranks by longest path, a bend wherever an edge passes a rank, barycenters to reduce
crossings, and horizontal positions by isotonic regression, which keeps nodes apart. A shortcut without a layer of its
own (a residual connection) must not bend the layers it bypasses: it gives way, so the path through the layers stays
straight.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression

from netlens.model_comparison.errors import ComparisonError

# Sweeps that reduce crossings and straighten edges. Networks settle within a few; more change nothing visible.
_ORDER_SWEEPS: Final = 12
_PLACE_SWEEPS: Final = 40
# Weight of a shortcut's bends in the placement, relative to a layer's.
_YIELDING: Final = 1e-9
# Bends of one edge pull each other into a straight line.
_STRAIGHT: Final = 4.0
# Positions are rounded to half the distance between two neighbors, which keeps that distance and aligns what almost
# forms a column. This much is added before rounding, so that rounding errors do not decide ties.
_TIE: Final = 1e-6


@dataclass(frozen=True)
class Drawing:
    """Positions of nodes and edges.

    Attributes
    ----------
    places
        (n, 2) float64: horizontal position, a multiple of 1/2, with neighbors at least 1 apart; and vertical position,
        the rank. The leftmost position of any node or route is 0.
    routes
        For each edge the points that it passes, (k, 2) float64, from its source to its user: one per rank.
    shortcuts
        (m,) bool: edges that bypass layers without a layer of their own, such as residual connections.
    """

    places: NDArray[np.float64]
    routes: tuple[NDArray[np.float64], ...]
    shortcuts: NDArray[np.bool_]


def drawing_of(count: int, edges: ArrayLike) -> Drawing:
    """Compute the layered drawing of a graph.

    Parameters
    ----------
    count
        Number of nodes; they are numbered from 0 in network order.
    edges
        (m, 2) int: from node, to node; each leads to a later node and appears once. A node may have none.

    Returns
    -------
    Drawing
        Deterministic. A chain is a straight line. No two nodes share a position, and no route passes through a node
        other than its two ends.

    Raises
    ------
    ComparisonError
        There is no node, or an edge leads backwards or to an unknown node, or appears twice.
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
    """Find which of the kept nodes follow each other when all other nodes are left out.

    Parameters
    ----------
    count, edges
        As for `drawing_of`.
    kept
        Numbers of the nodes to keep, ascending.

    Returns
    -------
    ndarray
        (k, 2) int64, as indices into `kept`: there is a path from the first to the second without another kept node
        on it. Sorted by user, then by source.

    Raises
    ------
    ComparisonError
        As for `drawing_of`; or `kept` is not ascending, or contains an unknown node.
    """
    pairs = _checked(count, edges)
    numbers = [int(number) for number in np.asarray(kept, np.int64).ravel()]
    if numbers != sorted(set(numbers)) or (numbers and not 0 <= numbers[0] <= numbers[-1] < count):
        raise ComparisonError(f"kept nodes {numbers}: use numbers from 0 to {count - 1}, ascending, each once")
    place = {number: index for index, number in enumerate(numbers)}
    # For each node, the kept nodes that its output comes from: itself, or those of its sources.
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
    """Return a drawing as arrays: ``x``, ``y``, ``points``, ``route_ends`` (end of each edge there), ``shortcuts``."""
    lengths = [len(route) for route in drawing.routes]
    return {
        "x": drawing.places[:, 0],
        "y": drawing.places[:, 1],
        "points": np.concatenate([*drawing.routes, np.zeros((0, 2))]),
        "route_ends": np.cumsum(lengths, dtype=np.int64),
        "shortcuts": drawing.shortcuts,
    }


def unpack(x: ArrayLike, y: ArrayLike, points: ArrayLike, route_ends: ArrayLike, shortcuts: ArrayLike) -> Drawing:
    """Rebuild a drawing from the arrays that `pack` returned.

    Raises
    ------
    ComparisonError
        The arrays do not fit each other.
    """
    places = np.stack([np.asarray(x, np.float64), np.asarray(y, np.float64)], axis=1)
    ends, passed = np.asarray(route_ends, np.int64), np.asarray(points, np.float64)
    around = np.asarray(shortcuts, bool)
    if len(around) != len(ends) or (ends[-1] if len(ends) else 0) != len(passed) or (np.diff(ends) < 0).any():
        raise ComparisonError("the arrays of a drawing do not fit each other")
    routes = tuple(np.split(passed, ends[:-1])) if len(ends) else ()
    return Drawing(places, routes, around)


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
        raise ComparisonError(f"the edge {next(pair for pair in pairs if pairs.count(pair) > 1)} appears twice")
    return pairs


def _neighbours(count: int, pairs: Sequence[tuple[int, int]]) -> tuple[list[list[int]], list[list[int]]]:
    sources: list[list[int]] = [[] for _ in range(count)]
    users: list[list[int]] = [[] for _ in range(count)]
    for source, user in pairs:
        sources[user].append(source)
        users[source].append(user)
    return sources, users


def _ranks(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return the number of edges on the longest path to each node."""
    sources = _neighbours(count, pairs)[0]
    ranks: list[int] = []
    for node in range(count):
        ranks.append(max((ranks[source] + 1 for source in sources[node]), default=0))
    return ranks


def _around(count: int, pairs: Sequence[tuple[int, int]]) -> list[bool]:
    """Return for each edge whether another path leads from its source to its user."""
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
    # Bends of shortcuts come last, so they start out beside everything else.
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
    """Order each rank so that few links cross; where nothing is gained, the initial order stays."""
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
            # Fractions of the rank, so that ranks of different lengths are aligned.
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
    """Compute horizontal positions of nodes and bends: near what they are linked with, at least 1 apart."""
    places = np.zeros(len(graph.ranks))
    for nodes in order:
        # What gives way stands to the side and does not count for the middle.
        firm = [node for node in nodes if not graph.yielding[node]] or list(nodes)
        start = (nodes.index(firm[0]) + nodes.index(firm[-1])) / 2
        places[list(nodes)] = np.arange(len(nodes)) - start
    up, down = _linked(graph)
    weights = np.where(graph.yielding, _YIELDING, 1.0)
    # Upwards, then downwards: branches end up below where they start, and what joins them in the middle.
    for sweep in range(_PLACE_SWEEPS):
        neighbours = (down, up)[sweep % 2]
        for nodes in (order[::-1], order)[sweep % 2]:
            wanted = [_wanted(neighbours[node], places, node) for node in nodes]
            steps = np.arange(len(nodes))
            places[list(nodes)] = isotonic_regression(np.array(wanted) - steps, weights=weights[list(nodes)]).x + steps
    return places


def _wanted(neighbours: Sequence[tuple[int, float]], places: NDArray[np.float64], node: int) -> float:
    """Return the mean position of what a node is linked with; shortcuts count only where nothing else does."""
    pulls = np.array([pull for _, pull in neighbours])
    if not len(pulls):
        return float(places[node])
    pulls = pulls if pulls.any() else np.ones(len(pulls))
    return float(pulls @ places[[other for other, _ in neighbours]] / pulls.sum())
