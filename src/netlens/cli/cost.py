"""``netlens cost``: what the jobs that would run take, and where each number comes from."""

import json
import os
import shutil
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from netlens.cli.study_items import study_items
from netlens.files.download import Download, read_manifest
from netlens.review.calibration import Calibration, calibrate
from netlens.review.job_costs import SOURCES, Cost, PublishedCosts, Total, costs_file, estimate, load_costs, total
from netlens.workflow.catalogue import load_catalogue
from netlens.workflow.errors import UserError
from netlens.workflow.gpu import visible_gpus
from netlens.workflow.image_specs import is_download
from netlens.workflow.kept_results import likely_outputs
from netlens.workflow.planned_jobs import PlannedJob, planned_jobs
from netlens.workflow.records import Record, makers, read_record

#: Lines of the table, without ``--all``.
_LINES = 20
#: From this slowdown on, it is told.
_BUSY = 1.3


def print_costs(study: str, names: list[str], cores: str, *, everything: bool = False, as_json: bool = False) -> int:
    """Print what it costs to make the named items, or everything.

    Parameters
    ----------
    study
        Name or file of the study.
    names
        Items; everything and the paper if none is named.
    cores
        Number of cores, or ``all``.
    everything
        Print a line for each job instead of the longest.
    as_json
        Print plain data.
    """
    known = study_items(study, with_files=True)
    items, name = known.named(names), known.study
    jobs = planned_jobs(study, [item.name for item in items] or ["all"])
    count = core_count(cores)
    costs, calibration, published = costs_of(name, jobs)
    together = total(costs, count, len(visible_gpus()))
    if as_json:
        rows = [
            {"job": job.name, "outputs": list(job.outputs), "reason": job.reason, **(asdict(cost) if cost else {})}
            | ({} if cost else {"source": "not recorded"})
            for job, cost in costs
        ]
        speed = asdict(calibration) if calibration else None
        fetched = [{"name": each.name, "url": each.url, "size_bytes": each.size_bytes} for each in downloads(jobs)]
        data = {"study": name, "cores": count, "calibration": speed, "jobs": rows, "downloads": fetched}
        print(json.dumps({**data, "total": asdict(together)}, indent=1, ensure_ascii=False))
        return 0
    if not jobs:
        print("nothing would run: everything is up to date")
    elif not any(cost for _, cost in costs):
        print(
            f"{_jobs(len(jobs))} would run; what they cost is recorded neither here nor in "
            f"{costs_file(name)}, so there is no estimate; {download_words(jobs)}"
        )
    else:
        _print_table(costs, everything=everything)
        print(total_words(costs, together, count))
        print(_source_words(costs, calibration, published))
        if calibration is not None and calibration.slowdown > _BUSY:
            print(
                f"this machine is busy with other things: as long as it is, times are about {calibration.slowdown:.1f} "
                "times as long"
            )
    return 0


def core_count(cores: str) -> int:
    """Return a number of cores from what the user wrote.

    Raises
    ------
    UserError
        It is neither a number nor ``all``.
    """
    available = len(os.sched_getaffinity(0))
    if cores == "all":
        return available
    if not cores.isascii() or not cores.isdigit() or not int(cores):
        raise UserError(f"--cores {cores}: write a number or `all`")
    return int(cores)


def records_here(study: str, root: Path = Path()) -> dict[str, Record]:
    """Records of a checkout's jobs by their keys: those of intermediate results, and those of items."""
    found = {record.key: record for record in makers(study, root).values()}
    for item in load_catalogue().values():
        record = read_record(root / item.files(study)[-1])
        if record is not None:
            found[record.key] = record
    return found


def costs_of(
    study: str, jobs: list[PlannedJob]
) -> tuple[list[tuple[PlannedJob, Cost | None]], Calibration | None, PublishedCosts]:
    """Costs of jobs, the calibration of this machine (None if that was not needed), and what is published."""
    here, published = records_here(study), load_costs(study)
    calibration = calibrate() if published.jobs and jobs else None
    speed = calibration.processor_s if calibration else 1.0
    return estimate(jobs, here, published, speed, likely_outputs()), calibration, published


def _print_table(costs: list[tuple[PlannedJob, Cost | None]], *, everything: bool) -> None:
    known = sorted(((job, cost) for job, cost in costs if cost), key=lambda pair: -pair[1].duration_s)
    shown = known if everything else known[:_LINES]
    width = max(80, min(140, shutil.get_terminal_size((100, 24)).columns))
    names = min(max(len(job.name) for job, _ in shown), width - 58)
    print(f"{'job':<{names}}  {'time':>8}  {'processor':>9}  {'memory':>8}  from")
    for job, cost in shown:
        name = job.name if len(job.name) <= names else f"{job.name[: names - 1]}…"
        print(
            f"{name:<{names}}  {_time(cost.duration_s):>8}  {_time(cost.processor_s):>9}  {cost.memory_mb:5.0f} MB  "
            f"{cost.source}"
        )
    if len(shown) < len(known):
        rest = sum(cost.duration_s for _, cost in known[len(shown) :])
        print(f"and {_jobs(len(known) - len(shown))} of {_time(rest)} together (--all lists them)")


def total_words(costs: list[tuple[PlannedJob, Cost | None]], together: Total, cores: int) -> str:
    """What all jobs cost together, in one line."""
    return (
        f"about {_time(together.wall_s)} on {cores} core{'s' if cores > 1 else ''}: {_jobs(len(costs))}, processor "
        f"{_time(together.processor_s)}, at most {together.memory_mb / 1000:.1f} GB of memory, "
        f"{together.size_bytes / 1e6:.0f} MB on disk, {download_words([job for job, _ in costs])}"
    )


def downloads(jobs: list[PlannedJob]) -> list[Download]:
    """Files that jobs fetch from the network."""
    wanted = [Path(path).name for job in jobs for path in job.outputs if is_download(path)]
    # Without a file to fetch, the manifest need not be there.
    known = read_manifest() if wanted else {}
    return [known[name] for name in wanted if name in known]


def download_words(jobs: list[PlannedJob]) -> str:
    """What jobs fetch from the network: how many files, and how many bytes as far as they are known."""
    files = downloads(jobs)
    if not files:
        return "no downloads"
    size = sum(each.size_bytes or 0 for each in files) / 1e6
    unknown = sum(each.size_bytes is None for each in files)
    of = [f"{size:.0f} MB"] if size else []
    of += [f"{unknown} of unknown size"] if unknown else []
    return f"{len(files)} download{'' if len(files) == 1 else 's'} ({', '.join(of)})"


def _source_words(
    costs: list[tuple[PlannedJob, Cost | None]], calibration: Calibration | None, published: PublishedCosts
) -> str:
    counts = Counter(cost.source if cost else "not recorded" for _, cost in costs)
    parts = [f"{counts[source]} {source}" for source in SOURCES if counts[source]]
    words = f"where the times are from: {', '.join(parts)}"
    if counts["published"] and calibration is not None:
        factors = [calibration.processor_s / machine["calibration_s"] for machine in published.machines]
        shown = " to ".join(dict.fromkeys(f"{factor:.2f}" for factor in (min(factors), max(factors))))
        words += f"; published ones times {shown}, as a calibration of this machine says"
    if counts["not recorded"]:
        unknown = [job.name for job, cost in costs if cost is None]
        words += f"; not counted: {', '.join(unknown[:4])}{' ...' if len(unknown) > 4 else ''}"
    return words


def _jobs(count: int) -> str:
    return f"{count} job{'' if count == 1 else 's'}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
