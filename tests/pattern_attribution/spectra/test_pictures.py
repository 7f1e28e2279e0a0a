"""Pictures of decompositions show leading directions in the order of the first, and how strongly directions meet."""

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


def test_units_are_in_the_order_of_the_first_direction():
    U = np.array([[0.1, 1.0], [0.9, 2.0], [-0.4, 3.0]])
    Vh = np.array([[0.2, -0.5, 0.7, 0.3], [1.0, 2.0, 3.0, 4.0]])
    inputs, outputs = leading_directions(U, Vh, 9)
    np.testing.assert_array_equal(inputs, [[0.9, 2.0], [0.1, 1.0], [-0.4, 3.0]])
    np.testing.assert_array_equal(outputs, [[0.7, 0.3, 0.2, -0.5], [3.0, 4.0, 1.0, 2.0]])


def test_of_many_units_and_directions_some_are_shown_with_the_extremes():
    U, Vh = np.random.default_rng(0).normal(size=(2, 40, 40))
    inputs, outputs = leading_directions(U, Vh, 10)
    assert (inputs.shape, outputs.shape) == ((10, DIRECTIONS), (DIRECTIONS, 10))
    assert [inputs[0, 0], inputs[-1, 0]] == [U[:, 0].max(), U[:, 0].min()]
    assert [outputs[0, 0], outputs[0, -1]] == [Vh[0].max(), Vh[0].min()]
    # A unit keeps its entries in all directions.
    row = np.flatnonzero(U[:, 0] == inputs[3, 0])[0]
    np.testing.assert_array_equal(inputs[3], U[row, :DIRECTIONS])


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
