"""Names of the user and of the machine, which a published file must not contain."""

import getpass
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

#: Files whose text is looked at; others are pictures and numbers.
_TEXTS = {
    ".cff",
    ".csv",
    ".html",
    ".ipynb",
    ".json",
    ".md",
    ".py",
    ".smk",
    ".tex",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
    "",
}
_TEXTS |= {".bbl", ".bib", ".css", ".js", ".sh"}
#: Names that say nothing of a machine.
_COMMON_HOSTS = {"localhost", "localhost.localdomain"}
#: Shorter names are found everywhere by chance.
_SHORTEST_HOST = 4


@dataclass(frozen=True)
class Private:
    """A private name in a file.

    Attributes
    ----------
    path
        The file.
    what
        What the name is of, never the name itself.
    """

    path: Path
    what: str


def private_patterns() -> dict[str, re.Pattern[bytes]]:
    """What to look for, by what it is: folders of this machine, the user's home in general, and the machine's name.

    A user's name alone is no sign, since it may be a word; within a path or before an ``@`` it is.
    """
    folders = {"the folder of the checkout": Path.cwd(), "your home folder": Path.home()}
    patterns = {
        what: rf"{re.escape(str(folder))}(?![\w.-])"
        for what, folder in folders.items()
        if folder != Path(folder.anchor)
    }
    user = _user()
    if user:
        patterns["your user name"] = rf"/(?:home|Users)/{re.escape(user)}(?![\w-])|\b{re.escape(user)}@"
    host = socket.gethostname()
    if len(host) >= _SHORTEST_HOST and host not in _COMMON_HOSTS:
        patterns["the name of this machine"] = rf"(?<![\w.-]){re.escape(host)}(?![\w-])"
    return {what: re.compile(pattern.encode()) for what, pattern in patterns.items()}


def private_names(files: Iterable[Path], root: Path, common: Iterable[Path] = ()) -> list[Private]:
    """Private names in files.

    Parameters
    ----------
    files
        Paths of files as they are published.
    root
        The folder under which they are now.
    common
        Files of which it is known that they are nobody's; a word that they have is no secret.
    """
    patterns = private_patterns()
    common = list(common)
    for what in list(patterns):
        if any(patterns[what].search((root / path).read_bytes()) for path in common if path.suffix in _TEXTS):
            del patterns[what]
    found = []
    for path in files:
        if path.suffix not in _TEXTS:
            continue
        content = (root / path).read_bytes()
        found += [Private(path, what) for what, pattern in patterns.items() if pattern.search(content)]
    return found


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return os.environ.get("USER", "")
