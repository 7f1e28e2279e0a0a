"""Panels of attribution maps."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from netlens.plots import attribution_maps, style
from netlens.publish import figure
from netlens.spatial_attribution.two_classes import two_class_colors


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


@pytest.fixture
def picture():
    """Image of 8 x 16 pixels."""
    return np.random.default_rng(2).integers(0, 256, (8, 16, 3), np.uint8)


@pytest.mark.slow
def test_class_sheet_has_a_column_per_map_and_both_classes_as_colors(picture):
    style.pictures()
    maps = [np.random.default_rng(3).normal(size=(2, *size)) for size in ((4, 8), (2, 4))]
    fig = attribution_maps.class_sheet(picture, ["zebra", "moon"], ["early\n4 × 8", "late"], maps)
    shown = [each.get_array() for ax in fig.axes for each in ax.images]
    colors = [two_class_colors(*values) for values in maps]
    for expected in colors:
        assert any(values.shape == expected.shape and np.array_equal(values, expected) for values in shown)
    words = [text.get_text() for text in fig.texts]
    assert words == ["image", "zebra", "moon", "both", "early\n4 × 8", "late"]
    assert figure.overflow(fig) == []
    plt.close(fig)


def test_colors_of_two_classes_are_darker_where_the_image_is_dark():
    style.pictures()
    fig, ax = plt.subplots()
    image = np.zeros((8, 16, 3), np.uint8)
    image[:, 8:] = 255
    attribution_maps.overlay_both(ax, image, np.ones((2, 4)), np.zeros((2, 4)))
    colors, shade = (each.get_array() for each in ax.images)
    np.testing.assert_array_equal(colors, two_class_colors(np.ones((2, 4)), np.zeros((2, 4))))
    assert not shade[..., :3].any()
    assert (shade[:, :8, 3] > 0.2).all()
    np.testing.assert_allclose(shade[:, 8:, 3], 0, atol=1e-15)
    plt.close(fig)


def test_position_sheet_has_a_row_per_position_and_a_frame_in_every_panel(picture):
    style.pictures()
    positions = {"zebra": (0, 1), "moon": (1, 3)}
    sources = {"early": np.ones((2, 4, 8)), "middle": -np.ones((2, 4, 8))}
    fig = attribution_maps.position_sheet(picture, "late", (2, 4), positions, sources)
    framed = [ax for ax in fig.axes if ax.patches]
    assert len(framed) == 2 * 3
    # A position of 2 x 4 over 8 x 16 pixels covers 4 x 4; an image without an extent begins half a pixel earlier.
    corners = [ax.patches[0].get_xy() for ax in framed]
    assert corners == [(3.5, -0.5), (4, 0), (4, 0), (11.5, 3.5), (12, 4), (12, 4)]
    red, blue = (framed[index].images[1].get_array()[0, 0] for index in (1, 2))
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert [text.get_text() for text in fig.texts] == [
        "position in\nlate", "from\nearly", "from\nmiddle", "zebra", "moon",
    ]  # fmt: skip
    assert figure.overflow(fig) == []
    plt.close(fig)


@pytest.mark.slow
def test_long_names_are_shortened_rather_than_cut_off(picture):
    names = ["German short-haired pointer, a hound of $1 or $2 (n02100236)", "東京タワー_{1} and $more$ besides that"]
    layers = ["block_17/inverted_residual/project", "expanded_convolution_with_normalization"]
    maps = [np.ones((2, 2, 4)), np.ones((2, 4, 8))]
    for fig in (
        attribution_maps.class_sheet(picture, names, layers, maps),
        attribution_maps.position_sheet(
            picture, layers[0], (2, 4), {f"most for {names[0]}": (0, 1)}, {layers[1]: np.ones((1, 4, 8))}
        ),
    ):
        assert figure.overflow(fig) == []
        plt.close(fig)
