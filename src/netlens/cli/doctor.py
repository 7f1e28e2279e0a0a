"""``netlens doctor``: whether this machine has what netlens needs, and what mends what it lacks."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from netlens.cli.cost import costs_of
from netlens.cli.study_items import study_items
from netlens.review.device_runs import CPU, DeviceRun, Pair, cheapest, pairs, run_in_copy, telling
from netlens.workflow.errors import UserError
from netlens.workflow.health import Finding, examine, examine_gpu
from netlens.workflow.planned_jobs import planned_jobs

#: Numbers of the study that are made on both devices.
_NUMBERS: Final = 3
_WITHOUT: Final = "NETLENS_DEVICE=cpu make paper"


def print_findings(study: str, *, gpu: bool = False, as_json: bool = False) -> int:
    """Print a line for each thing that was looked at.

    Parameters
    ----------
    study
        The study that has to run.
    gpu
        Compare a GPU with the CPU instead: a small computation, and then a few numbers of the study, which are made on
        both in copies of the checkout.
    as_json
        Print plain data.

    Returns
    -------
    int
        1 if there is a problem, else 0.
    """
    findings = list(_gpu_findings(study)) if gpu else examine(study)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1, ensure_ascii=False))
    else:
        _print(findings)
    return int(any(finding.status == "problem" for finding in findings))


def _gpu_findings(study: str) -> Iterator[Finding]:
    first = examine_gpu()
    yield first
    # Without a GPU that computes, or with one that computes something else, there is no more to look at.
    if first.status != "ok":
        return
    try:
        on_cpu, on_gpu, compared = _on_both(study)
    except UserError as error:
        yield Finding("numbers", "problem", str(error).splitlines()[0], _WITHOUT)
        return
    yield from device_verdicts(on_cpu, on_gpu, compared)


def _on_both(study: str) -> tuple[DeviceRun, DeviceRun, list[Pair]]:
    known = study_items(study)
    name, available = known.study, known.compared
    jobs = planned_jobs(study, ["all"], everything=True)
    macros = {item.name for item in available.values() if item.kind == "macro"}
    chosen = [available[number] for number in cheapest(costs_of(name, jobs)[0], telling(macros, name), _NUMBERS)]
    if not chosen:
        raise UserError(f"study {name} has no number whose cost is known and that needs TensorFlow")
    tensorflow = {job.key for job in jobs if job.gpu}
    with TemporaryDirectory(prefix="netlens-devices-") as scratch:
        settings: Mapping[str, Mapping[str, str]] = {"cpu": CPU, "gpu": {}}
        runs = {
            device: run_in_copy(Path(scratch) / device, study, chosen, tensorflow, variables)
            for device, variables in settings.items()
        }
    return runs["cpu"], runs["gpu"], pairs(runs["cpu"], runs["gpu"], name)


def device_verdicts(on_cpu: DeviceRun, on_gpu: DeviceRun, compared: list[Pair]) -> Iterator[Finding]:
    """Yield what numbers of both devices say: which device was used, each number, and the speed-up.

    Parameters
    ----------
    on_cpu, on_gpu
        The runs.
    compared
        Their numbers side by side.
    """
    used = sorted(on_gpu.devices - on_cpu.devices)
    if used:
        yield Finding("device", "ok", f"jobs of the study ran on {', '.join(used)}")
    else:
        words = f"jobs of the study ran on {', '.join(sorted(on_gpu.devices)) or 'nothing'}, as without a GPU"
        yield Finding("device", "problem", words, "make env")
    for pair in compared:
        yield (
            Finding(pair.name, "ok", pair.words) if pair.agrees else Finding(pair.name, "problem", pair.words, _WITHOUT)
        )
    times = f"jobs that use TensorFlow took {on_cpu.seconds:.0f} s on the CPU and {on_gpu.seconds:.0f} s on the GPU"
    faster = on_cpu.seconds / on_gpu.seconds if on_gpu.seconds else float("inf")
    words = f"{times}: {faster:.1f} times as fast"
    yield Finding("speed-up", "ok", words) if faster > 1 else Finding("speed-up", "note", words, _WITHOUT)


def _print(findings: list[Finding]) -> None:
    width = max(len(finding.about) for finding in findings)
    for finding in findings:
        print(f"{finding.status:<7}  {finding.about:<{width}}  {finding.words}")
        if finding.mend:
            print(f"{'':<7}  {'':<{width}}  mend it: {finding.mend}")
