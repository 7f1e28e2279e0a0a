"""Where a command was given, and the checkout that it is about."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Place:
    """The folder in which a command was given, and the root of the checkout, in which it runs.

    Attributes
    ----------
    given_in
        The folder in which the command was given.
    root
        The checkout that holds this folder; the folder itself if there is none.
    """

    given_in: Path
    root: Path

    @classmethod
    def of(cls, folder: Path) -> "Place":
        """Place of a command that was given in `folder`."""
        root = next((path for path in (folder, *folder.parents) if _is_checkout(path)), folder)
        return cls(folder, root)

    def path(self, given: str) -> str:
        """Path of a file as seen from the root; in the root itself, as it was given."""
        if self.given_in == self.root or Path(given).is_absolute():
            return given
        return os.path.relpath(self.given_in / given, self.root)

    def study(self, given: str) -> str:
        """Name of a study, or the path of its file as seen from the root."""
        return self.path(given) if Path(given).suffix in {".yaml", ".yml"} else given

    def source(self, given: str) -> str:
        """Address of a file or folder, or its path as seen from the root."""
        return given if urlsplit(given).scheme in {"http", "https"} else self.path(given)

    def file_or_word(self, given: str) -> str:
        """Path as seen from the root of what there is under a name; the name itself if there is nothing."""
        return self.path(given) if given and (self.given_in / given).exists() else given

    def argument(self, given: str) -> str:
        """Argument of a script: as seen from the root if it begins with ``./`` or ``../``, or is a file that exists.

        A plain word, such as the name of a study, stays what it is, even if there is a folder of that name. The value
        in ``--option=value`` is an argument too.
        """
        if given.startswith("--") and "=" in given:
            option, _, value = given.partition("=")
            return f"{option}={self.argument(value)}"
        if given.partition("/")[0] in (".", ".."):
            return self.path(given)
        return self.file_or_word(given) if "/" in given or "." in given else given

    def setting(self, given: str) -> str:
        """``NAME=VALUE``, with a value that is a file as seen from the root."""
        name, separator, value = given.partition("=")
        return f"{name}{separator}{self.file_or_word(value)}"

    def types(self) -> dict[str, Callable[[str], str]]:
        """Kinds of arguments that depend on where a command was given, by the names that parsers have for them."""
        return {
            "path": self.path,
            "study": self.study,
            "source": self.source,
            "file_or_word": self.file_or_word,
            "argument": self.argument,
            "setting": self.setting,
        }


def _is_checkout(folder: Path) -> bool:
    return (folder / "Snakefile").is_file() and (folder / "config" / "schema.yaml").is_file()
