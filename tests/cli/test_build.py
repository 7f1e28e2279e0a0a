"""``netlens run`` on a small project of the test's own: few lines, clear errors, nothing half-written."""

import fcntl
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest

from netlens.cli import main

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

SNAKEFILE = """
from netlens.workflow.rules import RULE_COMMAND as RUN, RuleNames
from netlens.workflow.run_lock import begin_run, prepare_snakemake
from netlens.workflow.study import load_study

prepare_snakemake(workflow)

CONFIG = load_study(config.get("study", "small"))
names = RuleNames(CONFIG)

onstart:
    workflow.globals["RUN_LOCK"] = begin_run(workflow)

rule all:
    input:
        names.items(),

rule tableRows:
    input:
        **names.notebook("data/table"),
    output:
        names.outputs("tableRows"),
    params:
        job=names.job(rows=CONFIG["signal_distractor"]["samples_count"]),
        files=names.files,
    log:
        "results/small/executed/data/table.ipynb",
    shell:
        RUN
"""

CELL = """
import time
from netlens.publish import macro
if rows == 13:
    raise ValueError("thirteen rows are too many")
time.sleep(rows / 1000 if rows > 1000 else 0)
macro.save(stem, rows, rounding=macro.integer())
"""


@pytest.fixture
def project(tmp_path):
    for folder in ("config", "notebooks/data", "src"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "config" / "schema.yaml", tmp_path / "config")
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "notebooks/data/items.yaml").write_text("tableRows: {kind: macro, shows: how many rows}\n")
    parameters = nbformat.v4.new_code_cell(
        "rows: int = 3  # how many\nstem: str = 'export_defs/small/tableRows'  # output"
    )
    parameters.metadata["tags"] = ["parameters"]
    notebook = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell(CELL.strip())])
    nbformat.write(notebook, tmp_path / "notebooks/data/table.ipynb")
    configure(tmp_path, 500)
    return tmp_path


def configure(project, rows):
    (project / "config/small.yaml").write_text(
        "study: small\ntitle: t\nimages_are: i\nseed: 1\nimages: {p: {kind: photos}}\n"
        "networks: {n: {kind: named, architecture: small_vgg, images: p}}\n"
        "data: {images: p}\nmodels: {network: n}\npattern_attribution: {network: n}\n"
        f"signal_distractor: {{samples_count: {rows}}}\n"
    )


def netlens(project, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "netlens", *arguments], cwd=project, capture_output=True, text=True, check=False
    )


@pytest.fixture
def command(project, monkeypatch, capsys):
    """Give a function that runs a command that starts no job in this process: status, output and errors."""
    monkeypatch.chdir(project)

    def run(*arguments):
        status = main(arguments)
        return status, *capsys.readouterr()

    return run


def made(project):
    return sorted(path.name for path in (project / "export_defs").rglob("*") if path.is_file())


def test_run_then_nothing_then_only_what_a_parameter_changes_or_somebody_edited(project):
    first = netlens(project, "run", "tableRows", "--study", "small")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "1/1  tableRows" in first.stdout
    assert made(project) == ["tableRows.json", "tableRows.tex"]
    again = netlens(project, "run", "--study", "small")
    assert again.stdout.strip() == "nothing to be done: everything is up to date"
    configure(project, 501)
    changed = netlens(project, "run", "--study", "small")
    assert "tableRows" in changed.stdout
    written = project / "export_defs/small/tableRows.tex"
    assert written.read_text() == "\\newcommand{\\tableRows}{501}%\n"
    written.write_text("\\newcommand{\\tableRows}{502}%\n")
    edited = netlens(project, "run", "tableRows", "--study", "small")
    assert edited.returncode == 1
    assert edited.stderr == (
        "netlens: error: tableRows is edited: export_defs/small/tableRows.tex is not the file that was written; "
        "make it again: netlens run tableRows --force --study small\n"
    )
    forced = netlens(project, "run", "tableRows", "--force", "--study", "small")
    assert forced.returncode == 0, forced.stdout + forced.stderr
    assert "{501}" in written.read_text()


