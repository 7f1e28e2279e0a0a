"""Files that are whole or absent, and the hash that says which."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which takes its name when the block ends without an error.

    Parameters
    ----------
    path
        The final name. Its folder is made where it is missing.

    Yields
    ------
    pathlib.Path
        A hidden name in the same folder (so on the same disk), with the suffix of `path`.

    Raises
    ------
    OSError
        The disk is full or the folder is not writable; the message names `path`. Nothing is left behind.
    """
    final = Path(path)
    temporary = final.with_name(f".{final.stem}.{os.getpid()}.part{final.suffix}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(final)
    except OSError as error:
        if error.filename is None or str(error.filename) == str(temporary):
            raise OSError(error.errno or 0, f"cannot write: {error.strerror or error}", str(final)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def sha256_of(path: str | Path) -> str:
    """Compute the sha256 of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
