"""Named arrays in an npz file whose bytes depend only on the arrays."""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.files.atomic import writing

# The oldest date a zip can hold: an archive must not say when it was made.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


class ArrayFileError(ValueError):
    """An array file is damaged, or does not hold the arrays that it should."""


def save_arrays(path: str | Path, arrays: Mapping[str, ArrayLike], *, compress: bool = False) -> None:
    """Save named arrays as npz: the same arrays in the same order give the same bytes.

    The file is written under a temporary name and then renamed, so `path` never holds a half-written file. numpy's own
    ``savez`` is not used because it writes the current time into the archive.

    Parameters
    ----------
    path
        File to write, usually ``*.npz``.
    arrays
        Arrays by name, saved in this order. Text is saved as numpy's fixed-width Unicode. Names may contain slashes, as
        the names of layers do.
    compress
        Compress the arrays. Worthwhile for images and masks, not for float weights.

    Raises
    ------
    ArrayFileError
        An array holds Python objects, or its name cannot be a file name in the archive.
    OSError
        The file cannot be written.
    """
    converted: dict[str, NDArray[np.generic]] = {}
    for name, values in arrays.items():
        if "\\" in name or any(not part or part.startswith(".") for part in name.split("/")):
            raise ArrayFileError(f"{path}: {name!r} cannot name an array; use letters, digits and underscores")
        array = np.asarray(values, order="C")
        if array.dtype.kind == "O" and all(isinstance(item, str) for item in array.flat):
            array = array.astype(np.str_)
        if array.dtype.hasobject:
            raise ArrayFileError(f"{path}: array {name!r} holds Python objects; save numbers, booleans or text")
        converted[name] = array

    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with writing(path) as temporary, zipfile.ZipFile(temporary, "w", allowZip64=True) as archive:
        for name, array in converted.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_ZIP_EPOCH)
            entry.compress_type = method
            entry.create_system = _UNIX
            entry.external_attr = 0o644 << 16
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def load_arrays(path: str | Path, names: Sequence[str] | None = None) -> dict[str, NDArray[np.generic]]:
    """Load the arrays of an npz file, in the order in which they were saved.

    Parameters
    ----------
    path
        File written by `save_arrays`, or any other npz without Python objects.
    names
        Names of the arrays to load, in this order. Default: all.

    Returns
    -------
    dict
        Arrays by name.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ArrayFileError
        The file is truncated or damaged, lacks an array of `names`, or holds Python objects, which are never unpickled.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such array file; run the rule that makes it")
    try:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ArrayFileError(f"{file}: a single array, not an npz archive of named arrays")
        with archive:
            wanted = archive.files if names is None else list(names)
            missing = [name for name in wanted if name not in archive.files]
            if missing:
                held = ", ".join(archive.files)
                raise ArrayFileError(f"{file}: holds no array {missing[0]!r}; it holds {held}")
            return {name: archive[name] for name in wanted}
    except ArrayFileError:
        raise
    except MemoryError as error:
        raise ArrayFileError(
            f"{file}: declares arrays that are larger than the memory; delete it and make it again"
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, RuntimeError, SyntaxError) as error:
        if "allow_pickle" in str(error):
            raise ArrayFileError(
                f"{file}: holds Python objects, which could run code and are never read; save numbers, booleans or text"
            ) from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ArrayFileError(
            f"{file}: truncated or damaged array file ({reason}); delete it and make it again"
        ) from error
