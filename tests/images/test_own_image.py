"""One image of one's own."""

import numpy as np
import pytest
from PIL import Image

from netlens.images.file_sources import UnreadableImageError
from netlens.images.own_image import read_image


def test_the_centre_is_cut_out_at_the_networks_size(tmp_path):
    pixels = np.zeros((20, 60, 3), np.uint8)
    pixels[:, 20:40] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    image = read_image(tmp_path / "wide.png", 10, 10)
    assert image.shape == (10, 10, 3)
    # The resampling rings beside an edge; without the cut, two thirds of the columns would be black.
    assert np.abs(image.astype(int) - 200).max() < 20


def test_an_image_that_is_not_there_or_cannot_be_read_is_named_in_one_line(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.png: no such image"):
        read_image(tmp_path / "gone.png", 8, 8)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    with pytest.raises(UnreadableImageError, match=r"broken\.png: cannot be read as an image") as told:
        read_image(broken, 8, 8)
    assert "\n" not in str(told.value)
