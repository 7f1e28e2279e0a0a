"""PDF of a figure whose pictures take as little room as they can without looking different.

Matplotlib stores each picture without loss, at the resolution of the figure. That is right for maps of few colors, but
a photograph takes four times what it needs, and a paper with many of them is too large to be sent. Here

- a matrix or map that is enlarged is stored as it is, an entry a pixel, and enlarged by what shows the PDF;
- a picture of more than `_MANY_COLORS` colors, a photograph or the average of many values, becomes a JPEG;
- one of more colors than a scale needs is rounded to colors that nobody can tell from its own;
- one of few colors that change from pixel to pixel, a photograph in gray, becomes a JPEG if that is half as large and
  hardly differs;
- all others, and those that would not become smaller, stay as they are;
- lines are drawn to a hundredth of a point;
- fonts come without hints for coarse screens and without tables that a PDF does not use.

The numbers behind a figure are saved beside it, and the picture for screens (PNG) is without loss.
"""

# Matplotlib has no types for its writer of PDF files.
# mypy: disable-error-code="no-untyped-call"

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from fontTools.ttLib import TTFont
from matplotlib.backends.backend_pdf import FigureCanvasPdf, Name, PdfFile, PdfPages, Verbatim
from matplotlib.figure import Figure
from matplotlib.font_manager import FontPath
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

#: Pictures of more colors are continuous in tone.
_MANY_COLORS: Final = 4096
_QUALITY: Final = 75
#: Colors may have half the resolution where this adds no more than a quarter to the squared error.
_COARSE_COLOR: Final = 1.25
#: Pictures of more colors than this, but not many, are rounded to multiples of so many levels of 0..255.
_FEW_COLORS: Final = 64
_STEP: Final = 6
_PALETTE: Final = 256
#: Tables of a TrueType font that a PDF uses; the first is no table but fontTools' list of glyphs.
_FONT_TABLES: Final = {"GlyphOrder", "glyf", "head", "hhea", "hmtx", "loca", "maxp"}
#: Tables that matplotlib reads for what a PDF says of a font.
_DESCRIBING_TABLES: Final = {"OS/2", "cmap", "name", "post"}
_MANY_DIGITS: Final = re.compile(rb"-?\d+\.\d{3,}")
#: A JPEG in the place of a picture of few colors differs by no more than this: a mean squared error for 36 dB.
_LARGEST_ERROR: Final = 255**2 / 10**3.6


def save_pdf(fig: Figure, path: str | Path) -> None:
    """Write a figure as PDF, without dates and program names; the bytes depend only on the figure and the libraries.

    Pictures that are no matrices or maps are stored at the figure's own resolution, `fig.dpi`.

    Parameters
    ----------
    fig
        The figure.
    path
        File to write.
    """
    pages = _CompactPages(path, metadata={"Creator": None, "Producer": None, "CreationDate": None})
    canvas, dpi = fig.canvas, fig.dpi
    try:
        with pages, _unenlarged(fig):
            # `savefig` would draw everything a second time, only to find where it lies.
            FigureCanvasPdf(fig).print_pdf(pages)
    finally:
        fig.set_canvas(canvas)
        fig.set_dpi(dpi)


@contextmanager
def _unenlarged(fig: Figure) -> Iterator[None]:
    """Let pictures whose pixels are to be seen keep their own resolution, unless the figure shows them smaller."""
    enlarged = {image: image.get_interpolation() for image in fig.findobj(AxesImage) if _shows_pixels(image)}
    for image in enlarged:
        image.set_interpolation("none")
    try:
        yield
    finally:
        for image, interpolation in enlarged.items():
            image.set_interpolation(interpolation)


def _shows_pixels(image: AxesImage) -> bool:
    """Whether a picture is enlarged and drawn with a square for each entry, alone in its axes.

    Photographs that are made smooth are not; what lies over a photograph is stored as one picture with it.
    """
    values, extent = image.get_array(), image.get_window_extent()
    if values is None or (values.ndim == 3 and image.get_interpolation() != "nearest"):
        return False
    if image.axes is None or len(image.axes.images) > 1:
        return False
    rows, columns = values.shape[:2]
    return bool(columns <= abs(extent.width) and rows <= abs(extent.height))


