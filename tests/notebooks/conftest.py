"""Projects of the tests' own, with the real rules and notebooks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
