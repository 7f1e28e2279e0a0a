"""The records that a study's jobs left: which job made a file, and which jobs are above it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

Record = Mapping[str, Any]

#: What every record has, and its type.
_NEEDED: Final = {"rule": str, "notebook": dict, "code": dict, "inputs": dict, "outputs": dict}


def read_job_record(path: Path) -> Record | None:
    """Record of a job; None for a file that does not exist or is not one."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict) or any(not isinstance(record.get(key), kind) for key, kind in _NEEDED.items()):
        return None
    return record if {"path", "sha256"} <= record["notebook"].keys() else None


def makers(study: str, root: Path = Path()) -> dict[str, Record]:
    """Records of the jobs that made a study's intermediate results, by each of their outputs and their own paths."""
    found: dict[str, Record] = {}
    results = root / "results" / study
    for path in sorted(results.rglob("*.json")):
        # What is staged is not finished.
        if "staging" in path.relative_to(results).parts:
            continue
        record = read_job_record(path)
        if record is not None:
            found |= dict.fromkeys((*record["outputs"], path.relative_to(root).as_posix()), record)
    return found


def key_of(record: Record) -> str:
    """What identifies a job: several may have one rule, but no two have an output in common."""
    return str(min(record["outputs"], default=record["rule"]))


def jobs_above(record: Record, made_by: Mapping[str, Record]) -> list[Record]:
    """Jobs that made the inputs of a job, each once, in the order of the inputs."""
    found: dict[str, Record] = {}
    for path in record["inputs"]:
        above = made_by.get(path)
        if above is not None and above is not record:
            found.setdefault(key_of(above), above)
    return list(found.values())


def jobs_behind(records: Iterable[Record], made_by: Mapping[str, Record]) -> list[Record]:
    """Jobs and all jobs above them, each once."""
    found: dict[str, Record] = {}
    todo = list(records)
    while todo:
        record = todo.pop()
        if key_of(record) not in found:
            found[key_of(record)] = record
            todo += jobs_above(record, made_by)
    return list(found.values())
