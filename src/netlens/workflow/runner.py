"""Run one notebook as one job: check its parameters, execute it, and publish either all or none of its outputs."""

import errno
import glob
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlens.files import atomic
from netlens.files.hashing import sha256_of
from netlens.files.owned_folders import claimed
from netlens.workflow import provenance
from netlens.workflow.gpu import gpu_slot, visible_gpus
from netlens.workflow.imports import code_of
from netlens.workflow.job import Job, NotebookError
from netlens.workflow.kept_results import STORE, Origin, comparable_inputs, find, why_not
from netlens.workflow.lifeline import end_process, when_ended
from netlens.workflow.notebook_process import execute, threads_of
from netlens.workflow.parameters import check_values, read_parameters
from netlens.workflow.recorded_inputs import checked_hashes
from netlens.workflow.run_lock import SNAKEMAKE

#: The parameter that is a folder for what a notebook can go on with after its job was killed.
KEPT = "kept"


def run(job: Job) -> None:
    """Execute the job's notebook and move its outputs to their final names.

    Outputs are written into a staging folder and are moved to their final names only after the last cell has succeeded.

    Raises
    ------
    ParameterError
        The values do not match the notebook's parameters; the notebook is not started.
    ChangedInputError
        An input is not the file that its job wrote; the notebook is not started.
    NotebookError
        A cell fails (the message names item, cell, line, error, and the executed notebook), or an output is missing.
    DiskFullError
        The disk is full.
    """
    notebook = json.loads(Path(job.notebook).read_text(encoding="utf-8"))
    parameters = read_parameters(notebook, job.notebook)
    staging = Path("results") / job.study / "staging" / f"{job.name}-{os.getpid()}"
    outputs = _staged(job, staging)
    given = {
        **{name: value for name, value in {**job.ambient, KEPT: ""}.items() if name in parameters},
        **job.inputs,
        **job.parameters,
        **outputs.parameters,
    }
    values = check_values(parameters, given, job.notebook)
    inputs = checked_hashes(
        path for value in job.inputs.values() for path in (value if isinstance(value, list) else [value])
    )
    # A job ends with the Snakemake that started it, even if that is killed.
    if SNAKEMAKE in os.environ:
        when_ended(int(os.environ[SNAKEMAKE]), end_process)
    try:
        with claimed(staging):
            # Figures and numbers are never kept: they are made from what is.
            may_be_kept = STORE.is_dir() and outputs.record.startswith("results/")
            if may_be_kept and _taken(job, _origin(job, values, inputs, outputs), inputs, outputs):
                return
            if KEPT in parameters:
                values[KEPT] = _kept_folder(job, _origin(job, values, inputs, outputs))
            started_at, started = time.time(), time.monotonic()
            with gpu_slot(visible_gpus() if job.gpu else []) as gpu:
                process = execute(job, notebook, values, staging, gpu)
            duration_s = time.monotonic() - started
            missing = [path for path in outputs.files if not outputs.staged[path].exists()]
            if missing:
                raise NotebookError(f"{job.name}: the notebook ended without writing {', '.join(missing)}")
            process["started_at"] = round(started_at, 2)
            _write_record(job, values, inputs, outputs, process=process, duration_s=duration_s)
            _publish(outputs)
            if KEPT in parameters:
                shutil.rmtree(Path(values[KEPT]).parent, ignore_errors=True)
    except OSError as error:
        if error.errno == errno.ENOSPC and not isinstance(error, atomic.DiskFullError):
            raise atomic.disk_full(staging) from None
        raise


def _origin(job: Job, values: Mapping[str, Any], inputs: Mapping[str, str], outputs: "_Outputs") -> Origin:
    """What the job's result depends on, in the words of its record."""
    shown = _shown(values, outputs)
    return Origin(
        outputs=tuple(sorted(outputs.files)),
        notebook=sha256_of(job.notebook),
        code=provenance.hashes(code_of(job.notebook)),
        inputs=comparable_inputs(inputs),
        # As they come back from a record.
        parameters=json.loads(json.dumps(shown)),
        packages=(provenance.pins()["sha256"], ".".join(platform.python_version_tuple()[:2])),
    )


def _shown(values: Mapping[str, Any], outputs: "_Outputs") -> dict[str, Any]:
    """Parameters that the result depends on: all but the paths that are written to."""
    return {name: value for name, value in values.items() if name not in outputs.parameters and name != KEPT}


