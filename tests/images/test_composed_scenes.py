"""Scenes composed of any image set."""

import numpy as np
import pytest

from netlens.images.composed_scenes import ComposingError, compose_scenes
from netlens.images.image_set import ImageSet


def image_set(classes, size=(9, 12)):
    """Images that are plain in the grey level of their class."""
    labels = np.repeat(np.arange(classes), 2)
    images = np.broadcast_to((10 + 20 * labels)[:, None, None, None], (len(labels), *size, 3)).astype(np.uint8)
    return ImageSet(images, labels.astype(np.int64), tuple(f"class_{index}" for index in range(classes)))


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_every_part_shows_an_image_of_its_class(classes):
    scenes = compose_scenes(image_set(classes), 7, seed=1)
    assert scenes.images.shape == (7, 9, 12, 3)
    for image, mask, labels in zip(scenes.images, scenes.masks, scenes.labels, strict=True):
        known = labels[labels >= 0]
        assert len(set(known.tolist())) == len(known) >= 2
        assert set(np.unique(mask)) == set(range(1, len(known) + 1))
        for place, label in enumerate(known):
            assert (image[mask == 1 + place] == 10 + 20 * label).all()


def test_scenes_depend_on_the_seed_only_and_not_on_their_number():
    few, many, other = (compose_scenes(image_set(5), count, seed=seed) for count, seed in ((3, 1), (6, 1), (6, 2)))
    np.testing.assert_array_equal(few.images, many.images[:3])
    assert (many.images != other.images).any()


def test_one_class_makes_no_scene():
    with pytest.raises(ComposingError, match="at least two classes"):
        compose_scenes(image_set(1), 3, seed=0)
