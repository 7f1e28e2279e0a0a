"""Snakemake as a child that never outlives ``netlens``: every way to end one ends the other and all jobs."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any

from netlens.workflow.lifeline import end_group, when_ended
from netlens.workflow.run_lock import RUN

#: Signals that end a run. After ctrl-C at a terminal, a closed terminal and a plain ``kill``, the same is done.
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndedBySignalError(Exception):
    """A signal asked for the end of the run, and all of its processes have ended.

    Attributes
    ----------
    number
        The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def run_supervised(
    command: Sequence[str], variables: Mapping[str, str], lock: IO[str], read: Callable[[str], None]
) -> int:
    """Run Snakemake in a group of processes of its own and wait until the whole group has ended.

    Parameters
    ----------
    command
        Snakemake with its arguments.
    variables
        Environment variables to add.
    lock
        The locked file of `netlens.workflow.run_lock.only_run`, which Snakemake inherits.
    read
        Called with each line that Snakemake and its jobs print.

    Returns
    -------
    int
        Snakemake's exit status; minus the number of the signal if one killed it.

    Raises
    ------
    EndedBySignalError
        This process got SIGINT, SIGTERM or SIGHUP. Snakemake has removed the incomplete outputs of its jobs.

    Notes
    -----
    Should this process be killed, Snakemake ends its group (`netlens.workflow.run_lock.begin_run`).
    """
    environment = {**os.environ, **variables, RUN: f"{os.getpid()}:{lock.fileno()}"}
    with _interrupts_reach_children():
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            process_group=0,
            pass_fds=[lock.fileno()],
        )
    # Jobs hold the pipe open, so its end would come too late if Snakemake alone was killed.
    when_ended(process.pid, lambda: end_group(process.pid))
    try:
        with _ending_signals():
            for line in process.stdout or ():
                read(line)
            return process.wait()
    except EndedBySignalError:
        with _without_signals():
            end_group(process.pid)
            process.wait()
        raise


@contextmanager
def _interrupts_reach_children() -> Iterator[None]:
    # A shell's background processes ignore SIGINT, and their children would too; but it is how Snakemake is ended.
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _ending_signals() -> Iterator[None]:
    def end(number: int, _: Any) -> None:
        raise EndedBySignalError(number)

    with _handled(end):
        yield


@contextmanager
def _without_signals() -> Iterator[None]:
    with _handled(signal.SIG_IGN):
        yield


@contextmanager
def _handled(handler: Any) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _ENDING}
    for number, handled in before.items():
        # What the user has told this process to ignore, as with `nohup`, stays ignored.
        if handled != signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)
