"""HDF5 files of weights, opened so that nothing outside the file is read.

An HDF5 file can name other files: as the place of a dataset's values, as the target of a link, as the source of a
virtual dataset, and, by the number of a filter, a library that unpacks the values. No network's weights need any of
these, so files that have one are refused before a value is read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py

from netlens.models.errors import NetworkError

#: Of all arrays in one file, unpacked. The largest networks of Keras' own have about 1.4 GB.
LARGEST_WEIGHTS_BYTES = 8 * 2**30

#: Filters that are part of HDF5 and h5py. For any other a library would be looked for and loaded.
_FILTERS = frozenset({
    h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_NBIT, h5py.h5z.FILTER_LZF,
})  # fmt: skip


@contextmanager
def open_weights(source: Any) -> Iterator[Any]:
    """Open an HDF5 file for reading, once every link and dataset in it is known to lie in the file.

    Parameters
    ----------
    source
        Path, or a binary file object.

    Yields
    ------
    h5py.File

    Raises
    ------
    NetworkError
        The file refers to something outside of it, or unpacks to more than `LARGEST_WEIGHTS_BYTES`.
    OSError
        It is damaged.
    """
    with h5py.File(source, "r") as file:
        _check(file)
        yield file


def _check(file: Any) -> None:
    """Check that nothing refers to another file; the kind of a link is checked before it is followed."""
    pending: list[tuple[str, Any]] = [("", file)]
    seen: set[tuple[int, int]] = set()
    total = 0
    while pending:
        path, group = pending.pop()
        for name in group:
            place = f"{path}/{name}"
            link = group.id.links.get_info(name.encode("utf-8", "surrogateescape"))
            if link.type != h5py.h5l.TYPE_HARD:
                kinds = {h5py.h5l.TYPE_SOFT: "a soft", h5py.h5l.TYPE_EXTERNAL: "an external"}
                kind = kinds.get(link.type, "a user-defined")
                raise NetworkError(f"{_shown(place)} in it is {kind} link, which is not followed; save the model again")
            item = group[name]
            about = h5py.h5o.get_info(item.id)
            if (about.fileno, about.addr) in seen:
                continue
            seen.add((about.fileno, about.addr))
            if isinstance(item, h5py.Group):
                pending.append((place, item))
            elif isinstance(item, h5py.Dataset):
                total += _checked_bytes(place, item)
    if total > LARGEST_WEIGHTS_BYTES:
        raise NetworkError(
            f"it unpacks to {total / 2**30:.0f} GB of weights, but at most "
            f"{LARGEST_WEIGHTS_BYTES // 2**30} GB are read; this is not a network for images"
        )


def _checked_bytes(place: str, dataset: Any) -> int:
    """Number of bytes of a dataset, after a check that its values lie in the file."""
    properties = dataset.id.get_create_plist()
    if properties.get_external_count():
        raise NetworkError(
            f"{_shown(place)} in it takes its values from another file, which is not read; save the model again"
        )
    if properties.get_layout() == h5py.h5d.VIRTUAL:
        raise NetworkError(
            f"{_shown(place)} in it is a virtual dataset, made of other datasets, which is not read; save the model "
            "again"
        )
    for index in range(properties.get_nfilters()):
        number = properties.get_filter(index)[0]
        if number not in _FILTERS:
            raise NetworkError(
                f"{_shown(place)} in it is packed by the filter {number}, which is not part of HDF5; save the model "
                "again without it"
            )
    if dataset.shape is None:
        return 0
    return int(dataset.size) * int(dataset.dtype.itemsize)


def _shown(place: str) -> str:
    text = repr(place)
    return text if len(text) <= 120 else f"{text[:117]}..."
