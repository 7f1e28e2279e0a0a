"""Redraw items in processes forked from templates, and beside it in processes that are started one by one.

    netlens bench preloaded [--study demo] [--cores 2] [ITEM...]

The study must have been made. Without items, all macros are made again. Prints wall and processor seconds of both ways
and their ratios, in one run; what both made is compared by sha256.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from netlens.files.hashing import sha256_of
from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import load_catalogue, select
from netlens.workflow.study import load_study


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("items", nargs="*")
    parser.add_argument("--study", default="demo")
    parser.add_argument("--cores", default="2")
    parsed = parser.parse_args(arguments)
    config = load_study(parsed.study)
    catalogue = load_catalogue()
    absent = absent_items(config, catalogue)
    macros = [item for item in catalogue.values() if item.kind == "macro" and item.name not in absent]
    items = select(catalogue, parsed.items) if parsed.items else macros
    names = [item.name for item in items]
    files = [path for item in items for path in item.files(config["study"]) if path.suffix != ".json"]
    python = [sys.executable, "-m"]
    forked = [*python, "netlens", "run", *names, "--force", "--study", parsed.study, "--cores", parsed.cores]
    started = [*python, "snakemake", *names, "--forcerun", *names, "--cores", parsed.cores]
    started += ["--config", f"study={parsed.study}"]
    # Both look at what is out of date first.
    subprocess.run([*forked[:2], "netlens", "run", *names, "--study", parsed.study], check=True, capture_output=True)
    measured, made = {}, {}
    for way, command in (("forked", forked), ("started", started)):
        measured[way] = _seconds(command)
        made[way] = {path: sha256_of(path) for path in files}
    print(f"{len(names)} items")
    for way, (wall_s, processor_s) in measured.items():
        print(f"{way:8} {wall_s:7.1f} s wall  {processor_s:7.1f} s processor")
    ratios = [started / forked for started, forked in zip(measured["started"], measured["forked"], strict=True)]
    print(f"started / forked: {ratios[0]:.2f} wall, {ratios[1]:.2f} processor")
    print("the same bytes" if made["forked"] == made["started"] else "DIFFERENT bytes")


def _seconds(command: Sequence[str]) -> tuple[float, float]:
    """Wall and processor seconds of a command and of everything that it waits for."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    wall_s, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    assert Path("Snakefile").is_file(), "run this in the checkout"
    main()
