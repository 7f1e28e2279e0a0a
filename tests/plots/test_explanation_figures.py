"""Figures of the checks of explanations."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from netlens.explanation_checks.choices import METHODS, NOISE
from netlens.explanation_checks.summary import RatioPoint
from netlens.plots import chain_convergence, convergence_curves, explanation_scores, style, two_class_maps
from netlens.plots.explanation_methods import handles_of, look_of
from netlens.publish.figure import overflow
from netlens.statistics.intervals import Interval

NAMES = tuple(METHODS)


@pytest.fixture(autouse=True)
def paper_style():
    style.paper()


def checks(network="a_network", layers=20):
    rng = np.random.default_rng(0)
    count = len(NAMES)
    return SimpleNamespace(
        network=network,
        methods=NAMES,
        mapped=(*NAMES, NOISE),
        labels=tuple(f"block{place}/long_name" for place in range(layers)),
        layers=tuple(range(layers)),
        entries=np.array([layers - 1, layers // 2]),
        convergence=rng.uniform(size=(count, 2, layers)),
        baseline=np.full(layers, 0.1),
        logit_ssim=rng.uniform(size=(count + 1, 6)),
        cascaded=NAMES,
        cascade_counts=np.array([0, 5, 11]),
        cascade_ssim=np.stack([rng.uniform(size=(count, 3, 6))] * 2 + [np.full((count, 3, 6), np.nan)]),
        cascade_ranks=rng.uniform(size=(3, count, 3, 6)),
        chain_names=("gaussian", "absolute", "weights", "pattern_attribution"),
        chains=rng.uniform(size=(4, layers)),
        two_image=np.zeros((16, 16, 3), np.uint8),
        two_names=("a class with a long name, such as this", "b"),
        two_maps=rng.normal(size=(count, 2, 16, 16)),
    )


def test_every_method_looks_different_and_a_new_one_looks_like_something():
    looks = {(to_rgb(look_of(name)["color"]), look_of(name)["marker"]) for name in (*NAMES, NOISE)}
    assert len(looks) == len(NAMES) + 1
    assert look_of("of tomorrow")["marker"]
    assert [handle.get_label() for handle in handles_of(["gradient", "gradient", NOISE])] == [
        "gradient",
        "random noise",
    ]


def test_the_axis_of_cosines_opens_up_near_1():
    np.testing.assert_allclose(convergence_curves.opened(np.array([0, 0.9, 0.999, 1])), [0, 1, 3, 6], atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("layers", [4, 40])
def test_convergence_is_drawn_for_every_network_and_entry(layers):
    fig = convergence_curves.convergence_sheet([checks(layers=layers), checks("b", layers)])
    assert len(fig.axes) == 4
    assert len(fig.axes[0].lines) == len(NAMES) + 1
    assert overflow(fig) == []


def test_the_scatter_tells_networks_apart():
    points = [RatioPoint(network, "gradient", "a", 2.0, 0.5) for network in ("first", "second")]
    fig = convergence_curves.ratio_scatter(points)
    faces = [line.get_markerfacecolor() for line in fig.axes[0].lines]
    assert faces == ["black", "white"]
    assert overflow(fig) == []


@pytest.mark.slow
def test_chains_scores_and_cascades_fit_their_figures():
    both = [checks(), checks("another")]
    gaps = [dict.fromkeys((*NAMES, NOISE, "random"), Interval(1.0, 0.5, 1.5, 0.95, 6)) for _ in both]
    for fig in (
        chain_convergence.chain_sheet(both),
        explanation_scores.logit_boxes(both),
        explanation_scores.flipping_dots(both, gaps),
        explanation_scores.cascade_sheet(both[:1]),
    ):
        assert overflow(fig) == []
    # The smoothed cascade was not computed.
    panels = [ax for ax in explanation_scores.cascade_sheet(both[:1]).axes if ax.images]
    assert len(panels) == 4
    # Each panel has a row for each method, a column for each number of layers, and the mean over images in each cell.
    means = both[0].cascade_ranks[1].mean(axis=-1)
    np.testing.assert_array_equal(panels[3].images[0].get_array(), means)
    assert [text.get_text() for text in panels[3].texts] == [f"{value:.2f}" for value in means.ravel()]
    assert [label.get_text() for label in panels[3].get_xticklabels()] == ["0", "5", "11"]


@pytest.mark.slow
def test_two_classes_are_side_by_side_with_their_cosine():
    given = checks()
    given.two_maps[1, 0] = 0
    fig, cosines = two_class_maps.two_class_sheet(given)
    assert list(cosines) == list(NAMES)
    assert np.isnan(cosines["input_t_gradient"])
    titles = [ax.get_title() for ax in fig.axes]
    assert "input × gradient\nno map" in titles
    assert overflow(fig) == []


def test_maps_are_summed_over_cells_that_can_be_seen():
    values = np.random.default_rng(2).normal(size=(224, 150))
    cells = two_class_maps.pooled(values)
    assert cells.shape == (32, 22)
    np.testing.assert_allclose(cells[1, 2], values[7:14, 14:21].sum())
    np.testing.assert_allclose(cells.sum(), values.sum())
    small = values[:30, :20]
    np.testing.assert_array_equal(two_class_maps.pooled(small), small)


def test_pattern_net_and_pattern_attribution_have_colors_of_their_own():
    colors = [to_rgb(look_of(name)["color"]) for name in ("pattern_net", "pattern_attribution", "gradient")]
    assert len(set(colors)) == 3
