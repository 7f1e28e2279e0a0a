"""A few numbers of a study, made on the CPU and on a GPU: how far they are apart, and how long each takes."""

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from netlens.review.item_parts import read_record
from netlens.review.job_costs import Cost
from netlens.review.published import FOLDER, Reference
from netlens.review.spread import load_spread
from netlens.review.tolerances import Spread, Tolerance
from netlens.workflow import records
from netlens.workflow.catalogue import Item
from netlens.workflow.errors import UserError
from netlens.workflow.planned_jobs import PlannedJob

#: What a checkout has besides what a study is made from; images are not copied, but read where they are.
_MADE: Final = ("results", "figures", "export_defs", "site", "build", ".snakemake", ".git", ".venv")
_IMAGES: Final = "data"
#: Numbers that may be further from what is published, as a share of it, do not tell devices apart.
_KNOWN_TO: Final = 0.01
#: Variables by which `netlens run` is told which device to use.
CPU: Final[Mapping[str, str]] = {"NETLENS_DEVICE": "cpu"}


@dataclass(frozen=True)
class DeviceRun:
    """What one device made.

    Attributes
    ----------
    values
        Numbers at full precision.
    devices
        What the jobs that use TensorFlow ran on, as their records name it.
    seconds
        What these jobs took together.
    roundings
        How each number is rounded in the paper, which makes the tolerance of those that are not published.
    """

    values: Mapping[str, float | int | str]
    devices: frozenset[str]
    seconds: float
    roundings: Mapping[str, str] = field(default_factory=dict)


def cheapest(costs: Sequence[tuple[PlannedJob, Cost | None]], macros: Collection[str], count: int) -> list[str]:
    """Names of macros that need TensorFlow and cost least together, each from another notebook.

    Parameters
    ----------
    costs
        All jobs of a study, with what they cost.
    macros
        Names of its macros.
    count
        How many are wanted; fewer are found where there are not as many.
    """
    makers = {path: number for number, (job, _) in enumerate(costs) for path in job.outputs}
    behind = {job.name: _behind(number, costs, makers) for number, (job, _) in enumerate(costs) if job.name in macros}
    possible = {name: jobs for name, jobs in behind.items() if any(costs[n][0].gpu for n in jobs)}
    possible = {name: jobs for name, jobs in possible.items() if all(costs[n][1] for n in jobs)}
    notebooks = {job.name: job.notebook for job, _ in costs}
    chosen: list[str] = []
    paid: set[int] = set()

    def price(name: str) -> float:
        return sum(cost.processor_s for n in possible[name] - paid if (cost := costs[n][1]))

    while len(chosen) < count:
        taken = {notebooks[name] for name in chosen}
        left = sorted(name for name in possible if notebooks[name] not in taken)
        if not left:
            break
        chosen.append(min(left, key=price))
        paid |= possible[chosen[-1]]
    return chosen


def telling(names: Collection[str], study: str, folder: Path = FOLDER) -> set[str]:
    """Macros that can tell devices apart: fractions that are published and known to a percent.

    Counts are the same on any device, and rounding errors on none.

    Parameters
    ----------
    names
        Macros to choose from.
    study
        Name of the study.
    folder
        Folder of all references.

    Returns
    -------
    set of str
        All of `names` if none of them is published as such.
    """
    reference, spread = Reference(study, folder), load_spread(study, folder)
    found = set()
    for name in names:
        entry = reference.entry(name)
        if entry is None or not isinstance(value := entry.get("value"), float) or value.is_integer():
            continue
        if spread.tolerance(name, "value", entry).value <= _KNOWN_TO * abs(value):
            found.add(name)
    return found or set(names)


def _behind(number: int, costs: Sequence[tuple[PlannedJob, Cost | None]], makers: Mapping[str, int]) -> set[int]:
    found: set[int] = set()
    todo = [number]
    while todo:
        if (one := todo.pop()) not in found:
            found.add(one)
            todo += [makers[path] for path in costs[one][0].inputs if path in makers]
    return found


