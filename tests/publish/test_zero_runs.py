"""Bytes with many zeros are short and come back as they were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.publish.zero_runs import long_zeros, short_zeros

values = st.lists(st.one_of(st.just([0] * 300), st.lists(st.integers(-127, 127), max_size=5)), max_size=6)


@given(values)
def test_what_is_shortened_comes_back(parts):
    flat = np.array([value for part in parts for value in part], np.int8)
    assert np.array_equal(long_zeros(short_zeros(flat)), flat)


@pytest.mark.parametrize(
    ("flat", "content"),
    [([], b""), ([0], b"\0\1"), ([5, 0, 0, -1], b"\5\0\2\xff"), ([0] * 255, b"\0\xff"), ([0] * 256, b"\0\xff\0\1")],
)
def test_a_zero_is_followed_by_how_many(flat, content):
    assert short_zeros(np.array(flat, np.int8)) == content


def test_the_order_is_that_of_the_last_axis():
    maps = np.array([[0, 1], [0, 0]], np.int8)
    assert short_zeros(maps) == b"\0\1\1\0\2" and short_zeros(maps.T) == b"\0\2\1\0\1"
