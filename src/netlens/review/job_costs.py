"""What jobs cost: from records of this checkout, from what the study published, or from jobs of the same kind.

A job whose result is kept costs no time, for it is copied.

``reference/<study>/costs.json`` has, for each published job, its duration, processor time, peak memory and the size of
its files, and for each machine that ran them the processor time that `netlens.review.calibration.calibrate` took there.
"""

import json
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from netlens.files.atomic import writing
from netlens.review.published import FOLDER
from netlens.workflow.errors import UserError
from netlens.workflow.planned_jobs import PlannedJob
from netlens.workflow.records import Record

#: Where the cost of a job may come from, the surest first.
SOURCES: Final = ("kept", "recorded here", "published", "median of its notebook", "median of its kind", "not recorded")


@dataclass(frozen=True)
class Cost:
    """What one job costs.

    Attributes
    ----------
    duration_s, processor_s
        Time from its start to its end, and time of all processors, in seconds.
    memory_mb
        Peak memory of its largest process, in megabytes.
    size_bytes
        Size of the files that it writes.
    source
        One of `SOURCES`.
    """

    duration_s: float
    processor_s: float
    memory_mb: float
    size_bytes: float
    source: str = "recorded here"


@dataclass(frozen=True)
class PublishedCosts:
    """Costs that a study published: by machine, and by job.

    Attributes
    ----------
    machines
        For each machine its description and ``calibration_s``.
    jobs
        For each job, by its key: number of the machine, duration, processor time, peak memory, bytes, notebook.
    """

    machines: tuple[Mapping[str, Any], ...] = ()
    jobs: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def cost(self, key: str, calibration_s: float) -> Cost | None:
        """Cost of a job on a machine that takes `calibration_s`; None if the job is not published."""
        if key not in self.jobs:
            return None
        machine, duration, processor, memory, size = self.jobs[key][:5]
        factor = calibration_s / self.machines[machine]["calibration_s"]
        return Cost(duration * factor, processor * factor, memory, size, "published")


def costs_file(study: str, folder: Path = FOLDER) -> Path:
    """Where the costs of a study's jobs are published."""
    return folder / study / "costs.json"


def load_costs(study: str, folder: Path = FOLDER) -> PublishedCosts:
    """Published costs of a study; none if there is no file.

    Raises
    ------
    UserError
        The file is damaged.
    """
    path = costs_file(study, folder)
    if not path.is_file():
        return PublishedCosts()
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        machines, jobs = tuple(stored["machines"]), dict(stored["jobs"])
        if not all(float(machine["calibration_s"]) > 0 for machine in machines):
            raise ValueError("a calibration is not positive")
        for key, (machine, *numbers, _) in jobs.items():
            if not 0 <= machine < len(machines) or len(numbers) != 4 or not all(float(n) >= 0 for n in numbers):
                raise ValueError(f"the entry of {key} is not valid")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: damaged costs ({error}); restore it: git checkout {path}") from None
    return PublishedCosts(machines, jobs)


def save_costs(records: Iterable[Record], study: str, calibration_s: float, folder: Path = FOLDER) -> None:
    """Publish what jobs cost, beside what is published of other jobs.

    Parameters
    ----------
    records
        Of the jobs, made on this machine.
    study
        Name of the study.
    calibration_s
        Processor time of `netlens.review.calibration.calibrate` on it.
    folder
        Folder of all references.
    """
    known = load_costs(study, folder)
    machines, jobs = [dict(machine) for machine in known.machines], {key: list(row) for key, row in known.jobs.items()}
    for record in records:
        cost = recorded_cost(record)
        machine = {key: record.machine.get(key) for key in ("processor", "cores", "memory_gb")}
        number = next((n for n, other in enumerate(machines) if machine.items() <= other.items()), len(machines))
        if number == len(machines):
            machines.append(machine)
        machines[number]["calibration_s"] = round(calibration_s, 4)
        numbers = [round(cost.duration_s, 1), round(cost.processor_s, 1), round(cost.memory_mb), int(cost.size_bytes)]
        jobs[record.key] = [number, *numbers, record.notebook]
    lines = [f"  {json.dumps(key)}: {json.dumps(row)}" for key, row in sorted(jobs.items())]
    rows = ",\n".join(lines)
    text = f'{{"machines": {json.dumps(machines)},\n "jobs": {{\n{rows}\n}}}}\n'
    with writing(costs_file(study, folder)) as temporary:
        temporary.write_text(text, encoding="utf-8")


