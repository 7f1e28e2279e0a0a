"""Where one item comes from: its value, notebook and cell, parameters, inputs, code, machine, and the jobs above it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlens.review.item_state import ItemState
from netlens.workflow.catalogue import Item
from netlens.workflow.records import Record, jobs_above

#: Digits of a digest that are shown to readers; ``--json`` has all of them.
_DIGITS = 12


@dataclass(frozen=True)
class Explanation:
    """Where an item comes from.

    Attributes
    ----------
    item
        The item.
    state
        Whether it is as its record says.
    record
        Its record.
    cell
        Number of the notebook's cell that saves it, counted from 1, and its source; None if there is none.
    above
        The jobs above it, each with those above it.
    """

    item: Item
    state: ItemState
    record: Record
    cell: tuple[int, str] | None
    above: tuple["JobAbove", ...]


@dataclass(frozen=True)
class JobAbove:
    """A job that made an input, and the jobs above it.

    Attributes
    ----------
    record
        Its record.
    output
        The first file that it made.
    above
        The jobs above it; empty where `repeated`.
    repeated
        Whether the job is shown further up in the tree already.
    """

    record: Record
    output: str
    above: tuple["JobAbove", ...]
    repeated: bool = False


def explain(item: Item, state: ItemState, record: Record, made_by: Mapping[str, Record]) -> Explanation:
    """Where an item comes from.

    Parameters
    ----------
    item, state, record
        The item, its state, and its record.
    made_by
        Records of the study's intermediate results, as `netlens.workflow.records.makers` finds them.
    """
    return Explanation(item, state, record, saving_cell(record.notebook), _tree(record, made_by, set()))


def _tree(record: Record, made_by: Mapping[str, Record], seen: set[str]) -> tuple[JobAbove, ...]:
    jobs = []
    for above in jobs_above(record, made_by):
        key = above.key
        if key in seen:
            jobs.append(JobAbove(above, key, (), repeated=bool(jobs_above(above, made_by))))
        else:
            seen.add(key)
            jobs.append(JobAbove(above, key, _tree(above, made_by, seen)))
    return tuple(jobs)


def saving_cell(notebook: str) -> tuple[int, str] | None:
    """Last code cell of a notebook that saves something: its number, counted from 1, and its source.

    None if the notebook does not exist any more, or nothing in it saves.
    """
    try:
        cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) if cell["cell_type"] == "code" else "" for cell in cells]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    saving = [(number, source) for number, source in enumerate(sources, start=1) if ".save(" in source]
    return saving[-1] if saving else None


def as_text(found: Explanation) -> str:
    """Explanation for readers, one fact a line."""
    item, record = found.item, found.record
    head = f"{item.name} ({item.kind} of section {item.section.replace('_', ' ')}) is {found.state.state}"
    facts = [*_value_facts(record.fields), *_made_facts(found), *_machine_facts(record)]
    width = max(len(name) for name, _ in facts)
    lines = [f"{head}: {found.state.detail}" if found.state.detail else head, f"  {item.shows}"]
    lines += [f"  {name:<{width}}  {words}".rstrip() for name, words in facts]
    if found.above:
        lines.append("made from (time and peak memory of each job)")
        lines += [line for job in found.above for line in _tree_lines(job, "  ")]
        jobs = list(_each_job(found.above))
        seconds = sum(record.duration_s for record in (found.record, *jobs))
        lines.append(f"in all {len(jobs) + 1} jobs, {seconds:.0f} s one after the other")
    return "\n".join(lines)


def _value_facts(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "value" in fields:
        value = fields["value"]
        unit = f" ({fields['unit']})" if fields.get("unit") else ""
        yield "value", f"{value}{unit}"
        yield "printed", f"{fields.get('text', '')}   rounded: {fields.get('rounding', 'as it is')}"
        if fields.get("uncertainty") is not None:
            yield "deviation", f"{fields['uncertainty']:.4g} (one standard deviation)"
        if interval := fields.get("interval"):
            ends = f"{interval['low']:.6g} to {interval['high']:.6g}"
            yield "interval", f"{ends}, level {interval['level']:g}, from {interval['count']}"


def _made_facts(found: Explanation) -> Iterator[tuple[str, str]]:
    record = found.record
    for number, (path, digest) in enumerate(record.outputs.items()):
        yield "" if number else "files", f"{path}  sha256 {digest[:_DIGITS]}"
    cell = f", cell {found.cell[0]}" if found.cell else ""
    yield "notebook", f"{record.notebook}{cell}  sha256 {record.notebook_sha256[:_DIGITS]}"
    given = record.fields.get("parameters", {}).items()
    parameters = [(name, value) for name, value in given if not _is_input(value, record)]
    for number, (name, value) in enumerate(parameters):
        yield "" if number else "parameters", f"{name} = {json.dumps(value, ensure_ascii=False)}"
    yield "seed", str(record.fields.get("seed"))
    for number, (path, digest) in enumerate(record.inputs.items()):
        yield "" if number else "inputs", f"{path}  sha256 {digest[:_DIGITS]}"


def _is_input(value: Any, record: Record) -> bool:
    paths = value if isinstance(value, list) and value else [value]
    return all(isinstance(path, str) and path in record.inputs for path in paths)


def _machine_facts(record: Record) -> Iterator[tuple[str, str]]:
    fields, machine = record.fields, record.machine
    git = fields.get("git", {})
    commit = (git.get("commit") or "no commit")[:_DIGITS]
    changed = " with changes that were not committed" if git.get("clean") is False else ""
    yield "code", f"{commit}{changed}; {len(record.code)} modules"
    versions = fields.get("versions", {})
    if versions:
        names = [name for name in ("tensorflow", "tensorflow-cpu", "numpy", "matplotlib") if name in versions]
        shown = ", ".join(f"{name} {versions[name]}" for name in names)
        yield "packages", f"{shown} and {len(versions) - len(names)} more, pinned by {fields['pins']['path']}"
    if machine:
        yield (
            "machine",
            f"{machine.get('processor')}, {machine.get('cores')} cores, {machine.get('memory_gb')} GB, "
            f"{machine.get('system')}, Python {machine.get('python')}",
        )
    if "devices" in fields:
        yield "device", f"{', '.join(fields['devices'])}; threads: {fields.get('threads')}"
    yield "cost", cost_words(record)


def cost_words(record: Record) -> str:
    """What a job cost, in words: duration, processor time and peak memory, as far as they are recorded."""
    parts = [f"{record.duration_s:.1f} s"]
    if "processor_s" in record.fields:
        parts.append(f"processor {record.fields['processor_s']:.1f} s")
    if "peak_memory_mb" in record.fields:
        parts.append(f"{record.fields['peak_memory_mb']} MB")
    return ", ".join(parts)


def _tree_lines(job: JobAbove, indent: str) -> Iterator[str]:
    again = "  (as above)" if job.repeated else ""
    yield f"{indent}{job.output}  {cost_words(job.record)}{again}"
    for above in job.above:
        yield from _tree_lines(above, indent + "  ")


def _each_job(tree: Iterable[JobAbove]) -> Iterator[Record]:
    """Each job of a tree once."""
    seen: set[str] = set()
    todo = list(tree)
    while todo:
        job = todo.pop()
        todo += job.above
        if job.output not in seen:
            seen.add(job.output)
            yield job.record


def as_data(found: Explanation) -> dict[str, Any]:
    """Explanation as plain data, for ``--json``: the whole record, and the tree of jobs."""
    return {
        "name": found.item.name,
        "kind": found.item.kind,
        "section": found.item.section,
        "shows": found.item.shows,
        "state": found.state.state,
        "detail": found.state.detail,
        "cell": {"number": found.cell[0], "source": found.cell[1]} if found.cell else None,
        "record": dict(found.record.fields),
        "above": [_job_data(job) for job in found.above],
    }


def _job_data(job: JobAbove) -> dict[str, Any]:
    keys = ("rule", "outputs", "duration_s", "processor_s", "peak_memory_mb")
    facts = {key: job.record.fields[key] for key in keys if key in job.record.fields}
    return {
        **facts,
        "notebook": job.record.notebook,
        "repeated": job.repeated,
        "above": [_job_data(above) for above in job.above],
    }
