"""One image file of any format and mode, decoded and brought to the network's input size.

Images are decoded by a fixed list of Pillow's decoders, whatever a file is called.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from netlens.images.file_sources import FolderError, UnreadableImageError

Pixels = NDArray[np.uint8]

#: The decoders of Pillow that may see an image, whatever its file is called. Not among them: those that start another
#: program (EPS runs Ghostscript) or leave the work to a library of the system (WMF, GRIB, HDF5).
_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM", "TGA", "JPEG2000", "AVIF")
#: Behind the length of the first box of a HEIC file, which Pillow cannot decode.
_HEIC = frozenset(b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"))


@dataclass(frozen=True)
class Framing:
    """How an image becomes the network's input size.

    Attributes
    ----------
    height_px, width_px
        Size of the result.
    resize_px
        The shorter side is resized to this before the center is cut out. Default: just large enough.
    """

    height_px: int
    width_px: int
    resize_px: int | None = None

    def __post_init__(self) -> None:
        """Refuse frames that no image fills."""
        if min(self.height_px, self.width_px) < 1:
            raise FolderError(f"images of {self.height_px} x {self.width_px} pixels cannot be made")
        if self.resize_px is not None and self.resize_px < max(self.height_px, self.width_px):
            raise FolderError(
                f"resize_px is {self.resize_px}, too small to cut {self.height_px} x {self.width_px} pixels out of"
            )


def decode(content: bytes, framing: Framing) -> Pixels:
    """Decode an image of any mode, resize it keeping its shape, and cut out the centre.

    Parameters
    ----------
    content
        A JPEG, PNG, BMP, GIF, TIFF, WebP, PPM, TGA, JPEG 2000 or AVIF file, told by its content. Orientation by EXIF
        is applied and transparency becomes white; of an animation the first frame is taken. Grey values of more than
        8 bits are scaled to 8: from the smallest of 8, 12 and 16 bits that holds the image, or from 0 to 1 where they
        are fractions.
    framing
        Size of the result.

    Returns
    -------
    ndarray
        uint8, (height, width, 3).

    Raises
    ------
    UnreadableImageError
        It cannot be decoded, or is truncated.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            opened.load()
            image = _to_rgb(ImageOps.exif_transpose(opened))
    # Pillow's plugins raise almost anything on damaged files.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if content[4:12] in _HEIC:
            reason = "HEIC is not supported; convert it to JPEG or PNG"
        raise UnreadableImageError(reason.replace(" <_io.BytesIO object at", " <").split(" <")[0]) from error
    width, height = image.size
    if framing.resize_px is None:
        scale = max(framing.height_px / height, framing.width_px / width)
    else:
        scale = framing.resize_px / min(height, width)
    size = max(framing.width_px, round(scale * width)), max(framing.height_px, round(scale * height))
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - framing.width_px) // 2, (size[1] - framing.height_px) // 2
    return np.asarray(image.crop((left, top, left + framing.width_px, top + framing.height_px)), np.uint8)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_8_bits(np.asarray(image))).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _to_8_bits(values: NDArray[Any]) -> Pixels:
    """Scale grey values of more than 8 bits, which Pillow's own conversion would clip at 255."""
    if not np.all(np.isfinite(values)):
        raise UnreadableImageError("it has pixels that are NaN or infinite")
    largest = float(values.max(initial=0))
    limits = (1.0, 255.0, 4095.0, 65535.0) if values.dtype.kind == "f" else (255.0, 4095.0, 65535.0)
    fitting = [limit for limit in limits if largest <= limit]
    if not fitting:
        raise UnreadableImageError(f"its pixels go up to {largest:g}, which no image of up to 16 bits has")
    return np.clip(np.rint(values * (255.0 / fitting[0])), 0, 255).astype(np.uint8)
