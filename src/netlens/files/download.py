"""Large files, downloaded once: checked by hash, resumed after an interruption, or copied from a local folder."""

import hashlib
import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pooch
import yaml
from tqdm.auto import tqdm

from netlens.files import atomic

_CHUNK = 1 << 20
_TIMEOUT_S = 30.0
_TRIES = 4


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
        Expected hash: algorithm and hexadecimal digest, such as ``sha256:9f86...``.
    size_bytes
        Its size.
    licence
        Its owner and the terms of use.
    """

    name: str
    url: str
    hash: str
    size_bytes: int
    licence: str

    def check(self, file: Path) -> str | None:
        """What is wrong with `file`; None if it is the expected file."""
        size = file.stat().st_size
        if size != self.size_bytes:
            return f"has {size:,} bytes instead of {self.size_bytes:,}"
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
        if algorithm not in hashlib.algorithms_guaranteed or not re.fullmatch("[0-9a-f]{32,}", digest):
            raise DownloadError(f"{file}: {name}: hash must be written as algorithm:digest, such as sha256:9f86...")
        if not re.match("https?://", str(entry["url"])):
            raise DownloadError(f"{file}: {name}: url must begin with http:// or https://")
        downloads[name] = Download(name=name, **entry)
    return downloads


def fetch(
    download: Download,
    destination: str | Path,
    *,
    local_folders: Sequence[str | Path] = (),
    part: str | Path | None = None,
    progress: bool = True,
    pause_s: float = 2.0,
) -> Path:
    """Make a file available at `destination`.

    If it is not there already, it is copied from a local folder that has a file of that name, or downloaded. An
    interrupted download is resumed, by a later run too, if the server supports it.

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
    if final.is_file() and download.check(final) is None:
        return final
    for folder in local_folders:
        candidate = Path(folder).expanduser() / download.name
        if candidate.is_file():
            problem = download.check(candidate)
            if problem is not None:
                raise DownloadError(f"{candidate}: {problem}; replace it, or remove it so that it is downloaded")
            with atomic.writing(final) as temporary:
                shutil.copyfile(candidate, temporary)
            return final

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
    return final


def _transfer(download: Download, part: Path, *, progress: bool, pause_s: float) -> None:
    """Download the rest of `part`, in several attempts."""
    problem = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(pause_s * 2 ** (attempt - 1))
        have = part.stat().st_size if part.is_file() else 0
        if have > download.size_bytes:
            part.unlink()
            have = 0
        if have == download.size_bytes:
            return
        try:
            _receive(download, part, have, progress=progress)
        except urllib.error.HTTPError as error:
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
            if part.stat().st_size >= download.size_bytes:
                return
    have = part.stat().st_size if part.is_file() else 0
    raise DownloadError(
        f"{download.url}: {have:,} of {download.size_bytes:,} bytes after {_TRIES} attempts ({problem}); "
        "run again to resume, or put the file in a local folder"
    )


def _receive(download: Download, part: Path, have: int, *, progress: bool) -> None:
    headers = {"User-Agent": "netlens", **({"Range": f"bytes={have}-"} if have else {})}
    request = urllib.request.Request(download.url, headers=headers)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
        continued = response.status == http.HTTPStatus.PARTIAL_CONTENT and _starts_at(response, have)
        if not continued:
            have = 0
        try:
            with part.open("ab" if continued else "wb") as file:
                _copy(response, file, download, have, progress=progress)
        except OSError as error:
            if error.errno == 28:
                raise atomic.disk_full(part) from None
            raise


def _starts_at(response: http.client.HTTPResponse, have: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {have}-")


def _copy(source: IO[bytes], target: IO[bytes], download: Download, have: int, *, progress: bool) -> None:
    bar = tqdm(
        total=download.size_bytes, initial=have, desc=download.name, unit="B", unit_scale=True, disable=not progress
    )
    with bar:
        while chunk := source.read(_CHUNK):
            target.write(chunk)
            have += len(chunk)
            bar.update(len(chunk))
            # A server that sends more than it should must not fill the disk.
            if have > download.size_bytes:
                return
