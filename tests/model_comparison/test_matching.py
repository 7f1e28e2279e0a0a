"""Layers of two networks that belong together."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.matching import (
    Pair,
    best_hidden_pair,
    best_matches,
    best_pairs,
    diagonal,
    mean_diagonal,
)

MATRIX = np.array([[0.1, 0.9, 0.3], [0.8, 0.85, 0.2]])


def test_best_matches_of_rows_and_of_columns():
    np.testing.assert_array_equal(best_matches(MATRIX), [1, 1])
    np.testing.assert_array_equal(best_matches(MATRIX.T), [1, 0, 0])
    np.testing.assert_array_equal(best_matches(np.ones((2, 3))), [0, 0])


def test_best_pairs_come_in_order():
    assert best_pairs(MATRIX) == [Pair(0, 1, 0.9)]
    assert best_pairs(MATRIX, 3) == [Pair(0, 1, 0.9), Pair(1, 1, 0.85), Pair(1, 0, 0.8)]
    assert len(best_pairs(MATRIX, 99)) == 6
    assert best_pairs(np.ones((2, 2)), 2) == [Pair(0, 0, 1.0), Pair(0, 1, 1.0)]


def test_the_last_layers_are_no_hidden_pair():
    assert best_hidden_pair(MATRIX) == Pair(0, 1, 0.9)
    assert best_hidden_pair([[0.1, 0.2, 0.9], [0.3, 0.4, 0.8], [0.9, 0.9, 1.0]]) == Pair(1, 1, 0.4)
    assert best_hidden_pair([[0.1, 0.2]]) == Pair(0, 1, 0.2)


def test_each_layer_once_if_that_is_asked_for():
    assert best_pairs(MATRIX, 9, each_once=True) == [Pair(0, 1, 0.9), Pair(1, 0, 0.8)]


def test_a_diagonal_by_hand():
    assert diagonal(3, 3) == [(0, 0), (1, 1), (2, 2)]
    assert diagonal(5, 3) == [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2)]
    assert diagonal(3, 5) == [(0, 0), (1, 1), (1, 2), (2, 3), (2, 4)]
    assert diagonal(4, 3) == [(0, 0), (1, 1), (2, 1), (3, 2)]
    assert diagonal(3, 1) == [(0, 0), (1, 0), (2, 0)]
    assert diagonal(1, 1) == [(0, 0)]


@given(st.integers(1, 60), st.integers(1, 60))
def test_every_diagonal_is_monotone_has_all_layers_and_the_nearest_depths(first, second):
    pairs = diagonal(first, second)
    assert len(pairs) == max(first, second)
    assert pairs == sorted(pairs)
    assert pairs[0] == (0, 0)
    assert sorted({b for _, b in pairs}) == list(range(second))
    assert sorted({a for a, _ in pairs}) == list(range(first))
    assert all(b <= d for (_, b), (_, d) in pairwise(pairs))
    assert diagonal(second, first) == [(b, a) for a, b in pairs]
    if min(first, second) > 1:
        assert pairs[-1] == (first - 1, second - 1)
        for a, b in pairs:
            depth, other = (a / (first - 1), second) if first >= second else (b / (second - 1), first)
            chosen = (b if first >= second else a) / (other - 1)
            nearest = min(abs(depth - place / (other - 1)) for place in range(other))
            assert abs(depth - chosen) <= nearest + 1e-12


def test_mean_over_the_diagonal():
    assert mean_diagonal(np.diag([1.0, 0.5])) == 0.75
    # Three columns: (0, 0), (1, 1) half-way and so the later row, (1, 2).
    assert mean_diagonal(MATRIX) == pytest.approx((0.1 + 0.85 + 0.2) / 3, rel=1e-15)


@pytest.mark.parametrize("matrix", [np.zeros((0, 3)), np.zeros(3), np.array([[np.nan]])])
def test_what_is_no_matrix_is_refused(matrix):
    for ask in (best_matches, best_pairs, mean_diagonal):
        with pytest.raises(ComparisonError, match="must be finite, 2-dimensional and not empty"):
            ask(matrix)


def test_nothing_to_ask_for_is_refused():
    with pytest.raises(ComparisonError, match="at least one"):
        best_pairs(MATRIX, 0)
    with pytest.raises(ComparisonError, match="needs at least one"):
        diagonal(0, 3)
