"""``netlens run`` and ``netlens paper``: start Snakemake and report briefly what it does."""

import re
import shutil
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlens.cli.supervised import EndedBySignalError, run_supervised
from netlens.workflow.address_space import check_address_space
from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import load_catalogue, select
from netlens.workflow.errors import UserError
from netlens.workflow.gpu import visible_gpus, why_no_gpu
from netlens.workflow.image_specs import SpecError
from netlens.workflow.network_specs import check_files
from netlens.workflow.output_folders import check_writable
from netlens.workflow.planned_jobs import PlannedJob, planned_jobs
from netlens.workflow.preloaded import templates
from netlens.workflow.run_lock import cache_variables, only_run
from netlens.workflow.study import load_study
from netlens.workflow.unknown_letters import unknown_letters

_PREFIX = "netlens: "
_UP_TO_DATE = "nothing to be done: everything is up to date"


@dataclass(frozen=True)
class Wishes:
    """How a run is done.

    Attributes
    ----------
    cores
        Number of cores, or ``all``.
    keep_going
        Whether jobs that do not need a failed one go on.
    dry_run
        Whether the jobs are only listed.
    """

    cores: str = "all"
    keep_going: bool = False
    dry_run: bool = False


def run_items(study: str, names: list[str], wishes: Wishes, *, force: bool = False) -> int:
    """Make the named items, or everything if none is named."""
    config, absent = _checked(study)
    items = select(load_catalogue(), names)
    if missing := [item.name for item in items if item.name in absent]:
        raise UserError("\n".join(f"{name} is absent from study {config['study']}: {absent[name]}" for name in missing))
    targets = [item.name for item in items] or ["all"]
    forced = targets if force else []
    if wishes.dry_run:
        return _list_jobs(planned_jobs(study, targets, forced=forced))
    status = _snakemake(study, config["study"], targets, wishes, forced=forced)
    if status == 0:
        for item in items:
            print(" ".join(str(path) for path in item.files(config["study"])))
    return status


def make_paper(study: str, wishes: Wishes, *, draft: bool = False, yes: bool = False) -> int:
    """Make everything; the first line says what that costs, the last ones where the results are and what is absent.

    A draft has a file of its own, in which items that are not as their records say are in red boxes. A run of more than
    an hour is begun only after a question, if there is a terminal to ask on and `yes` is not set.
    """
    from netlens.workflow import tex

    config, absent = _checked(study)
    name = config["study"]
    if draft and not wishes.dry_run:
        return _make_draft(study, name, wishes)
    if wishes.dry_run:
        return _list_jobs(planned_jobs(study, ["macros_all", "paper_parts"] if draft else ["all"]))
    gpus = visible_gpus()
    announced = _announced(study, name, wishes.cores, len(gpus))
    if announced.longer_than_an_hour and not yes and not _agreed():
        return 1
    if announced.nothing_to_do:
        print(_UP_TO_DATE)
        status = 0
    else:
        status = _snakemake(study, name, ["all"], wishes, gpus=gpus)
    if status == 0:
        if tex.find_engine() is None:
            print(f"everything except the PDF has been made; TeX was not found; to install it: {tex.install_hint()}")
        else:
            print(f"paper/{name}.pdf")
        site = Path("site") / name / "index.html"
        if site.is_file():
            print(site)
        if absent:
            print(f"{len(absent)} items are absent from this study; `netlens list` says why")
    return status


def make_site(study: str) -> int:
    """Make the supplement of what has been made so far, and nothing else."""
    name = _checked(study)[0]["study"]
    status = _snakemake(study, name, ["index"], Wishes("1"), forced=["index"], partial=True)
    if status == 0:
        print(f"site/{name}/index.html")
    return status


@dataclass(frozen=True)
class _Announced:
    nothing_to_do: bool = False
    longer_than_an_hour: bool = False


def _announced(study: str, name: str, cores: str, gpus_count: int) -> _Announced:
    """Print what the paper costs, in one line; without any record of a cost, that there is none."""
    from netlens.cli import cost
    from netlens.review.job_costs import costs_file, load_costs, total

    count = cost.core_count(cores)
    if not load_costs(name).jobs and not cost.records_here(name):
        print(
            f"what this takes is recorded neither here nor in {costs_file(name)}, so there is no estimate", flush=True
        )
        return _Announced()
    jobs = planned_jobs(study, ["all"])
    if not jobs:
        return _Announced(nothing_to_do=True)
    costs, *_ = cost.costs_of(name, jobs)
    together = total(costs, count, gpus_count)
    print(f"{cost.total_words(costs, together, count)}; `netlens cost` says where this is from", flush=True)
    return _Announced(longer_than_an_hour=together.wall_s > 3600)


