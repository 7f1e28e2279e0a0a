"""Strength of connections, against loops, and the choice of the one that is shown."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.weights.selection.strongest import (
    WeightsError,
    connection_norms,
    inputs_share,
    middling_inputs,
    opposed_strength,
    strongest_inputs,
    strongest_uses,
    telling_connection,
)

SEEDS = st.integers(0, 2**32 - 1)


def random_weights(seed, shape=(3, 3, 5, 4)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@settings(deadline=None)
@given(SEEDS)
def test_norms_are_those_of_each_map(seed):
    weights = random_weights(seed)
    norms = connection_norms(weights)
    for source in range(5):
        for target in range(4):
            expected = np.linalg.norm(weights[:, :, source, target].astype(np.float64))
            assert norms[source, target] == pytest.approx(expected, rel=1e-14)


@settings(deadline=None)
@given(SEEDS, st.integers(1, 7))
def test_inputs_and_uses_are_the_same_seen_from_both_sides(seed, count):
    weights = random_weights(seed)
    norms = connection_norms(weights)
    inputs = strongest_inputs(weights, 2, count)
    assert len(inputs) == min(count, 5)
    assert np.all(np.diff(norms[inputs, 2]) <= 0)
    assert set(norms[inputs, 2]) == set(np.sort(norms[:, 2])[::-1][:count])
    assert np.array_equal(inputs, strongest_uses(weights.transpose(0, 1, 3, 2), 2, count))


def test_the_share_of_inputs_is_that_of_their_squared_weights():
    weights = np.zeros((2, 2, 3, 2))
    weights[0, :, 0, 1], weights[1, 1, 1, 1], weights[0, 0, 2, 1] = (2.0, -2.0), 1.0, 4.0
    assert inputs_share(weights, 1, np.array([0, 2])) == 24 / 25
    assert inputs_share(weights, 1, np.array([1])) == 1 / 25
    with pytest.raises(WeightsError, match="into unit 0 are zero everywhere; choose another unit"):
        inputs_share(weights, 0, np.array([0]))
    with pytest.raises(WeightsError, match="no target unit 2"):
        inputs_share(weights, 2, np.array([0]))


def test_of_equal_connections_the_lower_number_comes_first():
    assert strongest_inputs(np.ones((1, 1, 4, 1)), 0, 3).tolist() == [0, 1, 2]


def test_opposed_strength_needs_both_signs():
    weights = np.zeros((2, 2, 3, 1))
    weights[:, :, 0, 0] = 5.0  # strong, one sign
    weights[:, :, 1, 0] = [[3.0, 0.0], [0.0, -4.0]]
    weights[:, :, 2, 0] = [[0.0, -1.0], [-1.0, 1.0]]
    assert opposed_strength(weights)[:, 0].tolist() == [0.0, 3.0, 1.0]
    assert telling_connection(weights) == (1, 0)


@settings(deadline=None)
@given(SEEDS)
def test_the_connection_that_is_shown_is_the_best_of_those_allowed(seed):
    weights = random_weights(seed)
    strength = opposed_strength(weights)
    assert strength[telling_connection(weights)] == strength.max()
    source, unit = telling_connection(weights, unit=3)
    assert unit == 3
    assert strength[source, 3] == strength[:, 3].max()
    source, unit = telling_connection(weights, source_unit=1)
    assert source == 1
    assert strength[1, unit] == strength[1].max()
    assert telling_connection(weights, source_unit=4, unit=2) == (4, 2)


@settings(deadline=None)
@given(SEEDS)
def test_weights_of_one_sign_leave_the_strongest_connection(seed):
    weights = np.abs(random_weights(seed))
    assert connection_norms(weights)[telling_connection(weights)] == connection_norms(weights).max()


@pytest.mark.parametrize("choose", [strongest_inputs, strongest_uses])
@pytest.mark.parametrize("unit", [-1, 5])
def test_a_unit_that_is_not_there_is_told(choose, unit):
    with pytest.raises(WeightsError, match=rf"no (source|target) unit {unit}; the layer has units 0 to [34]"):
        choose(random_weights(0), unit, 2)


def test_weights_of_zeros_or_of_another_shape_are_refused():
    with pytest.raises(WeightsError, match="zero everywhere"):
        telling_connection(np.zeros((3, 3, 2, 2)))
    with pytest.raises(WeightsError, match="expanded weights have shape"):
        connection_norms(np.ones((3, 3)))
    with pytest.raises(WeightsError, match="no target unit 9"):
        telling_connection(random_weights(0), unit=9)


def test_middling_inputs_are_the_middle_ones_of_the_others():
    weights = np.zeros((1, 1, 7, 2))
    weights[0, 0, :, 1] = [5, 4, -7, 2, 1, 0, 3]
    assert middling_inputs(weights, 1, np.array([2]), 1).tolist() == [6]
    assert middling_inputs(weights, 1, np.array([2]), 3).tolist() == [1, 6, 3]
    assert middling_inputs(weights, 1, np.array([2, 0]), 9).tolist() == [1, 6, 3, 4]
    assert middling_inputs(weights, 1, np.arange(7), 2).tolist() == []
