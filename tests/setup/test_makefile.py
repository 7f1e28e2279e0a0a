"""The targets of the Makefile, and the way from any Python to the set-up script."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def dry(*arguments: str, **variables: str) -> str:
    """What make would run, also where these tests are run by make themselves."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "NETLENS_", "COVERAGE"))
    }
    done = subprocess.run(
        ["make", "-n", *arguments], cwd=ROOT, env=environment | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("target", ["paper", "test", "lint", "docs", "tex"])
def test_targets_make_the_environment_first(target):
    lines = dry(target)
    assert "requirements/install.py" in lines
    assert lines.index("requirements/install.py") < lines.rindex(".venv/bin/")


def test_paper_sees_to_tex_and_then_makes_the_study():
    lines = dry("paper", "STUDY=cifar10")
    assert lines.index("netlens.workflow.tex") < lines.index(".venv/bin/netlens paper --study 'cifar10'")
    assert "--study 'demo'" in dry("paper")


def test_lint_checks_everything():
    lines = dry("lint")
    for tool in (
        "ruff check",
        "ruff format --check",
        "mypy",
        "snakefmt --check",
        "lint_rules",
        "lint_numbers",
        "nbstripout",
        "codespell",
    ):
        assert tool in lines, tool


def test_in_condas_environment_its_programs_are_used():
    lines = dry("paper", NETLENS_ENV="conda", CONDA_PREFIX="/opt/conda/envs/netlens")
    assert "/opt/conda/envs/netlens/bin/netlens paper" in lines
    assert ".venv" not in lines


def test_nothing_is_made_without_being_asked_for():
    assert dry() == dry("help")


def test_help_tells_every_target():
    text = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert targets
    shown = subprocess.run(["make", "-C", ROOT, "help"], capture_output=True, text=True, check=True).stdout
    for target in targets[1].split():
        assert re.search(rf"^  {target} +\S", shown, re.MULTILINE), target


def test_clean_keeps_what_cannot_be_made_again(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    made = ["results/demo/x", "site/demo/x", "figures/demo/x", "export_defs/demo/x", "paper/demo.pdf", ".snakemake/x"]
    kept = [".venv/x", "models/demo/x", "reference/demo/x", "paper/main.tex", "figures/README.md", "data/x"]
    for name in (*made, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["make", "-C", tmp_path, "clean"], check=True, capture_output=True)
    assert not any((tmp_path / name).exists() for name in made)
    assert all((tmp_path / name).exists() for name in kept)


@pytest.mark.slow
def test_make_env_finds_its_way(setup):
    setup.program("python3", "#!/bin/sh\nexit 127\n")
    setup.python("python3.12", (3, 12, 1))
    done = setup.make("env")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Python 3.12.1" in done.stdout
    setup.calls()
    assert setup.make("env").stdout == ""
    assert setup.calls() == []


def test_make_env_with_a_python_that_was_named(setup):
    setup.python()
    other = setup.python("other", (3, 13, 0))
    assert "Python 3.13.0" in setup.make("env", f"PYTHON={other}").stdout


def test_make_env_without_any_python_says_so(setup):
    done = setup.make("env")
    assert done.returncode == 2
    assert done.stderr.startswith("netlens: error: no Python was found: install Python 3.11, 3.12 or 3.13")
    assert "Traceback" not in done.stderr


def test_a_failed_set_up_stops_the_paper(setup):
    setup.python(version=(3, 9, 1))
    done = setup.make("paper")
    assert done.returncode == 2
    assert done.stderr.startswith("netlens: error: netlens needs Python 3.11")
    assert done.stdout == ""


def test_arguments_reach_the_set_up(setup):
    setup.python()
    assert "gpu packages" in setup.make("env", "NETLENS_DEVICE=gpu").stdout


def test_ci_runs_what_a_person_runs():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    text = script.read_text()
    steps = [text.index(f"make {target}\n") for target in ("env", "lint", "docs", "tex", "test COVERAGE=1", "paper")]
    assert steps == sorted(steps)
    assert "nothing to be done" in text
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_ci_refuses_a_step_that_it_does_not_know():
    done = subprocess.run([ROOT / ".ci" / "run", "lint", "test"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "test: not lint, docs, tests or demo" in done.stderr
    assert done.stdout == ""


def test_coverage_is_the_same_run_with_a_number():
    plain, measured = dry("test").strip(), dry("test", "COVERAGE=1").strip()
    assert measured == f"{plain} --cov --cov-report=term:skip-covered"


def test_documentation_is_built_strictly_and_checked_for_what_it_loads():
    lines = dry("docs")
    assert lines.index("mkdocs build") < lines.index("lint_docs.py build/docs")
    configuration = (ROOT / "mkdocs.yml").read_text().splitlines()
    assert "strict: true" in configuration
    assert "  font: false" in configuration


def test_making_pins_needs_no_environment_and_no_shell_but_sh():
    # After a change in pyproject.toml the environment would be made with the old pins, for nothing.
    assert "install.py" not in dry("pins")
    assert (ROOT / "requirements" / "pins.sh").read_text().startswith("#!/bin/sh\n")
    done = subprocess.run(["sh", "-n", ROOT / "requirements" / "pins.sh"], check=False)
    assert done.returncode == 0
