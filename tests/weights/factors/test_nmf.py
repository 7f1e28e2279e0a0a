"""The factorization of one matrix: planted factors, order, scale, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import NMF
from sklearn.decomposition._nmf import _initialize_nmf

from netlens.weights.factors.nmf import FactorizationError, explained_at_most, explained_variances, factorize, nndsvda


def separable(rng, rows, columns, count, energies):
    """Draw S F whose factorization is unique: each factor has rows and columns that no other has."""
    S, F = rng.random((rows, count)), rng.random((count, columns))
    S[:count] = np.eye(count)
    F[:, :count] = np.eye(count)
    F /= np.linalg.norm(F, axis=1, keepdims=True)
    return S * energies, F


def random_matrix(seed, rows=50, columns=40):
    rng = np.random.default_rng(seed)
    return np.maximum(rng.standard_normal((rows, columns)), 0)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_planted_factors_are_found(seed, count):
    S, F = separable(np.random.default_rng(seed), 30, 25, count, 2.0 ** -np.arange(count))
    found = factorize(S @ F, count)
    np.testing.assert_allclose(found.scores, S, atol=1e-5)
    np.testing.assert_allclose(found.factors, F, atol=1e-5)
    assert found.explained_variance == pytest.approx(1, abs=1e-10)
    assert found.converged


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(2, 20), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_factors_are_not_negative_of_unit_length_and_sorted_and_shares_sum_to_one(seed, rows, columns, count):
    V = random_matrix(seed, rows, columns)
    V[0, 0] += 1
    found = factorize(V, count)
    lengths = np.linalg.norm(found.factors, axis=1)
    assert found.scores.shape == (rows, count)
    assert found.factors.shape == (count, columns)
    assert (found.scores >= 0).all()
    assert (found.factors >= 0).all()
    assert (np.isclose(lengths, 1, atol=1e-12) | (lengths == 0)).all()
    assert (np.diff(found.shares) <= 1e-15).all()
    assert (found.shares >= 0).all()
    assert found.shares.sum() == pytest.approx(1, abs=1e-12)
    residual = np.sum((V - found.scores @ found.factors) ** 2) / np.sum(V**2)
    assert found.explained_variance == pytest.approx(1 - residual, abs=1e-12)


def test_explained_energy_is_what_the_shares_are_of():
    # At the minimum the residual is orthogonal to every factor's part, so explained energy and energy of the
    # factorization agree, and a factor's share can be read off either.
    V = random_matrix(1)
    found = factorize(V, 4)
    parts = [np.outer(found.scores[:, i], found.factors[i]) for i in range(4)]
    energy = np.sum((found.scores @ found.factors) ** 2)
    assert found.converged
    assert energy / np.sum(V**2) == pytest.approx(found.explained_variance, abs=1e-7)
    np.testing.assert_allclose([np.vdot(part, V) / energy for part in parts], found.shares, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_scikit_learn_started_by_itself(seed):
    V = random_matrix(seed)
    model = NMF(4, init="nndsvda", random_state=0, tol=1e-8, max_iter=5000)
    S = model.fit_transform(V)
    theirs = 1 - np.sum((V - S @ model.components_) ** 2) / np.sum(V**2)
    assert factorize(V, 4).explained_variance == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_start_is_scikit_learns_where_that_is_exact(seed):
    S, F = separable(np.random.default_rng(seed), 12, 10, 3, 1.0)
    theirs = _initialize_nmf(S @ F, 3, init="nndsvda", random_state=0)
    for ours, wanted in zip(nndsvda(S @ F, 3), theirs, strict=True):
        np.testing.assert_allclose(ours, wanted, atol=1e-9)


def test_is_the_same_from_run_to_run():
    V = random_matrix(2)
    first, again = factorize(V, 5), factorize(V, 5)
    np.testing.assert_array_equal(first.scores, again.scores)
    np.testing.assert_array_equal(first.factors, again.factors)


@pytest.mark.parametrize("seed", range(5))
def test_moves_along_when_rows_and_columns_are_permuted(seed):
    V = random_matrix(seed)
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(V.shape[0]), rng.permutation(V.shape[1])
    plain, permuted = factorize(V, 3), factorize(V[rows][:, columns], 3)
    np.testing.assert_allclose(permuted.scores, plain.scores[rows], atol=1e-12 * plain.scores.max())
    np.testing.assert_allclose(permuted.factors, plain.factors[:, columns], atol=1e-12)
    np.testing.assert_allclose(permuted.shares, plain.shares, atol=1e-12)


@pytest.mark.parametrize("power", [-200, -60, 60, 200])
def test_scale_by_a_power_of_two_changes_the_scores_only_and_exactly(power):
    V = random_matrix(3)
    plain, scaled = factorize(V, 3), factorize(np.ldexp(V, power), 3)
    np.testing.assert_array_equal(scaled.scores, np.ldexp(plain.scores, power))
    np.testing.assert_array_equal(scaled.factors, plain.factors)
    assert scaled.explained_variance == plain.explained_variance


def test_more_factors_than_there_are_come_out_as_zeros():
    column = np.array([[1.0], [2.0], [2.0]])
    found = factorize(column @ np.array([[3.0, 0.0, 4.0]]), 3)
    np.testing.assert_allclose(found.factors, [[0.6, 0, 0.8], [0, 0, 0], [0, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(found.shares, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.scores[:, 0], 5 * column[:, 0], rtol=1e-9)
    # A single position cannot hold more than one factor either.
    assert factorize(np.ones((1, 6)), 2).shares.tolist() == [1, 0]


def test_rounding_in_single_precision_is_no_second_factor():
    matrix = np.outer(np.linspace(1, 2, 30), np.linspace(0.1, 1, 20)).astype(np.float32)
    found = factorize(matrix, 2)
    np.testing.assert_allclose(found.shares, [1, 0], atol=1e-12)
    assert found.explained_variance == pytest.approx(1, abs=1e-12)


def test_explained_variance_rises_to_one():
    S, F = separable(np.random.default_rng(4), 30, 25, 4, 2.0 ** -np.arange(4))
    found = explained_variances(S @ F, 5)
    assert (np.diff(found) >= -1e-9).all()
    assert found[2] < 0.9995
    np.testing.assert_allclose(found[3:], 1, atol=1e-8)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("shape", [(20, 50), (50, 20)])
def test_nothing_explains_more_than_singular_vectors_do(shape, count):
    V = random_matrix(6, *shape)
    s = np.linalg.svd(V, compute_uv=False) ** 2
    assert explained_at_most(V, count) == pytest.approx(s[:count].sum() / s.sum(), rel=1e-12)
    assert factorize(V, count).explained_variance <= explained_at_most(V, count) + 1e-12
    assert explained_at_most(np.zeros(shape), count) == 0


def test_the_input_is_left_alone():
    V = random_matrix(7)
    V.flags.writeable = False
    factorize(V, 2)


@pytest.mark.parametrize(
    ("matrix", "count", "words"),
    [
        (np.zeros((4, 5)), 2, "all weights are zero"),
        (-np.eye(3), 2, "negative entries"),
        (np.array([[1.0, np.nan]]), 1, "1 of 2 entries are NaN"),
        (np.ones(4), 1, "cannot be factorized"),
        (np.ones((0, 4)), 1, "cannot be factorized"),
        (np.eye(3), 0, "use at least 1"),
    ],
)
def test_bad_input_is_told_in_one_line(matrix, count, words):
    with pytest.raises(FactorizationError, match=words) as told:
        factorize(matrix, count)
    assert "\n" not in str(told.value)
