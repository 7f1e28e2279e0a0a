"""Files that a study reads but does not make: what they contain, and paths by which Snakemake can name them.

Snakemake compares times, so a file that is replaced by an older one (``cp -p``, ``mv``, an unpacked archive) or that is
overwritten inside a folder would count as unchanged. The rules therefore have a digest of what such files contain as a
parameter. Files are read once, and again only if their inode, size or modification time differs.

Snakemake also reads ``{x}`` in a path as a wildcard and ``<x>`` as a variable, and neither can be escaped.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from netlens.files.atomic import writing
from netlens.files.hashing import sha256_of
from netlens.workflow.errors import UserError
from netlens.workflow.image_specs import is_download

#: Hashes of the files that were read, by path, with inode, size and modification time.
KNOWN_HASHES: Final = Path(".snakemake/netlens/hashes.json")
_ALIASES: Final = Path(".snakemake/netlens/files")
# What Snakemake reads as a wildcard or a variable, and what it splits at or refuses in the name of a file.
_SPECIAL: Final = re.compile(r"[{}<>\x00-\x1f]|^[a-z]+://|^\s|\s$|[\ud800-\udfff]")
#: A file that was changed so recently may be changed again without a change of its modification time.
_UNSETTLED_S: Final = 2.0
#: Clocks of machines that share a disk differ by less.
_CLOCK_SKEW_S: Final = 60.0
_THREADS: Final = min(8, os.cpu_count() or 1)
_REPORTED_FILES: Final = 5


class FileTimeError(UserError):
    """Files whose modification time lies in the future; the message names them and how to correct that."""


def contents_of(paths: Iterable[str | Path], known_hashes: Path = KNOWN_HASHES) -> str:
    """Digest of what files and folders contain, whatever their times.

    Parameters
    ----------
    paths
        Files and folders. Left out are those that do not exist, and those that rules make, which Snakemake compares.
    known_hashes
        Where the hashes of files that were read before are kept, if that can be written.

    Returns
    -------
    str
        64 hexadecimal digits; empty if none of the paths exists.
    """
    files = sorted({file for path in paths if not _is_made(path) for file in _files_in(Path(path))})
    if not files:
        return ""
    known = _known(known_hashes)
    with ThreadPoolExecutor(_THREADS) as pool:
        found = dict(zip(files, pool.map(lambda file: _fingerprint(file, known.get(file)), files), strict=True))
    if changed := {file: entry for file, entry in found.items() if entry != known.get(file)}:
        settled = time.time_ns() - int(_UNSETTLED_S * 1e9)
        kept = {**known, **{file: entry for file, entry in changed.items() if entry[2] < settled}}
        with suppress(OSError), writing(known_hashes) as temporary:
            temporary.write_text(json.dumps(kept), encoding="utf-8")
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file}\0{found[file][3]}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _is_made(path: str | Path) -> bool:
    return str(path).startswith("results/") or is_download(path)


def _files_in(path: Path) -> list[str]:
    if not path.is_dir():
        return [str(path)] if path.is_file() else []
    # Links to folders are not followed, so that circles end.
    return [f"{folder}/{name}" for folder, _, names in os.walk(path) for name in names if not name.startswith(".")]


def _known(path: Path) -> dict[str, list[Any]]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(stored, Mapping):
        return {}
    return {file: entry for file, entry in stored.items() if isinstance(entry, list) and len(entry) == 4}


def _fingerprint(file: str, known: list[Any] | None) -> list[Any]:
    """Inode, size, modification time and hash of a file, which is read only if it is not as it was."""
    try:
        state = Path(file).stat()
        identity = [state.st_ino, state.st_size, state.st_mtime_ns]
        if known is not None and known[:3] == identity:
            return known
        return [*identity, sha256_of(file) if Path(file).is_file() else "not a file"]
    except OSError as error:
        return [0, 0, 0, f"unreadable: {error.strerror}"]


def snakemake_path(path: str | Path) -> str:
    """Path of a file or folder as a rule's input: the path itself, or a link to it where Snakemake cannot name it.

    `real_path` gives the path back.
    """
    path = str(path)
    if not _SPECIAL.search(path) or not Path(path).exists():
        return path
    suffix = re.sub(r"[^.A-Za-z0-9]", "", Path(path).suffix)
    alias = _ALIASES / f"{hashlib.sha256(path.encode(errors='surrogateescape')).hexdigest()[:16]}{suffix}"
    target = str(Path(path).absolute())
    if not alias.is_symlink() or str(alias.readlink()) != target:
        alias.parent.mkdir(parents=True, exist_ok=True)
        temporary = alias.with_name(f"{alias.name}.{os.getpid()}")
        temporary.symlink_to(target)
        temporary.replace(alias)
    return alias.as_posix()


def snakemake_paths(paths: Iterable[str | Path]) -> list[str]:
    """Each of some paths as `snakemake_path` returns it."""
    return [snakemake_path(path) for path in paths]


def real_path(path: str) -> str:
    """Path that `snakemake_path` has replaced, relative to the working folder if it lies inside."""
    if Path(path).parent != _ALIASES:
        return path
    target = str(Path(path).readlink())
    return os.path.relpath(target) if Path(target).is_relative_to(Path.cwd()) else target


def check_times(paths: Iterable[str | Path]) -> None:
    """Check that no file or folder was modified in the future, which makes Snakemake discard what is made from it.

    Parameters
    ----------
    paths
        Files and folders; those that do not exist are left out.

    Raises
    ------
    FileTimeError
        One line with the files.
    """
    latest = time.time() + _CLOCK_SKEW_S
    ahead = {}
    for path in paths:
        with suppress(OSError):
            if (modified := Path(path).stat().st_mtime) > latest:
                ahead[str(path)] = modified
    if ahead:
        shown = [
            f"{path} ({time.strftime('%Y-%m-%d %H:%M', time.localtime(modified))})"
            for path, modified in list(ahead.items())[:_REPORTED_FILES]
        ]
        more = f" and {len(ahead) - len(shown)} more" if len(ahead) > len(shown) else ""
        raise FileTimeError(
            f"modified in the future: {', '.join(shown)}{more}; Snakemake would discard what is made from that; "
            "correct the clock, or set the time of the file to now with `touch`"
        )
