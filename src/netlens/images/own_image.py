"""A single image file, brought to the input size of a network."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlens.images.decoding import Framing, decode
from netlens.images.file_sources import UnreadableImageError


def read_image(path: str | Path, height_px: int, width_px: int) -> NDArray[np.uint8]:
    """Image read from a file, resized with its aspect ratio kept, and cropped to the center.

    Parameters
    ----------
    path
        An image file in a format that `netlens.images.decoding.decode` reads.
    height_px, width_px
        Size of the result.

    Returns
    -------
    ndarray
        uint8, (height, width, 3).

    Raises
    ------
    FileNotFoundError
        There is no such file.
    UnreadableImageError
        The file cannot be decoded; the message names it.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such image")
    try:
        return decode(file.read_bytes(), Framing(height_px, width_px))
    except UnreadableImageError as error:
        raise UnreadableImageError(f"{file}: cannot be read as an image: {error}") from error
