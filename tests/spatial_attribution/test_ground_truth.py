import numpy as np
import pytest

from netlens.spatial_attribution.choices import AttributionError
from netlens.spatial_attribution.ground_truth import part_shares, points_right, positive_share


def test_part_shares_of_whole_and_partial_pixels():
    masks = np.zeros((1, 4, 6), bool)
    masks[0, :, :3] = True
    np.testing.assert_allclose(part_shares(masks, 2, 2)[0], [[1, 0], [1, 0]])
    # Three columns of two pixels: the middle one lies half on the part; five rows of 0.8 pixels.
    np.testing.assert_allclose(part_shares(masks, 5, 3)[0], np.tile([1, 0.5, 0], (5, 1)), atol=1e-15)


def test_part_shares_keep_the_mean():
    masks = np.random.default_rng(0).integers(0, 2, (3, 64, 48)).astype(bool)
    for height, width in [(8, 8), (7, 5), (64, 48), (1, 1)]:
        np.testing.assert_allclose(part_shares(masks, height, width).mean(axis=(1, 2)), masks.mean(axis=(1, 2)))


def test_positive_share_counts_no_negative_attribution():
    maps = np.array([[[3.0, 1.0], [-5.0, 0.0]], [[-1.0, -1.0], [0.0, 0.0]]])
    parts = np.array([[[1.0, 0.0], [1.0, 1.0]]] * 2)
    share = positive_share(maps, parts)
    assert share[0] == 0.75
    assert np.isnan(share[1])


def test_pointing_game_and_ties():
    maps = np.array([[[3.0, 1.0], [0.0, 0.0]], [[2.0, 2.0], [0.0, 0.0]], [[0.0, 4.0], [0.0, 0.0]]])
    parts = np.array([[[1.0, 0.25], [0.0, 0.0]]] * 3)
    np.testing.assert_array_equal(points_right(maps, parts), [1, 0.625, 0.25])


@pytest.mark.parametrize("measure", [positive_share, points_right])
def test_refuses_what_does_not_fit(measure):
    with pytest.raises(AttributionError, match="do not fit"):
        measure(np.zeros((1, 2, 2)), np.zeros((1, 2, 3)))
    with pytest.raises(AttributionError, match="NaN"):
        measure(np.full((1, 2, 2), np.nan), np.zeros((1, 2, 2)))
