"""``netlens accept`` publishes only what comes from a commit and has a reason, and the costs of the jobs behind it."""

import json
import subprocess
from pathlib import Path

import pytest

from netlens.cli import main
from netlens.review.calibration import Calibration
from netlens.review.job_costs import load_costs


def git(*arguments):
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture(autouse=True)
def repository(records, monkeypatch):
    Path("paper").mkdir()
    git("init", "-q")
    git("add", "notebooks", "src")
    git("commit", "-qm", "first")
    monkeypatch.setattr("netlens.cli.accept.calibrate", lambda: Calibration(0.5, 0.6))


def accept(*arguments):
    return main(["accept", "tableRows", "--study", "small", *arguments])


def test_an_item_and_what_its_jobs_cost_are_published(records, capsys):
    assert accept("--reason", "first results") == 0
    assert "reference/small: 1 items published" in capsys.readouterr().out
    entry = json.loads(Path("reference/small/items/tableRows.json").read_text())
    assert (entry["value"], entry["accepted"]) == (3.14159, {"reason": "first results"})
    costs = load_costs("small")
    assert sorted(costs.jobs) == [f"{records.stem}.tex", records.counts]
    assert costs.machines[0]["calibration_s"] == 0.5


def test_of_what_is_published_already_only_what_is_described_otherwise_is_written_again(monkeypatch, capsys):
    assert accept("--reason", "first") == 0
    assert accept("--reason", "again") == 0
    assert "0 items published" in capsys.readouterr().out
    monkeypatch.setattr("netlens.review.published.Reference.describes", lambda *_: False)
    assert accept("--reason", "with all parts", "--json") == 0
    assert json.loads(capsys.readouterr().out)["published"] == ["tableRows"]
    entry = json.loads(Path("reference/small/items/tableRows.json").read_text())
    assert entry["accepted"] == {"reason": "with all parts"}


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_an_empty_reason_is_refused(capsys, reason):
    assert accept("--reason", reason) == 2
    assert "--reason: say in a sentence why" in capsys.readouterr().err
    assert not Path("reference").exists()


def test_a_tree_with_changes_is_refused(records, capsys):
    Path(records.module).write_text("ROWS = 4\n")
    assert accept("--reason", "why not") == 2
    assert capsys.readouterr().err == (
        f"netlens: error: the tree has changes that are not committed: {records.module}; commit them first\n"
    )
    assert not Path("reference").exists()


def test_a_change_of_the_reference_itself_is_no_obstacle():
    assert accept("--reason", "first") == 0
    git("add", "reference")
    git("commit", "-qm", "published")
    Path("reference/small/items/tableRows.json").write_text("{}")
    Path("reference/small/items/tableRows.json").unlink()
    assert accept("--reason", "again") == 0


def test_a_folder_that_is_no_repository_is_refused(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert accept("--reason", "first") == 2
    assert "not a git repository" in capsys.readouterr().err


def test_a_stale_item_is_refused(records, capsys):
    Path(records.images).write_text("others")
    assert accept("--reason", "first") == 2
    assert "only items that are as their records say can be published" in capsys.readouterr().err


def test_the_page_that_repeats_the_others_is_not_published_but_what_it_costs_is(records, capsys):
    Path("notebooks/site").mkdir()
    Path("notebooks/site/items.yaml").write_text("index: {kind: page, shows: everything}\n")
    Path("notebooks/data/items.yaml").write_text("tableRows: {kind: macro, shows: how many rows}\n")
    git("add", "notebooks")
    git("commit", "-qm", "index")
    Path("site/small").mkdir(parents=True)
    Path("site/small/index.html").write_text("all")
    records.write("site/small/index.json", "index", [f"{records.stem}.tex"], ["site/small/index.html"])
    assert main(["accept", "index", "--study", "small", "--reason", "first"]) == 2
    assert "index repeats what other items hold" in capsys.readouterr().err
    assert main(["accept", "--all", "--study", "small", "--reason", "first"]) == 0
    assert [path.stem for path in Path("reference/small/items").iterdir()] == ["tableRows"]
    assert "site/small/index.html" in load_costs("small").jobs
