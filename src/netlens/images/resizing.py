"""Images at another size, for networks that take images of different sizes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def resized(images: Pixels, height: int, width: int) -> Pixels:
    """Return whole images at another size, by bicubic interpolation.

    Interpolation is that of Pillow (``Image.Resampling.BICUBIC``, Keys 1981 with a = -0.5): where an image is reduced,
    the kernel is widened by the factor of reduction, so that nothing is aliased. Nothing is cut off, so a relative
    position means the same part of the image at any size.

    Parameters
    ----------
    images
        (n, h, w, 3) uint8.
    height, width
        Size of the result in pixels.

    Returns
    -------
    ndarray
        (n, height, width, 3) uint8; the given array itself if it already has this size.
    """
    if images.shape[1:3] == (height, width):
        return images
    made = np.empty((len(images), height, width, 3), np.uint8)
    for place, image in enumerate(images):
        made[place] = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC))
    return made