def recorded_cost(record: Record) -> Cost:
    """Cost of a job by its own record."""
    size = sum(path.stat().st_size for path in map(Path, record.outputs) if path.is_file())
    seconds, fields = float(record.duration_s), record.fields
    return Cost(seconds, float(fields.get("processor_s", seconds)), float(fields.get("peak_memory_mb", 0)), size)


def estimate(
    jobs: Iterable[PlannedJob],
    here: Mapping[str, Record],
    published: PublishedCosts,
    calibration_s: float,
    kept: Set[str] = frozenset(),
) -> list[tuple[PlannedJob, Cost | None]]:
    """Cost of each job, from the surest source that knows it.

    Parameters
    ----------
    jobs
        The jobs that would run.
    here
        Records of this checkout by key.
    published
        What the study published.
    calibration_s
        Processor time of `netlens.review.calibration.calibrate` here.
    kept
        Paths of results that are taken from where they were published instead of being computed.

    Returns
    -------
    list of (PlannedJob, Cost or None)
        None where nothing is known: jobs without a notebook, such as the paper's PDF, have no record.
    """
    known: dict[str, tuple[str, Cost]] = {}
    for key, row in published.jobs.items():
        cost = published.cost(key, calibration_s)
        if cost is not None:
            known[key] = (str(row[-1]), cost)
    for key, record in here.items():
        known[key] = (record.notebook, recorded_cost(record))
    costs = [(job, _best(job, known)) for job in jobs]
    return [(job, _of_taking(cost) if not kept.isdisjoint(job.outputs) else cost) for job, cost in costs]


def _of_taking(computed: Cost | None) -> Cost:
    return Cost(0.0, 0.0, 0.0, computed.size_bytes if computed else 0.0, "kept")


def _best(job: PlannedJob, known: Mapping[str, tuple[str, Cost]]) -> Cost | None:
    if job.key in known:
        return known[job.key][1]
    if not job.notebook:
        return None
    alike = [cost for notebook, cost in known.values() if notebook == job.notebook]
    if alike:
        return _median(alike, "median of its notebook")
    kind = job.key.split("/", 1)[0]
    alike = [cost for key, (_, cost) in known.items() if key.split("/", 1)[0] == kind]
    return _median(alike, "median of its kind") if alike else None


def _median(costs: Sequence[Cost], source: str) -> Cost:
    return Cost(
        median(cost.duration_s for cost in costs),
        median(cost.processor_s for cost in costs),
        median(cost.memory_mb for cost in costs),
        median(cost.size_bytes for cost in costs),
        source,
    )


@dataclass(frozen=True)
class Total:
    """What all jobs cost together.

    Attributes
    ----------
    wall_s
        Time from the first start to the last end.
    processor_s
        Time of all processors.
    memory_mb
        Largest sum of the peak memories of jobs that run at the same time.
    size_bytes
        Size of the files that they write.
    """

    wall_s: float
    processor_s: float
    memory_mb: float
    size_bytes: float


def total(costs: Sequence[tuple[PlannedJob, Cost | None]], cores: int, gpus: int = 0) -> Total:
    """What jobs cost together on a number of cores, by simulating Snakemake's greedy schedule.

    A job starts when the jobs that make its inputs have ended and enough cores are free for its threads. Where there
    are GPUs, as many of the jobs that use TensorFlow run at a time. Jobs of unknown cost count nothing.
    """
    maker = {path: number for number, (job, _) in enumerate(costs) for path in job.outputs}
    waits = [{maker[path] for path in job.inputs if path in maker} - {n} for n, (job, _) in enumerate(costs)]
    todo = list(range(len(costs)))
    running: list[tuple[float, int]] = []
    done: set[int] = set()
    clock = memory = 0.0
    while todo or running:
        for number in list(todo):
            job = costs[number][0]
            used = sum(min(costs[other][0].threads, cores) for _, other in running)
            busy = 0 < gpus <= sum(costs[other][0].gpu for _, other in running)
            if waits[number] <= done and used + min(job.threads, cores) <= cores and not (busy and job.gpu):
                cost = costs[number][1]
                running.append((clock + (cost.duration_s if cost else 0.0), number))
                todo.remove(number)
        if not running:
            break  # a circle, which Snakemake refuses
        memory = max(memory, sum(cost.memory_mb for _, n in running if (cost := costs[n][1])))
        clock, ended = min(running)
        running.remove((clock, ended))
        done.add(ended)
    counted = [cost for _, cost in costs if cost]
    return Total(clock, sum(cost.processor_s for cost in counted), memory, sum(cost.size_bytes for cost in counted))
