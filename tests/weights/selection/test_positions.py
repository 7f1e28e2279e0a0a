"""Weights position by position: which are kept, how strong they are, how they fade."""

import numpy as np
import pytest

from netlens.weights.selection.positions import faded, position_strengths, position_vectors
from netlens.weights.selection.strongest import WeightsError


@pytest.mark.parametrize(
    ("side", "largest", "kept"), [(5, 7, 5), (5, 5, 5), (7, 5, 5), (8, 5, 4), (8, 6, 6), (11, 1, 1)]
)
def test_positions_are_kept_about_the_centre(side, largest, kept):
    weights = np.random.default_rng(0).normal(size=(side, side, 3, 2)).astype(np.float32)
    vectors = position_vectors(weights, 1, largest)
    margin = (side - kept) // 2
    assert vectors.shape == (kept, kept, 3)
    assert np.array_equal(vectors, weights[margin : side - margin, margin : side - margin, :, 1])


def test_a_margin_without_weights_is_left_out_on_all_sides_alike():
    weights = np.zeros((7, 7, 2, 3), np.float32)
    weights[2:5, 3, 0, 1] = weights[3, 1, 1, 1] = 1
    vectors = position_vectors(weights, 1, 7)
    assert np.array_equal(vectors, weights[1:6, 1:6, :, 1])
    assert position_vectors(weights, 1, 3).shape == (3, 3, 2)
    with pytest.raises(WeightsError, match="unit 0 are zero everywhere"):
        position_vectors(weights, 0, 7)


def test_strengths_are_norms_over_the_largest():
    vectors = np.zeros((2, 2, 2), np.float32)
    vectors[0, 1] = (3, 4)
    vectors[1, 0] = (0, -1)
    assert position_strengths(vectors).tolist() == [[0.0, 1.0], [0.2, 0.0]]


def test_a_picture_fades_to_light_grey():
    picture = np.array([[[0, 51, 255]]], np.uint8)
    assert faded(picture, 1.0)[0, 0] == pytest.approx([0, 0.2, 1], abs=1e-15)
    assert faded(picture, 0.0)[0, 0] == pytest.approx([0.9] * 3, abs=1e-15)
    assert faded(picture, 0.5)[0, 0] == pytest.approx([0.45, 0.55, 0.95], abs=1e-15)


def test_bad_input_is_told():
    with pytest.raises(WeightsError, match="no target unit 2"):
        position_vectors(np.ones((3, 3, 2, 2)), 2, 3)
    with pytest.raises(WeightsError, match="zero at every position"):
        position_strengths(np.zeros((3, 3, 2)))
