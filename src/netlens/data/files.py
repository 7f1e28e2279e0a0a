"""The hash that says which file it is."""

import hashlib
from pathlib import Path


def sha256_of(path: str | Path) -> str:
    """Compute the sha256 of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