def _agreed() -> bool:
    """Ask whether to begin, on a terminal; elsewhere there is nobody to ask."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    try:
        return input("begin? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _list_jobs(jobs: list[PlannedJob]) -> int:
    """Print the jobs that would run, and why."""
    width = max(80, shutil.get_terminal_size((100, 24)).columns)
    for job in jobs:
        line = f"{job.name}: {job.reason[:1].lower()}{job.reason[1:]}" if job.reason else job.name
        print(line if len(line) <= width else f"{line[: width - 1]}…")
    print(f"{len(jobs)} jobs would run" if jobs else _UP_TO_DATE)
    return 0


def _make_draft(study: str, name: str, wishes: Wishes) -> int:
    from netlens.cli.jobs import compile_paper

    status = _snakemake(study, name, ["macros_all", "paper_parts"], wishes)
    if status == 0:
        output = f"paper/{name}-draft.pdf"
        status = compile_paper(study, "paper/main.tex", output, draft=True)
        if status == 0:
            print(output)
    return status


def _checked(study: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Load a study and check its files and networks, before Snakemake starts; also what it cannot have, and why."""
    config = load_study(study)
    try:
        check_files(config)
        absent = absent_items(config, load_catalogue())
        for line in unknown_letters(config):
            print(f"{_PREFIX}{line}", file=sys.stderr, flush=True)
        return config, absent
    except SpecError as error:
        raise UserError(str(error)) from None


def _snakemake(
    study: str,
    name: str,
    targets: list[str],
    wishes: Wishes,
    *,
    forced: list[str] | None = None,
    partial: bool = False,
    gpus: list[str] | None = None,
) -> int:
    """Run Snakemake; the driver is asked for GPUs only if `gpus` is None."""
    cores = wishes.cores
    if cores != "all" and not re.fullmatch(r"[1-9]\d*", cores):
        raise UserError(f"--cores {cores}: write a number or `all`")
    log = Path("results") / name / "logs" / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}.log"
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", cores, "--config", f"study={study}"]
    command += [*(["partial=yes"] if partial else []), "--nocolor"]
    if forced:
        command += ["--forcerun", *forced]
    if wishes.keep_going:
        command += ["--keep-going"]
    check_address_space()
    check_writable(name)
    gpus = visible_gpus() if gpus is None else gpus
    if gpus:
        command += ["--resources", f"gpu={len(gpus)}"]
    report = _Report(f"{len(gpus)} GPUs" if gpus else f"no GPU ({why_no_gpu()}): networks run on the CPU")
    with only_run() as lock, templates() as variables:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as file:

            def read(line: str) -> None:
                file.write(line)
                report.read(line)

            try:
                status = run_supervised(command, {**variables, **cache_variables()}, lock, read)
            except EndedBySignalError as ended:
                # The terminal may be gone.
                with suppress(OSError):
                    print("netlens: error: interrupted; no incomplete files are left, and the same command resumes")
                    sys.stdout.flush()
                return 128 + ended.number
    return report.close(status, log)


class _Report:
    """Condense the output of Snakemake into a few lines."""

    def __init__(self, machine: str) -> None:
        self._machine = machine
        self._started = time.monotonic()
        self._rule = ""
        self._errors: list[str] = []
        self._tail: list[str] = []
        self._nothing = False
        self._finished: list[str] = []
        self._failed: list[str] = []

    def read(self, line: str) -> None:
        """Read one line of Snakemake's output and print what the user needs to see."""
        line = line.rstrip()
        if line.startswith(_PREFIX + "error: "):
            if line not in self._errors:
                self._errors.append(line)
                print(line, file=sys.stderr, flush=True)
        elif line.startswith(_PREFIX):
            print(f"           {line.removeprefix(_PREFIX)}", flush=True)
        elif found := re.search(r"Finished jobid: \d+ \(Rule: (\w+)\)", line):
            self._rule = found[1]
            self._finished.append(found[1])
        elif found := re.match(r"Error in rule (\w+):", line):
            self._failed.append(found[1])
        elif found := re.search(r"(\d+) of (\d+) steps", line):
            clock = time.monotonic() - self._started
            print(f"{clock:6.0f} s  {found[1]:>3}/{found[2]}  {self._rule}", flush=True)
        elif line.startswith("Provided resources:"):
            print(self._machine, flush=True)
        elif line.startswith("Nothing to be done"):
            self._nothing = True
        elif line:
            self._tail = [*self._tail[-7:], line]

    def close(self, status: int, log: Path) -> int:
        """Print how the run ended and return its exit status."""
        if status == 0:
            if self._nothing:
                print(_UP_TO_DATE)
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
