"""Pixel flipping on a planted linear network."""

import numpy as np
import pytest

from netlens.explanation_checks.choices import CheckError
from netlens.explanation_checks.pixel_flipping import area, blurred, by_pixel, flipping_curves, gap, patch_ranks

WEIGHTS = np.random.default_rng(0).exponential(size=(16, 16, 1)).astype(np.float32)


def logits(images):
    return np.stack([(images * WEIGHTS).sum(axis=(1, 2, 3)), np.zeros(len(images))], axis=1)


def test_the_perfect_map_beats_random_order_and_the_reversed_order_is_its_negative():
    image, other = np.ones((16, 16, 1), np.float32), np.zeros((16, 16, 1), np.float32)
    rng = np.random.default_rng(1)
    maps = [WEIGHTS[..., 0], -WEIGHTS[..., 0], *rng.standard_normal((20, 16, 16))]
    shares = np.linspace(0, 1, 17)
    orders = [by_pixel(patch_ranks(each, 4), (16, 16), 4) for each in maps]
    deletion, insertion = flipping_curves(logits, image, other, class_index=0, orders=orders, shares=shares)
    gaps = gap(deletion, insertion, shares)
    assert gaps[0] > gaps[2:].max() > 0
    assert gaps[1] == pytest.approx(-gaps[0], rel=1e-5)
    assert abs(gaps[2:].mean()) < 0.05 * WEIGHTS.sum()
    np.testing.assert_allclose(deletion[0, ::-1], insertion[1], rtol=1e-5)


def test_images_that_are_the_same_for_every_order_are_computed_once():
    image, other = np.ones((16, 16, 1), np.float32), np.zeros((16, 16, 1), np.float32)
    orders = [by_pixel(patch_ranks(each, 4), (16, 16), 4) for each in (WEIGHTS[..., 0], -WEIGHTS[..., 0])]
    passed = []

    def counted(images):
        passed.append(len(images))
        return logits(images)

    deletion, insertion = flipping_curves(counted, image, other, class_index=0, orders=orders, shares=[0, 0.5, 1])
    assert passed == [2, 2, 2]
    whole = WEIGHTS.sum()
    np.testing.assert_allclose([deletion[:, 0], insertion[:, 2]], whole, rtol=1e-6)
    np.testing.assert_array_equal([deletion[:, 2], insertion[:, 0]], 0)
    np.testing.assert_allclose(deletion[:, 1] + insertion[:, 1], whole, rtol=1e-6)


def test_ranks_are_of_patches_the_largest_sum_first():
    attribution = np.zeros((5, 6))
    attribution[4, 5] = 3
    attribution[0, 0] = 1
    ranks = by_pixel(patch_ranks(attribution, 4), (5, 6), 4)
    assert ranks.shape == (5, 6)
    assert ranks[4, 5] == 0
    assert ranks[0, 0] == ranks[3, 3] == 1
    assert sorted(set(ranks.ravel().tolist())) == [0, 1, 2, 3]


def test_areas_and_blur():
    assert area([0, 1, 2], [0, 0.5, 1]) == 1
    assert gap([2, 0], [0, 3], [0, 1]) == 0.5
    np.testing.assert_allclose(blurred(np.ones((1, 8, 8, 2)), 2.0), 1, rtol=1e-6)
    with pytest.raises(CheckError, match="between 0 and 1"):
        flipping_curves(logits, WEIGHTS, WEIGHTS, class_index=0, orders=[], shares=[2.0])
