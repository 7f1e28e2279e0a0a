"""Panels of factors: several maps as one picture, one map."""

import importlib
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest

from netlens.plots.factor_maps import COLORS, as_colors, draw_factor


@pytest.fixture
def ax():
    fig, axes = plt.subplots()
    yield axes
    plt.close(fig)


def test_three_maps_are_inks_on_one_scale():
    maps = np.zeros((3, 1, 5))
    maps[0, 0, 0], maps[1, 0, 1], maps[2, 0, 2] = 4.0, 2.0, 1.0
    maps[:2, 0, 3] = 4.0
    first, second, third = np.array(COLORS[:3])
    shown = as_colors(maps)[0]
    np.testing.assert_allclose(shown[:3], [first, (1 + second) / 2, (3 + third) / 4], atol=1e-15)
    np.testing.assert_allclose(shown[3], first * second, atol=1e-15)
    np.testing.assert_array_equal(shown[4], [1, 1, 1])
    assert (as_colors(np.zeros((3, 2, 2))) == 1).all()


# Matrices of Machado et al. (2009) for severity 1, on linear RGB.
NO_RED = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
NO_GREEN = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]


def smallest_distance(colors, matrix):
    seen = np.clip(np.array(colors) ** 2.2 @ np.transpose(matrix), 0, 1) ** (1 / 2.2)
    return min(np.linalg.norm(one - other) for one, other in combinations(seen, 2))


@pytest.mark.parametrize("matrix", [np.eye(3), NO_RED, NO_GREEN])
def test_the_colors_of_three_factors_differ_without_red_and_without_green(matrix):
    assert smallest_distance(COLORS[:3], matrix) > 0.5


def test_a_factor_by_itself_has_its_color_among_three(ax):
    maps = np.zeros((3, 1, 2))
    maps[0, 0, 0], maps[1, 0, 1] = 4.0, 2.0
    draw_factor(ax, maps, 1)
    np.testing.assert_allclose(ax.images[0].get_array(), [[[1, 1, 1], (1 + np.array(COLORS[1])) / 2]], atol=1e-15)


def test_too_many_maps_and_negative_ones_are_refused():
    assert as_colors(np.ones((1, 1, 1))).tolist() == [[list(COLORS[0])]]
    for shape in ((0, 4, 4), (len(COLORS) + 1, 4, 4), (4, 4)):
        with pytest.raises(ValueError, match=r"1 to 5, height, width"):
            as_colors(np.zeros(shape))
    with pytest.raises(ValueError, match="negative"):
        as_colors(np.full((3, 1, 1), -1.0))


@pytest.mark.slow
def test_the_colors_of_factors_differ_more_than_lucid_s_hues_where_they_differ_least():
    # Lets lucid, which starts TensorFlow, run on today's version.
    importlib.import_module("netlens.feature_visualization.adapter")
    from lucid.misc.io.collapse_channels import sparse_channels_to_rgb

    alone = np.eye(3)[:, None]
    theirs = np.clip(sparse_channels_to_rgb(alone), 0, 1)[:, 0]
    ours = as_colors(np.moveaxis(alone, -1, 0))[:, 0]
    least = [min(smallest_distance(colors, matrix) for matrix in (NO_RED, NO_GREEN)) for colors in (ours, theirs)]
    assert least[0] > 1.1 * least[1]
