"""How long items took, with everything that they were made from, by the records of the jobs."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from netlens.workflow.catalogue import Item


def minutes_of(groups: Mapping[str, Iterable[Item]], study: str, results: Path = Path("results")) -> dict[str, float]:
    """Minutes of computation behind groups of items.

    Parameters
    ----------
    groups
        Items that have been made, by the name of the group.
    study
        Name of the study.
    results
        Folder of intermediate results, whose records name their inputs and outputs.

    Returns
    -------
    dict
        Sum of the durations of the jobs that made the group's items and of all jobs above them, each counted once.
    """
    makers: dict[str, Mapping[str, Any]] = {}
    for path in sorted((results / study).rglob("*.json")):
        if "staging" in path.parts or (record := _record(path)) is None:
            continue
        makers |= dict.fromkeys((*record["outputs"], path.as_posix()), record)
    return {group: _minutes(items, study, makers) for group, items in groups.items()}


def _minutes(items: Iterable[Item], study: str, makers: Mapping[str, Mapping[str, Any]]) -> float:
    todo: list[Mapping[str, Any]] = [record for item in items if (record := _record(item.files(study)[-1])) is not None]
    used: dict[str, float] = {}
    while todo:
        job = todo.pop()
        # Several jobs may have one rule, but no two have an output in common.
        key = min(job["outputs"], default=job["rule"])
        if key not in used:
            used[key] = float(job["duration_s"])
            todo += [makers[path] for path in job["inputs"] if path in makers]
    return sum(used.values()) / 60


def _record(path: Path) -> dict[str, Any] | None:
    """Read a job's record; None if the file is something else."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    needed = {"rule", "duration_s", "inputs", "outputs"}
    return fields if isinstance(fields, dict) and needed <= fields.keys() else None
