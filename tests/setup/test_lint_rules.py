"""What is made of Snakemake's own findings about the rules."""

import importlib.util
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REPORT = """Using workflow specific profile profiles/default for setting default command line arguments.
Lints for snakefile /here/Snakefile:
    * Absolute path "/data" in line 4:
      Do not define absolute paths inside of the workflow, since this renders
      Also see:
      https://snakemake.readthedocs.io/en/latest/snakefiles/configuration.html

Lints for rule photos (line 12, /here/rules/data.smk):
    * No log directive defined:
      Without a log directive, all output will be printed to the terminal.
    * Specify a conda environment or container for each rule.:
      This way, the used software for each specific step is documented
"""
ENVIRONMENT = """Lints for rule photos (line 12, /here/rules/data.smk):
    * Specify a conda environment or container for each rule.:
      This way, the used software for each specific step is documented
"""


@pytest.fixture
def lint_rules():
    spec = importlib.util.spec_from_file_location("lint_rules", ROOT / ".ci" / "lint_rules.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_finding_is_a_line_that_says_where(lint_rules):
    assert lint_rules.findings(REPORT) == [
        'snakefile /here/Snakefile: Absolute path "/data" in line 4',
        "rule photos (line 12, /here/rules/data.smk): No log directive defined",
        "rule photos (line 12, /here/rules/data.smk): Specify a conda environment or container for each rule",
    ]


@pytest.mark.parametrize(
    ("report", "status", "expected", "shown"),
    [
        ("Congratulations, your workflow is in a good condition!", 0, 0, ""),
        (ENVIRONMENT, 1, 0, ""),
        (REPORT, 1, 1, "No log directive defined"),
        ("NameError in file Snakefile, line 3", 1, 1, "NameError in file Snakefile, line 3"),
    ],
)
def test_only_the_environment_for_each_rule_is_let_through(
    lint_rules, monkeypatch, capsys, report, status, expected, shown
):
    answer = subprocess.CompletedProcess([], status, stdout=report)
    monkeypatch.setattr(lint_rules.subprocess, "run", lambda *_, **__: answer)
    assert lint_rules.main() == expected
    printed = capsys.readouterr().out
    assert shown in printed
    assert lint_rules.EXPECTED not in printed
