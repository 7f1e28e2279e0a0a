"""PDF of figures: pictures are small, look the same, and are always the same bytes."""

import io
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

from netlens.plots import style
from netlens.publish.compact_pdf import _without_layout, jpeg, rounded, save_pdf, without_hints


@pytest.fixture(autouse=True)
def own_style():
    with plt.rc_context():
        style.pictures()
        yield
    plt.close("all")


def photograph():
    from skimage.data import astronaut

    return astronaut()[:300, :300]


def saved(tmp_path, image, **given):
    fig, axes = plt.subplots(figsize=(2, 2))
    axes.imshow(image, **given)
    axes.set_title("title")
    save_pdf(fig, tmp_path / "a.pdf")
    return (tmp_path / "a.pdf").read_bytes()


def test_a_photograph_is_a_jpeg_a_third_as_large(tmp_path):
    content = saved(tmp_path, photograph())
    start = content.index(b"\xff\xd8\xff")
    with Image.open(io.BytesIO(content[start:])) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape[2] == 3 and min(pixels.shape[:2]) > 200
    assert content.count(b"/DCTDecode") == 1
    fig, axes = plt.subplots(figsize=(2, 2))
    axes.imshow(photograph())
    fig.savefig(tmp_path / "lossless.pdf")
    assert len(content) < (tmp_path / "lossless.pdf").stat().st_size / 3


def test_a_gray_photograph_is_a_jpeg_too(tmp_path):
    gray = np.repeat(photograph().mean(axis=2).astype(np.uint8)[..., None], 3, axis=2)
    assert saved(tmp_path, gray).count(b"/DCTDecode") == 1


def test_lines_and_letters_in_a_picture_stay_sharp(tmp_path):
    pixels = np.full((200, 200, 3), 255, np.uint8)
    pixels[::7] = (0, 60, 120)
    assert b"/DCTDecode" not in saved(tmp_path, pixels)


def test_a_transparent_photograph_keeps_its_mask(tmp_path):
    pixels = np.dstack([photograph(), np.full((300, 300), 120, np.uint8)])
    content = saved(tmp_path, pixels)
    assert content.count(b"/DCTDecode") == 1 and content.count(b"/SMask") == 1


@pytest.mark.parametrize("colors_count", [200, 511])
def test_a_map_of_colors_has_a_palette(tmp_path, colors_count):
    values = np.random.default_rng(0).normal(size=(30, 30))
    content = saved(tmp_path, values, cmap=style.diverging().resampled(colors_count))
    assert b"/DCTDecode" not in content and b"/Indexed" in content


def test_the_same_figure_gives_the_same_bytes_without_dates(tmp_path):
    content = saved(tmp_path, photograph())
    assert saved(tmp_path, photograph()) == content
    assert not re.search(rb"/(CreationDate|Producer|Creator)\b", content)


def test_a_figure_without_a_style_is_stored_too(tmp_path):
    with plt.style.context("default"):
        assert b"/Image" in saved(tmp_path, np.eye(4))


def test_rounding_changes_no_color_by_more_than_three_levels():
    colors = (255 * style.diverging()(np.linspace(0, 1, 511))[:, :3]).round().astype(np.uint8)
    pixels = np.random.default_rng(1).permutation(colors)[None]
    found = rounded(pixels)
    assert np.abs(found.astype(int) - pixels).max() <= 3
    assert len(np.unique(found.reshape(-1, 3), axis=0)) <= 150


def test_an_enlarged_matrix_is_stored_entry_by_entry_and_a_photograph_as_it_is_drawn(tmp_path):
    values = np.random.default_rng(4).normal(size=(30, 20))
    fig, axes = plt.subplots(figsize=(2, 2))
    shown = axes.imshow(values, cmap=style.diverging(), interpolation="antialiased")
    fig.canvas.draw()
    # As `netlens.publish.figure.save` does, which lays out once for both files.
    fig.set_layout_engine("none")
    before = np.asarray(fig.canvas.buffer_rgba()).copy()
    save_pdf(fig, tmp_path / "a.pdf")
    assert size_of_picture(tmp_path / "a.pdf") == (20, 30)
    # What is drawn later, such as the picture for screens, has not changed.
    assert shown.get_interpolation() == "antialiased"
    fig.canvas.draw()
    assert np.array_equal(np.asarray(fig.canvas.buffer_rgba()), before)
    saved(tmp_path, photograph()[:100, :100], interpolation="antialiased")
    assert min(size_of_picture(tmp_path / "a.pdf")) > 200


