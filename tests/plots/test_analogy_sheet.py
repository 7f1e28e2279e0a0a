"""Sheets of analogies: every layer with its own picture and its own numbers, nothing cut off, nothing too small."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from netlens.plots import style
from netlens.plots.analogy_sheet import ALONG, CEILING, Shown, analogy_sheet
from netlens.publish import figure


def picture(shade):
    return np.full((8, 8, 3), shade, np.uint8)


def shown(count):
    return [Shown(f"mixed{place}", picture(place), place / (2 * count), place / count) for place in range(count)]


def sheet(layers):
    style.paper()
    return analogy_sheet(("a unit of one", "its direction in two"), ("mixed3b:64", picture(200)), layers)


def texts(fig):
    return [text.get_text() for text in fig.findobj(Text) if text.get_text().strip()]


def bars(ax):
    return {tuple(patch.get_facecolor()): patch.get_width() for patch in ax.patches}


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 8, 10, 12, 25])
def test_each_layer_has_its_picture_its_bars_and_its_numbers_and_nothing_is_cut_off(count):
    fig = sheet(shown(count))
    panels = {ax.get_title(): ax for ax in fig.axes if ax.images}
    assert list(panels) == ["mixed3b:64", *(f"mixed{place}" for place in range(count))]
    numbers = [f"{place / (2 * count):.2f} of {place / count:.2f}" for place in range(count)]
    assert [text for text in texts(fig) if " of 0" in text] == numbers
    beneath = [ax for ax in fig.axes if ax.patches]
    for place, ax in enumerate(beneath):
        above = panels[f"mixed{place}"]
        assert above.images[0].get_array()[0, 0, 0] == place
        assert ax.get_position().x0 == pytest.approx(above.get_position().x0)
        assert ax.get_position().y1 < above.get_position().y0
        assert bars(ax) == {to_rgba(ALONG): place / (2 * count), to_rgba(CEILING): place / count}
    sides = {round(ax.get_position().width * style.FULL_WIDTH_IN, 6) for ax in list(panels.values())[1:]}
    assert len(sides) == 1
    assert sides.pop() > 0.7
    assert figure.overflow(fig) == []
    assert min(text.get_fontsize() for text in fig.findobj(Text) if text.get_text().strip()) >= 6
    plt.close(fig)


@pytest.mark.slow
def test_panels_and_words_do_not_touch_each_other():
    fig = sheet(shown(12))
    fig.draw_without_rendering()
    extents = [text.get_window_extent() for text in fig.findobj(Text) if text.get_text().strip()]
    boxes = extents + [ax.get_window_extent() for ax in fig.axes]
    for place, box in enumerate(boxes):
        for other in boxes[place + 1 :]:
            overlap = (min(box.x1, other.x1) - max(box.x0, other.x0), min(box.y1, other.y1) - max(box.y0, other.y0))
            assert min(overlap) <= 0.5
    plt.close(fig)


@pytest.mark.slow
@pytest.mark.parametrize(
    "long", ["block_13_expand_relu", "fire9/concat", "Имя слоя с пробелами, длинное", "an$unusual$name" * 3]
)
def test_long_names_are_wrapped_or_shortened(long):
    style.paper()
    layers = [Shown(f"{long}{place}", picture(place), 0.1, 0.2) for place in range(12)]
    fig = analogy_sheet(
        (f"a unit of {long * 4}", f"its direction in the layers of {long * 9}"), (f"{long}:64", picture(200)), layers
    )
    assert figure.overflow(fig) == []
    fig.draw_without_rendering()
    extents = [text.get_window_extent() for text in fig.findobj(Text) if text.get_text().strip()]
    boxes = extents + [ax.get_window_extent() for ax in fig.axes]
    for place, box in enumerate(boxes):
        for other in boxes[place + 1 :]:
            overlap = (min(box.x1, other.x1) - max(box.x0, other.x0), min(box.y1, other.y1) - max(box.y0, other.y0))
            assert min(overlap) <= 0.5
    plt.close(fig)


def test_a_negative_r2_has_no_bar_but_its_number():
    fig = sheet([Shown("fc", picture(1), -0.25, 0.5)])
    assert "\N{MINUS SIGN}0.25 of 0.50" in texts(fig)
    (ax,) = [ax for ax in fig.axes if ax.patches]
    assert bars(ax) == {to_rgba(ALONG): 0, to_rgba(CEILING): 0.5}
    plt.close(fig)


def test_what_rounds_to_nothing_has_no_sign():
    fig = sheet([Shown("fc", picture(1), -0.003, -0.0)])
    assert "0.00 of 0.00" in texts(fig)
    plt.close(fig)


def test_the_direction_can_be_seen_where_it_does_better_than_the_whole_layer():
    fig = sheet([Shown("fc", picture(1), 0.6, 0.5)])
    (ax,) = [ax for ax in fig.axes if ax.patches]
    # What is drawn last lies on top.
    assert [patch.get_width() for patch in ax.patches] == [0.6, 0.5]
    plt.close(fig)


def test_a_layer_without_a_direction_says_so():
    fig = sheet([Shown("dead", None, -0.1, -0.1), Shown("live", picture(3), 0.5, 0.6)])
    assert "no direction" in texts(fig)
    assert [ax.get_title() for ax in fig.axes if ax.images] == ["mixed3b:64", "live"]
    assert figure.overflow(fig) == []
    plt.close(fig)


def test_no_layers_are_refused():
    with pytest.raises(ValueError, match="at least one layer"):
        sheet([])
