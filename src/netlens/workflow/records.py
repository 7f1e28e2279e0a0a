"""The records that jobs leave beside what they wrote: which job made a file, and which jobs are above it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from netlens.workflow.errors import UserError

#: What every record has, and its type.
_NEEDED: Final[Mapping[str, type | tuple[type, ...]]] = {
    "rule": str,
    "notebook": dict,
    "inputs": dict,
    "code": dict,
    "outputs": dict,
    "machine": dict,
    "duration_s": (int, float),
}
#: What differs from run to run although a job does the same.
_OF_A_RUN: Final = frozenset(
    {
        *("devices", "duration_s", "executed", "git", "imported", "inputs", "machine", "numerical_settings"),
        *("peak_memory_mb", "processor_s", "started_at", "taken_from", "threads", "versions"),
    }
)
#: So many of these keys are no coincidence: the file is a record, perhaps a damaged one.
_TELLING: Final = 3


class DamagedRecordError(UserError):
    """A record is not as the runner wrote it."""


@dataclass(frozen=True)
class Record:
    """Record of a job, as `netlens.workflow.runner` wrote it.

    Attributes
    ----------
    path
        Where it lies.
    rule
        The rule that the job was made by.
    notebook, notebook_sha256
        Path and sha256 of its notebook.
    inputs, code, outputs
        sha256 by path.
    machine
        The machine that it ran on.
    duration_s
        How long it took.
    fields
        Everything in it: the above, and what the notebook says of its output, such as the value of a macro.
    """

    path: Path
    rule: str
    notebook: str
    notebook_sha256: str
    inputs: Mapping[str, str]
    code: Mapping[str, str]
    outputs: Mapping[str, str]
    machine: Mapping[str, Any]
    duration_s: float
    fields: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, path: Path, fields: Mapping[str, Any]) -> "Record":
        """Record that holds `fields`.

        Raises
        ------
        DamagedRecordError
            Something that every record has is missing or is of another type.
        """
        for key, kind in _NEEDED.items():
            if not isinstance(fields.get(key), kind):
                raise _damaged(path, f"{key!r} is {'wrong' if key in fields else 'missing'}")
        notebook = fields["notebook"]
        hashes = [notebook.get("path"), notebook.get("sha256")]
        hashes += [part for key in ("inputs", "code", "outputs") for pair in fields[key].items() for part in pair]
        if not all(isinstance(part, str) for part in hashes):
            raise _damaged(path, "a path or a sha256 is no text")
        return cls(
            path=path,
            notebook=notebook["path"],
            notebook_sha256=notebook["sha256"],
            fields=fields,
            **{key: fields[key] for key in _NEEDED if key != "notebook"},
        )

    @property
    def key(self) -> str:
        """What identifies the job: several may have one rule, but no two have an output in common."""
        return min(self.outputs, default=self.rule)

    @property
    def digest(self) -> str:
        """A sha256 of all that does not differ from run to run: what a job was told, and what it found and wrote."""
        kept = {key: value for key, value in self.fields.items() if key not in _OF_A_RUN}
        return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_record(path: Path) -> Record | None:
    """Record of a job.

    Parameters
    ----------
    path
        A JSON file.

    Returns
    -------
    Record or None
        None if there is no such file, or it is something else, such as the description of a network's layers.

    Raises
    ------
    DamagedRecordError
        It is a record that was cut off, overwritten in part, or changed so that something is missing.
    """
    try:
        text = path.read_bytes()
    except OSError:
        return None
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        if sum(f'"{key}":'.encode() in text for key in _NEEDED) < _TELLING:
            return None
        raise _damaged(path, str(error)) from None
    if not isinstance(content, dict) or len(_NEEDED.keys() & content.keys()) < _TELLING:
        return None
    return Record.of(path, content)


def _damaged(path: Path, why: str) -> DamagedRecordError:
    return DamagedRecordError(
        f"{path}: damaged record ({why}); delete it and what its job wrote, and the next run makes them again"
    )


def makers(study: str, root: Path = Path()) -> dict[str, Record]:
    """Records of the jobs that made a study's intermediate results, by each of their outputs and their own paths.

    Raises
    ------
    DamagedRecordError
        One of them is damaged.
    """
    found: dict[str, Record] = {}
    results = root / "results" / study
    for path in sorted(results.rglob("*.json")):
        # What is staged is not finished.
        if "staging" in path.relative_to(results).parts:
            continue
        record = read_record(path)
        if record is not None:
            found |= dict.fromkeys((*record.outputs, path.relative_to(root).as_posix()), record)
    return found


def jobs_above(record: Record, made_by: Mapping[str, Record]) -> list[Record]:
    """Jobs that made the inputs of a job, each once, in the order of the inputs."""
    found: dict[str, Record] = {}
    for path in record.inputs:
        above = made_by.get(path)
        if above is not None and above is not record:
            found.setdefault(above.key, above)
    return list(found.values())


def jobs_behind(records: Iterable[Record], made_by: Mapping[str, Record]) -> list[Record]:
    """Jobs and all jobs above them, each once."""
    found: dict[str, Record] = {}
    todo = list(records)
    while todo:
        record = todo.pop()
        if record.key not in found:
            found[record.key] = record
            todo += jobs_above(record, made_by)
    return list(found.values())