def rounded(pixels: Pixels) -> Pixels:
    """Picture of fewer colors, none of which differs by more than three levels.

    Parameters
    ----------
    pixels
        Shape (height, width, 3).
    """
    coarse: Pixels = np.minimum((pixels.astype(np.int16) + _STEP // 2) // _STEP * _STEP, 255).astype(np.uint8)
    return coarse


def jpeg(pixels: Pixels) -> bytes:
    """JPEG of a picture; colors are as fine as brightness unless that makes no difference."""
    picture = Image.fromarray(pixels)
    fine, coarse = (_jpeg(picture, subsampling) for subsampling in (0, 2))
    return coarse if _error(coarse, pixels) <= _COARSE_COLOR * _error(fine, pixels) else fine


def _jpeg(picture: Image.Image, subsampling: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY, subsampling=subsampling, optimize=True)
    return buffer.getvalue()


def _error(encoded: bytes, pixels: Pixels) -> float:
    with Image.open(io.BytesIO(encoded)) as picture:
        return float(np.mean((np.asarray(picture, np.float32) - pixels) ** 2))


def _colors(pixels: Pixels) -> int:
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    return len(np.unique(packed))


def _png_size(pixels: Pixels) -> int:
    """Bytes of a picture without loss, with a palette where it has few colors."""
    picture = Image.fromarray(pixels)
    buffer = io.BytesIO()
    (picture.quantize(_PALETTE) if _colors(pixels) <= _PALETTE else picture).save(buffer, "PNG")
    return buffer.tell()


def without_hints(font: bytes) -> bytes:
    """TrueType font with the tables that a PDF uses and without hints, which are for screens of few pixels.

    Parameters
    ----------
    font
        Contents of a font file.
    """
    buffer = io.BytesIO()
    with TTFont(io.BytesIO(font), recalcBBoxes=False, recalcTimestamp=False) as opened:
        for table in set(opened.keys()) - _FONT_TABLES:
            del opened[table]
        glyphs = opened["glyf"]
        for name in glyphs.keys():  # noqa: SIM118 (it is no dictionary)
            glyphs[name].removeHinting()
        opened.save(buffer, reorderTables=False)
    return buffer.getvalue()


def _short(operand: Any) -> Any:
    """Operand of a drawing with no more digits than can be seen: a path with two, another number with four."""
    if isinstance(operand, float | np.floating):
        return round(float(operand), 4)
    if isinstance(operand, Verbatim):
        return Verbatim(_MANY_DIGITS.sub(_two_digits, operand.pdfRepr()))
    return operand


def _two_digits(number: re.Match[bytes]) -> bytes:
    return (b"%.2f" % float(number[0])).rstrip(b"0").rstrip(b".")


@contextmanager
def _without_layout(font: FontPath) -> Iterator[FontPath]:
    """A copy of a TrueType font without the tables that choose and place glyphs; another font as it is."""
    with NamedTemporaryFile(suffix=".ttf") as copy, TTFont(
        font.path, fontNumber=font.face_index, recalcBBoxes=False, recalcTimestamp=False, lazy=True
    ) as opened:  # fmt: skip
        if "glyf" not in opened:
            yield font
            return
        for table in set(opened.keys()) - _FONT_TABLES - _DESCRIBING_TABLES:
            del opened[table]
        opened.save(copy.name, reorderTables=False)
        yield FontPath(copy.name, 0)


class _CompactFile(PdfFile):
    """Matplotlib's writer of PDF files, with its way to write lines, pictures and fonts replaced."""

    def embedTTF(self, filename: FontPath, subset_index: int, charmap: Any) -> Any:  # noqa: N802 (matplotlib's name)
        # The glyphs that are drawn have been chosen. With tables for layout, fontTools would keep all that could stand
        # in their place, and take four times as long.
        maps = self._character_tracker.glyph_maps
        with _without_layout(filename) as font:
            maps[font] = maps[filename]
            try:
                return super().embedTTF(font, subset_index, charmap)
            finally:
                if font != filename:
                    del maps[font]

    def output(self, *data: Any) -> None:
        super().output(*map(_short, data))

    def outputStream(self, ref: Any, data: bytes, *, extra: Any = None) -> None:  # noqa: N802 (matplotlib's name)
        # Only TrueType fonts have a single length.
        if extra and set(extra) == {"Length1"}:
            data = without_hints(data)
            extra = {"Length1": len(data)}
        super().outputStream(ref, data, extra=extra)

    def _writeImg(self, data: Pixels, id: int, smask: Any = None) -> None:  # noqa: N802 (matplotlib's name)
        if data.shape[2] == 3:
            many = (count := _colors(data)) > _MANY_COLORS
            encoded = jpeg(data)
            size = _png_size(data)
            if (many and len(encoded) < size) or (2 * len(encoded) < size and _error(encoded, data) <= _LARGEST_ERROR):
                self._write_jpeg(encoded, data.shape, id, smask)
                return
            if _FEW_COLORS < count <= _MANY_COLORS:
                data = rounded(data)
        super()._writeImg(data, id, smask)

    def _write_jpeg(self, encoded: bytes, shape: tuple[int, ...], id: int, smask: Any) -> None:
        height, width, _ = shape
        entries = {
            "Type": Name("XObject"),
            "Subtype": Name("Image"),
            "Width": width,
            "Height": height,
            "ColorSpace": Name("DeviceRGB"),
            "BitsPerComponent": 8,
            "Filter": Name("DCTDecode"),
        }
        if smask:
            entries["SMask"] = smask
        # What is compressed already must not be compressed again.
        with mpl.rc_context({"pdf.compression": 0}):
            self.beginStream(id, self.reserveObject("length of image stream"), entries)
            assert self.currentstream is not None
            self.currentstream.write(encoded)
            self.endStream()


class _CompactPages(PdfPages):
    """A PDF file of matplotlib that is written by `_CompactFile`."""

    def _ensure_file(self) -> PdfFile:
        if self._file is None:
            self._file = _CompactFile(self._filename, metadata=self._metadata)
        return self._file
