"""What a run prints of the output of Snakemake: a line for each job, errors, and a summary at the end."""

import re
import sys
import time
from collections import Counter
from pathlib import Path

from netlens.cli.live_display import LiveDisplay
from netlens.cli.snakemake_lines import (
    ErrorLine,
    Failing,
    Finished,
    Note,
    NothingToDo,
    Other,
    Progress,
    Resources,
    SnakemakeLines,
    Steps,
)
from netlens.workflow.catalogue import load_catalogue

UP_TO_DATE = "nothing to be done: everything is up to date"


class RunReport:
    """Condenses the output of Snakemake into a few lines, or shows it in a display.

    Parameters
    ----------
    machine
        The line about GPUs.
    display
        The display of a terminal; without one, there is a line for each job.
    """

    def __init__(self, machine: str, display: LiveDisplay | None = None) -> None:
        self._machine = machine
        self._display = display
        self._started = time.monotonic()
        self._lines = SnakemakeLines()
        self._errors: list[str] = []
        self._tail: list[str] = []
        self._nothing = False
        self._finished: list[str] = []
        self._failed: list[str] = []

    def read(self, line: str) -> None:
        """Read one line of Snakemake's output and print what the user needs to see."""
        event = self._lines.read(line)
        if event is None:
            return
        if self._display is not None:
            self._display.take(event)
        match event:
            case ErrorLine(told) if told not in self._errors:
                self._errors.append(told)
                print(told, file=sys.stderr, flush=True)
            case Note(words):
                print(f"           {words}", flush=True)
            case Progress(words=words) if self._display is None:
                print(f"           {words}", flush=True)
            case Finished(_, rule):
                self._finished.append(rule)
            case Failing(rule):
                self._failed.append(rule)
            case Steps(int(done), count) if self._display is None:
                clock = time.monotonic() - self._started
                print(f"{clock:6.0f} s  {done:>3}/{count}  {self._finished[-1] if self._finished else ''}", flush=True)
            case Resources():
                print(self._machine, flush=True)
            case NothingToDo():
                self._nothing = True
            case Other(told):
                self._tail = [*self._tail[-7:], told]

    def close(self, status: int, log: Path) -> int:
        """Print how the run ended and return its exit status."""
        if status == 0:
            if self._nothing:
                print(UP_TO_DATE)
            elif self._finished:
                print(self._summary())
            return 0
        if not self._errors:
            lock = next((line for line in self._tail if "LockException" in line or "cannot be locked" in line), None)
            if lock:
                print(
                    "netlens: error: Snakemake has locked this folder: another run is using it, or one was killed; "
                    f"if none is running: {sys.executable} -m snakemake --unlock",
                    file=sys.stderr,
                )
            elif refused := re.search(r"^PermissionError: \[Errno \d+\] (.*): '(.*)'$", "\n".join(self._tail), re.M):
                print(f"netlens: error: {refused[2]}: {refused[1]}", file=sys.stderr)
            elif self._failed:
                print(
                    f"netlens: error: {self._failed[0]}: the job's process ended without a message, as if it was "
                    "killed (out of memory?); run again with more free memory or fewer --cores",
                    file=sys.stderr,
                )
            else:
                for line in self._tail:
                    print(line, file=sys.stderr)
        if self._failed and (self._finished or len({*self._failed}) > 1):
            print(f"netlens: failed: {', '.join(dict.fromkeys(self._failed))}; {self._summary()}", file=sys.stderr)
        print(f"netlens: stopped; log of Snakemake: {log}", file=sys.stderr)
        return 1

    def _summary(self) -> str:
        """What was made, and how long it took."""
        catalogue = load_catalogue()
        kinds = Counter(catalogue[rule].kind if rule in catalogue else "other" for rule in self._finished)
        names = {"figure": "figure", "macro": "number", "page": "page", "other": "other job"}
        made = [
            f"{kinds[kind]} {words}{'' if kinds[kind] == 1 else 's'}" for kind, words in names.items() if kinds[kind]
        ]
        return f"made in {time.monotonic() - self._started:.0f} s: {', '.join(made) or 'nothing'}"
