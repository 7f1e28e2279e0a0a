"""Choice of images and of the scene with two classes."""

import pytest

from netlens.explanation_checks.choices import CheckError
from netlens.explanation_checks.pair_choice import choose_pair, spread_images


def test_images_are_spread_over_all():
    assert spread_images(10, 3) == [0, 4, 9]
    assert spread_images(2, 5) == [0, 1]
    with pytest.raises(CheckError, match="images_count: 1 image has no interval; use 2 or more, or 0"):
        spread_images(10, 1)


def test_the_first_scene_of_two_different_classes_is_taken():
    labels = [[3, -1], [2, 2], [4, 1], [0, 5]]
    assert choose_pair(labels) == (2, (4, 1))
    assert choose_pair(labels, 3) == (3, (0, 5))
    with pytest.raises(CheckError, match=r"explanation_checks.scene: scene 1 does not show two .* choose 2, 3"):
        choose_pair(labels, 1)


def test_a_network_that_has_one_class_only_is_told_so():
    with pytest.raises(CheckError, match="no scene shows two classes that the network has"):
        choose_pair([[3, -1], [3, 3]])
