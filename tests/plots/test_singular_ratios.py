"""Ratios of networks of few and of many layers are drawn so that their names can be read."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb

from netlens.plots import singular_ratios, style
from netlens.plots.layer_table import layer_table


def labels(count, longest=7):
    return [f"{index:0{longest}d}" for index in range(count)]


def test_a_figure_grows_with_the_number_of_layers_and_the_length_of_their_names():
    style.paper()
    few, ax = singular_ratios.ratio_figure(labels(10))
    many, _ = singular_ratios.ratio_figure(labels(50))
    long, _ = singular_ratios.ratio_figure(labels(10, 20))
    assert few.get_size_inches().tolist() == [style.WIDTH_IN, style.WIDTH_IN / style.GOLDEN]
    assert many.get_size_inches()[0] == style.FULL_WIDTH_IN
    assert long.get_size_inches()[1] > few.get_size_inches()[1] + 0.5
    singular_ratios.ratios(ax, range(10), np.linspace(1, 20, 10), "gradient")
    singular_ratios.layer_axis(ax, labels(10))
    assert ax.get_yscale() == "linear"
    plt.close("all")


def test_ratios_that_are_far_apart_have_a_logarithmic_axis_whatever_is_infinite():
    style.paper()
    _, ax = singular_ratios.ratio_figure(labels(3))
    singular_ratios.ratios(ax, range(3), [1.0, 100.0, np.inf], "pattern_attribution")
    singular_ratios.layer_axis(ax, labels(3))
    assert ax.get_yscale() == "log"
    plt.close("all")


def test_networks_side_by_side_share_the_axis_and_name_each_kind_once():
    style.paper()
    panels = {
        "one": ({"gradient": np.array([2.0, 3.0]), "pattern_attribution": np.array([9.0, np.inf])}, labels(3)),
        "two": ({"gradient": np.array([2.0]), "pattern_attribution": np.array([200.0])}, ["a", "b"]),
    }
    fig = singular_ratios.networks_side_by_side(panels)
    left, right = fig.axes
    assert [left.get_title(), right.get_title()] == ["one", "two"]
    assert left.get_ylim() == right.get_ylim()
    assert left.get_yscale() == right.get_yscale() == "log"
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["a", "b"]
    names = [text.get_text() for text in fig.legends[0].get_texts()]
    assert names == ["Gradient", "PatternAttr.", "PatternAttr.: infinite"]
    plt.close(fig)


@pytest.mark.parametrize("largest", [(3.0, 9.0), (9.0, 3.0)])
def test_no_point_of_any_network_is_outside_the_shared_axis(largest):
    style.paper()
    panels = {
        str(top): ({"gradient": np.array([1.0, top]), "pattern_attribution": np.array([2.0, top])}, labels(3))
        for top in largest
    }
    fig = singular_ratios.networks_side_by_side(panels)
    low, high = fig.axes[0].get_ylim()
    assert fig.axes[1].get_ylim() == (low, high)
    assert low <= 1
    assert high >= 9
    plt.close(fig)


def test_a_table_has_every_cell_and_is_small_where_it_is_long():
    style.paper()
    short, long = (layer_table(["a", "b"], [(str(i), "x") for i in range(count)], [1, 2]) for count in (3, 50))
    assert [text.get_text() for text in short.axes[0].texts] == ["a", "0", "1", "2", "b", "x", "x", "x"]
    assert len(long.axes[0].texts) == 102
    assert long.axes[0].texts[0].get_fontsize() < short.axes[0].texts[0].get_fontsize()
    assert long.get_size_inches()[1] < 9  # inches, the height of a page's text
    plt.close("all")


def test_the_two_ratios_of_a_place_are_joined_in_the_color_of_the_larger_one():
    style.paper()
    _, ax = singular_ratios.ratio_figure(labels(4))
    first, second = np.array([2.0, 1.0, np.inf, 3.0]), np.array([1.0, 4.0, 2.0, 3.0])
    singular_ratios.draw_kinds(ax, 0.5, {"gradient": first, "pattern_attribution": second})
    joined = {tuple(map(tuple, path)) for lines in ax.collections for path in lines.get_segments()}
    assert joined == {((0.5, 2.0), (0.5, 1.0)), ((1.5, 1.0), (1.5, 4.0))}
    colors = [to_rgb(lines.get_color()[0]) for lines in ax.collections]
    assert colors == [to_rgb(style.COLORS[kind]) for kind in ("gradient", "pattern_attribution")]
    plt.close("all")


def test_a_ring_leaves_the_symbol_of_the_first_series_visible():
    style.paper()
    _, ax = singular_ratios.ratio_figure(labels(2))
    singular_ratios.ratios(ax, range(2), [2.0, 3.0], "pattern_net", label="whole")
    singular_ratios.ratios(ax, range(2), [2.0, 3.0], "pattern_net", label="tap", ring=True)
    symbol, ring = ax.lines
    assert ring.get_markerfacecolor() == "none"
    assert ring.get_markersize() > symbol.get_markersize()
    plt.close("all")
