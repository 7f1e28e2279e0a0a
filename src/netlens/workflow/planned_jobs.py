"""Which jobs Snakemake would run, with what each of them reads, writes and gets from the configuration."""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netlens.files.atomic import writing
from netlens.workflow import provenance
from netlens.workflow.errors import UserError
from netlens.workflow.run_lock import cache_variables


@dataclass(frozen=True)
class PlannedJob:
    """A job that Snakemake would run.

    Attributes
    ----------
    rule
        Its rule.
    name
        The item that it makes, or else its notebook and first output, as in its record.
    inputs, outputs
        Paths.
    notebook
        Path of its notebook; empty for a job that runs none.
    parameters
        What the configuration gives to the notebook.
    seed
        The study's seed.
    threads
        How many threads it uses at most.
    gpu
        Whether it is one of those that run one after the other, because each uses TensorFlow.
    memory_mb
        How much memory it asks for; 0 if that is not known yet.
    reason
        Why Snakemake would run it.
    """

    rule: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    notebook: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    threads: int = 1
    gpu: bool = False
    memory_mb: int = 0
    reason: str = ""

    @property
    def key(self) -> str:
        """What identifies the job: as `netlens.workflow.records.Record.key` says of its record."""
        files = [path for path in self.outputs if not path.endswith(".json")] or list(self.outputs)
        return min(files, default=self.rule)


def planned_jobs(
    study: str, targets: Iterable[str], *, forced: Iterable[str] = (), everything: bool = False
) -> list[PlannedJob]:
    """Jobs that would run, in Snakemake's order, by a dry run of it.

    Parameters
    ----------
    study
        Name or file of the study.
    targets
        Names of items, or ``all``.
    forced
        Those of them that are made even if they are up to date.
    everything
        Whether all jobs above the targets are wanted, also those that are up to date.

    Raises
    ------
    UserError
        Snakemake finds a mistake; the message ends with its own words.
    """
    command = [sys.executable, "-m", "snakemake", *targets, "--dry-run", "--printshellcmds", "--nocolor"]
    command += ["--cores", "all", "--config", f"study={study}"]
    command += ["--forceall"] if everything else []
    if names := list(forced):
        command += ["--forcerun", *names]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=os.environ | cache_variables(),
    )  # fmt: skip
    if done.returncode:
        last = next((line for line in reversed(done.stdout.splitlines()) if line.strip()), "no output")
        raise UserError(f"Snakemake cannot say what would run: {last.strip()}")
    return list(jobs_of_dry_run(done.stdout.splitlines()))


def jobs_of_dry_run(lines: Sequence[str]) -> Iterator[PlannedJob]:
    """Jobs that a dry run of Snakemake prints; rules that only collect files of others are left out."""
    fields: dict[str, str] = {}
    for line in [*lines, ""]:
        if found := re.fullmatch(r"(?:local)?rule (\w+):", line):
            fields = {"rule": found[1]}
        elif fields and (found := re.match(r"    (\w+): (.*)", line)):
            fields[found[1]] = found[2]
        elif fields and line.startswith("Shell command: "):
            fields["shell"] = line.removeprefix("Shell command: ")
        elif fields and not line.strip():
            if "output" in fields:
                yield _job(fields)
            fields = {}


def _job(fields: dict[str, str]) -> PlannedJob:
    described, files = _told(fields.get("shell", ""))
    outputs = files.get("outputs") or fields["output"].split(", ")
    inputs = fields.get("input", "")
    return PlannedJob(
        fields["rule"],
        files.get("name", fields["rule"]),
        tuple(inputs.split(", ")) if inputs else (),
        tuple(outputs.values() if isinstance(outputs, dict) else outputs),
        files.get("notebook", ""),
        described.get("parameters", {}),
        described.get("ambient", {}).get("seed"),
        int(fields.get("threads", "1")),
        bool(re.search(r"\bgpu=[1-9]", fields.get("resources", ""))),
        int(memory[1]) if (memory := re.search(r"\bmem_mb=(\d+)", fields.get("resources", ""))) else 0,
        fields.get("reason", ""),
    )


def _told(shell: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a rule's command says of its job: the configured values, and the files."""
    try:
        words = shlex.split(shell)
        return json.loads(words[words.index("job") + 1]), json.loads(words[words.index("--files") + 1])
    except ValueError:
        return {}, {}


def configured_parameters(config: Mapping[str, Any], study: str) -> dict[str, dict[str, Any]] | None:
    """What the configuration gives to each job of a study today, by the job's key.

    Parameters
    ----------
    config
        The validated study.
    study
        Name or file of the study, for Snakemake.

    Returns
    -------
    dict or None
        ``parameters`` and ``seed`` of each job; None where Snakemake cannot tell, as where there are no rules.

    Notes
    -----
    Snakemake needs several seconds, so its answer is kept in ``results/.jobs/`` until the study, a rule, a list of
    items or a module that the rules are written with changes.
    """
    if not Path("Snakefile").is_file():
        return None
    digest = _digest(config)
    kept = Path("results") / ".jobs" / f"{config['study']}.json"
    try:
        stored = json.loads(kept.read_text(encoding="utf-8"))
        if stored["digest"] == digest:
            return dict(stored["jobs"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        jobs = planned_jobs(study, ["all"], everything=True)
    except UserError:
        return None
    found = {job.key: {"parameters": job.parameters, "seed": job.seed} for job in jobs if job.notebook}
    with suppress(OSError), writing(kept) as temporary:
        temporary.write_text(json.dumps({"digest": digest, "jobs": found}), encoding="utf-8")
    return found


def _digest(config: Mapping[str, Any]) -> str:
    files = [Path("Snakefile"), *sorted(Path("rules").glob("*.smk")), *sorted(Path("notebooks").glob("*/items.yaml"))]
    files += sorted(Path("src/netlens/workflow").glob("*.py"))
    words = json.dumps([config, provenance.hashes(files)], sort_keys=True, default=str)
    return hashlib.sha256(words.encode()).hexdigest()