@pytest.mark.parametrize("kind", ["path and locale", "temporary and home"])
def test_a_run_needs_no_usual_surroundings(project, tmp_path, monkeypatch, kind):
    """A path with signs in a locale without Unicode; a long TMPDIR and no home folder."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    if kind == "path and locale":
        odd = tmp_path / "a (b) $c {x} <d> 'e' & é"
        odd.mkdir()
        for name in ("config", "notebooks", "src", "Snakefile"):
            shutil.move(project / name, odd)
        project = odd
        monkeypatch.setenv("LC_ALL", "C")
    else:
        long = tmp_path / ("t" * 90)
        long.mkdir()
        monkeypatch.setenv("TMPDIR", str(long))
        monkeypatch.setenv("HOME", "/proc/nowhere")
    run = netlens(project, "run", "tableRows", "--study", "small")
    assert run.returncode == 0, run.stdout + run.stderr
    assert made(project) == ["tableRows.json", "tableRows.tex"]
    if "home" in kind:
        # Plain Snakemake itself needs a folder for its cache.
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plain = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "-n"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Nothing to be done" in plain.stdout + plain.stderr


def test_a_failing_cell_is_one_line(project):
    configure(project, 13)
    failed = netlens(project, "run", "tableRows", "--study", "small")
    assert failed.returncode == 1
    lines = failed.stderr.strip().splitlines()
    assert lines[0] == (
        "netlens: error: tableRows: cell 2, line 4: ValueError: thirteen rows are too many "
        "(executed notebook: results/small/executed/data/table.ipynb)"
    )
    assert len(lines) == 2
    assert lines[1].startswith("netlens: stopped; log of Snakemake: results/small/logs/")
    assert not (project / "export_defs").exists() or made(project) == []
    assert (project / "results/small/executed/data/table.ipynb").is_file()


def test_a_second_run_in_the_same_folder_is_refused(project, command):
    with (project / ".netlens.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write("process 1, since 12:00:00")
        held.flush()
        status, _, errors = command("run", "--study", "small")
    assert status == 2
    assert errors.strip() == (
        "netlens: error: another run is using this folder (process 1, since 12:00:00); wait for it or stop it"
    )


def test_ctrl_c_leaves_nothing_and_the_next_run_goes_on(project):
    configure(project, 60_000)
    running = subprocess.Popen(
        [sys.executable, "-m", "netlens", "run", "--study", "small"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # As at a terminal, also where the tests themselves run in the background, which ignores the signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  (no threads here)
    )
    deadline = time.monotonic() + 60
    while not list(project.glob("results/small/staging/*/process.json")) and time.monotonic() < deadline:
        if list(project.glob("results/small/staging/*/prepared.ipynb")):
            break
        time.sleep(0.1)
    time.sleep(2)
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 130, output
    assert "interrupted; no incomplete files are left" in output
    assert "Traceback" not in output
    assert not list(project.glob("export_defs/**/tableRows.*"))
    assert not list(project.glob("results/small/staging/*"))
    configure(project, 5)
    assert netlens(project, "run", "--study", "small").returncode == 0


def started(project, command=("-m", "netlens", "run", "--study", "small")):
    """Start a run whose only job takes a minute, and wait for its notebook."""
    configure(project, 60_000)
    running = subprocess.Popen(
        [sys.executable, *command], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        # As at a terminal, also where the tests were started by `nohup`.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509  (no threads here)
    )  # fmt: skip
    wait_for(lambda: any(is_kernel(process) for process in processes_in(project)))
    time.sleep(1)
    return running


def wait_for(condition):
    deadline = time.monotonic() + 45
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def processes_in(folder):
    """Processes that run in a folder."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if (process / "cwd").readlink() == folder and "Z" not in (process / "stat").read_text().split()[2]:
                    found.append(int(process.name))
            except OSError:
                continue
    return found


def is_kernel(process):
    try:
        return b"ipykernel_launcher" in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False


def test_a_signal_to_netlens_alone_ends_everything_and_the_next_run_goes_on(project):
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        # What the run before has left does not keep this one from its notebook.
        running = started(project)
        running.send_signal(number)
        # Snakemake has 20 seconds to end by itself before it is killed, and so have templates that still import.
        running.communicate(timeout=90)
        assert running.returncode == (-number if number == signal.SIGKILL else 128 + number)
        wait_for(lambda: not processes_in(project))
    configure(project, 5)
    resumed = netlens(project, "run", "--study", "small")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert not list(project.glob("results/small/staging/*"))


def test_a_killed_snakemake_takes_its_jobs_with_it_and_its_lock_unlocks_itself(project):
    running = started(project, ("-m", "snakemake", "--cores", "1", "--config", "study=small"))
    refused = netlens(project, "run", "--study", "small")
    assert refused.returncode == 2
    assert "another run is using this folder" in refused.stderr
    assert list(project.glob("results/small/staging/*/prepared.ipynb"))
    running.kill()
    wait_for(lambda: not processes_in(project))
    configure(project, 5)
    resumed = netlens(project, "run", "--study", "small")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr


def test_a_killed_kernel_is_one_line(project):
    running = started(project)
    for process in processes_in(project):
        if is_kernel(process):
            os.kill(process, signal.SIGKILL)
    output, _ = running.communicate(timeout=45)
    assert running.returncode == 1
    assert "netlens: error: tableRows: the notebook's process was killed (out of memory?)" in output
    assert "Traceback" not in output
    assert not list(project.glob("results/small/staging/*"))


def test_a_killed_job_is_one_line(project):
    running = started(project)
    for process in processes_in(project):
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        if b"python" in words[0] and b"netlens" in words and b"job" in words:
            os.kill(process, signal.SIGKILL)
    output, _ = running.communicate(timeout=90)
    assert running.returncode == 1
    assert "netlens: error: tableRows: the job's process ended without a message, as if it was killed" in output
    assert "Error in rule" not in output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "tableRow", "--study", "small"], "there is no item 'tableRow'; did you mean tableRows?"),
        (["run", "--study", "large"], "study 'large': there is no config/large.yaml; available: small"),
        (["run", "--study", "small", "--cores", "many"], "--cores many: write a number or `all`"),
        (
            ["bench", "nosuch"],
            "there is no folder benchmarks here; run `netlens bench` in the checkout or a folder of it",
        ),
    ],
)
def test_mistakes_are_one_line(command, arguments, told):
    assert command(*arguments) == (2, "", f"netlens: error: {told}\n")


