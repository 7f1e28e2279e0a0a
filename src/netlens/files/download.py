"""Fetch large files once: checked, resumed where a download broke off, or taken from a local folder."""

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
    """A file that cannot be fetched, or is not what it must be."""


@dataclass(frozen=True)
class Download:
    """A file that may be fetched.

    Attributes
    ----------
    name
        Name of the file.
    url
        Where it is (http or https).
    hash
        What it must be: algorithm and hexadecimal digest, such as ``sha256:9f86...``.
    size_bytes
        How large it is.
    licence
        Whose it is and what may be done with it.
    """

    name: str
    url: str
    hash: str
    size_bytes: int
    licence: str

    def check(self, file: Path) -> str | None:
        """Say what is wrong with `file`, or None where it is the right one."""
        size = file.stat().st_size
        if size != self.size_bytes:
            return f"has {size:,} bytes instead of {self.size_bytes:,}"
        algorithm, digest = self.hash.split(":")
        found = pooch.file_hash(str(file), alg=algorithm)
        return None if found == digest else f"has {algorithm} {found} instead of {digest}"


def read_manifest(path: str | Path = "data/manifest.yaml") -> dict[str, Download]:
    """Read the list of files that may be fetched.

    Returns
    -------
    dict
        By name.

    Raises
    ------
    FileNotFoundError
        There is no list.
    DownloadError
        An entry is incomplete, or its hash is none.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such list of downloads")
    entries = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    keys = {"url", "hash", "size_bytes", "licence"}
    downloads = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict) or set(entry) != keys:
            raise DownloadError(f"{file}: {name}: an entry has exactly {', '.join(sorted(keys))}")
        algorithm, _, digest = str(entry["hash"]).partition(":")
        if algorithm not in hashlib.algorithms_guaranteed or not re.fullmatch("[0-9a-f]{32,}", digest):
            raise DownloadError(f"{file}: {name}: hash must be algorithm:hexadecimal, such as sha256:9f86...")
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
    """Have a file at `destination`, from wherever it can be had.

    In this order: it is there already; a local folder has a file of that name; it is downloaded. What a broken
    download left is continued where the server can, also by a later run.

    Parameters
    ----------
    download
        What to fetch.
    destination
        Where it goes; appears there only when whole and checked.
    local_folders
        Folders to look in first.
    part
        Where the beginning of the file is kept until it is whole. Default: ``<destination>.part``.
    progress
        Show a progress bar on stderr.
    pause_s
        Seconds before a second try; doubled for each further one.

    Returns
    -------
    pathlib.Path
        `destination`.

    Raises
    ------
    DownloadError
        The server does not give it, or what came or lies in a local folder is not the right file.
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
                raise DownloadError(f"{candidate}: {problem}; replace it, or remove it to have it downloaded")
            with atomic.writing(final) as temporary:
                shutil.copyfile(candidate, temporary)
            return final

    part = final.with_name(f"{final.name}.part") if part is None else Path(part)
    part.parent.mkdir(parents=True, exist_ok=True)
    resumed = part.is_file() and part.stat().st_size > 0
    _transfer(download, part, progress=progress, pause_s=pause_s)
    problem = download.check(part)
    if problem is not None and resumed:
        # What was continued may have been the beginning of another file.
        part.unlink()
        _transfer(download, part, progress=progress, pause_s=pause_s)
        problem = download.check(part)
    if problem is not None:
        part.unlink()
        raise DownloadError(f"{download.url}: what came {problem}; nothing was kept")
    atomic.move(part, final)
    return final


def _transfer(download: Download, part: Path, *, progress: bool, pause_s: float) -> None:
    """Bring `part` to the full size, with several tries."""
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
            # A refusal does not change by asking again, a server's trouble may.
            if error.code < 500:
                raise DownloadError(
                    f"{download.url}: the server says {error.code} {error.reason}; "
                    f"get {download.name} by hand and put it into a local folder"
                ) from error
            problem = f"the server says {error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            problem = str(getattr(error, "reason", None) or error or type(error).__name__)
        else:
            problem = "the connection ended early"
            if part.stat().st_size >= download.size_bytes:
                return
    have = part.stat().st_size if part.is_file() else 0
    raise DownloadError(
        f"{download.url}: {have:,} of {download.size_bytes:,} bytes after {_TRIES} tries ({problem}); "
        "run again to continue, or put the file into a local folder"
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
