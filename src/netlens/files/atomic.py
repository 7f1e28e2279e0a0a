"""Write files so that no half-written one is ever found under its final name."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class DiskFullError(OSError):
    """The disk filled up while a file was written; nothing was left under the final name."""


@contextmanager
def writing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well, remove it otherwise.

    Parameters
    ----------
    path
        The final name. Missing parent folders are made.

    Yields
    ------
    Path
        Where to write; has the same suffix as `path`, since writers choose their format by it.

    Raises
    ------
    DiskFullError
        When the device has no space left.
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
    """Move a finished file to its final name, also from another file system, without a half-written moment."""
    source, destination = Path(source), Path(destination)
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
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
    """Build the one line that says which disk is full, and what to do."""
    folder = next(parent for parent in (path.parent, *path.parent.parents) if parent.exists())
    free_mb = shutil.disk_usage(folder).free / 1e6
    return DiskFullError(
        errno.ENOSPC, f"disk full while writing {path} ({free_mb:.0f} MB free): free some space, then run again"
    )
