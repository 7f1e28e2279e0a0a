import numpy as np
import pytest

from netlens.spatial_attribution.choices import AttributionError
from netlens.spatial_attribution.two_classes import two_class_colors


def test_formula():
    a, b = np.array([[3.0, -1.0]]), np.array([[1.0, 2.0]])
    scale = 0.01 + 3 / 1.5
    np.testing.assert_allclose(
        two_class_colors(a, b),
        np.clip([[[3 / scale + 0.3, 2 / scale + 0.3, 1 / scale + 0.3], [0.3, 1 / scale + 0.3, 2 / scale + 0.3]]], 0, 1),
    )


def test_attribution_against_one_class_does_not_hide_attribution_for_the_other():
    a, b = np.array([[1.0, 1.0]]), np.array([[0.0, -9.0]])
    colors = two_class_colors(a, b)
    np.testing.assert_array_equal(colors[0, 1], colors[0, 0])


def test_without_clipping_green_is_the_mean_of_both_as_they_are():
    scale = 0.01 + 2 / 1.5
    colors = two_class_colors(np.array([[2.0, 0.0]]), np.array([[-1.0, 0.0]]), clip_negative=False)
    np.testing.assert_allclose(colors[0, 0], np.clip([2 / scale + 0.3, 0.5 / scale + 0.3, -1 / scale + 0.3], 0, 1))


def test_negative_attribution_darkens_when_it_is_not_clipped():
    a, b = np.array([[-2.0, 2.0]]), np.zeros((1, 2))
    assert two_class_colors(a, b)[0, 0, 0] == pytest.approx(0.3)
    assert two_class_colors(a, b, clip_negative=False)[0, 0, 0] == 0


def test_nothing_is_gray_and_scenes_do_not_share_a_scale():
    colors = two_class_colors(np.stack([np.zeros((2, 2)), np.full((2, 2), 9.0)]), np.zeros((2, 2, 2)))
    np.testing.assert_allclose(colors[0], 0.3)
    assert colors[1, 0, 0, 0] == 1


def test_refuses():
    with pytest.raises(AttributionError, match="shapes"):
        two_class_colors(np.zeros((2, 2)), np.zeros((2, 3)))
    with pytest.raises(AttributionError, match="NaN"):
        two_class_colors(np.full((2, 2), np.inf), np.zeros((2, 2)))
