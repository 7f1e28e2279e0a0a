"""Large files, downloaded once: checked by hash, resumed after an interruption, or copied from a local folder."""

import hashlib
import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import pooch
import yaml
from tqdm.auto import tqdm

from netlens.files import atomic
from netlens.files.hashing import sha256_of

_CHUNK = 1 << 20
_TIMEOUT_S = 30.0
_TRIES = 4
#: In a manifest, for files whose publisher states no hash or size.
RECORDED = "recorded"
UNKNOWN = "unknown"
#: A file of unknown size is not read beyond this.
_MOST_BYTES = 4 << 30


class DownloadError(ValueError):
    """A file cannot be fetched, or is not the expected one."""


@dataclass(frozen=True)
class Download:
    """A file that can be downloaded.

    Attributes
    ----------
    name
        Name of the file.
    url
        Its address (http or https).
    hash
        Expected hash: algorithm and hexadecimal digest, such as ``sha256:9f86...``. None if the publisher states none:
        the sha256 of the first file that is fetched is then recorded and expected from then on.
    size_bytes
        Its size; None if it is not known.
    licence
        Its owner and the terms of use.
    """

    name: str
    url: str
    hash: str | None
    size_bytes: int | None
    licence: str

    def check(self, file: Path) -> str | None:
        """What is wrong with `file`; None if it is the expected file."""
        size = file.stat().st_size
        if self.size_bytes is not None and size != self.size_bytes:
            return f"has {size:,} bytes instead of {self.size_bytes:,}"
        if self.hash is None:
            return None
        algorithm, digest = self.hash.split(":")
        found = pooch.file_hash(str(file), alg=algorithm)
        return None if found == digest else f"has {algorithm} {found} instead of {digest}"


