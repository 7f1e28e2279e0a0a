"""Panels of attribution maps."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from netlens.plots import attribution_maps, style
from netlens.publish import figure


@pytest.fixture
def drawn():
    """Figure of two rows and three columns of panels, 8 x 16 pixels each."""
    style.paper()
    grid = attribution_maps.Grid(rows=2, columns=3, aspect=0.5)
    fig = plt.figure(figsize=grid.size_in(bottom_in=0.3), layout="none")
    yield grid, fig
    plt.close(fig)


def test_panels_have_the_images_shape_and_lie_inside(drawn):
    grid, fig = drawn
    axes = [grid.place(fig, row, column) for row in range(2) for column in range(3)]
    boxes = [ax.get_position() for ax in axes]
    width, height = fig.get_size_inches()
    for box in boxes:
        assert box.height * height == pytest.approx(0.5 * box.width * width)
        assert 0 <= box.x0 < box.x1 <= 1
        assert 0 <= box.y0 < box.y1 <= 1
    assert boxes[1].x0 > boxes[0].x1
    assert boxes[3].y1 < boxes[0].y0


def test_colours_of_an_overlay_follow_the_sign_and_zero_leaves_the_image(drawn):
    grid, fig = drawn
    image = np.full((8, 16, 3), 255, np.uint8)
    ax = grid.place(fig, 0, 0)
    attribution_maps.overlay(ax, image, [[2.0, -2.0, 0.0, 1.0]])
    colors = ax.images[1].get_array()
    assert colors[0, 0, 0] > colors[0, 0, 2]
    assert colors[0, 1, 2] > colors[0, 1, 0]
    assert colors[0, 2, 3] == 0
    assert 0 < colors[0, 3, 3] < colors[0, 0, 3]


def test_a_map_of_zeros_is_drawn_without_colour(drawn):
    grid, fig = drawn
    ax = grid.place(fig, 0, 0)
    attribution_maps.overlay(ax, np.zeros((8, 16, 3), np.uint8), np.zeros((2, 2)))
    assert not ax.images[1].get_array()[..., 3].any()


def test_a_figure_with_keys_and_labels_is_not_cut_off(drawn):
    grid, fig = drawn
    grid.title(fig, 0, "layer\n8 × 8")
    grid.row_label(fig, 0, "class")
    attribution_maps.color_key(grid.place(fig, 1, 0), [np.eye(3), np.eye(3)], ["one", "other"])
    ax = grid.place(fig, 1, 1)
    ax.imshow(np.zeros((8, 16, 3), np.uint8))
    attribution_maps.mark(ax, np.zeros((8, 16, 3), np.uint8), (1, 2), (2, 4))
    attribution_maps.signed_key(fig, grid)
    assert figure.overflow(fig) == []
    assert ax.patches[0].get_xy() == (7.5, 3.5)
