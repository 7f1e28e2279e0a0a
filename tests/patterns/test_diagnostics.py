"""Quality of signal estimators against least squares unit by unit, and against data whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.patterns.diagnostics import (
    SIGNAL_ESTIMATORS,
    DiagnosticsError,
    dead_units,
    signal_quality,
    unit_gain,
)


def directly(x, image, w, parts, seed):
    """rho of one unit from eq. 4 as it stands: build d = x - S(x), regress y on it, correlate on the other half."""
    images = np.random.default_rng(seed).permutation(np.unique(image))
    fit = np.isin(image, images[: len(images) // 2])
    y = x @ w
    gate = [np.ones(len(y)), np.zeros(len(y))] if len(parts) == 1 else [y > 0, y <= 0]
    signal = sum(np.outer(y * g, a / (w @ a)) for g, a in zip(gate, parts, strict=False))
    d = x - signal
    v = np.linalg.lstsq(d[fit] - d[fit].mean(axis=0), y[fit] - y[fit].mean(), rcond=1e-7)[0]
    left = d[~fit] @ v
    return 1 - np.corrcoef(y[~fit], left)[0, 1] if left.std() > 0 else 1.0


def samples(rng, n, k, units, *, rank=None):
    mixing = rng.normal(size=(rank or k, k))
    x = rng.normal(size=(n, rank or k)) @ mixing + rng.normal(size=k)
    x += 0.3 * np.maximum(x, 0) ** 2 if rank is None else 0
    return x, np.repeat(np.arange(-(-n // 5)), 5)[:n], rng.normal(size=(k, units))


def patterns_like(rng, x, w):
    """Patterns as they are in practice: covariances and something else, with w'a = 1."""
    covariance = np.cov(x, x @ w, rowvar=False)[: x.shape[1], x.shape[1] :]
    made = {}
    for name in ("linear", "relu", "relu.negative"):
        a = covariance + 0.3 * np.abs(covariance).mean() * (x.T @ rng.normal(size=(len(x), w.shape[1]))) / len(x) ** 0.5
        made[name] = a / np.sum(w * a, axis=0)
    return made


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(2, 12),
    n=st.integers(80, 200),
    rank=st.one_of(st.none(), st.integers(2, 12)),
)
def test_rho_is_that_of_least_squares_unit_by_unit(seed, k, n, rank):
    rng = np.random.default_rng(seed)
    rank = None if rank is None or rank >= k else rank
    x, image, w = samples(rng, n, k, 3, rank=rank)
    patterns = patterns_like(rng, x, w)
    found = signal_quality(x, image, w, patterns, seed=seed)
    assert list(found) == list(SIGNAL_ESTIMATORS)
    for unit in range(3):
        column = {name: a[:, unit] for name, a in patterns.items()}
        expected = {
            "w": directly(x, image, w[:, unit], [w[:, unit]], seed),
            "linear": directly(x, image, w[:, unit], [column["linear"]], seed),
            "two_component": directly(x, image, w[:, unit], [column["relu"], column["relu.negative"]], seed),
        }
        for name, rho in expected.items():
            assert found[name][unit] == pytest.approx(rho, abs=1e-6), name


