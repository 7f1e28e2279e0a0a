"""The numbers of the example, against what its functions give."""

import numpy as np
import pytest

from netlens.signal_distractor import two_dimensions as sd
from netlens.signal_distractor.summary import quantity

T = 1.25 * np.pi


def number(name, t=T):
    return quantity(name, 500, 1337, t, 50)


def test_angles_are_unsigned():
    curves = sd.angle_curves([T], sd.draw_noise(500, 1337))
    assert curves.weight_fitted[0] < 0
    assert number("weight_angle") == (pytest.approx(-curves.weight_fitted[0], abs=1e-12), None)
    assert number("pattern_angle")[0] == pytest.approx(abs(curves.pattern_fitted[0]), abs=1e-12)
    assert number("distractor_angle") == (pytest.approx(135, abs=1e-12), None)
    assert number("samples") == (500, None)


def test_spread_is_that_of_draws_with_the_seeds_after_the_first():
    draws = sd.pattern_angle_draws([T], 500, range(1338, 1388))
    spread, none = number("pattern_spread")
    assert spread == np.std(draws, ddof=1)
    assert none is None
    assert number("pattern_angle")[1] == spread


def test_without_weight_there_are_the_numbers_that_need_none():
    with pytest.raises(sd.UndefinedWeightError):
        number("weight_angle", 0.0)
    assert number("distractor_angle", 0.0) == (0, None)
    assert number("pattern_spread", 0.0)[0] == 0


def test_unknown_quantity_is_refused_with_the_known_ones():
    with pytest.raises(sd.SignalDistractorError, match="'angle': it must be one of pattern_angle, pattern_spread"):
        number("angle")
