"""The process in which a notebook runs: its environment, what it tells while it runs, and how its failure is told."""

import errno
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netlens.files import atomic
from netlens.files.owned_folders import claimed_temporary
from netlens.workflow import preloaded_client
from netlens.workflow.address_space import limit_words
from netlens.workflow.errors import UserError
from netlens.workflow.executed import RUNNER_TAG, tidied, without_folders
from netlens.workflow.imports import code_of
from netlens.workflow.job import Job, NotebookError
from netlens.workflow.peak_memory import PeakMemory, peak_words

#: The one module that starts TensorFlow.
BACKEND = "src/netlens/models/backend.py"

#: The environment variable with the number of threads that each job uses instead of its rule's.
THREADS = "NETLENS_THREADS"


def execute(
    job: Job, notebook: Mapping[str, Any], values: dict[str, Any], staging: Path, gpu: str | None
) -> dict[str, Any]:
    """Execute a job's notebook in a process that inherits none of the user's own settings.

    Parameters
    ----------
    job
        The job.
    notebook
        The stored notebook.
    values
        Its parameters.
    staging
        The folder that the notebook writes into.
    gpu
        The GPU that the process may use, if any.

    Returns
    -------
    dict
        What the process says of itself; see `netlens.workflow.provenance.record_process`.

    Raises
    ------
    NotebookError
        A cell fails, or the process is killed.
    """
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

    from netlens.workflow.kernel_client import PromptClient, PromptManager

    prepared = staging / "prepared.ipynb"
    process_file = staging / "process.json"
    set_environment(job, staging, gpu, sockets)
    # Jupyter makes temporary folders too, if those of the job have gone. Python has asked for the user's folder before.
    usual, tempfile.tempdir = tempfile.tempdir, sockets
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
            # All that the notebook is for is on disk by now. Asked to end, a kernel of ipykernel 7 sometimes waits for
            # the thread that prints, which has ended, until it is killed two and a half seconds later.
            shutdown_kernel="immediate",
            kernel_manager_class=PromptManager,
            # By default, Jupyter gives the sockets of all kernels the same names in the working directory.
            # What it writes how to connect into would outlive a killed process in the system's folder.
            config=Config(
                {
                    "PromptManager": {
                        "transport": "ipc",
                        "ip": f"{sockets}/kernel",
                        "connection_file": f"{sockets}/connection.json",
                        "client_factory": PromptClient,
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
        tempfile.tempdir = usual
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


def set_environment(job: Job, staging: Path, gpu: str | None, sockets: str) -> None:
    """Set the kernel's environment variables: the job's threads and GPU, and none of the user's own settings.

    This process runs only one job, so it may change its own environment.
    """
    threads = str(threads_of(job))
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


def threads_of(job: Job) -> int:
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
