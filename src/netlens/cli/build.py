"""``netlens run`` and ``netlens paper``: start Snakemake and report briefly what it does."""

import re
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from netlens.cli.supervised import EndedBySignalError, run_supervised
from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import load_catalogue, select
from netlens.workflow.errors import UserError
from netlens.workflow.gpu import visible_gpus, why_no_gpu
from netlens.workflow.image_specs import SpecError
from netlens.workflow.network_specs import check_files
from netlens.workflow.preloaded import templates
from netlens.workflow.run_lock import only_run
from netlens.workflow.study import load_study

_PREFIX = "netlens: "


def run_items(study: str, names: list[str], cores: str, *, force: bool = False) -> int:
    """Make the named items, or everything if none is named."""
    config, absent = _checked(study)
    items = select(load_catalogue(), names)
    if missing := [item.name for item in items if item.name in absent]:
        raise UserError("\n".join(f"{name} is absent from study {config['study']}: {absent[name]}" for name in missing))
    targets = [item.name for item in items] or ["all"]
    status = _snakemake(study, config["study"], targets, cores, forced=targets if force else [])
    if status == 0:
        for item in items:
            print(" ".join(str(path) for path in item.files(config["study"])))
    return status


def make_paper(study: str, cores: str, *, draft: bool = False) -> int:
    """Make everything; the last line says where the paper is, or how to get what is missing.

    A draft has a file of its own, in which items that are not as their records say are in red boxes.
    """
    from netlens.workflow import tex

    config, absent = _checked(study)
    if draft:
        return _make_draft(study, config["study"], cores)
    status = _snakemake(study, config["study"], ["all"], cores)
    if status == 0:
        if tex.find_engine() is None:
            print(f"everything except the PDF has been made; TeX was not found; to install it: {tex.install_hint()}")
        else:
            print(f"paper/{config['study']}.pdf")
        if absent:
            print(f"{len(absent)} items are absent from this study; `netlens list` says why")
    return status


def _make_draft(study: str, name: str, cores: str) -> int:
    from netlens.cli.jobs import compile_paper

    status = _snakemake(study, name, ["macros_all", "paper_parts"], cores)
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
        return config, absent_items(config, load_catalogue())
    except SpecError as error:
        raise UserError(str(error)) from None


def _snakemake(study: str, name: str, targets: list[str], cores: str, *, forced: list[str] | None = None) -> int:
    if cores != "all" and not re.fullmatch(r"[1-9]\d*", cores):
        raise UserError(f"--cores {cores}: write a number or `all`")
    log = Path("results") / name / "logs" / f"{time.strftime('%Y-%m-%dT%H-%M-%S')}.log"
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", cores, "--config", f"study={study}", "--nocolor"]
    if forced:
        command += ["--forcerun", *forced]
    gpus = visible_gpus()
    command += ["--resources", f"gpu={max(len(gpus), 1)}"]
    report = _Report(f"{len(gpus)} GPUs" if gpus else f"no GPU ({why_no_gpu()}): networks run on the CPU")
    with only_run() as lock, templates() as variables:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as file:

            def read(line: str) -> None:
                file.write(line)
                report.read(line)

            try:
                status = run_supervised(command, variables, lock, read)
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
                print("nothing to be done: everything is up to date")
            return 0
        if not self._errors:
            lock = next((line for line in self._tail if "LockException" in line or "cannot be locked" in line), None)
            if lock:
                print(
                    "netlens: error: Snakemake has locked this folder: another run is using it, or one was killed; "
                    f"if none is running: {sys.executable} -m snakemake --unlock",
                    file=sys.stderr,
                )
            else:
                for line in self._tail:
                    print(line, file=sys.stderr)
        print(f"netlens: stopped; log of Snakemake: {log}", file=sys.stderr)
        return 1
