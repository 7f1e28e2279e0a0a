"""``netlens run`` and ``netlens paper``: start Snakemake and report briefly what it does."""

import re
import shutil
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from netlens.cli import cost
from netlens.cli.live_display import Costs, LiveDisplay, is_terminal
from netlens.cli.run_report import UP_TO_DATE, RunReport
from netlens.cli.snakemake_lines import PREFIX
from netlens.cli.study_items import StudyItems, study_items
from netlens.cli.supervised import EndedBySignalError, run_supervised
from netlens.review.item_state import item_states
from netlens.review.job_costs import costs_file, load_costs, total
from netlens.workflow.address_space import check_address_space
from netlens.workflow.errors import UserError
from netlens.workflow.gpu import visible_gpus, why_no_gpu
from netlens.workflow.output_folders import check_writable
from netlens.workflow.planned_jobs import PlannedJob, planned_jobs
from netlens.workflow.preloaded import templates
from netlens.workflow.run_lock import cache_variables, only_run
from netlens.workflow.unknown_letters import unknown_letters

#: Of a run of so many jobs each process imports its libraries itself.
_FEW_JOBS = 2


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
    known = _checked(study)
    items, name = known.named(names), known.study
    targets = [item.name for item in items] or ["all"]
    forced = targets if force else []
    if wishes.dry_run:
        return _list_jobs(planned_jobs(study, targets, forced=forced))
    status = _snakemake(study, name, targets, wishes, forced=forced)
    if status == 0:
        # Snakemake compares inputs, so a file that somebody has changed is up to date for it.
        states = item_states(name, [item.name for item in items], keep_hashes=True) if items else {}
        for item in items:
            if states[item.name].state == "edited":
                status = 1
                print(
                    f"netlens: error: {item.name} is edited: {states[item.name].detail}; make it again: netlens run "
                    f"{item.name} --force --study {study}",
                    file=sys.stderr,
                )
            else:
                print(" ".join(str(path) for path in item.files(name)))
    return status


def make_paper(study: str, wishes: Wishes, *, draft: bool = False, yes: bool = False) -> int:
    """Make everything; the first line says what that costs, the last ones where the results are and what is absent.

    A draft has a file of its own, in which items that are not as their records say are in red boxes. A run of more than
    an hour is begun only after a question, if there is a terminal to ask on and `yes` is not set.
    """
    from netlens.workflow import tex

    known = _checked(study)
    name = known.study
    if draft and not wishes.dry_run:
        return _make_draft(study, name, wishes)
    if wishes.dry_run:
        return _list_jobs(planned_jobs(study, ["macros_all", "paper_parts"] if draft else ["all"]))
    gpus = visible_gpus()
    announced = _announced(study, name, wishes.cores, len(gpus))
    if announced.longer_than_an_hour and not yes and not _agreed():
        return 1
    if announced.nothing_to_do:
        print(UP_TO_DATE)
        status = 0
    else:
        status = _snakemake(study, name, ["all"], wishes, gpus=gpus, costs=announced.costs)
    if status == 0:
        if tex.find_engine() is None:
            print(f"everything except the PDF has been made; TeX was not found; to install it: {tex.install_hint()}")
        else:
            print(f"paper/{name}.pdf")
        site = Path("site") / name / "index.html"
        if site.is_file():
            print(site)
        if known.absent:
            print(f"{len(known.absent)} items are absent from this study; `netlens list` says why")
    return status


def make_site(study: str) -> int:
    """Make the supplement of what has been made so far, and nothing else."""
    name = _checked(study).study
    status = _snakemake(study, name, ["index"], Wishes("1"), forced=["index"], partial=True)
    if status == 0:
        print(f"site/{name}/index.html")
    return status


@dataclass(frozen=True)
class _Announced:
    nothing_to_do: bool = False
    longer_than_an_hour: bool = False
    costs: Costs = ()


def _announced(study: str, name: str, cores: str, gpus_count: int) -> _Announced:
    """Print what the paper costs, in one line; without any record of a cost, that there is none."""
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
    return _Announced(longer_than_an_hour=together.wall_s > 3600, costs=costs)


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
    print(f"{len(jobs)} jobs would run" if jobs else UP_TO_DATE)
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


def _checked(study: str) -> StudyItems:
    """Load a study and check its files and networks, before Snakemake starts."""
    known = study_items(study, with_files=True)
    for line in unknown_letters(known.config):
        print(f"{PREFIX}{line}", file=sys.stderr, flush=True)
    return known


def _snakemake(
    study: str,
    name: str,
    targets: list[str],
    wishes: Wishes,
    *,
    forced: list[str] | None = None,
    partial: bool = False,
    gpus: list[str] | None = None,
    costs: Costs = (),
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
    display = None
    if is_terminal():
        display = LiveDisplay(cost.core_count(cores), len(gpus))
        if costs:
            display.expect(costs)
        else:
            Thread(target=_expect, args=(display, study, name, targets, forced or []), daemon=True).start()
    machine = f"{len(gpus)} GPUs" if gpus else f"no GPU ({why_no_gpu()}): networks run on the CPU"
    report = RunReport(machine, display)
    # Without costs nobody has planned the jobs of `all`.
    many = len(costs or targets) > _FEW_JOBS or (not costs and targets == ["all"])
    with only_run() as lock, templates(many=many) as variables:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as file:

            def read(line: str) -> None:
                file.write(line)
                report.read(line)

            try:
                with display or nullcontext():
                    status = run_supervised(command, {**variables, **cache_variables()}, lock, read)
            except EndedBySignalError as ended:
                # The terminal may be gone.
                with suppress(OSError):
                    print("netlens: error: interrupted; no incomplete files are left, and the same command resumes")
                    sys.stdout.flush()
                return 128 + ended.number
    return report.close(status, log)


def _expect(display: LiveDisplay, study: str, name: str, targets: list[str], forced: list[str]) -> None:
    """Hand a display what the jobs cost; without that, it shows no time left."""
    with suppress(UserError):
        display.expect(cost.costs_of(name, planned_jobs(study, targets, forced=forced))[0])
