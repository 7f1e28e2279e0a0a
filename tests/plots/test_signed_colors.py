"""Diverging colors: five named ones, straight lines between them, clipped, symmetric about zero."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from netlens.plots import style
from netlens.plots.signed_colors import KNOTS, signed_colors


def rgb(name):
    return np.array([int(name[i : i + 2], 16) for i in (0, 2, 4)]) / 255


def one_by_one(values, limit):
    """Color one value after the other, by the definition."""
    result = np.empty((*np.shape(values), 3))
    for at in np.ndindex(*np.shape(values)):
        t = max(-1.0, min(1.0, values[at] / limit))
        half, end = ("f4a582", "ca0020") if t >= 0 else ("92c5de", "0571b0")
        t = abs(t)
        low, high, part = ("f7f7f7", half, 2 * t) if t <= 0.5 else (half, end, 2 * t - 1)
        result[at] = (1 - part) * rgb(low) + part * rgb(high)
    return result


@pytest.mark.parametrize(
    ("value", "color"), [(-1, "0571b0"), (-0.5, "92c5de"), (0, "f7f7f7"), (0.5, "f4a582"), (1, "ca0020")]
)
def test_the_five_named_colors(value, color):
    np.testing.assert_allclose(signed_colors(value, limit=1), rgb(color), atol=1e-15)
    assert color in KNOTS


@pytest.mark.slow
@given(
    arrays.arrays(np.float64, arrays.array_shapes(max_dims=3, max_side=4), elements=st.floats(-1e6, 1e6)),
    st.floats(1e-3, 1e6),
)
def test_is_what_the_definition_gives_value_by_value(values, limit):
    found = signed_colors(values, limit=limit)
    assert found.shape == (*values.shape, 3)
    np.testing.assert_allclose(found, one_by_one(values, limit), atol=1e-12)


def test_the_default_limit_is_the_largest_magnitude_whatever_its_sign():
    values = np.array([-4.0, 2.0, 0.0])
    np.testing.assert_allclose(signed_colors(values), [rgb("0571b0"), rgb("f4a582"), rgb("f7f7f7")], atol=1e-15)
    np.testing.assert_array_equal(signed_colors(-values)[0], rgb("ca0020"))


def test_zeros_are_grey_and_nothing_is_nothing():
    np.testing.assert_array_equal(signed_colors(np.zeros((2, 2))), np.broadcast_to(rgb("f7f7f7"), (2, 2, 3)))
    assert signed_colors(np.zeros((0, 5))).shape == (0, 5, 3)


def test_the_input_is_left_alone_and_may_be_single_precision_or_whole_numbers():
    values = np.array([[-3, 1]], dtype=np.float32)
    values.flags.writeable = False
    np.testing.assert_array_equal(signed_colors(values), signed_colors(np.array([[-3, 1]])))


def test_agrees_with_the_color_map_of_the_figures():
    t = np.linspace(-1, 1, 81)
    # The color map has 511 levels of steps up to 0.008.
    assert np.abs(signed_colors(t, limit=1) - style.diverging()((t + 1) / 2)[:, :3]).max() < 0.005


@pytest.mark.parametrize("limit", [0.0, -1.0, np.nan, np.inf])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(ValueError, match="limit must be a positive number"):
        signed_colors([1.0], limit=limit)


def test_what_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="2 of 3 values have no color"):
        signed_colors([np.nan, 0.0, np.inf])
