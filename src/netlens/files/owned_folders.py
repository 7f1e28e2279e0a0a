"""Folders that belong to a running process, so that what a killed process leaves behind can be told and removed."""

import atexit
import fcntl
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

_SUFFIX: Final = ".lock"
#: The path of a Unix socket has at most 107 bytes; this leaves room for the names of a kernel's sockets.
_LONGEST_FOR_SOCKETS: Final = 80
_PREFIX: Final = "netlens-"
_OF_A_PROCESS: Final = re.compile(f"{_PREFIX}[0-9a-f]{{8}}")


@contextmanager
def claimed(folder: str | Path) -> Iterator[Path]:
    """Make a folder that belongs to this process during the block, and remove it with everything in it afterwards.

    Parameters
    ----------
    folder
        Its path; a file lock of the same name and the suffix ``.lock`` is beside it.

    Yields
    ------
    Path
        The folder. Only its owner can open it.

    Notes
    -----
    The operating system releases a file lock when the process ends, for any reason. A number of a process would not
    do: it may be in use again, or belong to another machine of a cluster.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock_of(folder)
    with _locked(lock):
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            _remove(folder)


def claim_until_exit(folder: str | Path) -> None:
    """Make a folder that this process has made, and removes when it exits, one that is `claimed`.

    So `remove_abandoned` removes it if the process is killed.
    """
    lock = _lock_of(Path(folder).absolute())
    file = _locked(lock)

    def release(process: int = os.getpid()) -> None:
        # A forked child runs this too, if it exits as Python does.
        if os.getpid() == process:
            lock.unlink(missing_ok=True)
            file.close()

    atexit.register(release)


def remove_abandoned(parent: str | Path, pattern: str = "*") -> int:
    """Remove the folders in `parent` that were `claimed` by processes which have ended without removing them.

    Returns
    -------
    int
        How many were removed.
    """
    removed = 0
    for lock in Path(parent).glob(f"{pattern}{_SUFFIX}"):
        # Files of other users cannot be opened.
        with suppress(OSError), os.fdopen(os.open(lock, os.O_RDWR | os.O_NOFOLLOW), "r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            removed += _remove(lock.with_name(lock.name.removesuffix(_SUFFIX)))
    return removed


def temporary_folder() -> Path:
    """Folder for temporary files whose path is short enough for the sockets in it: that of the system, or ``/tmp``."""
    usual = Path(tempfile.gettempdir())
    return usual if len(os.fsencode(usual)) <= _LONGEST_FOR_SOCKETS else Path("/tmp")


@contextmanager
def claimed_temporary() -> Iterator[Path]:
    """Folder for the temporary files and sockets of this process, removed after the block."""
    with claimed(temporary_folder() / f"{_PREFIX}{secrets.token_hex(4)}") as folder:
        yield folder


def remove_abandoned_temporary() -> int:
    """Remove the temporary folders of this user's processes that were killed, Snakemake's among them.

    A folder without a lock was made again, after it had been removed, by a process that was about to be killed: a lock
    is there before its folder and goes after it.
    """
    removed = remove_abandoned(tempfile.gettempdir(), "snakemake*")
    removed += remove_abandoned(temporary_folder(), f"{_PREFIX}*")
    for folder in temporary_folder().glob(f"{_PREFIX}*"):
        # Folders of other users cannot be removed.
        if _OF_A_PROCESS.fullmatch(folder.name) and not _lock_of(folder).exists():
            removed += _remove(folder)
    return removed


def _locked(lock: Path) -> IO[str]:
    """Open and lock the file beside a folder."""
    file = os.fdopen(os.open(lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600), "r+")
    # Where files cannot be locked, `remove_abandoned` cannot lock them either and leaves the folder alone.
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def _remove(folder: Path) -> bool:
    """Remove a folder, then its lock; whether that could be done.

    A folder cannot be removed while another process is still writing into it; its lock then stays for the next time.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        return False
    _lock_of(folder).unlink(missing_ok=True)
    return True


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + _SUFFIX)