def read_manifest(path: str | Path = "data/manifest.yaml") -> dict[str, Download]:
    """Files that can be downloaded, read from a manifest.

    Returns
    -------
    dict
        Downloads by name.

    Raises
    ------
    FileNotFoundError
        There is no manifest.
    DownloadError
        An entry is incomplete, or its hash or address is malformed.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such list of downloads")
    entries = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    keys = {"url", "hash", "size_bytes", "licence"}
    downloads = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict) or set(entry) != keys:
            raise DownloadError(f"{file}: {name}: an entry must have exactly the keys {', '.join(sorted(keys))}")
        algorithm, _, digest = str(entry["hash"]).partition(":")
        known = algorithm in hashlib.algorithms_guaranteed and re.fullmatch("[0-9a-f]{32,}", digest)
        if not known and entry["hash"] != RECORDED:
            raise DownloadError(
                f"{file}: {name}: hash must be written as algorithm:digest, such as sha256:9f86..., or be {RECORDED!r}"
            )
        if entry["size_bytes"] != UNKNOWN and (type(entry["size_bytes"]) is not int or entry["size_bytes"] < 1):
            raise DownloadError(f"{file}: {name}: size_bytes must be a number of bytes or {UNKNOWN!r}")
        if not re.match("https?://", str(entry["url"])):
            raise DownloadError(f"{file}: {name}: url must begin with http:// or https://")
        downloads[name] = Download(
            name=name,
            url=str(entry["url"]),
            hash=None if entry["hash"] == RECORDED else str(entry["hash"]),
            size_bytes=None if entry["size_bytes"] == UNKNOWN else int(entry["size_bytes"]),
            licence=str(entry["licence"]),
        )
    return downloads


def fetch(
    download: Download,
    destination: str | Path,
    *,
    local_folders: Sequence[str | Path] = (),
    part: str | Path | None = None,
    record: str | Path | None = None,
    progress: bool = True,
    pause_s: float = 2.0,
) -> Path:
    """Make a file available at `destination`.

    If it is not there already, it is copied from a local folder that has a file of that name, or downloaded. An
    interrupted download is resumed, by a later run too, if the server supports it. Where the publisher states no hash,
    the sha256 of the first file is recorded, and any other file is refused from then on.

    Parameters
    ----------
    download
        What to fetch.
    destination
        Where to put it. The file appears there only when it is complete and checked.
    local_folders
        Folders to search first.
    part
        Where an incomplete download is kept. Default: ``<destination>.part``.
    record
        Where the sha256 of a file without a published hash is kept. Default: ``<destination>.sha256``.
    progress
        Show a progress bar on stderr.
    pause_s
        Seconds to wait before the second attempt; doubled for each further attempt.

    Returns
    -------
    pathlib.Path
        `destination`.

    Raises
    ------
    DownloadError
        The server does not deliver the file, or the file that was downloaded or found locally is not the expected one.
    DiskFullError
        The disk is full.
    """
    final = Path(destination)
    record = final.with_name(f"{final.name}.sha256") if record is None else Path(record)
    if download.hash is None and record.is_file():
        download = replace(download, hash=_recorded(record))
    _fetch(download, final, local_folders, part=part, progress=progress, pause_s=pause_s)
    if download.hash is None:
        with atomic.writing(record) as temporary:
            # In the format of sha256sum, which can check it.
            temporary.write_text(f"{sha256_of(final)}  {download.name}\n", encoding="utf-8")
    return final


def _recorded(record: Path) -> str:
    digest = record.read_text(encoding="utf-8").split()[:1]
    if not digest or not re.fullmatch("[0-9a-f]{64}", digest[0]):
        raise DownloadError(f"{record}: holds no sha256; delete it, and it is recorded again")
    return f"sha256:{digest[0]}"


def _fetch(
    download: Download,
    final: Path,
    local_folders: Sequence[str | Path],
    *,
    part: str | Path | None,
    progress: bool,
    pause_s: float,
) -> None:
    if final.is_file() and download.check(final) is None:
        return
    for folder in local_folders:
        candidate = Path(folder).expanduser() / download.name
        if candidate.is_file():
            problem = download.check(candidate)
            if problem is not None:
                raise DownloadError(f"{candidate}: {problem}; replace it, or remove it so that it is downloaded")
            with atomic.writing(final) as temporary:
                shutil.copyfile(candidate, temporary)
            return

    part = final.with_name(f"{final.name}.part") if part is None else Path(part)
    part.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.is_file() and part.stat().st_size > 0
    _transfer(download, part, progress=progress, pause_s=pause_s)
    problem = download.check(part)
    if problem is not None and resumed:
        # The part that was resumed may have belonged to another file.
        part.unlink()
        _transfer(download, part, progress=progress, pause_s=pause_s)
        problem = download.check(part)
    if problem is not None:
        part.unlink()
        raise DownloadError(f"{download.url}: the downloaded file {problem}; it was deleted")
    atomic.move(part, final)


def _transfer(download: Download, part: Path, *, progress: bool, pause_s: float) -> None:
    """Download the rest of `part`, in several attempts."""
    problem = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(pause_s * 2 ** (attempt - 1))
        have = part.stat().st_size if part.is_file() else 0
        if download.size_bytes is not None and have > download.size_bytes:
            part.unlink()
            have = 0
        if have == download.size_bytes:
            return
        try:
            total = _receive(download, part, have, progress=progress)
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
                # What is there is the whole file, or the beginning of something else.
                if str(error.headers.get("Content-Range", "")).endswith(f"/{have}"):
                    return
                part.unlink()
                problem = f"the server has nothing behind byte {have:,}"
                continue
            # A refusal will not change on a further attempt; a server error may.
            if error.code < 500:
                raise DownloadError(
                    f"{download.url}: the server answers {error.code} {error.reason}; "
                    f"download {download.name} by hand and put it in a local folder"
                ) from error
            problem = f"the server answers {error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            problem = str(getattr(error, "reason", None) or error or type(error).__name__)
        else:
            problem = "the connection ended early"
            if part.stat().st_size >= total:
                return
    have = part.stat().st_size if part.is_file() else 0
    whole = f"of {download.size_bytes:,} bytes" if download.size_bytes is not None else "bytes"
    raise DownloadError(
        f"{download.url}: {have:,} {whole} after {_TRIES} attempts ({problem}); "
        "run again to resume, or put the file in a local folder"
    )


def _receive(download: Download, part: Path, have: int, *, progress: bool) -> int:
    """Receive what follows the first `have` bytes, and return the size of the whole file."""
    headers = {"User-Agent": "netlens", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(download.url, headers=headers)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        continued = response.status == http.HTTPStatus.PARTIAL_CONTENT and _starts_at(response, have)
        if not continued:
            have = 0
        total = download.size_bytes
        if total is None:
            # Without a length, the end of the connection is the end of the file.
            length = response.headers.get("Content-Length")
            total = have + int(length) if length is not None else 0
        try:
            with part.open("ab" if continued else "wb") as file:
                _copy(response, file, download.name, have, total or None, progress=progress)
        except OSError as error:
            if error.errno == 28:
                raise atomic.disk_full(part) from None
            raise
    return total


def _starts_at(response: http.client.HTTPResponse, have: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {have}-")


def _copy(source: IO[bytes], target: IO[bytes], name: str, have: int, total: int | None, *, progress: bool) -> None:
    bar = tqdm(total=total, initial=have, desc=name, unit="B", unit_scale=True, disable=not progress)
    with bar:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
            have += len(chunk)
            bar.update(len(chunk))
            # A server that sends more than it should must not fill the disk.
            if have > (total or _MOST_BYTES):
                return
