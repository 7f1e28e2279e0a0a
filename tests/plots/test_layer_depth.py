"""Lines over relative depth, and names that do not touch."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from netlens.plots import style
from netlens.plots.layer_depth import COLOURS, depth_lines, name_lines, relative_depths, spread
from netlens.publish import figure


def test_the_first_layer_is_at_0_and_the_last_at_1():
    assert relative_depths(3).tolist() == [0, 0.5, 1]
    assert relative_depths(1).tolist() == [0]


@pytest.mark.slow
def test_each_line_goes_through_its_values_in_its_own_colour_and_is_named():
    style.paper()
    fig, ax = plt.subplots()
    lines = {"one": [0.1, 0.5, 0.3], "two": [-0.2, 0.31], "three": [0.2, 0.4, 0.6, 0.29]}
    depth_lines(ax, lines)
    fig.draw_without_rendering()
    name_lines(ax, lines)
    fig.draw_without_rendering()
    drawn = [line for line in ax.lines if len(line.get_xdata()) > 2 or line.get_marker() != "None"]
    for line, (name, values), colour in zip(drawn, lines.items(), COLOURS, strict=True):
        np.testing.assert_allclose(line.get_xdata(), relative_depths(len(values)))
        np.testing.assert_allclose(line.get_ydata(), values)
        assert to_rgba(line.get_color()) == to_rgba(colour)
        (text,) = [text for text in ax.texts if text.get_text() == name]
        assert to_rgba(text.get_color()) == to_rgba(colour)
        assert text.xy == (1.0, values[-1])
    assert len({line.get_marker() for line in drawn}) == 3
    # The words alone, without the line to where they belong.
    boxes = sorted((Text.get_window_extent(text) for text in ax.texts), key=lambda box: box.y0)
    assert all(lower.y1 <= upper.y0 + 0.5 for lower, upper in pairwise(boxes))
    assert figure.overflow(fig) == []
    plt.close(fig)


def test_places_that_are_apart_stay():
    assert spread([3.0, 1.0, 2.0], 0.5) == [3, 1, 2]
    assert spread([], 1) == []


def test_places_that_touch_move_apart_about_their_middle():
    assert spread([0.0, 0.0], 1) == [-0.5, 0.5]
    assert spread([0.1, 0.0, 5.0], 1) == pytest.approx([0.55, -0.45, 5])


@given(st.lists(st.floats(-10, 10), max_size=6), st.floats(0.01, 5))
def test_places_end_up_a_gap_apart_in_their_order_about_the_same_middle(places, gap):
    moved = spread(places, gap)
    order = np.argsort(places, kind="stable")
    assert np.all(np.diff(np.array(moved)[order]) >= gap * (1 - 1e-9) - 1e-9)
    assert sum(moved) == pytest.approx(sum(places), abs=1e-9)
