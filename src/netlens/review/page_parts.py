"""What a page shows, as named arrays: numbers of its embedded data and of its content, and the words around them."""

import base64
import binascii
import hashlib
import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from netlens.workflow.errors import UserError

_DATA: Final = re.compile(r'<script type="application/json" id="page-data">(.*?)</script>', re.DOTALL)
_MAIN: Final = re.compile(r'<main id="content">(.*?)</main>', re.DOTALL)
_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_EMBEDDED: Final = re.compile(r"data:image/[a-z+]+;base64,([A-Za-z0-9+/=]+)")
#: Thumbnails of figures on the supplement's first page; the figures are compared themselves.
_THUMBNAIL: Final = re.compile(r'<img class="thumbnail"[^>]*>')
#: Maps in a page's data: base64 of little-endian float32 or int8.
_MAP: Final = re.compile(r"[A-Za-z0-9+/]{64,}={0,2}")
_PIECE: Final = 80
_NUMBER: Final = re.compile(r"(?<![\w.#])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)


class PageError(UserError):
    """A page cannot be read."""


def page_parts(path: str | Path) -> dict[str, NDArray[Any]]:
    """Everything on a page that could differ between two runs, as arrays by name.

    Parameters
    ----------
    path
        A page that `netlens.publish.page.save` wrote.

    Returns
    -------
    dict
        ``data.<keys>`` for the numbers of the embedded data (positions in lists are joined, so a matrix is one array),
        ``maps of data.<keys>`` for those that are encoded there, ``content`` for the numbers in the body, ``pictures
        <sizes>`` for the pixels of embedded pictures other than thumbnails of figures, ``words`` for all text between
        the numbers in pieces, and ``script`` for the digest of its script. Title, study and versions in the frame are
        not part of it.

    Raises
    ------
    PageError
        The file is missing, or not such a page.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PageError(f"{path}: not a readable page ({error}); make it again") from None
    main = _MAIN.search(text)
    if main is None:
        raise PageError(f"{path}: not a page of netlens; make it again")
    numbers: dict[str, list[float]] = {}
    words: list[str] = []
    pictures: dict[str, list[NDArray[np.uint8]]] = {}
    maps: dict[str, list[NDArray[Any]]] = {}

    def take(name: str, value: str) -> None:
        for picture in _EMBEDDED.findall(value):
            pixels = _pixels(picture, path)
            pictures.setdefault(f"pictures {pixels.shape[1]} × {pixels.shape[0]}", []).append(pixels)
        plain = _EMBEDDED.sub("(picture)", value)
        found = _NUMBER.findall(plain)
        if found:
            numbers.setdefault(name, []).extend(map(float, found))
        words.append(_NUMBER.sub("0", plain))

    data = _DATA.search(text)
    if data:
        try:
            content = json.loads(data[1])
        except ValueError as error:
            raise PageError(f"{path}: the data of the page is damaged ({error}); make it again") from None
        for name, value in _leaves(content, "data"):
            if isinstance(value, str) and len(value) % 4 == 0 and _MAP.fullmatch(value):
                maps.setdefault(f"maps of {name}", []).append(_map(value))
            elif isinstance(value, str):
                take(name, value)
            elif value is None:
                numbers.setdefault(name, []).append(float("nan"))
            else:
                numbers.setdefault(name, []).append(float(value))
    take("content", html.unescape(_THUMBNAIL.sub("", main[1])))
    scripts = [found for found in _SCRIPT.findall(text) if found]
    return {
        **{name: np.array(values) for name, values in numbers.items()},
        **{name: np.stack(found) for name, found in pictures.items()},
        **{name: np.concatenate(found) for name, found in maps.items()},
        "words": np.array(_pieces(" ".join(" ".join(words).split()))),
        "script": np.array([hashlib.sha256(script.encode()).hexdigest() for script in scripts] or [""]),
    }


def _pieces(text: str) -> list[str]:
    """Text in pieces of one width: an array of texts takes as much for each as for the longest."""
    return [text[start : start + _PIECE] for start in range(0, max(1, len(text)), _PIECE)]


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of JSON with the keys that lead to them; lists add nothing to a name."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield f"{name}.{key}", key
            yield from _leaves(part, f"{name}.{key}")
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part, name)
    else:
        yield name, value


def _map(encoded: str) -> NDArray[Any]:
    """Numbers of an encoded map; integers as bytes, which are compared like pixels."""
    content = base64.b64decode(encoded)
    if len(content) % 4 == 0:
        with np.errstate(invalid="ignore"):
            values = np.frombuffer(content, "<f4").astype(np.float64)
        # Integers of one byte, read as float32, have exponents of all sizes.
        sizes = np.abs(values[values != 0])
        if np.isfinite(values).all() and (not sizes.size or (sizes.min() > 1e-25 and sizes.max() < 1e25)):
            return values
    return np.asarray(np.frombuffer(content, np.int8).astype(np.int16) + 128, np.uint8)


def _pixels(encoded: str, path: str | Path) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, UnidentifiedImageError, binascii.Error, ValueError, SyntaxError):
        raise PageError(f"{path}: a picture in the page is damaged; make it again") from None
