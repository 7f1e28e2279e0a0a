"""Inverse square roots of covariances: against the definition, singular ones, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.whitening import leading, whitening


def covariance(eigenvalues, seed=0):
    """Give a covariance of the given eigenvalues, and its eigenvectors."""
    size = len(eigenvalues)
    vectors = np.linalg.qr(np.random.default_rng(seed).standard_normal((size, size)))[0]
    matrix = (vectors * np.asarray(eigenvalues, float)) @ vectors.T
    return (matrix + matrix.T) / 2, vectors


def test_a_diagonal_covariance_by_hand():
    found = whitening(np.diag([4.0, 0.25, 1.0]))
    np.testing.assert_allclose(found.eigenvalues, [4, 1, 0.25], rtol=1e-15)
    np.testing.assert_allclose(np.abs(found.root), [[0.5, 0, 0], [0, 0, 2], [0, 1, 0]], atol=1e-15)
    assert (found.rank, found.channels, found.ridge) == (3, 3, 0.0)
    assert found.self_similarity == 1


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=12), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_a_covariance_of_full_rank_is_whitened_and_inverted(eigenvalues, seed):
    matrix, _ = covariance(eigenvalues, seed)
    found = whitening(matrix, ridge=1e-6)
    assert found.ridge == 0
    size = len(matrix)
    assert np.abs(found.root.T @ matrix @ found.root - np.eye(size)).max() < 1e-11
    assert np.abs(found.inverse() @ matrix - np.eye(size)).max() < 1e-9
    np.testing.assert_allclose(found.inverse(), np.linalg.inv(matrix), rtol=0, atol=1e-9 * 100)


def test_a_rank_deficient_one_is_inverted_on_its_range_only():
    matrix, vectors = covariance([3.0, 2.0, 1.0, 0, 0])
    found = whitening(matrix)
    assert (found.rank, found.channels) == (3, 5)
    assert found.root.shape == (5, 3)
    onto_range = vectors[:, :3] @ vectors[:, :3].T
    np.testing.assert_allclose(found.inverse() @ matrix, onto_range, atol=1e-14)
    np.testing.assert_allclose(found.inverse(), np.linalg.pinv(matrix), atol=1e-14)
    assert found.self_similarity == pytest.approx(3 / 5, rel=1e-15)


def test_dead_units_are_left_out():
    activations = np.random.default_rng(1).standard_normal((200, 6))
    activations[:, [1, 4]] = 0
    found = whitening(activations.T @ activations / 200)
    assert found.rank == 4
    np.testing.assert_allclose(found.root[[1, 4]], 0, atol=1e-15)


def test_fewer_images_than_channels_give_as_many_directions_as_images():
    activations = np.random.default_rng(2).standard_normal((7, 20))
    assert whitening(activations.T @ activations / 7).rank == 7
    centred = activations - activations.mean(axis=0)
    assert whitening(centred.T @ centred / 7).rank == 6


def test_the_ridge_is_a_share_of_the_mean_eigenvalue_and_only_there_where_it_is_needed():
    eigenvalues = [4.0, 1.0, 1.0, 1e-4]
    matrix, _ = covariance(eigenvalues)
    # Mean 1.5: a ridge of 1e-5 is 1.5e-5, below the smallest eigenvalue; one of 1e-3 is above it.
    assert whitening(matrix, ridge=1e-5).ridge == 0
    found = whitening(matrix, ridge=1e-3)
    assert found.ridge == pytest.approx(1e-3 * sum(eigenvalues) / 4, rel=1e-12)
    np.testing.assert_allclose(found.inverse(), np.linalg.inv(matrix + found.ridge * np.eye(4)), rtol=1e-10)
    expected = sum(value / (value + found.ridge) for value in eigenvalues) / 4
    assert found.self_similarity == pytest.approx(expected, rel=1e-11)
    assert whitening(np.diag([1.0, 0.0]), ridge=1e-3).ridge == pytest.approx(5e-4)


@given(st.lists(st.floats(1e-8, 10), min_size=2, max_size=10), st.floats(1e-9, 0.1))
@settings(max_examples=50, deadline=None)
def test_what_the_ridge_takes_from_the_self_similarity_is_bounded(eigenvalues, ridge):
    found = whitening(np.diag(eigenvalues), ridge=ridge)
    lost = 1 - found.self_similarity
    assert -1e-15 <= lost <= found.ridge * np.mean(1 / np.asarray(eigenvalues)) + 1e-15
    # One that is added at all takes at least half of the smallest direction.
    assert found.ridge == 0 or lost >= 0.5 / len(eigenvalues) - 1e-15


def test_linear_maps_change_a_similarity_only_where_there_is_a_ridge():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(400, 12)), rng.normal(size=(400, 9))
    two[:, :6] += one[:, :6]
    turned, other = np.linalg.qr(rng.normal(size=(12, 12)))[0], np.linalg.qr(rng.normal(size=(12, 12)))[0]
    badly = turned * np.geomspace(1, 1e-4, 12) @ other

    def similarity(inputs, ridge):
        roots = [whitening(x.T @ x / len(x), ridge=ridge).root for x in (inputs, two)]
        return np.linalg.norm(roots[0].T @ (inputs.T @ two / len(two)) @ roots[1], "nuc") / 12

    for mapped in (one @ turned * 3, one @ badly):
        assert similarity(mapped, 0) == pytest.approx(similarity(one, 0), rel=1e-9)  # measured: 8e-11
    assert similarity(one @ turned * 3, 1e-6) == pytest.approx(similarity(one, 1e-6), rel=1e-12)
    assert similarity(one @ badly, 1e-6) < similarity(one, 1e-6) - 0.03


def test_nothing_varies():
    found = whitening(np.zeros((3, 3)), ridge=1e-6)
    assert (found.rank, found.ridge, found.self_similarity) == (0, 0.0, 0.0)
    assert found.root.shape == (3, 0)
    np.testing.assert_array_equal(found.inverse(), np.zeros((3, 3)))
    assert leading(np.zeros((3, 3)), 0.9).rank == 0


def test_rounding_that_centring_leaves_is_no_direction():
    # A unit that is 1000 at all images, beside one that varies.
    rng = np.random.default_rng(3)
    activations = np.stack([np.full(500, 1000.1), rng.standard_normal(500), np.full(500, 1000 / 3)], axis=1)
    mean = activations.sum(axis=0) / 500
    centred = activations.T @ activations / 500 - np.outer(mean, mean)
    centred = (centred + centred.T) / 2
    rounding = 500 * 2.2e-16 * float((mean**2).max())
    with pytest.raises(ComparisonError, match="this is not a covariance"):
        whitening(centred)  # or there would be nothing to leave out
    assert whitening(centred, rounding=rounding).rank == 1
    assert leading(centred, 1, rounding=rounding).rank == 1


@pytest.mark.parametrize("scale", [1e-200, 1e-20, 1e20, 1e200])
def test_the_unit_of_the_activations_does_not_matter(scale):
    matrix, _ = covariance([3.0, 1.0, 1e-3, 0.0])
    plain, scaled = (whitening(factor * matrix, ridge=1e-2) for factor in (1.0, scale))
    assert scaled.rank == plain.rank == 3
    assert scaled.self_similarity == pytest.approx(plain.self_similarity, rel=1e-12)


def test_leading_directions_are_the_fewest_that_explain_the_share():
    matrix, vectors = covariance([8.0, 1.0, 0.6, 0.4])
    assert [leading(matrix, share).rank for share in (0.5, 0.79, 0.81, 0.89, 0.91, 0.97, 1)] == [1, 1, 2, 2, 3, 4, 4]
    first = leading(matrix, 0.5)
    assert abs(first.directions[:, 0] @ vectors[:, 0]) == pytest.approx(1, rel=1e-12)
    assert first.eigenvalues[0] == pytest.approx(8, rel=1e-12)
    assert first.ridge == 0


def test_a_share_that_is_reached_exactly_is_enough():
    assert leading(np.diag([2.0, 1.0, 1.0]), 0.75).rank == 2


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.zeros((2, 3)), "square"),
        (np.zeros((0, 0)), "square"),
        (np.zeros(4), "square"),
        (np.array([[1, np.nan], [np.nan, 1]]), "NaN"),
        (np.array([[1.0, 0.5], [0.2, 1.0]]), "not symmetric"),
        (np.diag([1.0, -0.5]), "this is not a covariance"),
        (-np.eye(2), "this is not a covariance"),
    ],
)
def test_what_is_no_covariance_is_refused(matrix, words):
    with pytest.raises(ComparisonError, match=words):
        whitening(matrix)
    with pytest.raises(ComparisonError, match=words):
        leading(matrix, 0.9)


def test_parameters_out_of_range_are_refused():
    for ridge in (-1e-9, np.nan, np.inf):
        with pytest.raises(ComparisonError, match="ridge"):
            whitening(np.eye(2), ridge=ridge)
    for share in (0, -1, 1.01, np.nan):
        with pytest.raises(ComparisonError, match="share"):
            leading(np.eye(2), share)
