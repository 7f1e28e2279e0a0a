"""One run in a folder at a time, whether ``netlens`` or plain Snakemake started it, and how a run begins.

The file lock ``.netlens.lock`` is held by ``netlens`` and by the Snakemake that it starts, or by plain Snakemake alone.
The system releases it when these processes end, so it also proves that nobody runs, and that Snakemake's own lock,
which is a file that a killed Snakemake leaves behind, means nothing.
"""

import fcntl
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from netlens.files.owned_folders import claim_until_exit, remove_abandoned, remove_abandoned_temporary
from netlens.workflow import preloaded_client
from netlens.workflow.errors import UserError
from netlens.workflow.lifeline import end_group, when_ended

LOCK: Final = Path(".netlens.lock")
#: Variable with the numbers of the process of ``netlens`` and of the lock's file, which Snakemake inherits.
RUN: Final = "NETLENS_RUN"
#: Variable with the number of the Snakemake process that a job ends with.
SNAKEMAKE: Final = "NETLENS_SNAKEMAKE"
#: Variables with the paths of Python and of the script that starts jobs. The rules' commands name the variables, so
#: that other paths change no rule.
PYTHON: Final = "NETLENS_PYTHON"
CLIENT: Final = "NETLENS_CLIENT"

_SNAKEMAKE_LOCKS: Final = Path(".snakemake/locks")


@contextmanager
def only_run() -> Iterator[IO[str]]:
    """Reserve the working folder for this run, and remove what killed runs have left behind.

    Yields
    ------
    file
        The locked file. A process that inherits it holds the lock as well.

    Raises
    ------
    UserError
        Another run is using the folder, or it cannot be written to.
    """
    with _taken() as file:
        remove_leftovers()
        # Otherwise somebody on another machine, whose file locks are not seen here, may be running.
        unlocked = not any(_SNAKEMAKE_LOCKS.glob("*"))
        try:
            yield file
        finally:
            # Whatever this run has started has ended.
            remove_leftovers()
            if unlocked:
                shutil.rmtree(_SNAKEMAKE_LOCKS, ignore_errors=True)
            file.truncate(0)


def cache_variables() -> dict[str, str]:
    """Variables that give Snakemake a cache in this folder where the home folder is missing or read-only."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111 (works without home)
    try:
        (cache / "snakemake").mkdir(parents=True, exist_ok=True)
        writable = os.access(cache / "snakemake", os.W_OK)
    except OSError:
        writable = False
    return {} if writable else {"XDG_CACHE_HOME": str(Path(".snakemake/cache").absolute())}


def remove_leftovers() -> None:
    """Remove staging and temporary folders whose processes have ended."""
    for staging in Path("results").glob("*/staging"):
        remove_abandoned(staging)
        # Staging folders of a version that did not lock them.
        for folder in staging.iterdir():
            if folder.is_dir() and not folder.with_name(f"{folder.name}.lock").exists():
                shutil.rmtree(folder, ignore_errors=True)
    remove_abandoned_temporary()


def prepare_snakemake(workflow: Any) -> None:
    """Prepare the process that reads the Snakefile: what its jobs need to know, and a lock that nobody holds.

    Parameters
    ----------
    workflow
        Snakemake's object of this name.
    """
    os.environ[PYTHON] = sys.executable
    os.environ[CLIENT] = preloaded_client.__file__
    os.environ[SNAKEMAKE] = str(os.getpid())
    claim_until_exit(workflow.snakemake_tmp_dir)
    if workflow.is_main_process and _inherited() is None:
        try:
            # Snakemake looks at its own lock later on.
            with _taken() as file:
                file.truncate(0)
        except UserError:
            # Nothing is run by a dry run or a listing; a run is refused in `begin_run`.
            return


def begin_run(workflow: Any) -> IO[str] | None:
    """Begin a run of Snakemake: hold the folder's lock, or end with the ``netlens`` that holds it.

    Parameters
    ----------
    workflow
        Snakemake's object of this name.

    Returns
    -------
    file or None
        The lock, if plain Snakemake holds it, which must be kept until the end of the process.

    Raises
    ------
    UserError
        Another run is using the folder.
    """
    if not workflow.is_main_process:
        # A job of a cluster, which reads the Snakefile again.
        return None
    if workflow.local_exec:
        # For the sake of a limit of jobs per second, Snakemake (9.27.1) looks for ready jobs again a second after each
        # time that it did: in the end, once a second for every job that has ended. 260 jobs of a workflow without
        # anything else took 6.1 s of Snakemake's processor time, and take 1.9 s.
        workflow.scheduler.job_rate_limiter = None
    parent = _inherited()
    if parent is not None:
        # `netlens` has made Snakemake and its jobs a group of processes.
        when_ended(parent, lambda: end_group(os.getpgrp()))
        return None
    file = _taken()
    remove_leftovers()
    return file


def _inherited() -> int | None:
    """Number of the ``netlens`` process that started this one and passed its lock on."""
    process, _, number = os.environ.get(RUN, "").partition(":")
    if not number or os.getppid() != int(process):
        return None
    return int(process)


def _taken() -> IO[str]:
    try:
        file = LOCK.open("a+", encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{Path.cwd()}: cannot be written to ({error.strerror}); netlens writes its results there, so run it in a "
            "copy of this folder"
        ) from None
    file.seek(0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = file.read().strip() or "just started"
        file.close()
        raise UserError(f"another run is using this folder ({holder}); wait for it or stop it") from None
    except OSError as error:
        file.close()
        raise UserError(f"{LOCK}: this file system cannot lock files ({error.strerror}); use another one") from None
    killed = file.read().strip()
    host = socket.gethostname()
    if killed.endswith(f"on {host}"):
        # A process of this machine did not get to empty the file, and it no longer exists.
        shutil.rmtree(_SNAKEMAKE_LOCKS, ignore_errors=True)
    file.truncate(0)
    file.write(f"process {os.getpid()}, since {time.strftime('%H:%M:%S')}, on {host}")
    file.flush()
    return file
