"""Spectra along a network: one curve per layer or item, in the panels that they belong to."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.plots import style
from netlens.plots.layer_spectra import absolute_spectra, neighboring_spectra, spectra


def test_every_layer_is_a_curve_over_the_relative_index():
    style.paper()
    curves = [np.array([1.0, 0.5]), np.array([1.0, 0.1, 0.0, 0.0])]
    fig = spectra({"$W$": curves, "$A$": curves[::-1]}, ["a", "b"], what="layer", ylabel="value", lowest=1e-4)
    first, second = fig.axes
    assert [line.get_label() for line in first.lines] == ["a", "b"]
    np.testing.assert_array_equal(first.lines[0].get_xydata(), [[0.5, 1.0], [1.0, 0.5]])
    np.testing.assert_array_equal(first.lines[1].get_ydata(), [1.0, 0.1, np.nan, np.nan])
    np.testing.assert_array_equal(second.lines[1].get_ydata(), [1.0, 0.5])
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["a", "b"]
    plt.close(fig)


@pytest.mark.slow
def test_every_item_is_a_panel_with_its_neighbors():
    style.paper()
    items = [(np.array([1.0, i / 10, 0.1]), np.array([1.0, 0.7]), np.array([1.0, i / 100])) for i in range(1, 7)]
    names = [f"{i}, {i + 1}" for i in range(6)]
    fig = neighboring_spectra({"top": items, "bottom": items}, names)
    panels = [ax for ax in fig.axes if ax.get_visible()]
    assert [ax.get_title() for ax in panels] == [*names, *names]
    labels = ["segment before", "segment after", "item between them"]
    assert [line.get_label() for line in panels[5].lines] == labels
    # As many values as all three have, from 0 for the first to 1 for the last.
    np.testing.assert_array_equal(panels[5].lines[0].get_xydata(), [[0.0, 1.0], [1.0, 0.6]])
    np.testing.assert_array_equal(panels[5].lines[2].get_xydata(), [[0.0, 1.0], [1.0, 0.06]])
    (band,) = panels[5].collections
    assert band.get_paths()[0].get_extents().bounds == (0.0, 0.6, 1.0, 0.4)
    assert len(fig.axes) - len(panels) == 2 * 4
    plt.close(fig)


def test_a_single_value_is_seen():
    style.paper()
    one = np.array([1.0])
    fig = neighboring_spectra({"top": [(one, np.array([1.0, 0.5]), one)]}, ["a, b"])
    assert [line.get_marker() for line in fig.axes[0].lines] == [".", ".", "."]
    assert len(fig.axes) == 1
    plt.close(fig)


def test_labels_of_panels_beside_a_legend_of_long_names_do_not_overlap():
    style.paper()
    names = [f"block_{i}_expand, block_{i}_depthwise" for i in range(11)]
    curves = [np.array([1.0, 0.5])] * len(names)
    fig = spectra({"$W$": curves, "$A$": curves, "$P$": curves}, names, what="between", ylabel="value", lowest=1e-4)
    fig.draw_without_rendering()
    boxes = [ax.xaxis.label.get_window_extent() for ax in fig.axes if ax.get_xlabel()]
    assert boxes and not any(a.overlaps(b) for a in boxes for b in boxes if a is not b)
    plt.close(fig)


def test_many_curves_have_a_bar_of_colors_instead_of_a_legend():
    style.paper()
    curves = [np.array([1.0, 0.5])] * 30
    fig = spectra({"$W$": curves}, [f"layer{i}" for i in range(30)], what="layer", ylabel="value", lowest=1e-4)
    assert not fig.legends
    bar = fig.axes[1]
    names = [tick.get_text() for tick in bar.get_yticklabels()]
    assert (names[0], names[-1]) == ("layer0", "layer29")
    assert bar.get_ylim() == (30.0, 0.0)  # the first layer on top
    plt.close(fig)


def test_three_matrices_of_a_layer_share_an_axes_with_their_own_values():
    style.paper()
    one = {"weights": np.array([4.0, 2.0]), "patterns": np.array([0.5, 0.0]), "pattern_attribution": np.array([1.0])}
    fig = absolute_spectra({"a": one, "b": one})
    first, second = [ax for ax in fig.axes if ax.get_visible()]
    assert [first.get_title(), second.get_title()] == ["a", "b"]
    assert [list(line.get_ydata()) for line in first.lines[::2]] == [[4.0, 2.0], [1.0]]
    np.testing.assert_array_equal(first.lines[1].get_ydata(), [0.5, np.nan])
    assert first.get_ylim() == second.get_ylim()
    plt.close(fig)
