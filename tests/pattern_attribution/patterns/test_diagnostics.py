"""Quality of signal estimators against least squares unit by unit, and against data whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.pattern_attribution.patterns.diagnostics import (
    SIGNAL_ESTIMATORS,
    DiagnosticsError,
    dead_units,
    signal_quality,
    unit_gain,
)


def directly(x, image, w, parts, seed, ridge=1e-4, bias=0.0):
    """rho of one unit from eq. 4 as it stands: build d = x - S(x), regress y on it, correlate on the other half."""
    images = np.random.default_rng(seed).permutation(np.unique(image))
    fit = np.isin(image, images[: len(images) // 2])
    y = x @ w
    gate = [np.ones(len(y))] if len(parts) == 1 else [y + bias > 0, y + bias <= 0]
    signal = sum(np.outer(y * g, a / (w @ a)) for g, a in zip(gate, parts, strict=True))
    d = x - signal
    strength = np.sqrt(ridge * x[fit].var(axis=0).mean() * fit.sum())
    design = np.concatenate([d[fit] - d[fit].mean(axis=0), strength * np.eye(len(w))])
    v = np.linalg.lstsq(design, np.concatenate([y[fit] - y[fit].mean(), np.zeros(len(w))]), rcond=None)[0]
    return 1 - max(np.corrcoef(y[~fit], d[~fit] @ v)[0, 1], 0)


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


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    k=st.integers(2, 60),
    n=st.integers(30, 200),
    rank=st.one_of(st.none(), st.integers(2, 12)),
    ridge=st.sampled_from([1e-6, 1e-4, 1e-2]),
)
def test_rho_is_that_of_least_squares_unit_by_unit(seed, k, n, rank, ridge):
    """Also with fewer samples than inputs, and inputs that leave directions out."""
    rng = np.random.default_rng(seed)
    x, image, w = samples(rng, n, k, 3, rank=None if rank is None or rank >= k else rank)
    patterns = patterns_like(rng, x, w)
    bias = None if ridge == 1e-4 else rng.normal(size=3)
    found = signal_quality(x, image, w, patterns, seed=seed, ridge=ridge, bias=bias)
    assert list(found) == list(SIGNAL_ESTIMATORS)
    for unit in range(3):
        column = {name: a[:, unit] for name, a in patterns.items()}
        for name, parts in {
            "w": [w[:, unit]],
            "linear": [column["linear"]],
            "two_component": [column["relu"], column["relu.negative"]],
        }.items():
            expected = directly(x, image, w[:, unit], parts, seed, ridge, 0 if bias is None else bias[unit])
            assert found[name][unit] == pytest.approx(expected, abs=1e-6), name


def haufe(n=4000, k=6, seed=3):
    """x = a s + distractor, the distractor independent of s; w reads s without error."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=k)
    noise = rng.normal(size=(n, k - 1)) @ rng.normal(size=(k - 1, k))
    s = rng.normal(size=n)
    w = np.linalg.svd(noise)[2][-1]  # orthogonal to every distractor
    a /= w @ a
    return np.outer(s, a) + noise, np.arange(n), w[:, None], a[:, None]


@pytest.mark.slow
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


@pytest.mark.parametrize("units", [1, 4, 8])
def test_groups_are_layers_of_their_own(units):
    rng = np.random.default_rng(4)
    groups = [samples(rng, 120, 5, units) for _ in range(3)]
    image = groups[0][1]
    patterns = [patterns_like(rng, x, w) for x, _, w in groups]
    x, w = np.stack([group[0] for group in groups], axis=1), np.concatenate([group[2] for group in groups], axis=1)
    together = {name: np.concatenate([each[name] for each in patterns], axis=1) for name in patterns[0]}
    bias = rng.normal(size=3 * units)
    found = signal_quality(x, image, w, together, seed=3, bias=bias)
    for number, (seen, _, own) in enumerate(groups):
        ours = slice(units * number, units * (number + 1))
        alone = signal_quality(seen, image, own, patterns[number], seed=3, bias=bias[ours])
        for name in ("w", "linear", "two_component"):
            np.testing.assert_allclose(found[name][ours], alone[name], atol=1e-9)
    assert np.isfinite(found["random"]).all()


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), images=st.integers(2, 6))
def test_few_images_give_no_rho_above_one(seed, images):
    rng = np.random.default_rng(seed)
    x, image, w = samples(rng, 5 * images, 8, 4)
    for rho in signal_quality(x, image, w, patterns_like(rng, x, w), seed=seed).values():
        assert np.nanmax(rho, initial=0) <= 1


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


def test_a_channel_that_only_the_other_half_uses_does_not_matter():
    """Without ridge v would lean on it, where nothing in the fitted half speaks against that."""
    rng = np.random.default_rng(0)
    x, image, w = samples(rng, 600, 8, 2)
    patterns = patterns_like(rng, x, w)
    before = signal_quality(x, image, w, patterns, seed=2)
    images = np.random.default_rng(2).permutation(np.unique(image))
    fit = np.isin(image, images[: len(images) // 2])
    channel = np.where(fit, 1e-5 * rng.normal(size=len(x)), rng.normal(size=len(x)))
    wider = {name: np.concatenate([a, 1e-9 * np.ones((1, 2))]) for name, a in patterns.items()}
    after = signal_quality(
        np.concatenate([x, channel[:, None]], axis=1), image, np.concatenate([w, np.zeros((1, 2))]), wider, seed=2
    )
    np.testing.assert_allclose(after["linear"], before["linear"], atol=1e-3)


def test_dead_and_constant_units_of_groups_have_no_rho():
    rng = np.random.default_rng(0)
    x, image, w = samples(rng, 150, 5, 3)
    patterns = patterns_like(rng, x, w)
    patterns["relu"][:, 0] = 0
    w[:, 1] = 0
    rho = signal_quality(np.stack([x, x, 0 * x], axis=1), image, w, patterns, seed=0)
    assert np.isnan(rho["two_component"][0])
    assert np.isfinite(rho["linear"][0])
    assert all(np.isnan(values[1]) and np.isnan(values[2]) for values in rho.values())


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
        (lambda a: a.update(x=np.stack([a["x"]] * 3, axis=1)), r"samples \(20, 3, 5\) do not fit"),
        (lambda a: a["patterns"].pop("relu"), "'relu' is missing"),
        (lambda a: a["patterns"].update(linear=np.ones((4, 2))), "'linear' is missing or not shaped"),
        (lambda a: a.update(image=np.zeros(20, int)), "provide at least two images"),
        (lambda a: a.update(ridge=0.0), "ridge is 0.0"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    rng = np.random.default_rng(0)
    x, image, w = samples(rng, 20, 5, 2)
    arguments = {"x": x, "image": image, "kernel": w, "patterns": patterns_like(rng, x, w)}
    change(arguments)
    with pytest.raises(DiagnosticsError, match=message):
        signal_quality(**arguments, seed=0)