def test_a_matrix_that_is_shown_smaller_has_the_resolution_of_the_figure(tmp_path):
    saved(tmp_path, np.random.default_rng(4).normal(size=(900, 900)), interpolation="antialiased")
    assert max(size_of_picture(tmp_path / "a.pdf")) < 450


def size_of_picture(path):
    """Width and height of the only picture of a PDF."""
    content = path.read_bytes()
    (width,), (height,) = (re.findall(rb"/%s (\d+)" % name, content) for name in (b"Width", b"Height"))
    return int(width), int(height)


def outline(font, number):
    """Points of a glyph, and its width and bearing."""
    name = font.getGlyphName(number)
    return font["glyf"][name].getCoordinates(font["glyf"])[0], font["hmtx"][name]


def test_fonts_have_the_outlines_alone(tmp_path):
    from fontTools.ttLib import TTFont
    from matplotlib.font_manager import findfont

    original = Path(findfont("DejaVu Sans")).read_bytes()
    stripped = without_hints(original)
    assert len(stripped) < 0.7 * len(original)
    font, before = TTFont(io.BytesIO(stripped)), TTFont(io.BytesIO(original))
    assert "fpgm" not in font and "prep" not in font
    # Glyphs have no names any more, only their numbers.
    for number in (before.getGlyphID(name) for name in ("A", "g", "adieresis")):
        (drawn, width), (wanted, wanted_width) = (outline(one, number) for one in (font, before))
        assert drawn == wanted and width == wanted_width
    # And the figure's own fonts went through it.
    content = saved(tmp_path, photograph())
    lengths = [int(length) for length in re.findall(rb"/Length1 (\d+)", content)]
    assert lengths and max(lengths) < 3000


def fonts_of(path):
    """The TrueType fonts of a PDF."""
    from fontTools.ttLib import TTFont

    streams = re.findall(rb"/Length1 \d+.*?stream\r?\n(.*?)\r?\nendstream", path.read_bytes(), re.DOTALL)
    return [TTFont(io.BytesIO(zlib.decompress(stream))) for stream in streams]


def test_fonts_have_the_glyphs_that_are_drawn_and_none_that_could_stand_in_their_place(tmp_path):
    words = "a lot of fine figures: ffi, 1/2, \N{GREEK SMALL LETTER ALPHA}"
    fig, axes = plt.subplots(figsize=(3, 1))
    axes.set_axis_off()
    axes.text(0, 0, words)
    axes.text(0, 0.5, "bold", weight="bold")
    save_pdf(fig, tmp_path / "a.pdf")
    counts = sorted(font["maxp"].numGlyphs for font in fonts_of(tmp_path / "a.pdf"))
    # Fonts begin with up to four glyphs of their own, such as the one for what is missing.
    assert [4, len(set(words))] <= counts <= [4 + 4, len(set(words)) + 4]


@pytest.mark.parametrize("tables", [("CFF ",), ("glyf", "GSUB", "GPOS")])
def test_only_a_font_with_outlines_of_its_own_kind_is_copied_without_layout(tmp_path, tables):
    from fontTools.ttLib import TTFont
    from matplotlib.font_manager import FontPath, findfont

    with TTFont(findfont("DejaVu Sans")) as font:
        for table in {"glyf", "GSUB", "GPOS"} - set(tables):
            del font[table]
        font.save(tmp_path / "a.ttf", reorderTables=False)
    with _without_layout(FontPath(str(tmp_path / "a.ttf"), 0)) as used:
        assert (used == FontPath(str(tmp_path / "a.ttf"), 0)) is ("glyf" not in tables)
        with TTFont(used.path) as read:
            assert {"GSUB", "GPOS"}.isdisjoint(read.keys())
    assert (tmp_path / "a.ttf").is_file()
    assert Path(used.path).exists() is ("glyf" not in tables)


def test_colors_that_change_from_pixel_to_pixel_keep_their_resolution():
    def sampling(encoded):
        with Image.open(io.BytesIO(encoded)) as picture:
            return {layer[1:3] for layer in picture.layer}  # type: ignore[attr-defined]

    noise = np.random.default_rng(3).normal(size=(64, 64))
    colorful = (255 * style.diverging()(0.5 + noise / 6)[..., :3]).astype(np.uint8)
    assert sampling(jpeg(colorful)) == {(1, 1)}
    gray = np.repeat((128 + 30 * noise).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    assert sampling(jpeg(gray)) == {(2, 2), (1, 1)}


def test_a_jpeg_looks_the_same():
    pixels = photograph()
    with Image.open(io.BytesIO(jpeg(pixels))) as picture:
        error = np.mean((np.asarray(picture, float) - pixels) ** 2)
    assert 10 * np.log10(255**2 / error) > 33
