"""Compare what the jobs of a run took with what ``netlens cost`` says from the published costs.

    netlens bench cost [FOLDER] [--study demo] [--all]

FOLDER is a checkout in which the study was run on this machine, by default this one. The time of a job from start to
end depends on what else the machine does; the line `even` is about that time divided by its median slowdown.
"""

import argparse
from pathlib import Path

import numpy as np

from netlens.cli.cost import records_here
from netlens.review.calibration import calibrate
from netlens.review.job_costs import Cost, estimate, load_costs, recorded_cost
from netlens.workflow.planned_jobs import PlannedJob

FACTOR = 2.0


def expected_and_taken(folder: Path, study: str, processor_s: float) -> dict[str, tuple[Cost, Cost]]:
    """Expected and recorded cost of each job of a run that is published, by the job's key."""
    records = records_here(study, folder)
    jobs = [PlannedJob(record.rule, record.rule, (), (key,), record.notebook) for key, record in records.items()]
    pairs = {
        job.key: (cost, recorded_cost(records[job.key]))
        for job, cost in estimate(jobs, {}, load_costs(study), processor_s)
    }
    return {key: (cost, taken) for key, (cost, taken) in pairs.items() if cost is not None}


def line(name: str, expected: np.ndarray, taken: np.ndarray) -> str:
    """Whole, and the distribution over jobs, of what was taken as a multiple of what was expected."""
    ratio, whole = taken / expected, taken.sum() / expected.sum()
    low, middle, high = np.percentile(ratio, [5, 50, 95])
    right = float(np.mean((ratio < FACTOR) & (ratio > 1 / FACTOR)))
    shares = f"{low:5.2f} {middle:6.2f} {high:6.2f}"
    return f"{name:<10} {whole:5.2f}  {shares}   {right:6.1%} of {ratio.size}"


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path())
    parser.add_argument("--study", default="demo")
    parser.add_argument("--all", action="store_true", help="a line for each job, the worst first")
    given = parser.parse_args()
    calibration = calibrate()
    pairs = expected_and_taken(given.folder, given.study, calibration.processor_s)
    if not pairs:
        parser.error(f"{given.folder}: no record of study {given.study}, or nothing is published of what it costs")
    columns = {
        "processor": [(expected.processor_s, taken.processor_s) for expected, taken in pairs.values()],
        "time": [(expected.duration_s, taken.duration_s) for expected, taken in pairs.values()],
        "memory": [(expected.memory_mb, taken.memory_mb) for expected, taken in pairs.values()],
    }
    # Times are stored with one decimal; a job of less than that is as right as it can be.
    values = {name: np.maximum(np.array(found), 0.05) for name, found in columns.items()}
    slowdown = float(np.median(values["time"][:, 1] / values["time"][:, 0]))
    values["even"] = values["time"] * [slowdown, 1.0]
    print(f"calibration {calibration.processor_s:.3f} s; taken as a multiple of expected:")
    print(f"{'':<10} {'whole':>5}  {'5 %':>5} {'median':>6} {'95 %':>6}   jobs within a factor of {FACTOR:g}")
    for name, found in values.items():
        print(line(name, found[:, 0], found[:, 1]))
    if given.all:
        worst = sorted(pairs, key=lambda key: -abs(np.log(pairs[key][1].processor_s / pairs[key][0].processor_s)))
        for key in worst:
            expected, taken = pairs[key]
            print(f"{taken.processor_s:8.1f} s of {expected.processor_s:6.1f} s  {key}  ({expected.source})")


if __name__ == "__main__":
    main()
