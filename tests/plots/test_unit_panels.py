"""Panels of units: signed colors on one scale, and a key that says what the colors are."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.plots import style
from netlens.plots.unit_panels import draw_arrow, draw_picture, draw_weights, panel, rows_of, weights_key, words


@pytest.fixture
def ax():
    style.paper()
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def color(ax):
    return ax.images[0].get_array()


def test_weights_have_the_end_colors_at_the_common_limit_and_grey_at_zero(ax):
    draw_weights(ax, [[-2.0, 0.0], [2.0, 4.0]], 2.0)
    red, grey, blue = (
        np.array([int(knot[i : i + 2], 16) for i in (0, 2, 4)]) for knot in ("ca0020", "f7f7f7", "0571b0")
    )
    drawn = np.asarray(color(ax)) * 255
    for value, expected in (((0, 0), blue), ((0, 1), grey), ((1, 0), red), ((1, 1), red)):
        assert drawn[value] == pytest.approx(expected.astype(float), abs=1e-9)
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0


def test_a_picture_is_drawn_as_it_is_under_its_title(ax):
    picture = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    draw_picture(ax, picture, "a:1")
    assert np.array_equal(color(ax), picture)
    assert ax.get_title() == "a:1"


def test_the_key_says_both_ends_and_zero(ax):
    weights_key(ax.figure, ax, 0.125, "weight")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["\N{MINUS SIGN}0.12", "0", "0.12"]
    assert ax.get_ylim() == (-0.125, 0.125)


def test_an_arrow_points_from_start_to_end(ax):
    draw_arrow(ax, 1.0, 1.2)
    assert ax.texts[0].xy == (1.2, 0.5)
    assert ax.texts[0].xyann == (1.0, 0.5)


def test_rows_hold_all_numbers_in_order():
    rows = rows_of(range(7), 3)
    assert [row.tolist() for row in rows] == [[0, 1, 2], [3, 4, 5], [6]]
    assert rows_of([], 3) == []


def test_panels_and_words_are_placed_by_inches_from_the_upper_left_corner(ax):
    ax.figure.set_size_inches(4, 2)
    placed = panel(ax.figure, 1, 0.5, 0.5).get_position()
    np.testing.assert_allclose(placed.bounds, [0.25, 0.5, 0.125, 0.25])
    np.testing.assert_allclose(panel(ax.figure, 0, 0, 4, 1).get_position().bounds, [0, 0.5, 1, 0.5])
    words(ax.figure, 2, 0.5, "here", ha="center")
    (text,) = ax.figure.texts
    assert text.get_position() == (0.5, 0.75)
    assert (text.get_ha(), text.get_va(), text.get_fontsize()) == ("center", "top", 7)
