"""Files below a directory or in a zip that may come from anybody.

Nothing is unpacked to disk, and nothing outside of the directory is read: links that lead out and members of a zip that
are links, are encrypted, or would unpack to too much are refused.
"""

import os
import re
import stat
import threading
import zipfile
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

#: The most bytes that one member of a zip may unpack to, and that all may for each byte of the zip. Images are packed
#: already, uncompressed bitmaps of drawings shrink to a fiftieth; the ratio counts from `_SMALL_BYTES` on.
LARGEST_MEMBER_BYTES = 2**28
LARGEST_RATIO = 200
_SMALL_BYTES = 2**28


class FolderError(ValueError):
    """A folder does not hold an image set of the expected form."""


class UnreadableImageError(FolderError):
    """Images that cannot be decoded; the message names and counts them."""


def is_shown(name: str) -> bool:
    """Whether neither a file nor a folder around it is hidden, or belongs to what macOS adds to archives."""
    return not (name.startswith(".") or "/." in name or "__MACOSX" in name.split("/"))


class FileSource(Protocol):
    """Where files come from."""

    path: Path

    def names(self) -> list[str]:
        """Relative names of all files, parts separated by slashes, sorted."""
        ...

    def read(self, name: str) -> bytes:
        """Content of one file."""
        ...


class Directory:
    """The files below a directory, found through links that stay inside it.

    Parameters
    ----------
    path
        The directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root = path.resolve()

    def names(self) -> list[str]:
        """Return the relative names of all files, sorted.

        Raises
        ------
        FolderError
            A link leads out or to what is already in the set, or a name is not UTF-8.
        """
        # Text instead of paths: a folder may hold a million images.
        found: dict[str, str] = {}
        linked: set[str] = set()
        problems: list[str] = []
        seen: set[str] = set()
        root = str(self._root)
        # Folders behind links come last, so that of two names for one folder the link is refused, not the folder.
        pending = deque([("", root)])
        while pending:
            folder, real_folder = pending.pop()
            if real_folder in seen:
                problems.append(f"{folder.removesuffix('/')!r} is a link to a folder that is already in the set")
                continue
            seen.add(real_folder)
            with os.scandir(self.path / folder) as entries:
                for entry in entries:
                    if not is_shown(entry.name):
                        continue
                    name = f"{folder}{entry.name}"
                    link = entry.is_symlink()
                    real = os.path.realpath(entry.path) if link else f"{real_folder}/{entry.name}"
                    if link and not Path(real).is_relative_to(root):
                        problems.append(f"{name!r} is a link out of the folder")
                    elif not entry.is_dir():
                        found[name] = real
                        linked |= {name} if link else set()
                    elif link:
                        pending.appendleft((f"{name}/", real))
                    else:
                        pending.append((f"{name}/", real))
        counts = Counter(found.values())
        problems += [
            f"{name!r} is a link to a file that is already in the set" for name in linked if counts[found[name]] > 1
        ]
        _refuse(self.path, problems, "replace each link with a copy, or remove it")
        garbled = [f"{os.fsencode(name)!r} is not UTF-8" for name in found if not _is_utf8(name)]
        _refuse(self.path, garbled, "rename it")
        return sorted(found)

    def read(self, name: str) -> bytes:
        """Return the content of one file.

        Raises
        ------
        UnreadableImageError
            It lies outside of the directory, or is not a regular file.
        """
        place = self.path / name
        # Names may come from a file, and links may have changed since they were looked at.
        if not place.resolve().is_relative_to(self._root):
            raise UnreadableImageError("it lies outside of the folder")
        if place.exists() and not place.is_file():
            raise UnreadableImageError("it is not a regular file")
        return place.read_bytes()


class ZipArchive:
    """The members of a zip, read without unpacking it.

    Parameters
    ----------
    path
        The zip.

    Raises
    ------
    FolderError
        It is not a zip, or is truncated.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
            raise FolderError(f"{path}: not a zip file, or a truncated one ({error})") from error
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Return the relative names of all files, sorted.

        Raises
        ------
        FolderError
            A member is a link, is encrypted, occurs twice, is too large or has a path that leads out, or the zip would
            unpack to more than `LARGEST_RATIO` times its size.
        """
        members = self._archive.infolist()
        counts = Counter(member.filename for member in members)
        problems = []
        for member in members:
            problem = _member_problem(member)
            if not problem and counts[member.filename] > 1:
                problem = "occurs more than once"
            if problem:
                problems.append(f"{member.filename[:80]!r} {problem}")
        _refuse(self.path, problems, "pack the folder of images again")
        unpacked, packed = sum(member.file_size for member in members), self.path.stat().st_size
        if unpacked > max(_SMALL_BYTES, LARGEST_RATIO * packed):
            raise FolderError(
                f"{self.path}: {packed} bytes that would unpack to {unpacked}, more than {LARGEST_RATIO} times "
                "as many; this is not an archive of images"
            )
        return sorted(member.filename for member in members if not member.is_dir())

    def read(self, name: str) -> bytes:
        """Return the content of one file.

        Raises
        ------
        UnreadableImageError
            It may not be used; the message says why.
        """
        with self._lock:
            member = self._archive.getinfo(name)
            problem = _member_problem(member)
            if problem:
                raise UnreadableImageError(f"it {problem}")
            return self._archive.read(member)


def _refuse(path: Path, problems: Sequence[str], advice: str) -> None:
    if problems:
        others = f"; {len(problems)} entries cannot be used" if len(problems) > 1 else ""
        raise FolderError(f"{path}: {min(problems)}{others}; {advice}")


def _is_utf8(name: str) -> bool:
    """Whether a name could be decoded; where not, Python keeps its bytes as lone surrogates."""
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)


def _member_problem(member: zipfile.ZipInfo) -> str:
    """Why a member of a zip must not be used; empty if it may be."""
    name = member.filename
    parts = name.removesuffix("/").split("/")
    if "\\" in name or re.match(r"[A-Za-z]:", name) or any(part in {"", ".", ".."} for part in parts):
        return "is not a plain path inside the archive"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link"
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "is not a regular file"
    if member.flag_bits & 0x1:
        return "is encrypted"
    if member.file_size > LARGEST_MEMBER_BYTES:
        return (
            f"unpacks to {member.file_size / 2**20:.0f} MB; at most {LARGEST_MEMBER_BYTES / 2**20:.0f} MB are allowed"
        )
    return ""


def open_source(path: str | Path) -> FileSource:
    """Open a directory or a zip.

    Raises
    ------
    FileNotFoundError
        It does not exist.
    FolderError
        It is a file, but not a zip.
    """
    place = Path(path).expanduser()
    if place.is_dir():
        return Directory(place)
    if place.is_file():
        return ZipArchive(place)
    raise FileNotFoundError(f"{place}: no such folder or zip of images")
