"""The folders that a study's outputs go to, and whether they can be written to."""

import os
from pathlib import Path
from typing import Final

from netlens.workflow.errors import UserError

_FOLDERS: Final = ("results", "figures", "export_defs", "site")


def check_writable(study: str) -> None:
    """Check that the folders of a study's outputs can be written to, as far as they exist.

    Parameters
    ----------
    study
        Name of the study.

    Raises
    ------
    UserError
        One of them cannot; the message names it.
    """
    for top in map(Path, _FOLDERS):
        below = (Path(folder) for folder, *_ in os.walk(top / study))
        for folder in (top, *below):
            if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
                raise UserError(
                    f"{folder}: cannot be written to; netlens writes what it makes there, so give yourself the right "
                    f"(chmod u+w {folder}), or run it in a copy of this checkout"
                )
