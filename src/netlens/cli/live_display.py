"""What a run is doing, on a terminal: jobs with their bars, how many are done, time left and memory."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from netlens.cli.snakemake_lines import Event, Failed, Finished, Progress, Started, Steps, Wildcards
from netlens.review.job_costs import Cost, total
from netlens.workflow.peak_memory import memory_mb
from netlens.workflow.planned_jobs import PlannedJob

Costs = Sequence[tuple[PlannedJob, Cost | None]]

#: Seconds between two looks at the memory, and at the time left.
_LOOK_S: Final = 2.0
#: Seconds that finished jobs were expected to take before they say how much faster or slower the others will be.
_SURE_S: Final = 20.0


@dataclass(frozen=True)
class _Running:
    """One running job: its rule and wildcards, its outputs, when it began, and how far it is."""

    rule: str
    job: PlannedJob
    began: float
    wildcards: str = ""
    share: float | None = None
    words: str = ""

    def is_called(self, name: str) -> bool:
        """Whether a job's own name, the item's or ``notebook[first-output]``, is that of this one."""
        first = "-".join(Path(self.job.outputs[0]).with_suffix("").parts[2:])
        return name == self.rule or name.endswith(f"[{first}]")


class LiveDisplay(AbstractContextManager["LiveDisplay"]):
    """Display of a run, which follows what the lines of Snakemake and its jobs say.

    Parameters
    ----------
    cores, gpus
        What the run may use.
    console
        Where it is drawn; by default on standard output.
    """

    def __init__(self, cores: int, gpus: int = 0, console: Console | None = None) -> None:
        self._cores, self._gpus = cores, gpus
        self._began = time.monotonic()
        self._running: dict[str, _Running] = {}
        self._done = self._all = 0
        self._finished: set[str] = set()
        self._costs: Costs = ()
        self._expected_s = self._took_s = 0.0
        self._left_s: float | None = None
        self._memory_mb = 0.0
        self._looked = -_LOOK_S
        self._live = Live(
            get_renderable=self._drawn,
            console=console or Console(highlight=False),
            refresh_per_second=2,
            transient=True,
            redirect_stderr=sys.stderr.isatty(),
        )

    def __enter__(self) -> "LiveDisplay":
        self._live.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._live.stop()

    def expect(self, costs: Costs) -> None:
        """Take in what the jobs of the run cost, from which the time left is known."""
        self._costs = costs

    def take(self, event: Event) -> None:
        """Follow what a line of Snakemake or one of its jobs says."""
        match event:
            case Started(number, rule, outputs):
                self._running[number] = _Running(rule, PlannedJob(rule, rule, (), outputs), time.monotonic())
            case Wildcards(number, words) if number in self._running:
                self._running[number] = replace(self._running[number], wildcards=words)
            case Progress():
                self._advance(event)
            case Finished(number):
                self._end(number, finished=True)
            case Failed(number):
                self._end(number, finished=False)
            case Steps(done, count):
                self._done, self._all = self._done if done is None else done, count

    def _advance(self, progress: Progress) -> None:
        for number, running in list(self._running.items()):
            if running.is_called(progress.job):
                self._running[number] = replace(running, share=progress.share, words=progress.count)
                return

    def _end(self, number: str, *, finished: bool) -> None:
        running = self._running.pop(number, None)
        if running is None or not finished:
            return
        self._finished.add(running.job.key)
        cost = next((cost for job, cost in self._costs if job.key == running.job.key), None)
        if cost is not None:
            self._expected_s += cost.duration_s
            self._took_s += time.monotonic() - running.began

    def time_left_s(self) -> float | None:
        """Return how long the jobs that have not ended will take, in seconds; None if their costs are not known.

        Expected costs are multiplied by how much longer finished jobs took than expected.
        """
        if not self._costs:
            return None
        factor = self._took_s / self._expected_s if self._expected_s > _SURE_S else 1.0
        running = {found.job.key: found for found in list(self._running.values())}
        left = []
        for job, cost in self._costs:
            if job.key in self._finished or cost is None:
                continue
            duration_s = factor * cost.duration_s
            if found := running.get(job.key):
                gone_s = time.monotonic() - found.began
                duration_s = gone_s * (1 / found.share - 1) if found.share else max(0.0, duration_s - gone_s)
            left.append((job, replace(cost, duration_s=duration_s)))
        return total(left, self._cores, self._gpus).wall_s

    def _drawn(self) -> RenderableType:
        now = time.monotonic()
        if now - self._looked >= _LOOK_S:
            self._memory_mb, self._left_s, self._looked = memory_mb(os.getpid()), self.time_left_s(), now
        table = Table.grid(padding=(0, 2))
        facts = [_clock(now - self._began)]
        if self._left_s is not None:
            facts.append(f"about {_clock(max(0.0, self._left_s - (now - self._looked)))} left")
        if self._memory_mb:
            large = self._memory_mb >= 1000
            facts.append(f"{self._memory_mb / 1000:.1f} GB" if large else f"{self._memory_mb:.0f} MB")
        if self._all:
            table.add_row(
                Text(f"{self._done}/{self._all} jobs", style="bold"), _bar(self._done / self._all), "  ".join(facts)
            )
        else:
            table.add_row(Text("looking for what there is to do"), "", "  ".join(facts))
        for running in list(self._running.values()):
            name = Text(f"{running.rule} {running.wildcards}".strip(), overflow="ellipsis", no_wrap=True)
            words = "  ".join(filter(None, (_clock(now - running.began), running.words)))
            table.add_row(name, "" if running.share is None else _bar(running.share), words)
        return table


def _bar(share: float) -> ProgressBar:
    return ProgressBar(total=1.0, completed=share, width=20)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes}:{rest:02d}"


def is_terminal() -> bool:
    """Return whether standard output is a terminal that can redraw lines."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