def run_in_copy(
    folder: Path, study: str, items: Sequence[Item], tensorflow: Collection[str], device: Mapping[str, str]
) -> DeviceRun:
    """Make numbers of a study in a copy of the checkout that is the working directory.

    Parameters
    ----------
    folder
        Where to copy it to; does not exist yet.
    study
        Name of the study.
    items
        Its macros to make.
    tensorflow
        Keys of the jobs that use TensorFlow.
    device
        Environment variables to add, such as `CPU`.

    Raises
    ------
    UserError
        The checkout cannot be copied, or a job failed.
    """
    _copy_checkout(Path.cwd(), folder)
    command = [sys.executable, "-m", "netlens", "run", *(item.name for item in items), "--study", study]
    variables = {**os.environ, "PYTHONPATH": str(folder / "src"), **device}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=variables)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("netlens: error: ")]
        raise UserError((lines or ["it failed without a message"])[0].removeprefix("netlens: error: "))
    return read_run(folder, study, items, tensorflow)


def _copy_checkout(root: Path, folder: Path) -> None:
    """Copy what a study is made from; images are read where they are."""
    try:
        shutil.copytree(
            root,
            folder,
            ignore=lambda where, _: (*_MADE, _IMAGES) if Path(where) == root else (),
            ignore_dangling_symlinks=True,
        )
        if (root / _IMAGES).is_dir():
            (folder / _IMAGES).symlink_to((root / _IMAGES).resolve())
    except shutil.Error as error:
        # One entry for each file: from where, to where, and why not.
        path, _, reason = error.args[0][0]
        raise UserError(f"{path} cannot be copied to a temporary folder: {reason}") from None
    except OSError as error:
        raise UserError(f"the checkout cannot be copied to {folder.parent}: {error.strerror or error}") from None


def read_run(folder: Path, study: str, items: Sequence[Item], tensorflow: Collection[str]) -> DeviceRun:
    """Numbers that were made in a checkout, with the devices and the time of the jobs that use TensorFlow.

    Raises
    ------
    UserError
        A record is damaged, or that of something else.
    """
    made = {record.key: record for record in records.makers(study, folder).values()}
    values: dict[str, float | int | str] = {}
    roundings: dict[str, str] = {}
    for item in items:
        fields = read_record(item, study, folder)
        values[item.name], roundings[item.name] = fields["value"], fields["rounding"]
        if found := records.read_record(folder / item.files(study)[-1]):
            made[found.key] = found
    used = [record for key, record in made.items() if key in tensorflow]
    devices = frozenset(str(name) for record in used for name in record.fields.get("devices", ()))
    return DeviceRun(values, devices, sum(record.duration_s for record in used), roundings)


@dataclass(frozen=True)
class Pair:
    """One number on both devices.

    Attributes
    ----------
    name
        The macro.
    cpu, gpu
        Its values.
    tolerance
        How far they may be apart: as far as `netlens verify` allows.
    """

    name: str
    cpu: float | int | str
    gpu: float | int | str
    tolerance: Tolerance

    @property
    def distance(self) -> float:
        """Difference of the values; infinite if they are words that differ, or not finite."""
        if isinstance(self.cpu, str) or isinstance(self.gpu, str):
            return 0.0 if self.cpu == self.gpu else float("inf")
        apart = abs(float(self.gpu) - float(self.cpu))
        return float("inf") if math.isnan(apart) else apart

    @property
    def agrees(self) -> bool:
        """Whether the distance is within the tolerance."""
        return self.distance <= self.tolerance.value

    @property
    def words(self) -> str:
        """Both values, and how far they may be apart."""
        apart = f"{self.cpu!r} on the CPU, {self.gpu!r} on the GPU"
        return f"{apart}: {self.distance:.1e} apart, {self.tolerance.value:.1e} allowed ({self.tolerance.reason})"


def pairs(cpu: DeviceRun, gpu: DeviceRun, study: str, folder: Path = FOLDER) -> list[Pair]:
    """Numbers of two runs side by side, at the tolerances of the published ones.

    Parameters
    ----------
    cpu, gpu
        The runs.
    study
        Name of the study.
    folder
        Folder of all references.
    """
    reference, spread = Reference(study, folder), load_spread(study, folder)
    found = []
    for name, value in cpu.values.items():
        entry = reference.entry(name)
        own = {"kind": "macro", "value": value, "rounding": cpu.roundings.get(name, "")}
        tolerance = (spread if entry else Spread({})).tolerance(name, "value", entry or own)
        found.append(Pair(name, value, gpu.values[name], tolerance))
    return found
