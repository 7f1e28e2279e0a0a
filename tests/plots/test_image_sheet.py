import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netlens.plots.image_sheet import first_of_each, mosaic, outlines


def test_first_of_each():
    labels = np.array([2, 0, 0, 2, 1, 0])
    np.testing.assert_array_equal(first_of_each(labels, [0, 2, 1], 2), [[1, 2], [0, 3], [4, -1]])


def test_mosaic():
    images = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 3), np.uint8)
    sheet = mosaic(images.reshape(2, 3, 2, 3, 3), 1)
    assert sheet.shape == (5, 11, 3)
    assert (sheet[2] == 255).all() and (sheet[:, [3, 7]] == 255).all()
    np.testing.assert_array_equal(sheet[[0, 0, 0, 3, 3, 3], [0, 4, 8, 0, 4, 8], 0], range(6))


def test_outline_of_quarters_is_a_cross_of_two_lines():
    mask = np.kron(np.array([[1, 2], [3, 4]]), np.ones((4, 4), int))
    edges = outlines(mask)
    np.testing.assert_array_equal(edges, [[[-0.5, 3.5], [7.5, 3.5]], [[3.5, -0.5], [3.5, 7.5]]])
    assert outlines(np.ones((3, 3), int)).shape == (0, 2, 2)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 2)))
def test_total_length_counts_the_differing_neighbours(mask):
    edges = outlines(mask)
    length = np.abs(edges[:, 1] - edges[:, 0]).sum()
    assert length == (mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum()