def test_list_prints_what_there_is(command):
    status, output, _ = command("list", "--study", "small")
    assert status == 0
    assert output.split() == ["data", "tableRows", "macro", "missing", "how", "many", "rows"]


def test_lines_of_list_fit_into_80_columns(command, project, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    (project / "notebooks/data/items.yaml").write_text(f"tableRows: {{kind: macro, shows: {'many ' * 40}}}\n")
    _, output, _ = command("list", "--study", "small")
    assert max(map(len, output.splitlines())) == 80


def test_the_paper_asks_for_gpus_once(project, tmp_path, monkeypatch):
    assert netlens(project, "run", "--study", "small").returncode == 0
    configure(project, 501)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "nvidia-smi").write_text('#!/bin/sh\necho asked >> "$0.log"\nexit 9\n')
    (programs / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("NETLENS_DEVICE", raising=False)
    paper = netlens(project, "paper", "--study", "small")
    assert "/2  tableRows" in paper.stdout, paper.stdout + paper.stderr
    assert (programs / "nvidia-smi.log").read_text() == "asked\n"


def test_plain_snakemake_makes_one_item_by_its_path(project):
    target = "export_defs/small/tableRows.tex"
    made_by_path = subprocess.run(
        [sys.executable, "-m", "snakemake", target, "--cores", "1", "--config", "study=small"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made_by_path.returncode == 0, made_by_path.stderr
    assert made(project) == ["tableRows.json", "tableRows.tex"]


def test_a_missing_file_is_told_before_anything_starts(project, command):
    study = (project / "config/small.yaml").read_text()
    broken = study.replace("{kind: named, architecture: small_vgg, images: p}", "{kind: file, file: no.h5, images: p}")
    (project / "config/small.yaml").write_text(broken)
    status, _, errors = command("run", "--study", "small")
    assert status == 2
    assert "no.h5" in errors
    assert len(errors.strip().splitlines()) == 1


def test_results_that_were_kept_are_taken_and_a_change_says_why_not(project):
    """The rule's output is moved under results/, since figures and numbers themselves are never kept."""
    snakefile = project / "Snakefile"
    outputs = "['results/small/table.tex', 'results/small/table.json']"
    text = SNAKEFILE.replace('names.outputs("tableRows")', outputs).replace("names.items()", outputs)
    snakefile.write_text(text)
    notebook = project / "notebooks/data/table.ipynb"
    first = netlens(project, "run", "--study", "small")
    assert first.returncode == 0, first.stdout + first.stderr
    exported = netlens(project, "cache", "export", "kept.zip", "--study", "small")
    assert exported.stdout.startswith("kept.zip: 1 results, "), exported.stderr
    table = (project / "results/small/table.tex").read_bytes()
    shutil.rmtree(project / "results")

    again = netlens(project, "run", "--study", "small", "--cache", "kept.zip")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "1 kept results from kept.zip" in again.stdout
    assert "is computed" not in again.stdout
    assert (project / "results/small/table.tex").read_bytes() == table
    assert json.loads((project / "results/small/table.json").read_text())["taken_from"] == "kept.zip"
    assert notebook.name in {path.name for path in (project / "results/small/executed").rglob("*.ipynb")}

    configure(project, 501)
    changed = netlens(project, "run", "--study", "small")
    assert "is computed: parameter rows differs" in changed.stdout
    assert "taken_from" not in json.loads((project / "results/small/table.json").read_text())
    cleared = netlens(project, "cache", "clear", "--json")
    assert (cleared.returncode, json.loads(cleared.stdout)) == (0, {"results": 0})
    assert not (project / "results/.kept").exists()


def test_kept_results_that_do_not_exist_are_one_line(command):
    told = "netlens: error: nowhere.zip: no such folder or zip of kept results\n"
    assert command("run", "--study", "small", "--cache", "nowhere.zip") == (2, "", told)


def test_on_a_terminal_a_display_shows_the_run_and_a_summary_is_left(project):
    configure(project, 3000)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "netlens", "run", "--study", "small"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "90"}
    with subprocess.Popen(command, cwd=project, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        # The end of a terminal is an error on Linux.
        with suppress(OSError):
            while piece := os.read(ours, 4096):
                shown += piece
    os.close(ours)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", shown.decode())
    assert re.search(r"[\r\n]0/2 jobs .*\d:\d\d", text)
    assert re.search(r"[\r\n]tableRows .*\d:\d\d", text)
    assert "1/1  tableRows" not in text
    assert re.search(r"made in \d+ s: 1 number", text.splitlines()[-1])
