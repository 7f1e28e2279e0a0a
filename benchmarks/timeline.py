"""Draw the jobs of the last run of a study over time, and print how busy the cores were and which rules cost most.

    netlens bench timeline [--study demo] [--figure docs/gallery/timeline.svg] [--rules 12]

Reads the records that the jobs left. Jobs of earlier runs, which the last one did not repeat, are left out: a run is a
series of jobs without a pause of more than two minutes between them. The processor time is that of the notebooks'
processes; Snakemake, the start of jobs and TeX are what is missing to the whole.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt

from netlens.plots import style
from netlens.workflow.study import load_study

PAUSE_S = 120.0


@dataclass(frozen=True)
class Ran:
    """One job of the run: its section and notebook, when, and what it cost."""

    section: str
    notebook: str
    start_s: float
    duration_s: float
    processor_s: float
    memory_mb: float
    cores: int

    @property
    def end_s(self) -> float:
        """When it ended."""
        return self.start_s + self.duration_s


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--study", default="demo")
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--rules", type=int, default=12)
    parsed = parser.parse_args(arguments)
    jobs = last_run(load_study(parsed.study)["study"])
    wall_s = max(job.end_s for job in jobs) - jobs[0].start_s
    used_s, cores = sum(job.processor_s for job in jobs), jobs[0].cores
    print(f"{len(jobs)} jobs in {wall_s:.0f} s on {cores} cores; notebooks used {used_s:.0f} s of processor time,")
    print(f"{used_s / (cores * wall_s):.0%} of both cores" if cores == 2 else f"{used_s / (cores * wall_s):.0%} of all")
    print()
    print("| notebook | jobs | processor s | share | longest s | memory MB |")
    print("|---|---|---|---|---|---|")
    kinds: dict[str, list[Ran]] = defaultdict(list)
    for job in jobs:
        kinds[f"{job.section}/{job.notebook}"].append(job)
    costs = sorted(kinds.items(), key=lambda kind: -sum(job.processor_s for job in kind[1]))
    for name, members in costs[: parsed.rules]:
        cost = sum(job.processor_s for job in members)
        longest, memory = max(job.duration_s for job in members), max(job.memory_mb for job in members)
        print(f"| {name} | {len(members)} | {cost:.0f} | {cost / used_s:.0%} | {longest:.0f} | {memory:.0f} |")
    rest = sum(job.processor_s for _, members in costs[parsed.rules :] for job in members)
    print(f"| the other {max(len(costs) - parsed.rules, 0)} | | {rest:.0f} | {rest / used_s:.0%} | | |")
    if parsed.figure:
        _draw(jobs, parsed.figure)


def last_run(study: str) -> list[Ran]:
    """Jobs of a study's last run, by the time at which they began."""
    found: dict[str, Ran] = {}
    for folder in ("results", "figures", "export_defs", "site"):
        for path in (Path(folder) / study).rglob("*.json"):
            try:
                record = json.loads(path.read_text(encoding="utf-8"))
                notebook = Path(record["notebook"]["path"])
                found[min(record["outputs"])] = Ran(
                    notebook.parent.name,
                    notebook.stem,
                    record["started_at"],
                    record["duration_s"],
                    record["processor_s"],
                    record["peak_memory_mb"],
                    record["machine"]["cores"],
                )
            except (ValueError, KeyError, TypeError):
                continue
    jobs = sorted(found.values(), key=lambda job: job.start_s)
    if not jobs:
        raise SystemExit(f"study {study} has no records that say when jobs began; make it first: netlens paper")
    first, end = 0, jobs[0].end_s
    for index, job in enumerate(jobs):
        if job.start_s > end + PAUSE_S:
            first = index
        end = max(end, job.end_s)
    return jobs[first:]


def _draw(jobs: Sequence[Ran], target: Path) -> None:
    """Draw each job as a bar, in the first row that is free; colors are those of the sections."""
    sections = list(dict.fromkeys(job.section for job in jobs))
    colors = dict(zip(sections, style.PALETTE * 2, strict=False))
    free: list[float] = []
    begun = jobs[0].start_s
    style.paper()
    fig, ax = plt.subplots(figsize=(6.8, 1.6))
    for job in jobs:
        row = next((row for row, end in enumerate(free) if end <= job.start_s), len(free))
        free[row : row + 1] = [job.end_s]
        left = job.start_s - begun
        ax.barh(row, job.duration_s, 0.85, left, color=colors[job.section], edgecolor="white", linewidth=0.2)
    for section in sections:
        ax.barh(0, 0, color=colors[section], label=section.replace("_", " "))
    ax.invert_yaxis()
    ax.set(xlabel="seconds since the first job began", ylabel="jobs side by side", yticks=[])
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.42), ncols=5, frameon=False)
    # The same run gives the same file.
    with plt.rc_context({"svg.hashsalt": "timeline"}):
        fig.savefig(target, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
