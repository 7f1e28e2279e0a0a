"""Inputs of a job, compared with what the records of the jobs that wrote them say."""

from collections.abc import Iterable
from pathlib import Path

from netlens.files.hashing import sha256_of
from netlens.workflow.errors import UserError
from netlens.workflow.records import read_record


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
    DamagedRecordError
        A record beside it is damaged.
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
        record = read_record(candidate)
        if record is not None and str(path) in record.outputs:
            return record.outputs[str(path)]
    return None
