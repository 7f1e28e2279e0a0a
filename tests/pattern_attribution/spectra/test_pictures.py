"""Pictures of decompositions show leading directions, and how strongly directions meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.pattern_attribution.spectra.matrices import SpectraError
from netlens.pattern_attribution.spectra.pictures import (
    DIRECTIONS,
    TILES,
    leading_directions,
    tile_starts,
    tiled,
)


def test_of_many_units_and_directions_some_are_shown_each_with_all_of_its_entries():
    U, Vh = np.random.default_rng(0).normal(size=(2, 40, 40))
    inputs, outputs = leading_directions(U, Vh, 10)
    chosen = [0, 4, 9, 13, 17, 22, 26, 30, 35, 39]
    np.testing.assert_array_equal(inputs, U[chosen, :DIRECTIONS])
    np.testing.assert_array_equal(outputs, Vh[:DIRECTIONS, chosen])
    small = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(leading_directions(small, small.T, 10)[0], small)


@given(st.integers(1, 3000))
def test_tiles_are_few_cover_all_directions_and_grow(count):
    starts = tile_starts(count)
    sizes = np.diff(starts, append=count)
    assert starts[0] == 0
    assert len(starts) <= TILES
    assert sizes.min() >= 1
    assert sizes.sum() == count
    assert sizes[0] == 1
    # Up to the rounding of their bounds.
    assert (np.diff(sizes) >= -1).all()


def test_a_tile_has_the_root_mean_square_of_its_entries():
    matrix = np.random.default_rng(1).normal(size=(30, 50))
    values, rows, columns = tiled(matrix)
    blocks = [
        [np.sqrt(np.mean(block**2)) for block in np.split(band, columns[1:], axis=1)]
        for band in np.split(matrix, rows[1:], axis=0)
    ]
    np.testing.assert_allclose(values, blocks, rtol=1e-13)
    np.testing.assert_allclose(tiled(-matrix)[0], values, rtol=1e-15)


def test_bad_input_is_named():
    with pytest.raises(SpectraError, match="0 units"):
        leading_directions(np.eye(2), np.eye(2), 0)
    with pytest.raises(SpectraError, match="2 directions among the inputs, but 3"):
        leading_directions(np.eye(2), np.eye(3), 4)
    with pytest.raises(SpectraError, match="at least 1"):
        tile_starts(0)
    with pytest.raises(SpectraError, match="not a matrix"):
        tiled(np.zeros(3))