def haufe(n=4000, k=6, seed=3):
    """x = a s + distractor, the distractor independent of s; w reads s without error."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=k)
    noise = rng.normal(size=(n, k - 1)) @ rng.normal(size=(k - 1, k))
    s = rng.normal(size=n)
    w = np.linalg.svd(noise)[2][-1]  # orthogonal to every distractor
    a /= w @ a
    return np.outer(s, a) + noise, np.arange(n), w[:, None], a[:, None]


def test_the_true_pattern_leaves_nothing_behind_and_the_weight_everything():
    x, image, w, a = haufe()
    rho = signal_quality(x, image, w, dict.fromkeys(("linear", "relu", "relu.negative"), a), seed=0)
    assert abs(1 - rho["linear"][0]) < 0.05  # a correlation of 2000 independent samples is 0 to 0.022
    assert abs(1 - rho["two_component"][0]) < 0.05
    assert rho["w"][0] < 0.2
    assert rho["random"][0] < 0.6


def test_a_distractor_that_says_nothing_has_rho_one():
    """Where cov(d, y) is 0 but for rounding, the regression must not make something of the rounding."""
    rng = np.random.default_rng(0)
    x, image, w = samples(rng, 100, 4, 1)
    images = np.random.default_rng(0).permutation(np.unique(image))
    fit = np.isin(image, images[: len(images) // 2])
    a = np.cov(x[fit], x[fit] @ w, rowvar=False)[:4, 4:]
    rho = signal_quality(x, image, w, dict.fromkeys(("linear", "relu", "relu.negative"), a / (w.T @ a)), seed=0)
    assert rho["linear"][0] == 1


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(1e-3, 1e3))
def test_rho_does_not_depend_on_the_scale_of_weights_patterns_or_inputs(seed, scale):
    rng = np.random.default_rng(seed)
    x, image, w = samples(rng, 120, 6, 2)
    patterns = patterns_like(rng, x, w)
    before = signal_quality(x, image, w, patterns, seed=1)
    scaled = {name: a * scale for name, a in patterns.items()}
    after = signal_quality(x * scale, image, w / scale, scaled, seed=1)
    for name in SIGNAL_ESTIMATORS:
        np.testing.assert_allclose(after[name], before[name], atol=1e-7)


def test_rho_is_the_same_again_and_kernel_shapes_are_flattened():
    rng = np.random.default_rng(0)
    x, image, w = samples(rng, 150, 12, 2)
    patterns = patterns_like(rng, x, w)
    flat = signal_quality(x, image, w, patterns, seed=5)
    shaped = {name: a.reshape(2, 2, 3, 2) for name, a in patterns.items()}
    again = signal_quality(x.astype(np.float32), image, w.reshape(2, 2, 3, 2), shaped, seed=5)
    for name in SIGNAL_ESTIMATORS:
        np.testing.assert_allclose(again[name], flat[name], atol=1e-5)


def test_dead_and_constant_units_have_no_rho():
    rng = np.random.default_rng(0)
    x, image, w = samples(rng, 150, 5, 3)
    patterns = patterns_like(rng, x, w)
    patterns["relu"][:, 0] = 0
    w[:, 1] = 0
    rho = signal_quality(x, image, w, patterns, seed=0)
    assert np.isnan(rho["two_component"][0])
    assert np.isfinite(rho["linear"][0])
    assert all(np.isnan(values[1]) for values in rho.values())
    assert all(np.isfinite(values[2]) for values in rho.values())


def test_more_inputs_than_samples():
    rng = np.random.default_rng(0)
    x, image, _ = samples(rng, 60, 80, 2)
    # Weights and patterns within what the fitted half spans: else many v fit equally well.
    images = np.random.default_rng(2).permutation(np.unique(image))
    fit = np.isin(image, images[: len(images) // 2])
    centred = x[fit] - x[fit].mean(axis=0)
    w = centred.T @ rng.normal(size=(len(centred), 2))
    a = np.cov(x[fit], x[fit] @ w, rowvar=False)[:80, 80:]
    a += 0.3 * np.abs(a).mean() * centred.T @ rng.normal(size=(len(centred), 2))
    a /= np.sum(w * a, axis=0)
    found = signal_quality(x, image, w, dict.fromkeys(("linear", "relu", "relu.negative"), a), seed=2)
    for unit in range(2):
        expected = directly(x, image, w[:, unit], [a[:, unit]], 2)
        assert found["linear"][unit] == pytest.approx(expected, abs=1e-6)


def test_gain_and_dead_units():
    kernel = np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3)
    pattern = np.zeros_like(kernel)
    pattern[..., 1] = 1
    pattern[0, 0, 0, 2] = 0.5
    np.testing.assert_array_equal(unit_gain(kernel, pattern), [0, kernel[..., 1].sum(), 1])
    np.testing.assert_array_equal(dead_units(pattern), [True, False, False])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.update(x=a["x"][:, :3]), "do not fit a kernel with 5 inputs"),
        (lambda a: a["patterns"].pop("relu"), "'relu' is missing"),
        (lambda a: a["patterns"].update(linear=np.ones((4, 2))), "'linear' is missing or not shaped"),
        (lambda a: a.update(image=np.zeros(20, int)), "take at least two images"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    rng = np.random.default_rng(0)
    x, image, w = samples(rng, 20, 5, 2)
    arguments = {"x": x, "image": image, "kernel": w, "patterns": patterns_like(rng, x, w)}
    change(arguments)
    with pytest.raises(DiagnosticsError, match=message):
        signal_quality(**arguments, seed=0)
