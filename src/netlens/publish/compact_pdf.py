"""PDF of a figure whose pictures take as little room as they can without looking different.

Matplotlib stores each picture without loss, at the resolution of the figure. That is right for maps of few colors, but
a photograph takes four times what it needs, and a paper with many of them is too large to be sent. Here

- a picture of more than `_MANY_COLORS` colors, a photograph or the average of many values, becomes a JPEG;
- one of somewhat more than 256 colors, a map drawn with a long color scale, is rounded to 256 colors;
- one of few colors that change from pixel to pixel, a photograph in gray, becomes a JPEG if that is half as large and
  hardly differs;
- all others, and those that would not become smaller, stay as they are.

The numbers behind a figure are saved beside it, and the picture for screens (PNG) is without loss.
"""

# Matplotlib has no types for its writer of PDF files.
# mypy: disable-error-code="no-untyped-call"

import io
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_pdf import Name, PdfFile, PdfPages
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

#: Pictures of more colors are continuous in tone.
_MANY_COLORS: Final = 4096
_QUALITY: Final = 75
#: Colors may have half the resolution where this adds no more than a quarter to the squared error.
_COARSE_COLOR: Final = 1.25
#: Rounding of colors that nobody sees: to multiples of these, in levels of 0..255.
_STEPS: Final = (2, 3, 4)
_PALETTE: Final = 256
#: A JPEG in the place of a picture of few colors differs by no more than this: a mean squared error for 36 dB.
_LARGEST_ERROR: Final = 255**2 / 10**3.6


def save_pdf(fig: Figure, path: str | Path) -> None:
    """Write a figure as PDF, without dates and program names; the bytes depend only on the figure and the libraries.

    Parameters
    ----------
    fig
        The figure.
    path
        File to write.
    """
    with _CompactPages(path, metadata={"Creator": None, "Producer": None, "CreationDate": None}) as pages:
        pages.savefig(fig)


def rounded(pixels: Pixels) -> Pixels | None:
    """Picture with at most 256 colors, none of which differs by more than two levels; None if there are too many.

    Parameters
    ----------
    pixels
        Shape (height, width, 3).
    """
    for step in _STEPS:
        coarse: Pixels = np.minimum((pixels.astype(np.int16) + step // 2) // step * step, 255).astype(np.uint8)
        if _colors(coarse) <= _PALETTE:
            return coarse
    return None


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


class _CompactFile(PdfFile):
    """Matplotlib's writer of PDF files, with its way to write a picture replaced."""

    def _writeImg(self, data: Pixels, id: int, smask: Any = None) -> None:  # noqa: N802 (matplotlib's name)
        if data.shape[2] == 3:
            many = (count := _colors(data)) > _MANY_COLORS
            if _PALETTE < count <= _MANY_COLORS and (coarse := rounded(data)) is not None:
                data = coarse
            encoded = jpeg(data)
            size = _png_size(data)
            if (many and len(encoded) < size) or (2 * len(encoded) < size and _error(encoded, data) <= _LARGEST_ERROR):
                self._write_jpeg(encoded, data.shape, id, smask)
                return
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
