"""Atomic writes: a file appears under its final name only when it is complete."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class DiskFullError(OSError):
    """The disk became full while a file was being written; nothing was left under its final name."""


@contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """Temporary path beside `path` that is renamed to `path` if the block succeeds and removed if it fails.

    Parameters
    ----------
    path
        The final name. Missing parent folders are created.

    Yields
    ------
    Path
        Where to write. It has the suffix of `path`, because many writers choose the format by the suffix.

    Raises
    ------
    DiskFullError
        The device has no space left.
    """
    final = Path(path)
    temporary = final.with_name(f".{final.stem}.{os.getpid()}.part{final.suffix}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(final)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_full(final) from None
        raise
    finally:
        with suppress(OSError):
            temporary.unlink()


def move(source: str | Path, destination: str | Path) -> None:
    """Move a finished file to its final name, even across file systems, without ever leaving it half-written.

    A folder takes the place of the folder that is there, on the same file system only.
    """
    source, destination = Path(source), Path(destination)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir() and destination.is_dir():
            shutil.rmtree(destination)
        source.replace(destination)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_full(destination) from None
        if error.errno != errno.EXDEV:
            raise
        with writing(destination) as temporary:
            shutil.copyfile(source, temporary)
        source.unlink()


def disk_full(path: Path) -> DiskFullError:
    """Error that says in one line which file could not be written because the disk is full, and what to do."""
    folder = next(parent for parent in (path.parent, *path.parent.parents) if parent.exists())
    free_mb = shutil.disk_usage(folder).free / 1e6
    return DiskFullError(
        errno.ENOSPC, f"disk full while writing {path} ({free_mb:.0f} MB free): free some space, then run again"
    )
