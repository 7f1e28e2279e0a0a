"""Hashes that identify files."""

import hashlib
from pathlib import Path


def sha256_of(path: str | Path) -> str:
    """sha256 of a file; for a folder, the sha256 of the names and sizes of the files in it.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    path = Path(path)
    if path.is_dir():
        digest = hashlib.sha256()
        for file in sorted(path.rglob("*")):
            # Snakemake leaves this one in folders that are outputs, after the job has recorded their hash.
            if file.is_file() and file.name != ".snakemake_timestamp":
                digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
