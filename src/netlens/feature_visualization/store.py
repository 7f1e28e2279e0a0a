"""Rendered pictures, one PNG file each, named by a hash of what it depends on. Nothing here starts TensorFlow."""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from netlens.feature_visualization.keyed_requests import KeyedRequest
from netlens.files.atomic import writing

Picture = NDArray[np.uint8]

#: Called with the number of further pictures that are done, as ``tqdm.update`` is.
Progress = Callable[[int], object]

_KEY_DIGITS: Final = 64


class StoreError(ValueError):
    """A picture that cannot be stored, or that was never rendered."""


class PictureStore:
    """A folder of pictures by key.

    Files appear complete or not at all, so several processes may share a folder. A damaged file counts as missing, and
    the next `put` replaces it.

    Parameters
    ----------
    folder
        Created with the first picture.

    Examples
    --------
    >>> store = PictureStore("results/demo/feature_visualizations/small_vgg")
    >>> picture = store.get(request.key(network_sha256))
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """Return the file of a key, whether it exists or not.

        Raises
        ------
        StoreError
            The key is not one of `KeyedRequest.key`.
        """
        if len(key) != _KEY_DIGITS or not set(key) <= set("0123456789abcdef"):
            raise StoreError(f"{key!r} is not the key of a picture; take it from the request's method key")
        return self.folder / f"{key}.png"

    def get(self, key: str) -> Picture | None:
        """Return a picture.

        Returns
        -------
        ndarray or None
            (size, size, 3) uint8; None where it is missing or damaged.
        """
        try:
            content = self.path(key).read_bytes()
        except FileNotFoundError:
            return None
        return _decoded(content)

    def put(self, key: str, picture: NDArray[Any]) -> None:
        """Store a picture.

        Raises
        ------
        StoreError
            The picture is not uint8 of shape (size, size, 3).
        netlens.files.atomic.DiskFullError
            The disk is full; nothing is left behind.
        """
        height, width, *channels = picture.shape if picture.ndim == 3 else (0, 0)
        if picture.dtype != np.uint8 or height != width or height < 1 or channels != [3]:
            raise StoreError(f"a picture is uint8 of shape (size, size, 3), not {picture.dtype} of {picture.shape}")
        with writing(self.path(key)) as temporary:
            Image.fromarray(np.ascontiguousarray(picture), "RGB").save(temporary, format="PNG")

    def read(self, network_sha256: str, requests: Sequence[KeyedRequest]) -> list[Picture]:
        """Return the pictures of requests that have been rendered.

        Raises
        ------
        StoreError
            Some are missing or damaged; the message says how many, and names the first.
        """
        found = [self.get(request.key(network_sha256)) for request in requests]
        missing = [request.layer for request, picture in zip(requests, found, strict=True) if picture is None]
        if missing:
            raise StoreError(
                f"{self.folder}: {len(missing)} of {len(requests)} pictures are missing, the first of layer "
                f"{missing[0]!r}; render them first"
            )
        return [picture for picture in found if picture is not None]


def in_order(batches: Iterable[Mapping[int, Picture]], progress: Progress | None = None) -> list[Picture]:
    """Return pictures that are made batch by batch in their order.

    Parameters
    ----------
    batches
        Pictures by index; together, all indices from 0.
    progress
        Called with the number of pictures of each batch.

    Returns
    -------
    list of ndarray
    """
    found: dict[int, Picture] = {}
    for finished in batches:
        found.update(finished)
        if progress is not None:
            progress(len(finished))
    return [found[index] for index in range(len(found))]


def kept_or_made(
    store: PictureStore,
    keys: Sequence[str],
    make: Callable[[list[int]], Iterator[Mapping[int, Picture]]],
    progress: Progress | None = None,
) -> list[Picture]:
    """Return pictures from a store; missing ones are made and stored, batch by batch.

    Parameters
    ----------
    store
        The store.
    keys
        Keys of the pictures; the same may appear more than once.
    make
        Takes the missing pictures as indices into `keys`, each picture once, and yields them batch by batch, by their
        position among these indices.
    progress
        Called with the number of pictures found or made since the last call.

    Returns
    -------
    list of ndarray
        In the order of the keys.
    """
    found = {key: picture for key in dict.fromkeys(keys) if (picture := store.get(key)) is not None}
    missing: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key not in found:
            missing.setdefault(key, index)
    missing_keys = list(missing)
    told = progress or (lambda count: None)
    told(sum(key in found for key in keys))
    for finished in make(list(missing.values())):
        for position, picture in finished.items():
            key = missing_keys[position]
            store.put(key, picture)
            found[key] = picture
            told(keys.count(key))
    return [found[key] for key in keys]


def _decoded(content: bytes) -> Picture | None:
    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            image.verify()  # checksums of all chunks; the image must be opened again after it
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            picture = np.array(image)
    except Exception:
        # A damaged PNG can fail in many ways inside the decoder (OSError, SyntaxError, ValueError, struct.error, ...),
        # and whatever it is, the picture has to be made again.
        return None
    square = picture.ndim == 3 and picture.shape[0] == picture.shape[1] and picture.shape[2] == 3
    return picture if square and picture.dtype == np.uint8 else None
