"""How long items took, with everything that they were made from, by the records of the jobs."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from netlens.workflow.catalogue import Item
from netlens.workflow.records import Record, jobs_behind, makers, read_record


def minutes_of(groups: Mapping[str, Iterable[Item]], study: str, root: Path = Path()) -> dict[str, float]:
    """Minutes of computation behind groups of items.

    Parameters
    ----------
    groups
        Items that have been made, by the name of the group.
    study
        Name of the study.
    root
        Folder of the repository.

    Returns
    -------
    dict
        Sum of the durations of the jobs that made the group's items and of all jobs above them, each counted once.
    """
    made_by = makers(study, root)
    return {group: _minutes(items, study, made_by, root) for group, items in groups.items()}


def _minutes(items: Iterable[Item], study: str, made_by: Mapping[str, Record], root: Path) -> float:
    made = [record for item in items if (record := read_record(root / item.files(study)[-1])) is not None]
    return sum(job.duration_s for job in jobs_behind(made, made_by)) / 60
