"""``netlens cost`` and the line with which ``netlens paper`` begins; ``--dry-run``; commands that do not exist."""

import json
from pathlib import Path

import pytest

from netlens.cli import build, main
from netlens.workflow.planned_jobs import PlannedJob


@pytest.fixture
def planned(records, monkeypatch):
    """Two jobs that would run, of which one has a record, and the paper."""
    jobs = [
        PlannedJob("counts", "counts[counts]", (), (records.counts,), records.notebook, reason="Forced execution"),
        PlannedJob("tableRows", "tableRows", (records.counts,), (f"{records.stem}.tex",), records.notebook),
        PlannedJob("paper", "paper", (f"{records.stem}.tex",), ("paper/small.pdf",)),
    ]
    for module in ("build", "cost"):
        monkeypatch.setattr(f"netlens.cli.{module}.planned_jobs", lambda *arguments, **more: jobs)
    monkeypatch.setattr(
        "netlens.cli.study_items.load_study", lambda name: {"study": name, "title": "t", "images_are": "i"}
    )
    return jobs


def test_each_job_and_the_whole_say_where_they_are_from(planned, capsys):
    assert main(["cost", "tableRows", "--study", "small", "--cores", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["counts[counts]", "12", "s", "10", "s", "900", "MB", "recorded", "here"]
    assert lines[-2].startswith("about 24 s on 1 core: 3 jobs, processor 20 s, at most 0.9 GB of memory")
    assert lines[-1] == "where the times are from: 2 recorded here, 1 not recorded; not counted: paper"


def test_plain_data(planned, capsys):
    assert main(["cost", "--study", "small", "--cores", "2", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [job["source"] for job in data["jobs"]] == ["recorded here", "recorded here", "not recorded"]
    assert data["total"]["wall_s"] == 24


def test_without_any_record_there_is_no_guess(planned, capsys, monkeypatch):
    monkeypatch.setattr("netlens.cli.cost.records_here", lambda study: {})
    assert main(["cost", "--study", "small"]) == 0
    assert capsys.readouterr().out == (
        "3 jobs would run; what they cost is recorded neither here nor in reference/small/costs.json, so there is no "
        "estimate; no downloads\n"
    )


def test_what_is_fetched_is_told_with_its_size(planned, capsys):
    Path("data").mkdir()
    entry = "{{url: 'https://example.org/{0}', hash: recorded, size_bytes: {1}, licence: MIT}}"
    entries = [f"{name}: {entry.format(name, size)}" for name, size in (("a.h5", 3_000_000), ("b.pb", "unknown"))]
    Path("data/manifest.yaml").write_text("\n".join(entries))
    for name in ("a.h5", "b.pb"):
        planned.append(PlannedJob("download", name, (), (f"data/downloads/{name}", f"data/downloads/{name}.json")))
    assert main(["cost", "--study", "small"]) == 0
    assert "MB on disk, 2 downloads (3 MB, 1 of unknown size)" in capsys.readouterr().out
    assert main(["cost", "--study", "small", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["downloads"] == [
        {"name": "a.h5", "url": "https://example.org/a.h5", "size_bytes": 3_000_000},
        {"name": "b.pb", "url": "https://example.org/b.pb", "size_bytes": None},
    ]


def test_nothing_would_run(planned, capsys):
    planned.clear()
    assert main(["cost", "--study", "small"]) == 0
    assert capsys.readouterr().out == "nothing would run: everything is up to date\n"


@pytest.mark.parametrize("cores", ["0", "many", "-1", "²"])
def test_a_number_of_cores_that_is_none(planned, capsys, cores):
    assert main(["cost", "--study", "small", f"--cores={cores}"]) == 2
    assert capsys.readouterr().err == f"netlens: error: --cores {cores}: write a number or `all`\n"


class TestPaper:
    """The line before a run, and the question where it takes long."""

    @pytest.fixture(autouse=True)
    def started(self, planned, monkeypatch):
        self.runs = []
        monkeypatch.setattr(build, "unknown_letters", lambda config: [])
        monkeypatch.setattr(build, "_snakemake", lambda *arguments, **more: self.runs.append(arguments) or 0)

    def test_the_cost_is_told_before_the_run(self, capsys):
        assert main(["paper", "--study", "small", "--cores", "1"]) == 0
        assert capsys.readouterr().out.startswith("about 24 s on 1 core: 3 jobs, ")
        assert len(self.runs) == 1

    def test_nothing_to_do_starts_nothing(self, planned, capsys):
        planned.clear()
        assert main(["paper", "--study", "small"]) == 0
        assert capsys.readouterr().out.startswith("nothing to be done: everything is up to date\n")
        assert not self.runs

    @pytest.mark.parametrize(("terminal", "answer", "more", "begins"), [
        (True, "n", [], False),
        (True, "", [], False),
        (True, "y", [], True),
        (True, "n", ["--yes"], True),
        (False, "n", [], True),
    ])  # fmt: skip
    def test_more_than_an_hour_is_asked_about_on_a_terminal(self, records, monkeypatch, terminal, answer, more, begins):
        records.write("results/small/counts.json", "counts", [records.images], [records.counts], duration_s=4000)
        for stream in ("stdin", "stdout"):
            monkeypatch.setattr(f"sys.{stream}.isatty", lambda: terminal)
        monkeypatch.setattr("builtins.input", lambda question: answer)
        assert main(["paper", "--study", "small", "--cores", "1", *more]) == (0 if begins else 1)
        assert bool(self.runs) == begins

    def test_a_dry_run_lists_jobs_and_reasons(self, capsys):
        assert main(["paper", "--study", "small", "--dry-run"]) == 0
        assert main(["run", "tableRows", "--study", "small", "--dry-run"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[:4] == ["counts[counts]: forced execution", "tableRows", "paper", "3 jobs would run"]
        assert lines[:4] == lines[4:] and not self.runs


@pytest.mark.parametrize(
    ("given", "hint"),
    [("explan", "did you mean explain?"), ("qqq", "`netlens --help` lists all commands"), ("jobb", "`netlens --help`")],
)
def test_a_command_that_does_not_exist(capsys, given, hint):
    assert main([given]) == 2
    assert capsys.readouterr().err.startswith(f"netlens: error: there is no command {given!r}; {hint}")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["verify", "--hmtl", "x"], "netlens verify takes no --hmtl; did you mean --html"),
        (["why", "--quick"], "netlens why takes no --quick; `netlens why --help` says"),
        (["--quick", "why"], "netlens takes no --quick; `netlens --help` says"),
        (["list", "--state", "old"], "argument --state: invalid choice: 'old' (choose from 'made'"),
        (["accept", "tableRows"], "the following arguments are required: --reason; `netlens accept --help`"),
        (["cache", "export2"], "there is no command 'cache export2'; did you mean export"),
        (
            ["cache", "import", "--sha", "0" * 64, "--jsom", "x"],
            "netlens cache import takes no --jsom; did you mean --json?",
        ),
        ([], "the following arguments are required: COMMAND; `netlens --help`"),
    ],
)
def test_a_mistake_in_the_arguments_is_one_line(capsys, given, told):
    assert main(given) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"netlens: error: {told}") and error.count("\n") == 1


def test_help_has_only_the_commands_for_users(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    assert "explain" in shown and "paper-parts" not in shown and "compile" not in shown


@pytest.mark.parametrize("command", ["gallery", "bench"])
def test_what_needs_the_checkout_says_so_elsewhere(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    assert main([command]) == 2
    error = capsys.readouterr().err
    assert f"run `netlens {command}` in the checkout or a folder of it" in error and error.count("\n") == 1
