"""``netlens cache`` and ``netlens paper --cache``: results that are taken from where they were published."""

import json
import re
import shutil
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from netlens.files.download import Download, DownloadError, fetch
from netlens.workflow import kept_results
from netlens.workflow.errors import UserError
from netlens.workflow.study import load_study


def export_results(study: str, target: str, *, as_json: bool = False) -> int:
    """Keep all intermediate results of a study in a folder or zip."""
    count, size = kept_results.export(load_study(study)["study"], Path(target))
    if as_json:
        print(json.dumps({"target": target, "results": count, "bytes": size}, ensure_ascii=False))
    else:
        print(f"{target}: {count} results, {size / 1e6:.0f} MB before compression")
    return 0


def import_results(source: str, sha256: str | None = None, *, as_json: bool = False) -> int:
    """Make kept results available to the runs of this checkout.

    Parameters
    ----------
    source
        A folder or zip that ``netlens cache export`` wrote, or the address of such a zip.
    sha256
        What the zip must be; not checked if None.
    as_json
        Print plain data.

    Raises
    ------
    UserError
        There is no such folder or zip, or it is not what it must be.
    """
    expected = f"sha256:{sha256.lower()}" if sha256 else None
    if expected and not re.fullmatch("sha256:[0-9a-f]{64}", expected):
        raise UserError(f"--sha256 {sha256}: not a sha256, which has 64 hexadecimal digits")
    if urlsplit(source).scheme in {"http", "https"}:
        archive = Path("results") / ".kept.zip"
        archive.parent.mkdir(parents=True, exist_ok=True)
        wanted = Download(Path(urlsplit(source).path).name, source, expected, None, "")
        try:
            fetch(wanted, archive)
            count = kept_results.take(archive, source)
        except DownloadError as error:
            raise UserError(str(error)) from None
        finally:
            for path in (archive, archive.with_name(f"{archive.name}.sha256")):
                path.unlink(missing_ok=True)
    else:
        if not Path(source).exists():
            raise UserError(f"{source}: no such folder or zip of kept results")
        if expected and not Path(source).is_file():
            raise UserError(f"{source}: a folder has no sha256; --sha256 is that of a zip")
        if problem := Download(source, "", expected, None, "").check(Path(source)):
            raise UserError(f"{source}: {problem}")
        # The record names no folder of this machine.
        count = kept_results.take(Path(source), Path(source).name)
    if as_json:
        print(json.dumps({"source": source, "results": count}, ensure_ascii=False))
    else:
        print(f"{count} kept results from {source}")
    return 0


def clear_results(*, as_json: bool = False) -> int:
    """Forget all kept results."""
    with suppress(FileNotFoundError):
        shutil.rmtree(kept_results.STORE)
    print(json.dumps({"results": 0}) if as_json else "no results are kept any more; everything is computed")
    return 0
