"""A copy of the checkout's tracked files, to run studies in without touching this one's results."""

import subprocess
from pathlib import Path


def copy_checkout(folder: Path) -> None:
    """Copy all tracked files, as they are in the working tree, into a folder that does not exist yet."""
    if folder.exists():
        raise SystemExit(f"{folder} exists; name a folder that does not")
    tracked = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(Path(name).read_bytes())
