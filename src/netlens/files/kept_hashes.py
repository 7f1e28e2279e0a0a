"""Hashes of files that are kept between calls, for as long as the files are not written."""

import json
import time
from pathlib import Path
from typing import Any, Final

from netlens.files.atomic import writing
from netlens.files.hashing import sha256_of

#: A file that was written this shortly before it was looked at may be written again within its time's resolution.
_SETTLED_S: Final = 2.0


class KeptHashes:
    """sha256 of files, computed once for each version of a file.

    A version is told by inode, size and the times of the last change of contents and of the file's entry; the latter
    cannot be set back. Folders are hashed anew each time.

    Parameters
    ----------
    path
        Where hashes are kept; a file that is damaged or does not exist counts as empty.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._changed = False
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            kept = {}
        self._kept: dict[str, Any] = kept if isinstance(kept, dict) else {}

    def sha256(self, path: str | Path) -> str:
        """sha256 of a file or folder, as `netlens.files.hashing.sha256_of` computes it."""
        file = Path(path)
        status = file.stat()
        if file.is_dir():
            return sha256_of(file)
        version = [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        entry = self._kept.get(str(path))
        if isinstance(entry, list) and len(entry) == 2 and entry[0] == version and isinstance(entry[1], str):
            return entry[1]
        digest = sha256_of(file)
        if time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_S:
            self._kept[str(path)] = [version, digest]
            self._changed = True
        return digest

    def save(self) -> None:
        """Keep the hashes for the next call; where nothing can be written, nothing is kept."""
        if not self._changed:
            return
        self._kept = {path: entry for path, entry in self._kept.items() if Path(path).is_file()}
        try:
            with writing(self._path) as temporary:
                temporary.write_text(json.dumps(self._kept), encoding="utf-8")
        except OSError:
            return
        self._changed = False
