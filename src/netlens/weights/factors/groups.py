r"""Groups of related units, found from their weights alone.

What is optimized
-----------------
Every unit u is factorized by itself into two factors, its positive and negative parts stacked as in
`netlens.weights.factors.joint`. The result is what two factors explain of it, q(u), and the factors' two channel
directions, d1(u) and d2(u), not negative and of length 1. The agreement of two units is that of the worse of their two
factors, matched in the better of the two possible ways:

    a(u, v) = max( min(d1(u) d1(v), d2(u) d2(v)),  min(d1(u) d2(v), d2(u) d1(v)) )

and a pair scores ``s(u, v) = sqrt(q(u) q(v)) a(u, v)``: high only if both units are well explained by two factors and
these factors are the same. A group G of a size in the given range is sought that makes

    J(G) = sum over the pairs in G of ( s(u, v) - theta )

largest. The threshold theta defines what counts as related in this layer: half-way between the median pair and the best
one among the units still free. Without it the best group would always be the best pair; with it, a unit belongs to a
group exactly if its average score with the members is above theta.

How it is optimized
-------------------
Greedily, starting from every unit and its best partner: the unit that adds most joins as long as it adds anything and
the size allows (or the group is too small); then members are exchanged, dropped or added one at a time while that
raises J. The best result of all starts is the group; the next is sought among the remaining units. Except for exact
ties, nothing depends on the order of the units.

A unit that reads a single position is always explained by two factors entirely: one holds what excites it, the other
what inhibits it. Such units join a group only by agreeing with each other.

Factorizing takes time, so only the `CANDIDATES` units that two singular vectors explain best are factorized (two
singular vectors always explain at least as much as two non-negative factors do).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from netlens.weights.factors.joint import factorize_group, stacked_halves, units_first
from netlens.weights.factors.nmf import Array, FactorizationError, explained_at_most, factorize

#: Units that are factorized one by one, at most.
CANDIDATES: Final = 512

# The search needs directions to a few per mille only.
_TOLERANCE = 1e-5
_MOST_STEPS = 400


@dataclass(frozen=True)
class Group:
    """Units that read the same two directions.

    Attributes
    ----------
    units
        Their numbers, those that agree best with the others first.
    objective
        J of the group; see the module.
    agreement
        Mean of a(u, v) over its pairs.
    explained_variance
        What two common factors explain of all its units together.
    """

    units: tuple[int, ...]
    objective: float
    agreement: float
    explained_variance: float


@dataclass(frozen=True)
class PairScores:
    """How well the candidates agree.

    Attributes
    ----------
    units
        (m,) numbers of the candidates, ascending.
    explained
        (m,), q: what its own two factors explain of each.
    agreement
        (m, m), a: symmetric, between 0 and 1.
    scores
        (m, m), s: symmetric, its diagonal 0.
    """

    units: np.ndarray
    explained: Array
    agreement: Array
    scores: Array


def automatic_groups(
    weights: ArrayLike,
    groups_count: int = 2,
    *,
    sizes: tuple[int, int] = (3, 8),
    candidates_count: int = CANDIDATES,
    without: Collection[int] = (),
) -> tuple[Group, ...]:
    """Return disjoint groups of units that two common factors explain; see the module for the objective.

    Parameters
    ----------
    weights
        (h, w, C, N), expanded weights of all units of a layer. Units whose weights are all zero belong to no group.
    groups_count
        Number of groups.
    sizes
        Smallest and largest size of a group, at least 2.
    candidates_count
        Units that are considered, at most.
    without
        Units that must not belong to a group.

    Returns
    -------
    tuple of Group
        The best first; each is the best among the units that earlier groups left. Permuting the units changes
        nothing but their numbers.

    Raises
    ------
    FactorizationError
        The weights have another number of dimensions, sizes are impossible, or too few units are not zero.
    """
    w = np.asarray(weights)
    smallest, largest = sizes
    if w.ndim != 4:
        raise FactorizationError(f"expanded weights have shape (height, width, channels, units), not {w.shape}")
    if not 2 <= smallest <= largest:
        raise FactorizationError(
            f"groups of {smallest} to {largest} units are impossible; use 2 <= smallest <= largest"
        )
    pairs = pair_scores(w, candidates_count=max(candidates_count, groups_count * smallest), without=without)
    if len(pairs.units) < groups_count * smallest:
        raise FactorizationError(
            f"{groups_count} groups of at least {smallest} need {groups_count * smallest} units with nonzero "
            f"weights, but the layer has {len(pairs.units)} left; "
            "ask for fewer or smaller groups, or name the units"
        )
    free = np.arange(len(pairs.units))
    found = []
    for following in range(groups_count - 1, -1, -1):
        most = min(largest, len(free) - following * smallest)
        scores = pairs.scores[np.ix_(free, free)]
        members, objective = best_group(scores - threshold(scores), (smallest, most))
        members = free[members]
        closeness = pairs.scores[np.ix_(members, members)].sum(axis=1)
        members = members[np.argsort(-closeness, kind="stable")]
        units = pairs.units[members]
        found.append(
            Group(
                units=tuple(int(unit) for unit in units),
                objective=objective,
                agreement=float(_pairs_of(pairs.agreement[np.ix_(members, members)]).mean()),
                explained_variance=factorize_group(units_first(w, units)).explained_variance,
            )
        )
        free = np.setdiff1d(free, members)
    return tuple(found)


def fill_groups(
    weights: ArrayLike, named: Sequence[Sequence[int]], *, sizes: tuple[int, int] = (3, 8)
) -> tuple[tuple[int, ...], ...]:
    """Return groups of units: those that are named as they are, the others found from the weights.

    Parameters
    ----------
    weights
        (h, w, C, N).
    named
        The units of each group; an empty one is found by `automatic_groups`, among units that no named group has.
    sizes
        Smallest and largest size of a group that is found. Where too few units are left, groups are smaller; where
        there are not even two for each group, they are divided among the groups, or, if there are fewer units than
        groups, each group has all units of the layer that are not zero.

    Returns
    -------
    tuple of tuple of int
        As many groups as `named` has; none is empty.

    Raises
    ------
    FactorizationError
        A named unit does not exist, or a group is to be found in a layer whose weights are all zero.
    """
    w = np.asarray(weights)
    for group in named:
        units_first(w, group)
    open_count = sum(not group for group in named)
    taken = {unit for group in named for unit in group}
    found = iter(_found_groups(w, open_count, sizes, taken) if open_count else ())
    return tuple(tuple(group) or next(found) for group in named)


def _found_groups(w: np.ndarray, count: int, sizes: tuple[int, int], taken: Collection[int]) -> list[tuple[int, ...]]:
    usable = np.flatnonzero(np.abs(w).max(axis=(0, 1, 2)) > 0)
    if not usable.size:
        raise FactorizationError("all weights are zero: no units are related; choose another layer, or name the units")
    left = np.setdiff1d(usable, list(taken))
    each = len(left) // count
    if each >= 2:
        fitting = min(sizes[0], each), sizes[1]
        return [group.units for group in automatic_groups(w, count, sizes=fitting, without=taken)]
    parts = np.array_split(left, count) if each else [usable] * count
    return [tuple(int(unit) for unit in part) for part in parts]


def pair_scores(weights: ArrayLike, *, candidates_count: int = CANDIDATES, without: Collection[int] = ()) -> PairScores:
    """Return the scores of all pairs of candidates, each factorized by itself.

    Parameters
    ----------
    weights
        (h, w, C, N).
    candidates_count
        Units that are factorized, at most: those that two singular vectors explain best.
    without
        Units that are skipped.

    Returns
    -------
    PairScores
        Of the candidates; units that are all zero are never among them.
    """
    w = np.asarray(weights)
    units = np.setdiff1d(np.flatnonzero(np.abs(w).max(axis=(0, 1, 2)) > 0), list(without))
    matrices = {int(unit): stacked_halves(w[None, ..., unit]) for unit in units}
    if len(units) > candidates_count:
        bounds = np.array([explained_at_most(matrices[int(unit)], 2) for unit in units])
        units = np.sort(units[np.argsort(-bounds, kind="stable")[:candidates_count]])
    factorized = [factorize(matrices[int(unit)], 2, tolerance=_TOLERANCE, most_steps=_MOST_STEPS) for unit in units]
    explained = np.array([found.explained_variance for found in factorized])
    first, second = (
        np.array([found.factors[i] for found in factorized]).reshape(len(units), w.shape[2]) for i in (0, 1)
    )
    crossed = first @ second.T
    agreement = np.maximum(np.minimum(first @ first.T, second @ second.T), np.minimum(crossed, crossed.T))
    scores = np.sqrt(np.outer(explained, explained)) * agreement
    np.fill_diagonal(scores, 0.0)
    return PairScores(units, explained, agreement, scores)


def threshold(scores: Array) -> float:
    """Return theta, half-way between the scores of the median pair and of the best one.

    Parameters
    ----------
    scores
        (m, m), symmetric; the diagonal is ignored.

    Returns
    -------
    float
    """
    pairs = _pairs_of(scores)
    return float(np.median(pairs) + pairs.max()) / 2


def best_group(gains: Array, sizes: tuple[int, int]) -> tuple[np.ndarray, float]:
    """Return the group with the largest sum of gains over its pairs; see the module for the search.

    Parameters
    ----------
    gains
        (m, m), symmetric: the gain of each pair, of either sign. The diagonal is ignored.
    sizes
        Smallest and largest size, ``2 <= smallest <= largest <= m``.

    Returns
    -------
    members, objective
        Indices into `gains`, ascending, and the sum over the group's pairs.
    """
    own = np.array(gains, dtype=np.float64)
    np.fill_diagonal(own, 0.0)
    best: tuple[float, tuple[int, ...]] = (-np.inf, ())
    tried: set[tuple[int, ...]] = set()
    for start in range(len(own)):
        partners = own[start].copy()
        partners[start] = -np.inf
        members = _improved(own, _grown(own, [start, int(partners.argmax())], sizes), sizes)
        key = tuple(sorted(members))
        if key in tried:
            continue
        tried.add(key)
        objective = float(own[np.ix_(members, members)].sum()) / 2
        # The same group reached in another order must not win by rounding.
        if objective > best[0]:
            best = objective, key
    return np.array(best[1], dtype=np.int64), best[0]


def _grown(gains: Array, members: list[int], sizes: tuple[int, int]) -> list[int]:
    smallest, largest = sizes
    added = gains[members].sum(axis=0)
    added[members] = -np.inf
    while len(members) < largest:
        unit = int(added.argmax())
        if added[unit] <= 0 and len(members) >= smallest:
            break
        members.append(unit)
        added += gains[unit]
        added[unit] = -np.inf
    return members


def _improved(gains: Array, members: list[int], sizes: tuple[int, int]) -> list[int]:
    """Exchange, drop or add one member at a time while that raises the objective."""
    smallest, largest = sizes
    rounding = 1e-12 * max(1.0, float(np.abs(gains).max()))
    while True:
        inside = np.array(members)
        outside = np.setdiff1d(np.arange(len(gains)), inside)
        added = gains[members].sum(axis=0)
        moves: list[tuple[float, list[int]]] = []
        if len(members) > smallest:
            worst = int(inside[added[inside].argmin()])
            moves.append((-float(added[worst]), [unit for unit in members if unit != worst]))
        if len(members) < largest and outside.size:
            unit = int(outside[added[outside].argmax()])
            moves.append((float(added[unit]), [*members, unit]))
        if outside.size:
            change = added[outside][None, :] - gains[np.ix_(inside, outside)] - added[inside][:, None]
            leaving, joining = np.unravel_index(int(change.argmax()), change.shape)
            exchanged = [unit for unit in members if unit != inside[leaving]]
            moves.append((float(change[leaving, joining]), [*exchanged, int(outside[joining])]))
        gain, moved = max(moves, key=lambda move: move[0], default=(0.0, members))
        if gain <= rounding:
            return members
        members = moved


def _pairs_of(matrix: Array) -> Array:
    return matrix[np.triu_indices(len(matrix), 1)]
