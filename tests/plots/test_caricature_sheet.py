"""Sheets of caricatures: every picture once, under its layer, in lines that fit the page."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.plots import style
from netlens.plots.caricature_sheet import Band, sheet
from netlens.publish import figure

IMAGE = np.full((4, 4, 3), 200, np.uint8)


@pytest.fixture(autouse=True)
def _look():
    style.paper()
    yield
    plt.close("all")


def pictures(count, first=0):
    """Each of one colour of its own."""
    return np.stack([np.full((4, 4, 3), first + index, np.uint8) for index in range(count)])


def names(count, prefix="layer"):
    return [f"{prefix} {index}" for index in range(count)]


def shown(fig):
    """Of each panel, in the order in which it was drawn: the picture's colour, title, left and upper edge in inches."""
    width, height = fig.get_size_inches()
    return [
        (int(ax.images[0].get_array()[0, 0, 0]), ax.get_title(), box.x0 * width, height - box.y1 * height)
        for ax in fig.axes
        for box in [ax.get_position()]
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "lines"), [(1, [1]), (8, [8]), (10, [10]), (11, [6, 5]), (20, [10, 10]), (23, [8, 7, 8])]
)
def test_layers_are_dealt_evenly_to_lines_of_at_most_ten(count, lines):
    band = Band(names(count), {"": pictures(count)})
    assert [line.stop - line.start for line in band.lines()] == lines
    assert np.array_equal(np.concatenate([np.arange(count)[line] for line in band.lines()]), np.arange(count))
    fig = sheet(IMAGE, [band])
    assert fig.get_size_inches()[0] <= style.FULL_WIDTH_IN + 1e-9
    assert figure.overflow(fig) == []


@pytest.mark.slow
def test_every_picture_stands_under_its_layer_and_rows_stand_below_each_other():
    fig = sheet(IMAGE, [Band(names(12), {"upper": pictures(12), "lower": pictures(12, 20)})])
    image, *panels = shown(fig)
    assert image[:2] == (200, "image")
    assert [panel[0] for panel in panels] == [*range(6), *range(20, 26), *range(6, 12), *range(26, 32)]
    titles = {panel[0]: panel[1] for panel in panels}
    assert titles == {**dict(enumerate(names(12))), **dict.fromkeys(range(20, 32), "")}
    places = {panel[0]: panel[2:] for panel in panels}
    for column in range(12):
        assert places[column][0] == pytest.approx(places[20 + column][0])
        assert places[column][0] == pytest.approx(places[column % 6][0])
        assert places[column][1] < places[20 + column][1]
    assert places[20][1] < places[6][1]
    assert image[2] < places[0][0]
    assert places[0][1] < image[3] < places[20][1]
    assert [text.get_text() for text in fig.texts] == ["upper", "lower"] * 2


def test_panels_have_one_size_and_do_not_overlap():
    bands = [Band(names(3, "a"), {"": pictures(3)}, "first"), Band(names(9, "b"), {"": pictures(9)}, "second")]
    fig = sheet(IMAGE, bands)
    width, height = fig.get_size_inches()
    boxes = [ax.get_position() for ax in fig.axes]
    assert len(boxes) == 13
    assert np.allclose([(box.width * width, box.height * height) for box in boxes], boxes[0].width * width)
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    assert [text.get_text() for text in fig.texts if text.get_text()] == ["first", "second"]
    assert figure.overflow(fig) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "long", ["block_13_expand_relu", "fire9/concat", "Имя слоя с пробелами, длинное", "an$unusual$name" * 3]
)
def test_long_names_are_wrapped_or_shortened_and_touch_nothing(long):
    labels = [f"{long}{place}" for place in range(12)]
    bands = [Band(labels, {"a": pictures(12), "b": pictures(12)}, long * 9), Band(labels[:2], {"": pictures(2)}, long)]
    fig = sheet(IMAGE, bands)
    assert figure.overflow(fig) == []
    fig.draw_without_rendering()
    titles = [ax.title for ax in fig.axes if ax.get_title()]
    assert len(titles) == 15
    assert max(title.get_text().count("\n") for title in titles) <= 1
    boxes = [ax.get_window_extent() for ax in fig.axes] + [
        text.get_window_extent() for text in (*titles, *fig.texts) if text.get_text()
    ]
    for place, box in enumerate(boxes):
        for other in boxes[:place]:
            assert (
                min(min(box.x1, other.x1) - max(box.x0, other.x0), min(box.y1, other.y1) - max(box.y0, other.y0)) <= 0.5
            )


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="needs at least one band"):
        sheet(IMAGE, [])
    for band in (Band([], {"": pictures(1)[:0]}), Band(names(2), {})):
        with pytest.raises(ValueError, match="at least one layer and one row"):
            sheet(IMAGE, [band])
    with pytest.raises(ValueError, match="row 'upper' has 3 pictures for 2 layers"):
        sheet(IMAGE, [Band(names(2), {"upper": pictures(3)})])
