"""Debiased linear CKA: the definition by brute force, 0 in the mean for independent data, 1 for a rotated copy."""

import numpy as np
import pytest
from scipy.stats import kstest

from netlens.model_comparison.debiased_cka import debiased_cka, debiased_p_values
from netlens.model_comparison.errors import ComparisonError


def by_definition(x, y):
    def hsic(x, y):
        n = len(x)
        k, m = x @ x.T, y @ y.T
        np.fill_diagonal(k, 0)
        np.fill_diagonal(m, 0)
        ones = np.ones(n)
        middle = (ones @ k @ ones) * (ones @ m @ ones) / (n - 1) / (n - 2)
        return (np.trace(k @ m) + middle - 2 / (n - 2) * ones @ k @ m @ ones) / n / (n - 3)

    return hsic(x, y) / np.sqrt(hsic(x, x) * hsic(y, y))


def test_the_definition_on_matrices_of_images():
    rng = np.random.default_rng(0)
    first = {"a": rng.standard_normal((20, 5)), "b": rng.standard_normal((20, 30))}
    second = {"c": first["a"] @ rng.standard_normal((5, 4)) + 3, "d": rng.standard_normal((20, 2))}
    found = debiased_cka(first, second)
    expected = [[by_definition(x, y) for y in second.values()] for x in first.values()]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_independent_data_gives_zero_in_the_mean_where_the_biased_one_does_not():
    rng = np.random.default_rng(1)
    values, biased = [], []
    for _ in range(300):
        x, y = rng.standard_normal((32, 20)), rng.standard_normal((32, 40))
        values.append(debiased_cka({"x": x}, {"y": y})[0, 0])
        x, y = x - x.mean(0), y - y.mean(0)
        biased.append(np.sum((x.T @ y) ** 2) / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y))
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300)
    assert np.mean(biased) > 0.4


def test_p_values_of_independent_layers_are_uniform():
    rng = np.random.default_rng(3)
    found = []
    for seed in range(40):
        sides = [{str(place): rng.standard_normal((32, size)) for place in range(5)} for size in (20, 40)]
        # Pairs of the diagonal share no layer.
        found.append(debiased_p_values(*sides, permutations_count=99, seed=seed).diagonal())
    spread = np.ravel(found) - rng.random(200) / 100
    assert kstest(spread, "uniform").pvalue > 0.01


def test_p_values_are_those_of_the_values_after_permuting():
    rng = np.random.default_rng(4)
    first, second = {"x": rng.standard_normal((12, 5))}, {"y": rng.standard_normal((12, 3))}
    second["y"][:, 0] += first["x"][:, 0]
    order = np.random.default_rng(9)
    values = [
        debiased_cka(first, second),
        *(debiased_cka(first, {"y": second["y"][order.permutation(12)]}) for _ in range(49)),
    ]
    found = debiased_p_values(first, second, permutations_count=49, seed=9)
    np.testing.assert_allclose(found, np.mean([each >= values[0] for each in values], axis=0))


def test_a_copy_is_beyond_chance_and_a_constant_layer_is_not():
    x = np.random.default_rng(5).standard_normal((40, 6))
    found = debiased_p_values({"x": x}, {"copy": 3 * x + 1, "constant": np.ones((40, 2))})
    np.testing.assert_allclose(found, [[1 / 201, 1]])


def test_a_rotated_and_scaled_copy_is_the_same_and_a_constant_layer_is_nothing():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((50, 6))
    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    found = debiased_cka({"x": x}, {"copy": 7 * x @ rotation + 1000, "constant": np.full((50, 3), 2.5)})
    np.testing.assert_allclose(found, [[1, 0]], atol=1e-9)


def test_too_few_or_different_images_are_refused():
    with pytest.raises(ComparisonError, match="at least 4 images, not 3"):
        debiased_cka({"x": np.ones((3, 2))}, {"y": np.ones((3, 2))})
    with pytest.raises(ComparisonError, match="different images"):
        debiased_cka({"x": np.ones((5, 2))}, {"y": np.ones((6, 2))})