def _kept_folder(job: Job, origin: Origin) -> str:
    """Folder for what a killed job goes on with; what was kept for other inputs, code or parameters is removed."""
    folder = Path("results") / job.study / "unfinished" / job.name / origin.key
    for other in folder.parent.glob("*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder.as_posix()


def _taken(job: Job, origin: Origin, inputs: Mapping[str, str], outputs: "_Outputs") -> bool:
    """Take the job's result from the kept ones, if it is one of them; else say why it is not."""
    kept = find(origin)
    if kept is None:
        print(f"netlens: {job.name} is computed: {why_not(origin)}", file=sys.stderr, flush=True)
        return False
    for path, stored in kept.outputs.items():
        outputs.staged[path].parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(stored, outputs.staged[path])
    # Records among the inputs are those of this checkout, which say when and where their jobs ran.
    record = {**kept.record, "inputs": dict(inputs), "taken_from": kept.source}
    outputs.staged[outputs.record].write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if kept.log is not None:
        Path(job.log).parent.mkdir(parents=True, exist_ok=True)
        with atomic.writing(job.log) as temporary:
            shutil.copyfile(kept.log, temporary)
    _publish(outputs)
    return True


def _publish(outputs: "_Outputs") -> None:
    for final, staged in outputs.staged.items():
        atomic.move(staged, final)


@dataclass(frozen=True)
class _Outputs:
    """Staging paths of the outputs, by final path, and the parameters that pass them to the notebook."""

    files: list[str]
    record: str
    staged: dict[str, Path]
    parameters: dict[str, str]


def _staged(job: Job, staging: Path) -> _Outputs:
    """Staging paths of a job's outputs, and the parameters that pass them to the notebook."""
    named = isinstance(job.outputs, dict)
    files = dict(job.outputs) if isinstance(job.outputs, dict) else {path: path for path in job.outputs}
    records = [path for path in files.values() if path.endswith(".json")]
    if len(records) != 1:
        raise NotebookError(
            f"{job.name}: a rule needs exactly one .json output, its provenance record; this one has {len(records)}"
        )
    staged = {path: staging / "out" / path for path in files.values()}
    if named:
        parameters = {name: str(staged[path]) for name, path in files.items() if path != records[0]}
    else:
        stems = {str(Path(path).with_suffix("")) for path in files}
        if len(stems) != 1:
            raise NotebookError(f"{job.name}: outputs with different stems must be named: {', '.join(sorted(stems))}")
        parameters = {"stem": str(staging / "out" / stems.pop())}
    return _Outputs([path for path in files.values() if path != records[0]], records[0], staged, parameters)


def _write_record(
    job: Job,
    values: dict[str, Any],
    inputs: dict[str, str],
    outputs: _Outputs,
    *,
    process: dict[str, Any],
    duration_s: float,
) -> None:
    """Write the provenance record, beginning with the notebook's own description of its output."""
    staged = outputs.staged[outputs.record]
    shown = _shown(values, outputs)
    staged.parent.mkdir(parents=True, exist_ok=True)
    own = {
        "caption": job.caption,
        "study": job.study,
        "rule": job.name,
        "parameters": shown,
        "inputs": inputs,
        "outputs": {path: sha256_of(outputs.staged[path]) for path in outputs.files},
    }
    _complete_record(staged, job, own, process=process, duration_s=duration_s)


def _complete_record(
    path: Path, job: Job, own: Mapping[str, Any], *, process: Mapping[str, Any], duration_s: float
) -> None:
    """Add to a notebook's description of its output what is known of this run alone, and of its code and machine."""
    description = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    merged = {
        **description,
        **own,
        "notebook": {"path": job.notebook, "sha256": sha256_of(job.notebook)},
        "seed": job.ambient.get("seed"),
        "code": provenance.hashes(code_of(job.notebook)),
        "pins": provenance.pins(),
        "git": provenance.git_state(),
        "devices": process["devices"],
        "imported": process["modules"],
        "tensorflow_started": process["tensorflow"],
        "versions": provenance.versions(),
        "machine": provenance.machine(),
        "threads": threads_of(job),
        "numerical_settings": provenance.numerical_settings(),
        "executed": job.log,
        "started_at": process["started_at"],
        "duration_s": round(duration_s, 2),
        "processor_s": process["processor_s"],
        "peak_memory_mb": process["peak_memory_mb"],
    }
    try:
        text = json.dumps(merged, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError:
        raise NotebookError(f"{job.name}: what the notebook says of its output holds NaN or infinity") from None
    path.write_text(text + "\n", encoding="utf-8")


def try_notebook(path: str, changes: Mapping[str, Any], log: str) -> None:
    """Execute a notebook with its defaults, updated by `changes`; outputs go where its parameters say.

    What the notebook describes in ``<stem>.json``, if it has such a parameter, gets the same record as an output of a
    study; its inputs are the parameters that name files.

    Raises
    ------
    ParameterError
        A change does not match the notebook's parameters.
    NotebookError
        A cell fails.
    """
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))
    parameters = read_parameters(notebook, path)
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    values = check_values(parameters, {**defaults, **changes}, path)
    for value in values.values():
        if isinstance(value, str) and "/" in value:
            Path(value).parent.mkdir(parents=True, exist_ok=True)
    staging = Path("results") / "tried" / "staging" / f"{Path(path).stem}-{os.getpid()}"
    job = Job(name=Path(path).stem, notebook=path, outputs=[], log=log, threads=os.cpu_count() or 1, gpu=True)
    stem = str(values.get("stem") or "")
    given = [value for name, value in values.items() if name != "stem" and isinstance(value, str) and value]
    inputs = provenance.hashes(value for value in given if Path(value).is_file())
    started_at, started = time.time(), time.monotonic()
    with claimed(staging):
        process = execute(job, notebook, values, staging, None)
    record = Path(f"{stem}.json")
    if stem and record.is_file():
        process["started_at"] = round(started_at, 2)
        made = provenance.hashes(sorted({*record.parent.glob(f"{glob.escape(record.stem)}.*")} - {record}))
        own = {"study": None, "parameters": values, "inputs": inputs, "outputs": made}
        _complete_record(record, job, own, process=process, duration_s=time.monotonic() - started)
