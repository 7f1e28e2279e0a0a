"""Augmentation of training batches: mirroring, and composing images in known proportions."""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def mirrored(images: Pixels, rng: np.random.Generator) -> Pixels:
    """Images, each mirrored left to right with probability one half.

    Parameters
    ----------
    images
        (n, height, width, 3). Not modified.
    rng
        Source of randomness.

    Returns
    -------
    ndarray
        Same shape.
    """
    flip = rng.random(len(images)) < 0.5
    result = images.copy()
    result[flip] = result[flip][:, :, ::-1]
    return result


def composed(
    images: Pixels, targets: NDArray[np.float32], share: float, most: int, rng: np.random.Generator
) -> tuple[Pixels, NDArray[np.float32]]:
    """Images with rectangles of other images of the batch pasted in, and targets mixed by area.

    CutMix (Yun et al. 2019, arXiv 1905.04899) with up to `most` rectangles, which often span the image or fill a
    corner. A network trained on such images recognizes a class from a part of the image, and several classes at once.

    Parameters
    ----------
    images
        (n, height, width, 3). Not modified.
    targets
        (n, classes): shares that sum to one. Not modified.
    share
        Fraction of the images that are changed, 0 to 1.
    most
        Largest number of rectangles per image.
    rng
        Source of randomness.

    Returns
    -------
    images, targets
        Same shapes; the targets are the shares of the area that each class still shows.
    """
    n, height, width, _ = images.shape
    result = images.copy()
    # The image that each pixel comes from: counting pixels gives the right shares however the rectangles overlap.
    origin = np.tile(np.arange(n)[:, None, None], (1, height, width))
    for index in np.flatnonzero(rng.random(n) < share):
        for _ in range(int(rng.integers(1, most + 1))):
            other = int(rng.integers(n))
            rows, columns = _interval(height, rng), _interval(width, rng)
            result[index, rows, columns] = images[other, rows, columns]
            origin[index, rows, columns] = other
    pairs = np.arange(n)[:, None, None] * n + origin
    area = np.bincount(pairs.ravel(), minlength=n * n).reshape(n, n) / (height * width)
    mixed = area.astype(np.float32) @ targets
    return result, mixed


def _interval(length: int, rng: np.random.Generator) -> slice:
    """Interval of at least a quarter of `length`: all of it, at an edge, or anywhere, with equal probability."""
    kind = rng.integers(3)
    size = int(rng.integers(length // 4, length + 1))
    if kind == 0:
        return slice(0, length)
    if kind == 1:
        return slice(0, size) if rng.random() < 0.5 else slice(length - size, length)
    start = int(rng.integers(length - size + 1))
    return slice(start, start + size)
