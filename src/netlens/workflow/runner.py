"""Run one notebook as one job: check its parameters, execute it, and publish either all or none of its outputs."""

import errno
import glob
import json
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netlens.files import atomic
from netlens.files.hashing import sha256_of
from netlens.files.owned_folders import claimed, claimed_temporary
from netlens.workflow import preloaded_client, provenance
from netlens.workflow.address_space import limit_words
from netlens.workflow.errors import UserError
from netlens.workflow.executed import RUNNER_TAG, tidied, without_folders
from netlens.workflow.gpu import gpu_slot, visible_gpus
from netlens.workflow.imports import code_of
from netlens.workflow.kept_results import STORE, Origin, comparable_inputs, find, why_not
from netlens.workflow.lifeline import end_process, when_ended
from netlens.workflow.parameters import check_values, read_parameters
from netlens.workflow.peak_memory import PeakMemory, peak_words
from netlens.workflow.recorded_inputs import checked_hashes
from netlens.workflow.run_lock import SNAKEMAKE

#: The parameter that is a folder for what a notebook can go on with after its job was killed.
KEPT = "kept"
#: The one module that starts TensorFlow.
BACKEND = "src/netlens/models/backend.py"

#: The environment variable with the number of threads that each job uses instead of its rule's.
THREADS = "NETLENS_THREADS"


class NotebookError(UserError):
    """A notebook failed, or did not write the outputs of its rule."""


@dataclass(frozen=True)
class Job:
    """Inputs and outputs of one run of a notebook.

    Attributes
    ----------
    name
        Name of the rule, including its wildcards.
    notebook
        Path of the stored notebook.
    outputs
        Final paths. The one that ends in ``.json`` is the provenance record. If it is a list, all paths have the same
        stem, which the notebook gets as the parameter ``stem``; if it is a dictionary, its keys are parameters.
    log
        Where the executed notebook is saved, even if a cell fails.
    inputs
        Input files by parameter.
    parameters
        Configured values by parameter.
    ambient
        Values that a notebook gets only if it has a parameter of that name: study, seed, wildcards. A notebook with a
        parameter ``kept`` gets a folder there that outlives a killed job, for what it can go on with.
    study
        Name of the study.
    threads
        Number of threads for numerical libraries.
    gpu
        Whether the notebook runs on a GPU if there is one.
    caption
        Stored in the provenance record.
    """

    name: str
    notebook: str
    outputs: dict[str, str] | list[str]
    log: str
    inputs: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    ambient: dict[str, Any] = field(default_factory=dict)
    study: str = "demo"
    threads: int = 1
    gpu: bool = False
    caption: str = ""


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
                process = _execute(job, notebook, values, staging, gpu)
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


def _execute(
    job: Job, notebook: Mapping[str, Any], values: dict[str, Any], staging: Path, gpu: str | None
) -> dict[str, Any]:
    prepared = staging / "prepared.ipynb"
    process_file = staging / "process.json"
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "id": "netlens-record",
        "metadata": {"tags": [RUNNER_TAG]},
        "outputs": [],
        "source": f"from netlens.workflow import provenance\n\nprovenance.record_process({str(process_file)!r})",
    }
    prepared.write_text(json.dumps({**notebook, "cells": [*notebook["cells"], cell]}), encoding="utf-8")
    Path(job.log).parent.mkdir(parents=True, exist_ok=True)
    # Unix sockets instead of TCP ports, so that no other user can reach the kernel. Their paths must be short.
    with claimed_temporary() as sockets:
        return _in_kernel(job, notebook, values, staging, gpu=gpu, sockets=str(sockets))


