"""CIFAR-10 from its binary batches (Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images").

The binary version of the data set is arrays of bytes and nothing else. The Python version is pickles, which could run
code, and is refused.
"""

import gzip
import os
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from netlens.files.arrays import save_arrays

#: In the order of the labels, as in the data set's ``batches.meta.txt``.
CLASS_NAMES: Final = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
SIDE_PX: Final = 32
#: Images of each class in the test batch.
HELDOUT_PER_CLASS_COUNT: Final = 1000
#: A record is one byte with the label, then the red, green and blue values, each row by row.
_RECORD_BYTES: Final = 1 + 3 * SIDE_PX**2
_TRAIN: Final = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_HELDOUT: Final = ("test_batch.bin",)
#: More than any batch of the data set has (10,000 records), so that a hostile archive cannot fill the memory.
_MOST_BYTES: Final = 100_000 * _RECORD_BYTES


class CifarError(ValueError):
    """A folder or archive does not hold CIFAR-10's binary batches."""


@dataclass(frozen=True)
class CifarImages:
    """Images of one part of CIFAR-10.

    Attributes
    ----------
    images
        uint8, (n, 32, 32, 3), RGB.
    labels
        int64, (n,): index into `CLASS_NAMES`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def first_of_each_class(self, count: int) -> "CifarImages":
        """The first `count` images of each class, in the order of the batches; all if `count` is 0."""
        if not count:
            return self
        wanted = [np.flatnonzero(self.labels == label)[:count] for label in range(len(CLASS_NAMES))]
        chosen = np.sort(np.concatenate(wanted))
        return CifarImages(self.images[chosen], self.labels[chosen])

    def save(self, path: str | Path) -> None:
        """Save as npz, to be read by `netlens.images.image_set.open_image_set`."""
        save_arrays(path, {"images": self.images, "labels": self.labels, "class_names": np.array(CLASS_NAMES, np.str_)})


def read_cifar10(source: str | Path) -> tuple[CifarImages, CifarImages]:
    """CIFAR-10's training and test images, in the order of the batches.

    Parameters
    ----------
    source
        ``cifar-10-binary.tar.gz`` as published, the tar in it, or a folder with ``data_batch_1.bin`` to
        ``data_batch_5.bin`` and ``test_batch.bin``, at any depth. An archive is read without unpacking it to disk.

    Returns
    -------
    train, heldout

    Raises
    ------
    FileNotFoundError
        There is no such folder or archive.
    CifarError
        A batch is missing, occurs twice or has a size that no number of records has; a label is not 0 to 9; or the
        source is the data set's Python version.
    """
    place = Path(source).expanduser()
    if not place.exists():
        raise FileNotFoundError(f"{place}: no such folder or archive of CIFAR-10's batches")
    found: dict[str, CifarImages] = {}
    names: list[str] = []
    try:
        for name, file in _batches(place):
            names.append(name)
            if name in {*_TRAIN, *_HELDOUT}:
                if name in found:
                    raise CifarError(
                        f"{place}: holds {name} more than once; name the folder or archive that has it once"
                    )
                found[name] = _records(f"{place}: {name}", file)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise CifarError(f"{place}: not a tar archive, or a truncated one ({error}); fetch it again") from error
    missing = [name for name in (*_TRAIN, *_HELDOUT) if name not in found]
    if missing:
        if any(re.fullmatch(r"data_batch_\d|test_batch", name) for name in names):
            raise CifarError(
                f"{place}: is CIFAR-10's Python version, pickles that could run code; use the binary version, "
                "cifar-10-binary.tar.gz"
            )
        raise CifarError(
            f"{place}: holds no {missing[0]}; use the binary version, cifar-10-binary.tar.gz, or its folder"
        )
    train = CifarImages(
        np.concatenate([found[name].images for name in _TRAIN]), np.concatenate([found[name].labels for name in _TRAIN])
    )
    return train, found[_HELDOUT[0]]


def _batches(place: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of each regular file of a folder or tar archive."""
    if place.is_dir():
        for folder, _, files in os.walk(place):
            for name in sorted(files):
                path = Path(folder) / name
                if path.is_file():
                    with path.open("rb") as file:
                        yield name, file
        return
    with tarfile.open(place) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content is not None:
                yield PurePosixPath(member.name).name, content


def _records(what: str, file: IO[bytes]) -> CifarImages:
    content = file.read(_MOST_BYTES + 1)
    if not content or len(content) % _RECORD_BYTES or len(content) > _MOST_BYTES:
        raise CifarError(
            f"{what}: has {len(content):,} bytes, which is not a number of records of {_RECORD_BYTES:,}; fetch it again"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, _RECORD_BYTES)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= len(CLASS_NAMES):
        raise CifarError(f"{what}: has label {labels.max()}; CIFAR-10's labels are 0 to 9")
    planes = records[:, 1:].reshape(-1, 3, SIDE_PX, SIDE_PX)
    return CifarImages(np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels)
