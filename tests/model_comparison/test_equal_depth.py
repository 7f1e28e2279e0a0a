"""Layers of equal depth beside their null."""

import numpy as np
import pytest

from netlens.model_comparison.equal_depth import equal_depth
from netlens.model_comparison.null import SimilarityNull, similarity_null


def test_the_diagonal_stands_beside_its_null():
    values = np.array([[0.9, 0.3], [0.3, 0.5]])
    permuted = np.full((99, 2, 2), 0.1) + 0.001 * np.arange(99)[:, None, None]
    permuted[:, 1, 1] += 0.5
    null = SimilarityNull(
        "a", "b", ("1", "2"), ("1", "2"), values, np.ones((2, 2)), permuted, np.zeros((2, 2)), np.ones((2, 2))
    )
    found = equal_depth(null)
    assert (found.first.tolist(), found.second.tolist()) == ([0, 1], [0, 1])
    np.testing.assert_array_equal(found.values, [0.9, 0.5])
    assert found.by_chance.tolist() == [False, True]
    np.testing.assert_allclose(found.null_quantile, np.quantile(permuted[:, [0, 1], [0, 1]], 0.95, axis=0))
    assert found.gains[0] == pytest.approx(null.calibrated[0, 0] - null.calibrated[0, 1])


@pytest.mark.slow
def test_p_values_of_independent_layers_are_uniform():
    rng = np.random.default_rng(0)
    first, second = ({str(i): rng.standard_normal((40, 4)) for i in range(12)} for _ in range(2))
    found = similarity_null(("a", first), ("b", second), permutations_count=39, seed=1)
    p = np.sort(found.p_values.ravel())
    # Kolmogorov's distance of 144 values, which share layers; measured 0.06, and 0.11 is the 5 % point if they did not.
    assert np.abs(p - (np.arange(144) + 0.5) / 144).max() < 0.13
    assert found.by_chance.mean() == pytest.approx(0.95, abs=0.05)
