"""Figures as small pictures for pages: as wide as they are shown, and a few kilobytes each."""

import base64
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

#: How WebP weighs size against fidelity, 0..100; at this, labels of figures stay sharp.
_QUALITY = 80
#: How long it looks for a smaller file, 0..6; more takes twice as long for a few percent.
_EFFORT = 2
# Pillow lets other threads work while it decodes, resizes and encodes; the supplement is made when all else is done.
_THREADS = 2


@dataclass(frozen=True)
class SmallPicture:
    """A picture as a page embeds it.

    Attributes
    ----------
    uri
        The WebP file as a data URI.
    width_px, height_px
        Its size.
    """

    uri: str
    width_px: int
    height_px: int


def small_picture(source: str | Path | bytes, width_px: int, height_px: int | None = None) -> SmallPicture:
    """Picture that is no larger than a width and height; smaller ones keep their size.

    Parameters
    ----------
    source
        Path or contents of a picture file. What is transparent becomes white.
    width_px, height_px
        The largest size; the height may be any if it is None.

    Raises
    ------
    OSError
        The file cannot be read or is no picture.
    """
    from PIL import Image

    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as opened:
        picture = opened.convert("RGBA")
    if picture.getchannel("A").getextrema() != (255, 255):
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    pixels = picture.convert("RGB")
    scale = min(1.0, width_px / pixels.width, (height_px or pixels.height) / pixels.height)
    size = (max(1, round(scale * pixels.width)), max(1, round(scale * pixels.height)))
    if size != pixels.size:
        pixels = pixels.resize(size, Image.Resampling.LANCZOS, reducing_gap=2)
    buffer = io.BytesIO()
    pixels.save(buffer, "WEBP", quality=_QUALITY, method=_EFFORT)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return SmallPicture(f"data:image/webp;base64,{encoded}", *size)


def small_pictures(
    sources: Sequence[str | Path | bytes], width_px: int, height_px: int | None = None
) -> list[SmallPicture]:
    """Several pictures, as from `small_picture`, two at a time.

    Parameters
    ----------
    sources
        Paths or contents of picture files.
    width_px, height_px
        The largest size of each.

    Raises
    ------
    OSError
        A file cannot be read or is no picture.
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        return list(threads.map(lambda source: small_picture(source, width_px, height_px), sources))
