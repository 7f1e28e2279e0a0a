"""Even samples have even steps, and none of them is taken twice."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from netlens.statistics.even_samples import part_starts, spread_evenly


@given(st.integers(0, 60), st.integers(2, 15))
def test_a_sample_is_even_and_has_both_ends(count, most):
    chosen = spread_evenly(count, most)
    assert len(chosen) == min(count, most)
    assert _steps_vary_by(chosen) <= 1
    assert not count or (chosen[0], chosen[-1]) == (0, count - 1)


@given(st.integers(0, 60), st.integers(0, 15))
def test_parts_have_about_the_same_size(count, most):
    starts = part_starts(count, most)
    assert len(starts) == min(count, most)
    assert not starts or (starts[0] == 0 and _steps_vary_by([*starts, count]) <= 1)


def test_a_sample_of_one_is_the_first():
    assert spread_evenly(10, 1) == part_starts(10, 1) == [0]


def _steps_vary_by(places):
    steps = [after - before for before, after in pairwise(places)]
    assert all(step > 0 for step in steps)
    return max(steps, default=1) - min(steps, default=1)
