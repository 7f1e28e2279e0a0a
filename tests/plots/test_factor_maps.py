"""Panels of factors: several maps as one picture, one map."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from netlens.plots.factor_maps import COLORS, as_colors, as_hues, draw_factor, hue_colors


@pytest.fixture
def ax():
    fig, axes = plt.subplots()
    yield axes
    plt.close(fig)


def test_three_maps_are_inks_on_one_scale():
    maps = np.zeros((3, 1, 5))
    maps[0, 0, 0], maps[1, 0, 1], maps[2, 0, 2] = 4.0, 2.0, 1.0
    maps[:2, 0, 3] = 4.0
    first, second, third = np.array(COLORS)
    shown = as_colors(maps)[0]
    np.testing.assert_allclose(shown[:3], [first, (1 + second) / 2, (3 + third) / 4], atol=1e-15)
    np.testing.assert_allclose(shown[3], first * second, atol=1e-15)
    np.testing.assert_array_equal(shown[4], [1, 1, 1])
    assert (as_colors(np.zeros((3, 2, 2))) == 1).all()


# Matrices of Machado et al. (2009) for severity 1, on linear RGB.
NO_RED = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
NO_GREEN = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]


@pytest.mark.parametrize("matrix", [np.eye(3), NO_RED, NO_GREEN])
def test_the_colors_of_factors_differ_without_red_and_without_green(matrix):
    seen = (np.clip(np.array(COLORS) ** 2.2 @ np.transpose(matrix), 0, 1)) ** (1 / 2.2)
    distances = [np.linalg.norm(seen[a] - seen[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert min(distances) > 0.5


def test_a_factor_by_itself_has_its_color_among_three(ax):
    maps = np.zeros((3, 1, 2))
    maps[0, 0, 0], maps[1, 0, 1] = 4.0, 2.0
    draw_factor(ax, maps, 1, colored=True)
    np.testing.assert_allclose(ax.images[0].get_array(), [[[1, 1, 1], (1 + np.array(COLORS[1])) / 2]], atol=1e-15)


def test_other_than_three_maps_and_negative_ones_are_refused():
    with pytest.raises(ValueError, match=r"not \(2, 4, 4\)"):
        as_colors(np.zeros((2, 4, 4)))
    with pytest.raises(ValueError, match="negative"):
        as_colors(np.full((3, 1, 1), -1.0))


def test_maps_share_a_scale_from_zero(ax):
    maps = np.array([[[0.0, 1.0]], [[3.0, 0.5]]])
    draw_factor(ax, maps, 0)
    (image,) = ax.images
    np.testing.assert_array_equal(image.get_array(), maps[0])
    assert image.get_clim() == (0, 3)


def test_single_maps_keep_their_hues_and_their_strength():
    maps = np.zeros((4, 1, 6))
    for index in range(4):
        maps[index, 0, index] = 2.0 - index / 4
    shown = as_hues(maps)[0]
    np.testing.assert_allclose(shown[:4], hue_colors(4) * [[1], [0.875], [0.75], [0.625]])
    assert shown[0].tolist() == [1, 0, 0]
    assert not shown[4:].any()
    np.testing.assert_allclose(hue_colors(3), np.eye(3), atol=1e-12)
    # Equally strong maps are no hue, but gray.
    assert np.ptp(as_hues(np.ones((3, 1, 1)))) < 1e-12
    with pytest.raises(ValueError, match="negative"):
        as_hues(np.full((2, 1, 1), -1.0))
    with pytest.raises(ValueError, match="not"):
        as_hues(np.zeros((0, 2, 2)))


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7])
def test_hues_are_those_of_lucid(count):
    from lucid.misc.io.collapse_channels import sparse_channels_to_rgb

    import netlens.feature_visualization.adapter  # noqa: F401

    maps = np.random.default_rng(count).random((count, 6, 5)) ** 3
    maps /= np.linalg.norm(maps, axis=0).max()
    theirs = np.clip(sparse_channels_to_rgb(np.moveaxis(maps, 0, -1)), 0, 1)
    # They add 1e-4 to every length.
    np.testing.assert_allclose(as_hues(maps), theirs, atol=3e-4, rtol=3e-3)
