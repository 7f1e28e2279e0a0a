"""Scenes composed of the images of a set that comes without scenes."""

import numpy as np

from netlens.images.image_set import ImageSet

# (top, left, height, width) in halves of the scene.
_LAYOUTS = (
    ((0, 0, 2, 1), (0, 1, 2, 1)),
    ((0, 0, 1, 2), (1, 0, 1, 2)),
    ((0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 1, 1)),
)


class ComposingError(ValueError):
    """A set has too few classes to compose scenes from."""


def compose_scenes(images: ImageSet, count: int, *, seed: int) -> ImageSet:
    """Scenes composed of two or four images of different classes.

    Each part of a scene shows the center of an image, not resized.

    Parameters
    ----------
    images
        Labeled images of one size.
    count
        Number of scenes.
    seed
        Seed of the choice of classes and images.

    Returns
    -------
    ImageSet
        Scenes with masks. If the height or width is odd, the first part is the smaller one.

    Raises
    ------
    ComposingError
        There are fewer than two classes with images.
    """
    present = [label for label in range(len(images.class_names)) if (images.labels == label).any()]
    if len(present) < 2:
        raise ComposingError(f"scenes need images of at least two classes, but there are {len(present)}")
    layouts = [layout for layout in _LAYOUTS if len(layout) <= len(present)]
    height, width = images.images.shape[1:3]
    rows, columns = (0, height // 2, height), (0, width // 2, width)
    scenes = np.zeros((count, height, width, 3), np.uint8)
    masks = np.zeros((count, height, width), np.uint8)
    labels = np.full((count, max(map(len, layouts))), -1, np.int64)
    for index in range(count):
        # One generator per scene, so that asking for more scenes does not change the others.
        rng = np.random.default_rng([seed, index])
        layout = layouts[index % len(layouts)]
        labels[index, : len(layout)] = rng.permutation(present)[: len(layout)]
        for part, (top, left, tall, wide) in enumerate(layout):
            chosen = int(rng.choice(np.flatnonzero(images.labels == labels[index, part])))
            down, across = slice(rows[top], rows[top + tall]), slice(columns[left], columns[left + wide])
            size = down.stop - down.start, across.stop - across.start
            start = (height - size[0]) // 2, (width - size[1]) // 2
            cut = slice(start[0], start[0] + size[0]), slice(start[1], start[1] + size[1])
            scenes[index, down, across] = images.images[chosen][cut]
            masks[index, down, across] = 1 + part
    return ImageSet(scenes, labels, images.class_names, masks, images.class_ids)
