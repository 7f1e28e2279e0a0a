"""Small pictures of figures."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from netlens.publish.small_pictures import small_picture, small_pictures


def pixels(picture):
    with Image.open(io.BytesIO(base64.b64decode(picture.uri.split(",")[1]))) as opened:
        return np.asarray(opened)


@pytest.mark.parametrize(
    ("largest", "expected"),
    [((300, None), (300, 100)), ((300, 50), (150, 50)), ((9000, 9000), (600, 200)), ((1, None), (1, 1))],
)
def test_no_larger_than_asked_and_never_enlarged(tmp_path, largest, expected):
    Image.new("RGB", (600, 200), "navy").save(tmp_path / "a.png")
    picture = small_picture(tmp_path / "a.png", *largest)
    assert (picture.width_px, picture.height_px) == expected
    assert pixels(picture).shape == (expected[1], expected[0], 3)


def test_what_is_transparent_is_white():
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(buffer, "PNG")
    assert pixels(small_picture(buffer.getvalue(), 8)).min() >= 253


def test_the_same_picture_gives_the_same_bytes(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 80, 3), np.uint8)).save(tmp_path / "a.png")
    assert small_picture(tmp_path / "a.png", 60) == small_picture(tmp_path / "a.png", 60)


def test_several_come_in_their_order_and_are_the_same_as_one_by_one(tmp_path):
    files = [tmp_path / f"{number}.png" for number in range(7)]
    for number, file in enumerate(files):
        Image.new("RGB", (40 + number, 30), (30 * number, 0, 0)).save(file)
    assert small_pictures(files, 20, 9) == [small_picture(file, 20, 9) for file in files]
    assert small_pictures([], 20) == []


def test_something_else_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(OSError, match="cannot identify image"):
        small_picture(tmp_path / "a.png", 60)
