"""Folders like the repository's, and what Snakemake plans in them."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

ROOT = Path(__file__).parents[2]
LINKED = (
    "notebooks", "rules", "src", "docs", "data", "models", "requirements", "Snakefile", "pyproject.toml",
    "CITATION.cff", "config/schema.yaml", "paper/main.tex", "paper/style.tex", "paper/refs.bib", "paper/claims.yaml",
    "paper/sections",
)  # fmt: skip


def _linked(folder):
    """Link what a checkout has into a folder, without its studies and what they have made."""
    for name in ("paper", "config"):
        (folder / name).mkdir()
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    return folder


def _planned_parameters(checkout, study):
    """Parameters of the rules of a dry run of everything."""
    # In a thread of its own: tests of pages leave an event loop in this one, beside which Snakemake starts none.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_dry_run, checkout, study).result()


def _dry_run(checkout, study):
    # Quicker than a process for each, which would look at what every notebook imports.
    with contextlib.chdir(checkout), SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config={"study": study}),
            snakefile=Path("Snakefile"),
        )
        workflow.dag().execute_workflow(executor="dryrun")
        return {job.rule.name: job.params for job in workflow._workflow.dag.jobs}


@pytest.fixture(scope="session")
def linked_checkout():
    """Give a function that links our workflow into a folder."""
    return _linked


@pytest.fixture(scope="session")
def planned_jobs():
    """Give a function that names the rules of a dry run of everything: (folder, study)."""
    return lambda checkout, study: _planned_parameters(checkout, study).keys()


@pytest.fixture(scope="session")
def planned_parameters():
    """Give a function from (folder, study) to the parameters of each rule of a dry run of everything."""
    return _planned_parameters
