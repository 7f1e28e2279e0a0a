"""Maps in one byte an entry."""

import numpy as np
import pytest

from netlens.spatial_attribution.choices import AttributionError
from netlens.spatial_attribution.packing import packed, unpacked


def test_what_comes_back_differs_by_at_most_half_a_step_of_each_map():
    maps = np.random.default_rng(1).standard_normal((4, 5, 6, 7)) * np.logspace(-6, 6, 20).reshape(4, 5, 1, 1)
    values, scales = packed(maps)
    assert values.dtype == np.int8
    largest = np.abs(maps).max(axis=(-2, -1))
    np.testing.assert_allclose(scales, largest, rtol=1e-6)
    error = np.abs(unpacked(values, scales) - maps).max(axis=(-2, -1))
    assert (error <= largest * (0.5 / 127 + 1e-6)).all()


def test_signs_and_extremes_are_kept():
    values, scales = packed([[[3.0, -3.0, 0.0]], [[0.0, 0.0, 0.0]]])
    np.testing.assert_array_equal(values, [[[127, -127, 0]], [[0, 0, 0]]])
    np.testing.assert_array_equal(scales, [3, 0])
    np.testing.assert_array_equal(unpacked(values, scales)[1], 0)


def test_what_is_not_finite_is_refused():
    with pytest.raises(AttributionError, match="NaN or infinite"):
        packed([[np.nan]])
