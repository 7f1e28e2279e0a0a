"""Similarity of heat maps."""

import numpy as np
import pytest

from netlens.explanation_checks.choices import CheckError
from netlens.explanation_checks.map_similarity import cosine, entropy, rank_correlation, ssim


@pytest.fixture
def heat_map():
    return np.random.default_rng(0).standard_normal((16, 16))


def test_a_map_is_like_itself_and_its_negative(heat_map):
    assert ssim(heat_map, heat_map) == pytest.approx(1, abs=1e-12)
    assert ssim(heat_map, -heat_map) == pytest.approx(1, abs=1e-12)
    assert rank_correlation(heat_map, heat_map) == 1
    assert rank_correlation(heat_map, -heat_map) == pytest.approx(-1)
    assert cosine(heat_map, 1e300 * heat_map) == pytest.approx(1)


def test_unrelated_maps_are_not_alike(heat_map):
    other = np.random.default_rng(1).standard_normal((16, 16))
    assert ssim(heat_map, other) < 0.2
    assert abs(rank_correlation(heat_map, other)) < 0.2


def test_maps_that_are_the_same_everywhere(heat_map):
    flat = np.zeros((16, 16))
    assert ssim(flat, flat) == rank_correlation(flat, flat) == 1
    assert rank_correlation(flat, heat_map) == 0
    assert np.isnan(cosine(flat, heat_map))


def test_entropy_is_that_of_the_histogram():
    assert entropy(np.linspace(0, 1, 1000)) == pytest.approx(np.log2(100), abs=1e-3)
    assert entropy(np.zeros(10)) == 0


def test_maps_of_different_sizes_are_refused(heat_map):
    with pytest.raises(CheckError, match="cannot be compared"):
        ssim(heat_map, heat_map[:5])
