"""The two-dimensional example: its data, what the weight and the pattern do, and where the weight is undefined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.signal_distractor import two_dimensions as sd

SAMPLES = 500
NOISE = sd.draw_noise(SAMPLES, 1337)

#: Angles at which the weight is well determined: not within half a degree of the signal's line.
turned = st.floats(0, 2 * np.pi).filter(lambda t: abs(np.sin(t)) > 0.01)


def test_published_draw():
    distractor = sd.make_sample(NOISE, np.pi / 2).distractor
    expected = [-0.703187310, -0.490282363, -0.321814330, -1.75507872, 0.206664470]
    np.testing.assert_allclose(distractor[:5, 1], expected, rtol=2e-9)
    # Not zero: cos(pi / 2) is 6e-17 in float64, and the published first components are of order 1e-17.
    assert (np.abs(distractor[:5, 0]) < 2e-16).all()
    assert (np.abs(distractor[:5, 0]) > 1e-18).all()


def test_sample_is_signal_plus_distractor():
    sample = sd.make_sample(NOISE, 0.7)
    np.testing.assert_array_equal(sample.signal[:, 0], np.linspace(-1, 1, SAMPLES))
    np.testing.assert_array_equal(sample.signal[:, 1], 0)
    np.testing.assert_array_equal(sample.x, sample.signal + sample.distractor)
    np.testing.assert_array_equal(sample.y, sample.signal[:, 0])
    np.testing.assert_allclose(sample.distractor @ [np.cos(0.7), np.sin(0.7)], NOISE, rtol=1e-14)


def test_same_seed_same_noise_and_other_seed_other_noise():
    np.testing.assert_array_equal(NOISE, sd.draw_noise(SAMPLES, 1337))
    assert not np.array_equal(NOISE, sd.draw_noise(SAMPLES, 1338))


@given(turned)
def test_analytic_weight_recovers_the_target_and_is_orthogonal_to_the_distractor(t):
    sample = sd.make_sample(NOISE, t)
    weight = sd.analytic_weight(t)
    # The cotangent is up to 100 here, and rounding of x is multiplied by it.
    np.testing.assert_allclose(sample.x @ weight, sample.y, atol=1e-13)
    assert abs(sd.unit(weight) @ sd.distractor_direction(t)) < 1e-15


@given(turned)
def test_fitted_weight_equals_the_analytic_one(t):
    sample = sd.make_sample(NOISE, t)
    np.testing.assert_allclose(sd.fitted_weight(sample.x, sample.y), sd.analytic_weight(t), rtol=1e-12, atol=1e-13)


@given(turned)
def test_weight_points_to_the_signals_side(t):
    # Drawn at the angle t - pi/2 it would point to the other side for t > pi.
    angle = sd.angle_to_signal(sd.analytic_weight(t))
    assert -90 < angle < 90
    expected = np.degrees(t) - 90 - (180 if t > np.pi else 0)
    assert angle == pytest.approx(expected, abs=1e-10)


@given(turned)
def test_pattern_is_normed_on_the_weight_and_near_the_signal(t):
    sample = sd.make_sample(NOISE, t)
    weight = sd.fitted_weight(sample.x, sample.y)
    pattern = sd.fitted_pattern(sample.x, sample.y, weight)
    assert weight @ pattern == pytest.approx(1, abs=1e-14)
    # cov(x, y) = var(y) (1, 0) + cov(noise, y) (cos t, sin t): the whole of the pattern's error
    chance = np.cov(NOISE, sample.y, bias=True)[0, 1] / sample.y.var()
    np.testing.assert_allclose(pattern, [1 + chance * np.cos(t), chance * np.sin(t)], atol=1e-12)
    assert sd.angle_to_signal(pattern) == pytest.approx(
        sd.angle_to_signal(sd.covariance(sample.x, sample.y)), abs=1e-12
    )


@given(turned)
def test_half_a_turn_mirrors_the_noise_and_keeps_the_weight(t):
    np.testing.assert_allclose(sd.analytic_weight(t + np.pi), sd.analytic_weight(t), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(
        sd.make_sample(NOISE, t + np.pi).distractor, sd.make_sample(-NOISE, t).distractor, atol=1e-14
    )


def test_noise_uncorrelated_with_the_target_gives_exactly_the_signal():
    target = np.linspace(-1, 1, SAMPLES)
    noise = NOISE - NOISE.mean()
    noise = noise - target * (noise @ target) / (target @ target)
    curves = sd.angle_curves(np.linspace(0, 2 * np.pi, 17), noise)
    np.testing.assert_allclose(curves.pattern_fitted, 0, atol=1e-13)


@pytest.mark.parametrize("t", [0.0, np.pi, 2 * np.pi, -np.pi, 1e-13, np.pi + 1e-13])
def test_weight_is_undefined_on_the_signals_line(t):
    assert not sd.weight_is_defined(t)
    with pytest.raises(sd.UndefinedWeightError, match="undefined at t"):
        sd.analytic_weight(t)
    sample = sd.make_sample(NOISE, t)
    with pytest.raises(sd.UndefinedWeightError, match="data lie on one line"):
        sd.fitted_weight(sample.x, sample.y)
    # The pattern's direction needs no weight.
    assert sd.angle_to_signal(sd.covariance(sample.x, sample.y)) == pytest.approx(0, abs=1e-11)


@pytest.mark.parametrize("around", [0.0, np.pi, 2 * np.pi])
@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9])
def test_weight_close_to_the_signals_line(around, distance):
    for t in (around - distance, around + distance):
        sample = sd.make_sample(NOISE, t)
        analytic, fitted = sd.analytic_weight(t), sd.fitted_weight(sample.x, sample.y)
        assert abs(sd.unit(analytic) @ sd.distractor_direction(t)) < 1e-15
        assert analytic[0] == 1
        assert abs(sd.angle_to_signal(analytic)) == pytest.approx(90 - np.degrees(distance), abs=1e-12)
        assert sd.angle_to_signal(fitted) == pytest.approx(sd.angle_to_signal(analytic), abs=1e-12)


def test_curves_mark_where_the_weight_is_undefined():
    t = np.pi * np.arange(41) / 20
    curves = sd.angle_curves(t, NOISE)
    undefined = np.isin(np.arange(41), [0, 20, 40])
    np.testing.assert_array_equal(np.isnan(curves.weight_analytic), undefined)
    np.testing.assert_array_equal(np.isnan(curves.weight_fitted), undefined)
    np.testing.assert_allclose(curves.weight_fitted, curves.weight_analytic, atol=1e-11)
    np.testing.assert_array_equal(curves.pattern_analytic, 0)
    assert np.isfinite(curves.pattern_fitted).all()
    assert np.abs(curves.pattern_fitted).max() == pytest.approx(2.55, abs=0.02)


def test_angles_at_the_configured_turn():
    sample = sd.make_sample(NOISE, np.pi / 4)
    weight = sd.fitted_weight(sample.x, sample.y)
    assert sd.angle_to_signal(weight) == pytest.approx(-45, abs=1e-11)
    assert sd.angle_to_signal(sd.fitted_pattern(sample.x, sample.y, weight)) == pytest.approx(-1.8605671386, abs=1e-9)


@pytest.mark.slow
def test_repeated_draws_scatter_as_theory_says_and_less_with_more_samples():
    few = sd.pattern_angle_draws([np.pi / 2], 500, range(400))
    many = sd.pattern_angle_draws([np.pi / 2], 2000, range(400))
    # sd of cov(noise, y) / var(y) is 1 / (sqrt(n) sd(y)), with sd(y) = 1 / sqrt(3)
    expected = np.degrees(np.arctan(np.sqrt(3 / 500)))
    assert few.shape == (400, 1)
    assert few.std() == pytest.approx(expected, rel=0.1)
    assert many.std() == pytest.approx(expected / 2, rel=0.1)
    assert abs(few.mean()) < 4 * expected / 20
    np.testing.assert_array_equal(
        sd.pattern_angle_draws([0.3, 0.7], SAMPLES, [1337])[0], sd.angle_curves([0.3, 0.7], NOISE).pattern_fitted
    )


@given(st.floats(-180, 180).filter(lambda a: abs(a) < 179.999), st.floats(1e-3, 1e3))
def test_angle_does_not_depend_on_length(angle, length):
    vector = length * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    assert sd.angle_to_signal(vector) == pytest.approx(angle, abs=1e-10)
    assert np.linalg.norm(sd.unit(vector)) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sd.draw_noise(2, 0), "at least 3 samples"),
        (lambda: sd.make_sample(np.ones((3, 2)), 0.1), "must be a vector"),
        (lambda: sd.make_sample([1.0, np.nan, 2.0], 0.1), "finite"),
        (lambda: sd.make_sample([1.0, 2.0, 3.0], np.inf), "finite"),
        (lambda: sd.fitted_weight(np.ones((3, 2)), np.ones(4)), r"x has shape \(3, 2\) and y \(4,\)"),
        (lambda: sd.covariance(np.ones(3), np.ones(3)), "x has shape"),
        (lambda: sd.fitted_pattern([[0, 0], [1, 0], [2, 0]], [0, 1, 2], [0.0, 1.0]), "pattern is undefined"),
        (lambda: sd.unit([0.0, 0.0]), "no direction"),
        (lambda: sd.angle_to_signal([1.0, 2.0, 3.0]), "2 components"),
    ],
)
def test_what_cannot_be_computed_is_refused(call, message):
    with pytest.raises(sd.SignalDistractorError, match=message):
        call()


@pytest.mark.slow
@given(turned)
def test_directions_are_unit_vectors_of_what_was_fitted(t):
    sample = sd.make_sample(NOISE, t)
    found = sd.directions(sample)
    assert list(found.by_name()) == ["signal", "distractor", "weight", "pattern"]
    for direction in found.by_name().values():
        assert np.linalg.norm(direction) == pytest.approx(1, abs=1e-15)
    weight, covariance = sd.fitted_weight(sample.x, sample.y), sd.covariance(sample.x, sample.y)
    # The same direction up to the rounding of the division by the length.
    assert sd.angle_to_signal(found.weight) == pytest.approx(sd.angle_to_signal(weight), abs=1e-13)
    assert sd.angle_to_signal(found.pattern) == pytest.approx(sd.angle_to_signal(covariance), abs=1e-13)
    np.testing.assert_array_equal(found.distractor, sd.distractor_direction(t))


def test_directions_have_no_weight_on_the_signals_line():
    found = sd.directions(sd.make_sample(NOISE, np.pi))
    assert found.weight is None
    assert sd.angle_to_signal(found.pattern) == pytest.approx(0, abs=1e-11)
