"""Measures of similarity on copies whose relation is known, and the two measures that need no second moments."""

import tracemalloc

import numpy as np
import pytest

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.further_measures import mutual_neighbours, procrustes
from netlens.model_comparison.planted_truth import PlantedTruth, narrowest_layer, planted_copies, planted_truth


@pytest.fixture(scope="module")
def layer():
    """A layer of 20 channels with very different variances, at 120 images."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((120, 20)) * np.geomspace(1, 0.1, 20) + 0.3


def test_procrustes_and_neighbours_of_copies(layer):
    copies = planted_copies(layer, 0)
    for name in ("permuted units", "rotated"):
        assert procrustes(layer, 3 * copies[name]) == pytest.approx(1, abs=1e-12)
        assert mutual_neighbours(layer, copies[name]) == 1
    assert mutual_neighbours(layer, copies["unrelated"]) == pytest.approx(10 / 119, abs=0.04)
    assert procrustes(layer, np.ones((120, 3))) == 0


@pytest.mark.parametrize("block", [1, 240, 1000])
def test_neighbours_do_not_depend_on_how_many_images_are_looked_at_at_a_time(layer, monkeypatch, block):
    other = layer + 0.3 * np.random.default_rng(1).standard_normal(layer.shape)
    whole = mutual_neighbours(layer, other)
    assert 0.2 < whole < 0.9
    monkeypatch.setattr("netlens.model_comparison.further_measures._LARGEST_BLOCK", block)
    assert mutual_neighbours(layer, other) == whole


def test_neighbours_of_many_images_take_no_memory_of_their_square(monkeypatch):
    monkeypatch.setattr("netlens.model_comparison.further_measures._LARGEST_BLOCK", 2**18)
    rows = np.random.default_rng(0).standard_normal((2000, 3))
    tracemalloc.start()
    mutual_neighbours(rows, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Cosines and places of a block, 2 MB each, and copies of them; all cosines would be 32 MB.
    assert peak < 10e6


def test_the_narrowest_layer_is_taken_at_one_position_of_images_spread_evenly():
    images, positions = 9, 2
    first = np.repeat(np.arange(images), positions)[:, None] + np.array([[0.0, 0.5, 7.0]])
    # Its second position differs, and one channel does not vary.
    first[1::2] += 100
    first[:, 2] = 3
    wide = np.random.default_rng(0).standard_normal((images * positions, 4))
    found = narrowest_layer({"wide": wide, "narrow": first}, positions, most_images_count=3)
    np.testing.assert_array_equal(found, [[0, 0.5], [4, 4.5], [8, 8.5]])
    assert len(narrowest_layer({"wide": wide, "narrow": first}, positions)) == 9


def test_bad_input_of_further_measures(layer):
    with pytest.raises(ComparisonError, match="120 and 3 images"):
        procrustes(layer, layer[:3])
    with pytest.raises(ComparisonError, match="use fewer neighbors"):
        mutual_neighbours(layer[:10], layer[:10])


@pytest.mark.slow
def test_measures_on_planted_truth(layer):
    found = planted_truth(layer, 0)
    assert found.copies[:2] == ("permuted units", "rotated")
    right = dict(zip(found.measures, found.ranked_right.tolist(), strict=True))
    # Its value of independent layers is 0 in the mean, so width alone does not raise it.
    assert right["debiased CKA"]
    debiased = found.values[found.measures.index("debiased CKA")]
    assert abs(debiased[-2:]).max() < 0.05
    whitened = found.values[found.measures.index("whitened")]
    np.testing.assert_allclose(whitened[:2], 1, atol=1e-6)


def test_a_wrong_order_is_seen():
    values = np.array(
        [[1, 1, 0.8, 0.6, 0.4, 0.1, 0.2], [1, 1, 0.8, 0.9, 0.4, 0.1, 0.2], [1, 1, 0.8, 0.6, 0.2, 0.1, 0.3]]
    )
    found = PlantedTruth(tuple("abcdefg"), ("x", "y", "z"), values)
    assert found.ranked_right.tolist() == [True, False, False]
