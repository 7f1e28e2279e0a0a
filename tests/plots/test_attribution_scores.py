"""Means with intervals."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from netlens.plots import attribution_scores, style
from netlens.publish import figure
from netlens.spatial_attribution.summary import Row
from netlens.statistics.intervals import Interval


def test_each_entry_is_drawn_at_its_line_with_its_interval_and_nothing_is_cut_off():
    style.paper()
    fig, ax = plt.subplots()
    entries = [
        ("mixed4a", "true", Interval(0.5, 0.4, 0.6, 0.95, 9), np.nan),
        ("mixed4a", "smooth", Interval(0.7, 0.65, 0.75, 0.95, 9), np.nan),
        ("gradient", "gradient", Interval(0.45, 0.41, 0.49, 0.95, 9), np.nan),
    ]
    attribution_scores.dots(ax, ["mixed4a", "gradient"], entries, colors=["true", "smooth"], chance=0.4)
    attribution_scores.key(fig, {"true": "true", "smooth": "smooth"})
    spans = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2][:3]
    assert [tuple(span) for span in spans] == [(0.4, 0.6), (0.65, 0.75), (0.41, 0.49)]
    points = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if len(line.get_xdata()) == 1]
    assert [x for x, _ in points] == [0.5, 0.7, 0.45]
    assert abs(points[0][1]) < 0.5
    assert abs(points[1][1]) < 0.5
    assert points[0][1] != points[1][1]
    assert points[2][1] == 1
    assert [label.get_text() for label in ax.get_yticklabels()] == ["mixed4a", "gradient"]
    assert figure.overflow(fig) == []
    plt.close(fig)


def test_the_line_of_chance_is_where_it_should_be():
    fig, ax = plt.subplots()
    attribution_scores.dots(ax, ["a"], [], colors=[], chance=0.4)
    assert ax.lines[0].get_xdata()[0] == pytest.approx(0.4)
    plt.close(fig)


@pytest.mark.slow
def test_score_sheet_gives_a_layers_gradients_one_line_and_every_method_its_own():
    style.paper()
    low, high = Interval(0.4, 0.3, 0.5, 0.95, 9), Interval(0.8, 0.7, 0.9, 0.95, 9)

    def row(method, label, layer, share, curve):
        control = {"share": np.array([0.1, np.nan]), "curve": np.array([np.nan])}
        return Row(method, label, layer, {}, control, {"share": share, "curve": curve}, 0)

    rows = [
        row("true", "true", "late", low, high),
        row("smooth", "smooth", "late", high, low),
        row("deep_taylor", "deep Taylor", "", low, low),
    ]
    labels = {"true": "true", "smooth": "smooth"}
    chances = [{"share": 0.25, "curve": 0.5}] * 2
    fig = attribution_scores.score_sheet(
        ["tiny", "small"], [rows, rows[:1]], chances, labels, {"share": "share", "curve": "area under curve"}
    )
    shares, curves, small, last = fig.axes
    assert [label.get_text() for label in shares.get_yticklabels()] == ["late", "deep Taylor"]
    assert [label.get_text() for label in small.get_yticklabels()] == ["late"]
    assert (shares.get_title(loc="left"), last.get_xlabel()) == ("tiny", "area under curve")

    def means(ax, marker):
        found = [line for line in ax.lines if len(line.get_xdata()) == 1]
        return [line.get_xdata()[0] for line in found if (line.get_marker() == "x") == (marker == "x")]

    assert (means(shares, "o"), means(curves, "o")) == ([0.4, 0.8, 0.4], [0.8, 0.4, 0.4])
    assert (means(shares, "x"), means(curves, "x")) == ([0.1] * 3, [])
    assert figure.overflow(fig) == []
    plt.close(fig)
