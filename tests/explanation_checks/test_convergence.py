"""Cosine similarity convergence where its value is known."""

import numpy as np
import pytest

from netlens.explanation_checks.choices import CheckError
from netlens.explanation_checks.convergence import CosineCounts, absolute_cosines, draws, random_baseline


def test_a_rank_one_step_makes_all_draws_parallel():
    rng = np.random.default_rng(0)
    relevance = draws((4, 4, 6), 5, rng) @ np.outer(rng.normal(size=6), rng.normal(size=8))
    cosines, left_out = absolute_cosines(relevance)
    assert cosines.shape == (10, 16)
    assert left_out == 0
    # Measured: 1 - 4e-7, with draws in single precision.
    assert cosines.min() > 1 - 2e-6


def test_an_orthogonal_step_leaves_the_random_baseline():
    rng = np.random.default_rng(0)
    counts = CosineCounts()
    for _ in range(20):
        turn = np.linalg.qr(rng.normal(size=(16, 16)))[0]
        counts.add(draws((10, 10, 16), 5, rng) @ turn)
    # 20000 cosines: the standard error of their median is 0.001.
    assert counts.percentiles[3] == pytest.approx(random_baseline(16), abs=0.004)


@pytest.mark.parametrize("channels", [1, 2, 3, 64])
def test_the_baseline_is_that_of_gaussian_vectors(channels):
    one, two = np.random.default_rng(0).normal(size=(2, 40000, channels))
    cosines = np.abs((one * two).sum(1)) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
    assert random_baseline(channels) == pytest.approx(np.median(cosines), abs=0.006)


def test_counts_have_the_percentiles_of_the_values():
    rng = np.random.default_rng(1)
    relevance = [draws((30, 30, 5), 5, rng) + 2 for _ in range(3)]
    counts = CosineCounts()
    for each in relevance:
        counts.add(each)
    values = np.concatenate([absolute_cosines(each)[0].ravel() for each in relevance])
    expected = np.percentile(values, [1, 5, 20, 50, 80, 95, 99])
    # Measured: 1.6e-3, at the first percentile, which lies between two values.
    np.testing.assert_allclose(counts.percentiles, expected, atol=2.5e-3)
    assert len(counts.medians) == 3


def test_positions_without_relevance_are_left_out_and_counted():
    relevance = np.ones((3, 2, 2, 4))
    relevance[:, 0, 0] = 0
    relevance[1, 1, 1] = 0
    counts = CosineCounts()
    counts.add(relevance)
    assert counts.left_out == 0.5
    dead = CosineCounts()
    dead.add(np.zeros((3, 2, 2, 4)))
    assert np.isnan(dead.percentiles).all()


def test_very_large_relevance_is_compared_and_infinite_refused():
    relevance = np.full((2, 3), 1e300)
    assert absolute_cosines(relevance)[0].min() > 1 - 1e-12
    with pytest.raises(CheckError, match="not finite"):
        absolute_cosines(np.full((2, 3), np.inf))
    with pytest.raises(CheckError, match="two or more"):
        absolute_cosines(np.ones((1, 3)))
