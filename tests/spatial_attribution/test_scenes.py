"""Which scenes are shown."""

import numpy as np
import pytest

from netlens.spatial_attribution.choices import AttributionError
from netlens.spatial_attribution.scenes import choose_scenes, largest_logits, spread_positions

LABELS = np.array([[0, 1, -1, -1], [2, 3, -1, -1], [0, 1, 2, 3], [1, 0, -1, -1], [3, 2, 1, 0]])
LOGITS = np.array([[9.0, 0, 8, 0], [0, 0, 5, 6], [1, 2, 3, 4], [3, 4, 0, 0], [1, 1, 1, 1]])


def test_the_first_scene_whose_two_classes_have_the_largest_logits_comes_first():
    assert choose_scenes(LABELS, LOGITS, 1) == [1]


def test_the_last_of_several_has_the_most_classes():
    assert choose_scenes(LABELS, LOGITS, 3) == [1, 3, 2]


def test_a_given_scene_comes_first_and_only_once():
    assert choose_scenes(LABELS, LOGITS, 3, first=0) == [0, 1, 2]
    assert choose_scenes(LABELS, LOGITS, 2, first=2) == [2, 4]


def test_there_are_no_more_than_all_scenes():
    assert sorted(choose_scenes(LABELS, LOGITS, 99)) == [0, 1, 2, 3, 4]
    assert choose_scenes(LABELS[:2], LOGITS[:2], 3) == [1, 0]


def test_a_scene_that_is_not_there_is_refused():
    with pytest.raises(AttributionError, match="there is no scene 5; choose one from 0 to 4"):
        choose_scenes(LABELS, LOGITS, 1, first=5)


def test_largest_logits_keep_the_order_of_the_classes_where_they_are_equal():
    np.testing.assert_array_equal(largest_logits(LOGITS), [[0, 2], [3, 2], [3, 2], [1, 0], [0, 1]])


@pytest.mark.parametrize(("height", "width"), [(8, 8), (3, 5), (2, 2), (1, 1)])
def test_spread_positions_are_different_and_inside(height, width):
    positions = spread_positions(height, width)
    assert len(set(positions)) == len(positions) >= 1
    assert all(0 <= i < height and 0 <= j < width for i, j in positions)
