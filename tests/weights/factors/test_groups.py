"""Automatic groups: planted ones are found, whatever the order; and what the search optimizes."""

from itertools import combinations

import numpy as np
import pytest

from netlens.weights.factors.groups import automatic_groups, best_group, fill_groups, pair_scores, threshold
from netlens.weights.factors.joint import stacked_halves
from netlens.weights.factors.nmf import FactorizationError, explained_at_most, factorize


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_planted_group_is_found_in_noise(planted_layer, seed):
    layer, (truth,) = planted_layer(seed)
    (found,) = automatic_groups(layer, 1)
    assert frozenset(found.units) == truth


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_two_planted_groups_are_found_one_after_the_other(planted_layer, seed):
    layer, truth = planted_layer(seed, sizes=(5, 4), noise=0.2)
    found = automatic_groups(layer, 2)
    assert {frozenset(group.units) for group in found} == set(truth)


@pytest.mark.slow
def test_without_a_planted_group_agreement_is_lower(planted_layer):
    planted, _ = planted_layer(0)
    empty, _ = planted_layer(0, sizes=())
    assert automatic_groups(planted, 1)[0].agreement > automatic_groups(empty, 1)[0].agreement + 0.2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_permuted_units_give_the_same_groups(planted_layer, seed):
    layer, _ = planted_layer(seed, sizes=(5, 4), noise=0.6)
    order = np.random.default_rng(seed).permutation(layer.shape[3])
    for plain, permuted in zip(automatic_groups(layer), automatic_groups(layer[..., order]), strict=True):
        assert tuple(order[list(permuted.units)]) == plain.units
        assert permuted.objective == pytest.approx(plain.objective, abs=1e-6)
        assert permuted.explained_variance == pytest.approx(plain.explained_variance, abs=1e-6)


def test_groups_are_disjoint_and_of_the_sizes_asked_for(planted_layer):
    layer, _ = planted_layer(1, sizes=(), others=14)
    found = automatic_groups(layer, 4, sizes=(3, 5))
    units = [unit for group in found for unit in group.units]
    assert len(units) == len(set(units))
    assert all(3 <= len(group.units) <= 5 for group in found)


@pytest.mark.slow
def test_a_planted_group_is_found_among_the_candidates_that_are_kept(planted_layer):
    layer, (truth,) = planted_layer(2, others=60)
    (found,) = automatic_groups(layer, 1, candidates_count=40)
    assert frozenset(found.units) == truth
    pairs = pair_scores(layer, candidates_count=40)
    assert len(pairs.units) == 40
    bounds = [explained_at_most(stacked_halves(layer[None, ..., unit]), 2) for unit in range(layer.shape[3])]
    left_out = np.setdiff1d(np.arange(layer.shape[3]), pairs.units)
    assert max(np.take(bounds, left_out)) <= min(np.take(bounds, pairs.units))


def test_scores_are_what_the_definition_says(planted_layer):
    layer, _ = planted_layer(3, sizes=(3,), others=6)
    found = pair_scores(layer)
    own = [factorize(stacked_halves(layer[None, ..., unit]), 2) for unit in found.units]
    for u, v in combinations(range(len(own)), 2):
        a, b = own[u].factors, own[v].factors
        agreement = max(min(a[0] @ b[0], a[1] @ b[1]), min(a[0] @ b[1], a[1] @ b[0]))
        wanted = np.sqrt(own[u].explained_variance * own[v].explained_variance) * agreement
        # The search factorizes to a few per mille.
        assert found.scores[u, v] == found.scores[v, u] == pytest.approx(wanted, abs=5e-3)
    assert not found.scores.diagonal().any()


def test_units_of_zeros_belong_to_no_group(planted_layer):
    layer, _ = planted_layer(4, others=6)
    layer[..., [0, 5]] = 0
    assert {0, 5}.isdisjoint(pair_scores(layer).units.tolist())


@pytest.mark.parametrize("seed", range(20))
def test_the_search_finds_the_best_of_all_groups_of_small_layers(seed):
    rng = np.random.default_rng(seed)
    drawn = rng.standard_normal((10, 10))
    gains = drawn + drawn.T - 0.5
    members, objective = best_group(gains, (3, 5))
    exact = max(
        sum(gains[u, v] for u, v in combinations(group, 2))
        for size in (3, 4, 5)
        for group in combinations(range(10), size)
    )
    assert objective == pytest.approx(sum(gains[u, v] for u, v in combinations(members, 2)), abs=1e-12)
    assert objective >= 0.9 * exact


@pytest.mark.slow
def test_named_groups_stay_and_open_ones_are_found_beside_them(planted_layer):
    layer, truth = planted_layer(5, sizes=(5, 4), noise=0.2)
    found = {frozenset(group) for group in fill_groups(layer, [(), ()])}
    assert found == set(truth)
    first = sorted(truth[0])
    named, other = fill_groups(layer, [first[::-1], ()])
    assert named == tuple(first[::-1])
    assert frozenset(other) == truth[1]
    assert fill_groups(np.zeros((1, 1, 1, 3)), [(2, 0), (1,)]) == ((2, 0), (1,))
    with pytest.raises(FactorizationError, match="no unit 39; the target layer has units 0 to 38"):
        fill_groups(layer, [(39,), ()])


@pytest.mark.parametrize(
    ("units_count", "zero", "named", "sizes"),
    [
        (5, (), [(), ()], [2, 2]),
        (4, (), [(), ()], [2, 2]),
        (6, (0, 3), [(), ()], [2, 2]),
        (3, (), [(), ()], [1, 2]),
        (2, (), [(), ()], [1, 1]),
        (1, (), [(), ()], [1, 1]),
        (5, (0, 1, 2, 4), [(), ()], [1, 1]),
        (4, (), [(0, 1, 2, 3), ()], [4, 4]),
        (4, (), [(2,), ()], [1, 3]),
    ],
)
def test_groups_shrink_where_units_are_few(units_count, zero, named, sizes):
    weights = np.random.default_rng(7).standard_normal((3, 3, 4, units_count))
    weights[..., list(zero)] = 0
    found = fill_groups(weights, named)
    assert sorted(map(len, found)) == sizes
    assert not set(zero) & {unit for group in found for unit in group}
    if units_count - len(zero) >= 2 and not named[0]:
        assert not set(found[0]) & set(found[1])


def test_no_group_is_found_where_all_weights_are_zero():
    with pytest.raises(FactorizationError, match="all weights are zero"):
        fill_groups(np.zeros((3, 3, 4, 9)), [(), ()])


def test_the_threshold_lies_half_way_between_the_median_pair_and_the_best():
    scores = np.array([[0, 0.1, 0.2], [0.1, 0, 0.8], [0.2, 0.8, 0]])
    assert threshold(scores) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("shape", "more", "words"),
    [
        ((3, 3, 4), {}, "channels, units"),
        ((3, 3, 4, 5), {}, "2 groups of at least 3 need 6 units"),
        ((3, 3, 4, 9), {"sizes": (1, 4)}, "are impossible"),
        ((3, 3, 4, 9), {"sizes": (5, 4)}, "are impossible"),
    ],
)
def test_impossible_groups_are_told(shape, more, words):
    with pytest.raises(FactorizationError, match=words):
        automatic_groups(np.random.default_rng(0).standard_normal(shape), 2, **more)
    with pytest.raises(FactorizationError, match="the layer has 0 left"):
        automatic_groups(np.zeros((3, 3, 4, 9)))
