import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from netlens.spatial_attribution.choices import AttributionError
from netlens.spatial_attribution.ground_truth import (
    MEASURES,
    area_under_curve,
    part_shares,
    points_right,
    positive_share,
    rank_accuracy,
)


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


def test_rank_accuracy_is_the_share_of_the_part_among_as_many_positions():
    maps = np.array([[[9.0, 8.0], [7.0, 1.0]], [[9.0, 1.0], [8.0, 7.0]], [[0.0, 0.0], [0.0, 0.0]]])
    parts = np.array([[[1.0, 0.0], [1.0, 0.0]]] * 3)
    # Of the two largest: one is on the part, both are, and without any difference each is with its share of the area.
    np.testing.assert_array_equal(rank_accuracy(maps, parts), [0.5, 1, 0.5])
    np.testing.assert_array_equal(rank_accuracy(maps, np.ones_like(maps)), 1)
    assert np.isnan(rank_accuracy(maps, np.zeros_like(maps))).all()


def test_rank_accuracy_counts_parts_of_positions():
    # Two and a half positions: the first two, and half of those that share the third value.
    maps, parts = np.array([[[4.0, 3.0, 2.0, 2.0]]]), np.array([[[1.0, 0.5, 1.0, 0.0]]])
    np.testing.assert_allclose(rank_accuracy(maps, parts), (1 + 0.5 + 0.5 * 0.5) / 2.5)


def test_area_under_the_curve_at_its_ends_and_without_any_difference():
    parts = np.array([[[1.0, 0.0], [1.0, 0.0]]])
    assert area_under_curve(parts, parts) == 1
    assert area_under_curve(-parts, parts) == 0
    assert area_under_curve(np.zeros((1, 2, 2)), parts) == 0.5
    for nothing_to_tell in (np.zeros_like(parts), np.ones_like(parts)):
        assert np.isnan(area_under_curve(parts, nothing_to_tell)).all()


@pytest.mark.parametrize("soft", [False, True])
def test_area_under_the_curve_is_that_of_scikit_learn(soft):
    rng = np.random.default_rng(0)
    maps = rng.integers(0, 9, (3, 12, 10)).astype(float)
    parts = rng.random((3, 12, 10)) if soft else rng.integers(0, 2, (3, 12, 10)).astype(float)
    wanted = [
        # A position that is partly on the part is one of either kind, by weight.
        roc_auc_score(
            np.repeat([1, 0], each.size), np.tile(each.ravel(), 2), sample_weight=[*part.ravel(), *(1 - part.ravel())]
        )
        for each, part in zip(maps, parts, strict=True)
    ]
    np.testing.assert_allclose(area_under_curve(maps, parts), wanted, rtol=1e-12)


@pytest.mark.parametrize("measure", ["point", "rank"])
def test_measures_without_knowledge_score_the_area(measure):
    rng = np.random.default_rng(1)
    parts = np.repeat((rng.random((1, 9, 9)) < 0.3).astype(float), 3000, axis=0)
    found = MEASURES[measure](rng.standard_normal(parts.shape), parts)
    assert found.mean() == pytest.approx(parts[0].mean(), abs=4 * found.std() / np.sqrt(3000))


@pytest.mark.parametrize("measure", MEASURES.values())
def test_refuses_what_does_not_fit(measure):
    with pytest.raises(AttributionError, match="do not fit"):
        measure(np.zeros((1, 2, 2)), np.zeros((1, 2, 3)))
    with pytest.raises(AttributionError, match="NaN"):
        measure(np.full((1, 2, 2), np.nan), np.zeros((1, 2, 2)))
