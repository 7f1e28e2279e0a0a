"""Which scenes are shown."""

import numpy as np
import pytest

from netlens.spatial_attribution.choices import AttributionError
from netlens.spatial_attribution.scenes import choose_scenes, known_first, largest_logits

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


def test_scenes_without_two_known_classes_are_skipped():
    labels = np.array([[0, -1, -1], [-1, 3, 2], [1, 1, -1], [-1, -1, -1], [0, 1, -1]])
    logits = np.array([[9.0, 9, 0, 0]] * 5)
    assert choose_scenes(labels, logits, 5) == [4, 1]
    with pytest.raises(
        AttributionError, match="scene 0 does not show two classes that the network has; choose one of 1, 4"
    ):
        choose_scenes(labels, logits, 1, first=0)
    with pytest.raises(AttributionError, match="none of the 2 scenes shows two classes that the network has"):
        choose_scenes(labels[2:4], logits[:2], 1)


def test_known_classes_come_first_and_masks_follow():
    labels = np.array([[-1, 3, 2], [0, -1, 1], [4, 5, -1]])
    masks = np.array([[[0, 1, 2, 3]]] * 3, np.uint8)
    moved, followed = known_first(labels, masks)
    assert moved.tolist() == [[3, 2, -1], [0, 1, -1], [4, 5, -1]]
    assert followed[:, 0].tolist() == [[0, 3, 1, 2], [0, 1, 3, 2], [0, 1, 2, 3]]
    assert followed.dtype == np.uint8
    for before, after in zip(zip(labels, masks, strict=True), zip(moved, followed, strict=True), strict=True):
        parts = [{c: (mask == 1 + j).tolist() for j, c in enumerate(each) if c >= 0} for each, mask in (before, after)]
        assert parts[0] == parts[1]
