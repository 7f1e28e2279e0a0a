"""Images at another size: nothing is cut off, shifted or aliased."""

import numpy as np
from PIL import Image

from netlens.images.resizing import resized


def test_images_of_the_size_are_returned_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (2, 6, 8, 3), np.uint8)
    assert resized(images, 6, 8) is images


def test_every_image_is_resized_as_by_pillow():
    images = np.random.default_rng(1).integers(0, 256, (3, 20, 30, 3), np.uint8)
    found = resized(images, 33, 12)
    assert (found.shape, found.dtype) == ((3, 33, 12, 3), np.uint8)
    for image, made in zip(images, found, strict=True):
        np.testing.assert_array_equal(
            made, np.asarray(Image.fromarray(image).resize((12, 33), Image.Resampling.BICUBIC))
        )


def test_the_whole_image_remains_where_it_is():
    ramp = np.linspace(20, 230, 60)
    image = np.rint(np.broadcast_to(ramp[None, :, None], (40, 60, 3))).astype(np.uint8)[None]
    for height, width in ((20, 30), (80, 150), (40, 61)):
        found = resized(image, height, width)[0]
        # A ramp stays the same ramp over relative positions, except at its ends.
        expected = np.interp((np.arange(width) + 0.5) / width, (np.arange(60) + 0.5) / 60, ramp)
        np.testing.assert_allclose(found[height // 2, 3:-3, 0], expected[3:-3], atol=1.6)


def test_fine_stripes_become_gray_instead_of_coarse_ones():
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 255
    found = resized(stripes, 24, 24)[0, 4:-4, 4:-4].astype(int)
    assert np.abs(found - 127).max() <= 12
