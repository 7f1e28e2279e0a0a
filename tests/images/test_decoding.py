import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from netlens.images.decoding import Framing, decode
from netlens.images.file_sources import FolderError, UnreadableImageError

FRAME = Framing(16, 16)


def encoded(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(("frame", "message"), [((0, 5), "0 x 5 pixels"), ((64, 64, 32), "resize_px is 32, too small")])
def test_frames_that_no_image_fills(frame, message):
    with pytest.raises(FolderError, match=message):
        Framing(*frame)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_png_of_any_mode(mode):
    grey = Image.fromarray(np.full((20, 24), 100, np.uint8))
    image = Image.fromarray(np.full((20, 24), 100 * 257, np.uint16)) if mode == "I;16" else grey.convert(mode)
    pixels = decode(encoded(image), FRAME)
    assert pixels.shape == (16, 16, 3) and pixels.dtype == np.uint8
    if mode != "1":
        assert np.abs(pixels.astype(int) - 100).max() <= 1


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_of_any_mode(mode):
    grey = Image.fromarray(np.full((20, 24), 100, np.uint8)).convert("RGB")
    pixels = decode(encoded(grey.convert(mode), "JPEG"), FRAME)
    assert np.abs(pixels.astype(int) - 100).max() <= 2


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.linspace(0, 1, 256, dtype=np.float32), np.arange(256)),
        (np.arange(256, dtype=np.float32), np.arange(256)),
        (np.arange(256, dtype=np.int32), np.arange(256)),
        (np.arange(256, dtype=np.uint16), np.arange(256)),
        (np.arange(256, dtype=np.uint16) * 16, np.arange(256)),
        (np.arange(256, dtype=np.int32) * 257, np.arange(256)),
        (np.arange(256, dtype=np.float32) * 257, np.arange(256)),
        (np.arange(256, dtype=np.int32) - 100, np.r_[np.zeros(100), np.arange(156)]),
    ],
    ids=["0..1", "float 8 bits", "int32 8 bits", "uint16 8 bits", "12 bits", "16 bits", "float 16 bits", "negative"],
)
def test_tiff_of_any_range(pixels, expected):
    content = encoded(Image.fromarray(pixels.reshape(16, 16)), "TIFF")
    found = decode(content, FRAME)[..., 1].ravel().astype(int)
    assert np.abs(found - expected).max() <= 1


@pytest.mark.parametrize(
    ("value", "message"), [(np.nan, "NaN or infinite"), (1e6, "its pixels go up to 1e\\+06, which no image")]
)
def test_tiff_of_impossible_values(value, message):
    content = encoded(Image.fromarray(np.full((16, 16), value, np.float32)), "TIFF")
    with pytest.raises(UnreadableImageError, match=message):
        decode(content, FRAME)


def test_transparency_becomes_white():
    image = Image.new("RGBA", (16, 16), (10, 20, 30, 0))
    assert (decode(encoded(image), FRAME) == 255).all()
    palette = Image.new("P", (16, 16), 0)
    palette.putpalette([10, 20, 30])
    assert (decode(encoded(palette, transparency=0), FRAME) == 255).all()


def test_orientation_is_applied():
    image = Image.fromarray(np.repeat(np.arange(16, dtype=np.uint8)[None, :] * 16, 16, axis=0)).convert("RGB")
    exif = Image.Exif()
    exif[274] = 3  # upside down
    np.testing.assert_array_equal(decode(encoded(image, exif=exif), FRAME), np.asarray(image)[::-1, ::-1])


def test_right_size_passes_untouched_and_others_keep_their_shape():
    rng = np.random.default_rng(0)
    exact = rng.integers(0, 256, (16, 16, 3), np.uint8)
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(exact)), FRAME), exact)
    wide = np.zeros((16, 48, 3), np.uint8)
    wide[:, 16:32] = 200
    assert (decode(encoded(Image.fromarray(wide)), FRAME) == 200).all()
    # Shorter side to 32, then the centre: the middle half of a 16 x 16 image.
    halves = np.zeros((16, 16, 3), np.uint8)
    halves[4:12, 4:12] = 200
    assert (decode(encoded(Image.fromarray(halves)), Framing(16, 16, 32))[3:-3, 3:-3] > 190).all()


@settings(max_examples=30, deadline=None)
@given(*[st.integers(1, 40)] * 4)
def test_any_image_fills_any_frame(height, width, tall, wide):
    image = Image.fromarray(np.full((height, width, 3), 77, np.uint8))
    pixels = decode(encoded(image), Framing(tall, wide))
    assert pixels.shape == (tall, wide, 3) and (pixels == 77).all()


def test_decoders_that_start_programs_are_never_used():
    lines = ["%!PS-Adobe-3.0 EPSF-3.0", "%%BoundingBox: 0 0 16 16", "%%EndComments", "showpage", "%%EOF", ""]
    content = "\n".join(lines).encode()
    with Image.open(io.BytesIO(content)) as opened:
        assert opened.format == "EPS"  # Pillow itself would start Ghostscript.
    with pytest.raises(UnreadableImageError, match="cannot identify image file"):
        decode(content, FRAME)
