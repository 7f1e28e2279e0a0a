"""Panels of factors: three maps as one picture, one map, pictures of directions."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from netlens.plots.factor_maps import as_colors, draw_direction, draw_factor


@pytest.fixture
def ax():
    fig, axes = plt.subplots()
    yield axes
    plt.close(fig)


def test_three_maps_are_red_green_and_blue_on_one_scale():
    maps = np.zeros((3, 1, 4))
    maps[0, 0, 0], maps[1, 0, 1], maps[2, 0, 2] = 4.0, 2.0, 1.0
    np.testing.assert_array_equal(as_colors(maps), [[[1, 0, 0], [0, 0.5, 0], [0, 0, 0.25], [0, 0, 0]]])
    assert not as_colors(np.zeros((3, 2, 2))).any()


def test_other_than_three_maps_and_negative_ones_are_refused():
    with pytest.raises(ValueError, match=r"not \(2, 4, 4\)"):
        as_colors(np.zeros((2, 4, 4)))
    with pytest.raises(ValueError, match="negative"):
        as_colors(np.full((3, 1, 1), -1.0))


def test_maps_share_a_scale_from_zero(ax):
    maps = np.array([[[0.0, 1.0]], [[3.0, 0.5]]])
    draw_factor(ax, maps, 0)
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), maps[0])
    assert image.get_clim() == (0, 3)


def test_a_picture_is_taken_by_its_key_and_a_missing_direction_is_marked(ax):
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    draw_direction(ax, {"a": pixels}, "a", "factor 1")
    np.testing.assert_array_equal(ax.images[0].get_array(), pixels)
    assert ax.get_title() == "factor 1"
    assert not ax.texts
    draw_direction(ax, {}, "")
    assert [text.get_text() for text in ax.texts] == ["\N{EN DASH}"]
    with pytest.raises(KeyError):
        draw_direction(ax, {"a": pixels}, "b")