def _in_kernel(
    job: Job,
    notebook: Mapping[str, Any],
    values: dict[str, Any],
    staging: Path,
    *,
    gpu: str | None,
    sockets: str,
) -> dict[str, Any]:
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    prepared = staging / "prepared.ipynb"
    process_file = staging / "process.json"
    _set_environment(job, staging, gpu, sockets)
    _specify_kernel(staging / "kernels" / "python3", _kind_of_process(job, gpu))
    peak = PeakMemory(os.getpid())
    try:
        papermill.execute_notebook(
            str(prepared),
            job.log,
            parameters=values,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            log_output=False,
            stdout_file=None,
            stderr_file=_ProgressRelay(job.name),
            request_save_on_cell_execute=False,
            start_timeout=300,
            # By default, Jupyter gives the sockets of all kernels the same names in the working directory.
            # What it writes how to connect into would outlive a killed process in the system's folder.
            config=Config(
                {
                    "KernelManager": {
                        "transport": "ipc",
                        "ip": f"{sockets}/kernel",
                        "connection_file": f"{sockets}/connection.json",
                    }
                }
            ),
        )
    except PapermillExecutionError as error:
        raise NotebookError(_failure(job, notebook, error)) from None
    except (DeadKernelError, RuntimeError) as error:
        # jupyter_client has no class of its own for a kernel that ends before it has answered.
        if not isinstance(error, DeadKernelError) and "Kernel died" not in str(error):
            raise
        more = f"{_peak_words(peak, sockets)}{limit_words()}"
        raise NotebookError(
            f"{job.name}: the notebook's process was killed (out of memory?){more}; run again with more free memory or "
            f"fewer --cores (executed notebook: {job.log})"
        ) from None
    finally:
        peak.stop()
        _tidy_log(job, staging)
    recorded: dict[str, Any] = json.loads(process_file.read_text(encoding="utf-8"))
    return recorded


def _peak_words(peak: PeakMemory, sockets: str) -> str:
    """How much memory a killed notebook's process has used; a process forked from a template is not below this one."""
    try:
        forked = (Path(sockets) / preloaded_client.PEAK_FILE).read_text(encoding="utf-8")
    except OSError:
        return peak.told()
    return peak_words(int(forked or 0))


def _set_environment(job: Job, staging: Path, gpu: str | None, sockets: str) -> None:
    """Set the kernel's environment variables: the job's threads and GPU, and none of the user's own settings.

    This process runs only one job, so it may change its own environment.
    """
    threads = str(_threads(job))
    os.environ.update(
        {
            "JUPYTER_DATA_DIR": str(Path(sys.prefix) / "share" / "jupyter"),
            "JUPYTER_CONFIG_DIR": str((staging / "jupyter").resolve()),
            "JUPYTER_PATH": str(staging.resolve()),
            "JUPYTER_RUNTIME_DIR": sockets,
            "IPYTHONDIR": str((staging / "ipython").resolve()),
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": str(Path(sys.prefix) / "var" / "matplotlib"),
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "PYTHONHASHSEED": "0",
            "PYTHONNOUSERSITE": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_NUM_INTRAOP_THREADS": threads,
            "TF_NUM_INTEROP_THREADS": "1",
            "TF_USE_LEGACY_KERAS": "1",
            # TensorFlow writes code that it generates into temporary files, which a killed process would leave there.
            "TMPDIR": sockets,
        }
    )
    if gpu is not None:
        os.environ.update(
            {
                "CUDA_VISIBLE_DEVICES": gpu,
                # Also in the sessions that Keras and iNNvestigate open.
                "TF_FORCE_GPU_ALLOW_GROWTH": "true",
                # Sums in the same order every time, and in convolutions the same algorithm.
                "TF_DETERMINISTIC_OPS": "1",
                "TF_CUDNN_DETERMINISTIC": "1",
                # Products of float32 with all 24 bits, as on a CPU, rather than with the 11 of TF32.
                "NVIDIA_TF32_OVERRIDE": "0",
            }
        )
    elif not job.gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def _threads(job: Job) -> int:
    """Number of threads of the job's libraries: the rule's, unless NETLENS_THREADS asks for another."""
    wanted = os.environ.get(THREADS, "")
    if not wanted:
        return job.threads
    if not re.fullmatch(r"[1-9]\d*", wanted):
        raise UserError(f"{THREADS}={wanted}: write a number, or unset it")
    return int(wanted)


