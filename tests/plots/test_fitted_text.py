"""Text that fits: unchanged where there is room, broken behind its separators, shortened in the middle."""

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from netlens.plots.fitted_text import literal, shortened, width_in, wrapped

NAMES = [
    "conv1",
    "block_13_expand_relu",
    "fire9/concat",
    "InceptionV2/InceptionV2/Mixed_5c/Branch_3/Conv2d_0b_1x1/Relu",
    "aNameWithoutAnyPlaceToBreakIt",
    "Ελληνικά_και_κυριλλικά/Имя слоя",
    "costs $5 and $6",
    "$$$",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("room_in", [0.3, 0.6, 1.2, 6.0])
def test_every_line_fits_and_keeps_both_ends(name, room_in):
    for shown in (shortened(name, room_in, 6.5), wrapped(name, room_in, 6.5)):
        lines = shown.replace("\\$", "$").split("\n")
        assert len(lines) <= 2
        assert max(width_in(line, 6.5) for line in lines) <= room_in
        assert lines[0][0] == name[0]
        assert lines[-1][-1] == name[-1]
        if room_in == 6.0:
            assert lines == [name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_widths_are_those_of_the_outlines(name, weight):
    font = FontProperties(family=mpl.rcParams["font.family"], weight=weight)
    exact_pt = TextPath((0, 0), literal(name), size=6.5, prop=font).get_extents().width
    hinted = width_in("n", 6.5) / (TextPath((0, 0), "n", size=6.5).get_extents().width / 72)
    assert width_in(name, 6.5, bold=weight == "bold") == pytest.approx(hinted * exact_pt / 72, rel=1e-12)


def test_breaks_are_behind_separators():
    assert wrapped("block_13_expand_relu", 0.7, 6.5) == "block_13_\nexpand_relu"
    assert wrapped("fire9/concat", 0.5, 6.5) == "fire9/\nconcat"
    assert wrapped("two words", 0.4, 6.5) == "two\nwords"


def test_nothing_takes_no_room():
    assert width_in("", 8) == width_in("  ", 8) == 0
    assert shortened("", 0.1, 8) == wrapped("", 0.1, 8) == ""


def test_dollar_signs_are_drawn_as_such():
    fig = plt.figure()
    for name in ("a$b$c", "$"):
        text = fig.text(0, 0, wrapped(name, 6, 8))
        plain = fig.text(0, 0, name, parse_math=False)
        assert text.get_window_extent().width == plain.get_window_extent().width
        assert width_in(name, 8) > 0
    plt.close(fig)
