"""Images of a folder or zip that are decoded when they are used, and the image set whose file names them."""

import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.files.arrays import ArrayFileError, save_arrays
from netlens.images.decoding import Framing, Pixels, decode
from netlens.images.file_sources import UnreadableImageError, open_source

Integers = NDArray[np.int64]

#: Images decoded at once; more would cost memory, and the disk is the limit then.
THREADS: Final = min(8, os.cpu_count() or 1)


class LazyImages:
    """Images of a folder or zip, decoded when asked for.

    Parameters
    ----------
    source
        Folder or zip.
    paths
        Names in it.
    framing
        Size of the images.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, source: str | Path, paths: Sequence[str], framing: Framing):
        self._source = open_source(source)
        self.paths = tuple(str(path) for path in paths)
        self._framing = framing

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(n, height, width, 3)."""
        return len(self), self._framing.height_px, self._framing.width_px, 3

    def __getitem__(self, index: Any) -> Pixels:
        """Decode one image, (height, width, 3), or several, (n, height, width, 3).

        Parameters
        ----------
        index
            An integer, a slice, or an array of integers or booleans.

        Raises
        ------
        UnreadableImageError
            An image cannot be decoded.
        """
        wanted = np.arange(len(self))[index]
        if wanted.ndim == 0:
            return self._decode(int(wanted))
        batch = np.empty((len(wanted), *self.shape[1:]), np.uint8)
        with ThreadPoolExecutor(THREADS) as pool:
            for position, image in enumerate(pool.map(self._decode, wanted.tolist())):
                batch[position] = image
        return batch

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Decode everything."""
        return self[:] if dtype is None else self[:].astype(dtype)

    def _decode(self, index: int) -> Pixels:
        name = self.paths[index]
        try:
            return decode(self._source.read(name), self._framing)
        except (
            UnreadableImageError,
            OSError,
            KeyError,
            RuntimeError,
            EOFError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UnreadableImageError(f"{self._source.path}: {name} cannot be read ({reason})") from error


@dataclass(frozen=True)
class FolderSet:
    """Labeled images in a folder or zip.

    Attributes
    ----------
    source
        Folder or zip, as the study names it.
    paths
        Names of the images in it.
    labels
        int64, (n,).
    class_names
        In the order of the labels.
    framing
        Size that the images are brought to.
    class_ids
        Id of each class in another label space, empty for classes without one; or no ids at all.
    """

    source: str
    paths: tuple[str, ...]
    labels: Integers
    class_names: tuple[str, ...]
    framing: Framing
    class_ids: tuple[str, ...] = ()

    @property
    def images(self) -> LazyImages:
        """The images, decoded when needed."""
        return LazyImages(self.source, self.paths, self.framing)

    def save(self, path: str | Path) -> None:
        """Save the names, not the pixels; `netlens.images.image_set.open_image_set` reads the file."""
        frame = self.framing
        save_arrays(
            path,
            {
                "paths": np.array(self.paths, np.str_),
                "labels": self.labels,
                "class_names": np.array(self.class_names, np.str_),
                "class_ids": np.array(self.class_ids, np.str_),
                "source": np.array(self.source),
                "frame_px": np.array([frame.height_px, frame.width_px, frame.resize_px or 0], np.int64),
            },
        )


def lazy_images(arrays: Mapping[str, NDArray[Any]]) -> LazyImages:
    """Images of the arrays that `FolderSet.save` saves."""
    for name in ("paths", "source", "frame_px"):
        if name not in arrays:
            raise ArrayFileError(f"not an image set of a folder: it holds no {name!r}")
    height, width, resize = (int(value) for value in arrays["frame_px"])
    paths = [str(path) for path in arrays["paths"]]
    return LazyImages(str(arrays["source"]), paths, Framing(height, width, resize or None))
