"""Projects of the tests' own, with the real rules and notebooks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netlens.workflow.preloaded import templates

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def empty_project(tmp_path_factory):
    """A folder with our workflow, and neither study nor images."""
    folder = tmp_path_factory.mktemp("study")
    for name in ("Snakefile", "rules", "notebooks", "src", "requirements", "profiles", "paper"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "config").mkdir()
    (folder / "config" / "schema.yaml").symlink_to(ROOT / "config" / "schema.yaml")
    return folder


@pytest.fixture(scope="session")
def netlens():
    """Give a function that runs the command in a project, for its study `own`."""

    def run(project, *arguments):
        return subprocess.run(
            [sys.executable, "-m", "netlens", *arguments, "--study", "own"],
            cwd=project,
            env={**os.environ, "NETLENS_DEVICE": "cpu"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def snakemake():
    """Give a function that runs plain Snakemake in a project, for its study `own`.

    Jobs are forked as under `netlens run`, which takes a third of the time off.
    """

    def run(project, targets, *options):
        command = [sys.executable, "-m", "snakemake", *targets, "--cores", "2", "--config", "study=own", "--nocolor"]
        with templates() as variables:
            environment = {**os.environ, **variables, "NETLENS_DEVICE": "cpu"}
            return subprocess.run(
                [*command, *options], cwd=project, env=environment, capture_output=True, text=True, check=False
            )

    return run
