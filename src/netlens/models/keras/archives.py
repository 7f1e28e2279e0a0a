"""``.keras`` archives, read in memory: only the three members that make up a network."""

import stat
import zipfile
from pathlib import Path, PurePosixPath

from netlens.models.errors import NetworkError
from netlens.models.keras.config import LARGEST_CONFIG_BYTES
from netlens.models.keras.hdf5_files import LARGEST_WEIGHTS_BYTES

#: Member -> the most bytes that it may unpack to.
MEMBERS = {
    "metadata.json": 2**20,
    "config.json": LARGEST_CONFIG_BYTES,
    "model.weights.h5": LARGEST_WEIGHTS_BYTES,
}


def read_member(path: str | Path, name: str) -> bytes:
    """Return one member of a ``.keras`` archive; nothing is written to disk.

    Parameters
    ----------
    path
        The archive.
    name
        One of `MEMBERS`. Its size is limited by what is given there, which the archive declares and zipfile holds to.

    Raises
    ------
    NetworkError
        A member of the archive is a link or lies outside of it, or the one asked for is too large or encrypted.
    KeyError
        It is not there.
    zipfile.BadZipFile
        The archive is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            place = PurePosixPath(member.filename.replace("\\", "/"))
            if place.is_absolute() or ".." in place.parts or (place.parts[:1] and place.parts[0].endswith(":")):
                raise NetworkError(
                    f"its member {member.filename[:80]!r} lies outside the archive; save the model again"
                )
            if stat.S_ISLNK(member.external_attr >> 16):
                raise NetworkError(f"its member {member.filename[:80]!r} is a link, not a file; save the model again")
        member = archive.getinfo(name)
        if member.file_size > MEMBERS[name]:
            raise NetworkError(
                f"its member {name!r} unpacks to {member.file_size / 2**20:.0f} MB; at most "
                f"{MEMBERS[name] / 2**20:.0f} MB are read"
            )
        try:
            return archive.read(member)
        except (RuntimeError, NotImplementedError) as error:
            raise NetworkError(f"its member {name!r} is encrypted or packed in an unknown way; {error}") from error