def _kind_of_process(job: Job, gpu: str | None) -> str:
    """What the notebook's process has imported when it starts: see `netlens.workflow.preloaded`."""
    starts_tensorflow = BACKEND in code_of(job.notebook)
    return "tensorflow" if starts_tensorflow and gpu is None else "notebook"


def _specify_kernel(folder: Path, kind: str) -> None:
    """Write the specification of a Jupyter kernel that is forked from a template if there is one."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-I", "-S", preloaded_client.__file__, kind, "ipykernel_launcher"]
    specification = {
        "argv": [*command, "-f", "{connection_file}"],
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "metadata": {"debugger": True},
    }
    (folder / "kernel.json").write_text(json.dumps(specification), encoding="utf-8")


class _ProgressRelay:
    """Relays a notebook's progress bar to the terminal, one line every few seconds."""

    def __init__(self, name: str, every_s: float = 5.0) -> None:
        self._name = name
        self._every_s = every_s
        self._last = time.monotonic()

    def write(self, text: str) -> None:
        lines = [line.strip() for line in re.split(r"[\r\n]", text) if "%|" in line]
        if lines and time.monotonic() - self._last >= self._every_s:
            self._last = time.monotonic()
            print(f"netlens: {self._name}: {lines[-1]}", file=sys.stderr, flush=True)

    def flush(self) -> None:
        """Do nothing, since nothing is buffered."""


def _failure(job: Job, notebook: Mapping[str, Any], error: Any) -> str:
    """One line that says which item failed, in which cell and line, why, and where the executed notebook is."""
    executed = json.loads(Path(job.log).read_text(encoding="utf-8"))
    cell_ids = [cell.get("id") for cell in notebook["cells"]]
    cell, line = "?", ""
    for executed_cell in executed["cells"]:
        if any(output.get("output_type") == "error" for output in executed_cell.get("outputs", [])):
            if executed_cell.get("id") in cell_ids:
                cell = str(cell_ids.index(executed_cell["id"]) + 1)
            frames = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
            if found := re.search(r"(?:Cell|Input) In\s?\[\d+\], line (\d+)", frames):
                line = f", line {found.group(1)}"
            break
    reason = f"{error.ename}: {error.evalue}".strip().splitlines()[0]
    if str(errno.ENOSPC) in error.evalue and "No space left" in error.evalue:
        reason = str(atomic.disk_full(Path(job.log)).strerror)
    return f"{job.name}: cell {cell}{line}: {reason}{limit_words()} (executed notebook: {job.log})"


def _tidy_log(job: Job, staging: Path) -> None:
    """Rewrite papermill's notebook as a readable log that names the outputs by their final paths."""
    path = Path(job.log)
    if not path.is_file():
        return
    try:
        executed = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        # This process, or an earlier one, was interrupted while papermill wrote it.
        path.unlink()
        return
    staged = f"{(staging / 'out').as_posix()}/"
    # Links are relative to the executed notebook; everything else names the final path.
    up = f"{Path(os.path.relpath('.', path.parent)).as_posix()}/"
    tidy = tidied(
        executed,
        job.notebook,
        lambda text: without_folders(text.replace(f'href="{staged}', f'href="{up}').replace(staged, "")),
    )
    with atomic.writing(path) as temporary:
        temporary.write_text(json.dumps(tidy, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


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
        "threads": _threads(job),
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
        process = _execute(job, notebook, values, staging, None)
    record = Path(f"{stem}.json")
    if stem and record.is_file():
        process["started_at"] = round(started_at, 2)
        made = provenance.hashes(sorted({*record.parent.glob(f"{glob.escape(record.stem)}.*")} - {record}))
        own = {"study": None, "parameters": values, "inputs": inputs, "outputs": made}
        _complete_record(record, job, own, process=process, duration_s=time.monotonic() - started)
