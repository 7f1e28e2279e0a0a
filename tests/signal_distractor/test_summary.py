"""The numbers of the example, against what its functions give."""

from functools import partial

import numpy as np
import pytest

from netlens.signal_distractor import two_dimensions as sd
from netlens.signal_distractor.summary import Number, quantity, unsigned_interval
from netlens.statistics.intervals import Bootstrap

T = 1.25 * np.pi


def number(name, t=T):
    return quantity(name, 500, 1337, t, 50)


def test_angles_are_unsigned():
    curves = sd.angle_curves([T], sd.draw_noise(500, 1337))
    assert curves.weight_fitted[0] < 0
    assert number("weight_angle") == Number(pytest.approx(-curves.weight_fitted[0], abs=1e-12))
    assert number("pattern_angle").value == pytest.approx(abs(curves.pattern_fitted[0]), abs=1e-12)
    assert number("distractor_angle") == Number(pytest.approx(135, abs=1e-12))
    assert number("samples") == Number(500)


def test_spread_is_that_of_draws_with_the_seeds_after_the_first():
    draws = sd.pattern_angle_draws([T], 500, range(1338, 1388))
    spread = number("pattern_spread")
    assert spread.value == np.std(draws, ddof=1)
    assert spread.interval.low < spread.value < spread.interval.high
    assert number("pattern_angle").uncertainty == spread.value


@pytest.mark.slow
def test_intervals_of_the_angle_and_its_spread_cover_the_truth_at_their_level():
    """The true angle of the pattern is 0."""
    angles = sd.pattern_angle_draws([T], 500, range(2000)).ravel()
    spread = float(np.std(angles, ddof=1))
    # 2000 draws at 95 % have a standard error of 0.5 %; three of them.
    assert np.mean([unsigned_interval(angle, spread, 500).low == 0 for angle in angles]) == pytest.approx(
        0.95, abs=0.015
    )
    found = [Bootstrap(seed=0)(part, partial(np.std, ddof=1)) for part in angles.reshape(40, 50)]
    # 40 intervals have one of 3.4 %, and percentiles of a spread are known to be a little narrow.
    assert np.mean([each.low <= spread <= each.high for each in found]) > 0.84


def test_without_weight_there_are_the_numbers_that_need_none():
    with pytest.raises(sd.UndefinedWeightError):
        number("weight_angle", 0.0)
    assert number("distractor_angle", 0.0) == Number(0)
    assert number("pattern_spread", 0.0).value == 0


def test_unknown_quantity_is_refused_with_the_known_ones():
    with pytest.raises(sd.SignalDistractorError, match="'angle': it must be one of pattern_angle, pattern_spread"):
        number("angle")
