"""Inputs of a job, compared with what the records of the jobs that wrote them say."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from netlens.files.hashing import sha256_of
from netlens.workflow.errors import UserError


class ChangedInputError(UserError):
    """An intermediate result is not the file that its job wrote."""


def checked_hashes(paths: Iterable[str | Path]) -> dict[str, str]:
    """SHA-256 of a job's inputs, by path.

    Formats' own checksums are not enough: one flipped bit in sixty gets past those of npz.

    Parameters
    ----------
    paths
        Files and folders. Those without a record beside them, such as what the user provides, are taken as they are.

    Returns
    -------
    dict

    Raises
    ------
    ChangedInputError
        A file has another sha256 than in the record beside it: it is damaged, or somebody has changed it.
    """
    found = {}
    for path in map(Path, paths):
        found[str(path)] = sha256_of(path)
        recorded = _recorded(path)
        if recorded is not None and recorded != found[str(path)]:
            raise ChangedInputError(
                f"{path} is not the file that its job wrote (sha256 {found[str(path)][:12]}..., recorded "
                f"{recorded[:12]}...): delete it, and the next run makes it again"
            )
    return found


def _recorded(path: Path) -> str | None:
    """Return the sha256 of a file in the record beside it, if there is one."""
    beside = path.with_suffix(".json")
    for candidate in [beside, *sorted(set(path.parent.glob("*.json")) - {beside})]:
        outputs = _outputs(candidate)
        if str(path) in outputs:
            return str(outputs[str(path)])
    return None


def _outputs(record: Path) -> dict[str, Any]:
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    outputs = content.get("outputs") if isinstance(content, dict) else None
    return outputs if isinstance(outputs, dict) else {}
