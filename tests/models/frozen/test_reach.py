import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.models.backend import tf1
from netlens.models.errors import NetworkError
from netlens.models.frozen.reach import Reach, reaches

layer = st.tuples(st.integers(1, 4), st.integers(1, 3), st.sampled_from(["SAME", "VALID"]), st.sampled_from("cap"))


def positions_by_trying(session, source, target, count):
    """Find out which source rows a target row depends on, with positive weights and values, by the gradient."""
    height = int(target.shape[1])
    first, last = [], []
    for row in range(height):
        (gradient,) = tf1.gradients(target[:, row], source)
        rows = np.flatnonzero(session.run(gradient)[0].max(axis=(1, 2)) > 0)
        first.append(rows.min())
        last.append(rows.max())
    return np.array(first), np.array(last)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(layer, min_size=1, max_size=3), st.integers(6, 11))
def test_reach_of_chains_is_where_the_gradient_is(chain, height):
    with tf1.Graph().as_default(), tf1.Session() as session:
        source = tf1.constant(np.random.default_rng(0).uniform(1, 2, (1, height, 5, 1)))
        tensor = source
        for window, stride, padding, kind in chain:
            if padding == "VALID" and int(tensor.shape[1]) < window:
                return
            ksize, strides = [1, window, 1, 1], [1, stride, 1, 1]
            if kind == "c":
                tensor = tf1.nn.conv2d(tensor, np.ones((window, 1, 1, 1)), strides, padding)
            else:  # The average stands in for the maximum, whose gradient goes to one entry only.
                tensor = tf1.nn.avg_pool(tensor, ksize, strides, padding)
        rows, columns = reaches(source, tf1.nn.relu(tensor))
        first, last = positions_by_trying(session, source, tensor, height)
    np.testing.assert_array_equal(rows.first, first)
    np.testing.assert_array_equal(rows.last, last)
    np.testing.assert_array_equal(columns.first, np.arange(5))
    np.testing.assert_array_equal(columns.last, np.arange(5))


def test_dilation_branches_and_blur():
    with tf1.Graph().as_default():
        source = tf1.placeholder(tf1.float32, (None, 20, 20, 1))
        wide = tf1.nn.conv2d(source, np.ones((3, 1, 1, 1), np.float32), 1, "SAME", dilations=[1, 2, 1, 1])
        narrow = tf1.nn.max_pool(source, [1, 1, 3, 1], 1, "SAME")
        joined = tf1.concat([wide, narrow], axis=-1)
        rows, columns = reaches(source, joined)
        assert (rows.first[10], rows.last[10], columns.first[10], columns.last[10]) == (8, 12, 9, 11)
        assert (rows.spacing(), columns.spacing()) == (5, 3)
        rows, columns = reaches(source, narrow, blurred_pools=True)
        assert (rows.first[10], rows.last[10], columns.first[10], columns.last[10]) == (9, 11, 8, 12)


def test_what_is_not_local_depends_on_everything():
    with tf1.Graph().as_default():
        source = tf1.placeholder(tf1.float32, (None, 6, 8, 2))
        scale = tf1.reduce_mean(source, axis=(1, 2), keepdims=True)
        rows, columns = reaches(source, source * scale)
    assert set(rows.first) == {0}
    assert set(rows.last) == {5}
    assert set(columns.last) == {7}
    assert rows.spacing() == 6


def test_nothing_between():
    with tf1.Graph().as_default():
        source, other = (tf1.placeholder(tf1.float32, (None, 4, 4, 1)) for _ in range(2))
        with pytest.raises(NetworkError, match="does not depend on"):
            reaches(source, other)


def test_spacing_of_one_position():
    assert Reach(np.array([0]), np.array([3])).spacing() == 1


def test_padding_shifts_and_adds_nothing():
    with tf1.Graph().as_default():
        source = tf1.placeholder(tf1.float32, (None, 9, 9, 1))
        padded = tf1.pad(source, [[0, 0], [1, 1], [0, 2], [0, 0]])
        kernel = np.ones((3, 3, 1, 1), np.float32)
        rows, columns = reaches(source, tf1.nn.conv2d(padded, kernel, 2, "VALID"))
    assert list(zip(rows.first, rows.last, strict=True)) == [(0, 1), (1, 3), (3, 5), (5, 7), (7, 8)]
    assert list(zip(columns.first, columns.last, strict=True)) == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 8)]


def test_widest():
    assert Reach(np.array([0, 1, 5]), np.array([1, 4, 7])).widest() == 4
