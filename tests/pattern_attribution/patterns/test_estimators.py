"""Patterns from sums, against the formulas sample by sample and against data whose pattern is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.pattern_attribution.patterns.diagnostics import unit_gain
from netlens.pattern_attribution.patterns.estimators import estimate
from netlens.pattern_attribution.patterns.statistics import (
    ESTIMATORS,
    LayerSums,
    PatternSums,
    PatternSumsError,
    matrices_for,
)


def sums_of(X, W, bias=0.0, kernel_shape=None, estimators=ESTIMATORS):
    Y = X @ W
    m = Y + bias > 0
    made = {"x_active": X.T @ m, "xy_active": X.T @ (Y * m), "xy_inactive": X.T @ (Y * ~m), "xy": X.T @ Y}
    kept = {name: made[name] for name in matrices_for(estimators)}
    layer = LayerSums(kernel_shape or W.shape, len(X), X.sum(axis=0), Y.sum(axis=0), m.sum(axis=0), **kept)
    return PatternSums({"layer": layer}, len(X), len(X), 1, (1,), 8, "float64", "abc")


def pattern(sums, W, estimator):
    return estimate(sums, {"layer": W}, estimator)["layer"]


@pytest.mark.slow
@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 60), k=st.integers(1, 12), bias=st.floats(-1, 1))
def test_patterns_are_the_formulas(brute_force, seed, n, k, bias):
    rng = np.random.default_rng(seed)
    X, W = rng.normal(0.5, 1, (n, k)), rng.normal(size=(k, 4))
    sums = sums_of(X, W, bias)
    layer = brute_force.Layer(x=X, kernel=W, active=X @ W + bias > 0)
    for estimator in ESTIMATORS:
        found, expected = pattern(sums, W, estimator), brute_force.pattern(layer, estimator)
        gain = unit_gain(W, found)
        live = gain != 0
        np.testing.assert_allclose(gain[live], 1, rtol=1e-9)
        # Where w' cov cancels, so do the digits of the pattern.
        tolerance = 1e-9 * np.abs(expected[:, live]).max(initial=1) ** 2
        np.testing.assert_allclose(found[:, live], expected[:, live], atol=tolerance)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_linear_sums_alone_and_the_alias(estimator):
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(40, 6)), rng.normal(size=(6, 3))
    alone = pattern(sums_of(X, W, estimators=[estimator]), W, estimator)
    np.testing.assert_allclose(alone, pattern(sums_of(X, W), W, estimator), rtol=1e-10)
    np.testing.assert_array_equal(pattern(sums_of(X, W), W, "relu.positive"), pattern(sums_of(X, W), W, "relu"))


def test_each_side_of_the_relu_has_its_own_pattern():
    """x = a+ s + d where s > 0 and a- s + d elsewhere: the two-component estimator finds both, the linear neither."""
    rng = np.random.default_rng(1)
    n, k = 4000, 6
    s = rng.normal(size=n)
    d = rng.normal(size=(n, k - 2))
    for side in (s > 0, s <= 0):
        design = np.stack([s[side], np.ones(side.sum())], axis=1)
        d[side] -= design @ np.linalg.lstsq(design, d[side], rcond=None)[0]
    mixing = rng.normal(size=(k - 2, k))
    w, other = np.linalg.svd(mixing)[2][-2:]
    both = w[None] / (w @ w) + np.array([[1.0], [-2.0]]) * other  # w'a = 1 on either side
    x = np.where(s[:, None] > 0, np.outer(s, both[0]), np.outer(s, both[1])) + d @ mixing
    sums = sums_of(x, w[:, None])
    np.testing.assert_allclose(pattern(sums, w[:, None], "relu").ravel(), both[0], atol=1e-10)
    np.testing.assert_allclose(pattern(sums, w[:, None], "relu.negative").ravel(), both[1], atol=1e-10)
    assert np.abs(pattern(sums, w[:, None], "linear").ravel() - both[0]).max() > 0.1


def test_the_mean_of_the_outputs_is_over_all_samples():
    """With the mean over active samples instead the result is another one: the formula's point (see the module)."""
    rng = np.random.default_rng(0)
    X, W = rng.normal(0.5, 1, (200, 3)), rng.normal(size=(3, 1))
    Y = X @ W
    m = Y[:, 0] > 0
    conditional = (X[m] * Y[m]).mean(axis=0) - X[m].mean(axis=0) * Y[m].mean()
    unconditional = (X[m] * Y[m]).mean(axis=0) - X[m].mean(axis=0) * Y.mean()
    found = pattern(sums_of(X, W), W, "relu")[:, 0]
    np.testing.assert_allclose(found, unconditional / (W[:, 0] @ unconditional), rtol=1e-10)
    assert np.abs(found - conditional / (W[:, 0] @ conditional)).max() > 1e-2


def test_dead_and_constant_units_have_pattern_zero():
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(50, 4)), rng.normal(size=(4, 3))
    X[:, 3] = 0.7
    W[:, 0] = (0, 0, 0, 1)  # always 0.7
    sums = sums_of(X, W, bias=np.array([0.0, -100.0, 100.0]))
    linear, relu, negative = (pattern(sums, W, name) for name in ESTIMATORS)
    assert not linear[:, 0].any()
    assert not relu[:, 0].any()
    assert not relu[:, 1].any()
    assert not negative[:, 2].any()
    np.testing.assert_allclose(unit_gain(W, linear)[1:], 1)
    np.testing.assert_allclose([unit_gain(W, relu)[2], unit_gain(W, negative)[1]], 1)


def test_patterns_are_shaped_as_kernels_of_many_units():
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(80, 12)), rng.normal(size=(12, 600))
    kernel = W.reshape(2, 3, 2, 600)
    found = pattern(sums_of(X, W, kernel_shape=kernel.shape), kernel, "linear")
    assert found.shape == kernel.shape
    assert found.dtype == np.float64
    covariance = np.cov(X, rowvar=False, bias=True) @ W
    np.testing.assert_allclose(found.reshape(W.shape), covariance / np.sum(W * covariance, axis=0), rtol=1e-7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.update(estimator="two_component"), "is a pair, relu and relu.negative"),
        (lambda a: a.update(estimator="other"), "unknown pattern estimator 'other'"),
        (lambda a: a.update(sums=replace(a["sums"], shard_count=3)), "the pattern sums lack 2, 3 of 3 shards"),
        (lambda a: a.update(kernels={}), "'layer' has sums but no kernel"),
        (lambda a: a.update(kernels={"layer": np.ones((3, 2))}), r"kernel of shape \(4, 2\), not \(3, 2\)"),
        (lambda a: a.update(kernels={"layer": np.ones((4, 2))}), "computed with another kernel"),
        (lambda a: a.update(estimator="relu.negative"), "the sums lack xy_inactive"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(20, 4)), rng.normal(size=(4, 2))
    arguments = {"sums": sums_of(X, W, estimators=["relu"]), "kernels": {"layer": W}, "estimator": "relu"}
    change(arguments)
    with pytest.raises(PatternSumsError, match=message):
        estimate(**arguments)
