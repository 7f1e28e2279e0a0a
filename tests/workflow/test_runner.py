"""The notebook runner: all outputs or none, and one line that says why."""

import errno
import hashlib
import json
import os
from dataclasses import replace

import nbformat
import pytest

from netlens.files.atomic import DiskFullError
from netlens.workflow import provenance, runner
from netlens.workflow.errors import UserError
from netlens.workflow.job import Job, NotebookError
from netlens.workflow.parameters import ParameterError

PARAMETERS = "count: int = 1  # how many\nstem: str = 'figures/demo/data/item'  # output"
WRITE = "from pathlib import Path\nPath(stem).parent.mkdir(parents=True)\nPath(stem + '.csv').write_text(str(count))"


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Give a function that writes a notebook of the given cells and makes its job."""
    monkeypatch.chdir(tmp_path)
    # The runner changes the environment of its own process, which here is that of all tests.
    for name in (
        "JUPYTER_DATA_DIR",
        "MPLBACKEND",
        "OMP_NUM_THREADS",
        "CUDA_VISIBLE_DEVICES",
        "IPYTHONDIR",
        "JUPYTER_PATH",
    ):
        monkeypatch.setenv(name, "")
    (tmp_path / "notebooks").mkdir()

    def make(*cells, **changes):
        tagged = nbformat.v4.new_code_cell(PARAMETERS)
        tagged.metadata["tags"] = ["parameters"]
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_markdown_cell("# title"), tagged, *map(nbformat.v4.new_code_cell, cells)]
        )
        nbformat.write(notebook, tmp_path / "notebooks" / "item.ipynb")
        fields = {
            "name": "item",
            "notebook": "notebooks/item.ipynb",
            "outputs": ["figures/demo/data/item.csv", "figures/demo/data/item.json"],
            "log": "results/demo/executed/item.ipynb",
            "parameters": {"count": 3},
            "ambient": {"seed": 7, "study": "demo"},
        }
        return Job(**{**fields, **changes})

    return make


def files(tmp_path):
    kept = {"notebooks/item.ipynb", "results/demo/executed/item.ipynb"}
    return {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()} - kept


def test_how_to_connect_lies_in_the_folder_that_goes_with_the_runner(tmp_path, job):
    cell = (
        "import os\nfrom pathlib import Path\nfrom ipykernel.connect import get_connection_file\n"
        "Path(stem).parent.mkdir(parents=True)\n"
        "folder = Path(get_connection_file()).parent\n"
        "Path(stem + '.csv').write_text(str(folder == Path(os.environ['JUPYTER_RUNTIME_DIR'])))"
    )
    runner.run(job(cell))
    assert (tmp_path / "figures/demo/data/item.csv").read_text() == "True"


def test_outputs_and_provenance(job, tmp_path):
    data = tmp_path / "numbers.txt"
    data.write_text("1 2 3")
    made = job("numbers = 1", WRITE, outputs={"table": "results/demo/table.csv", "record": "results/demo/table.json"})
    cell = PARAMETERS.replace("stem: str", "numbers: str = ''  # input\ntable: str")
    notebook = json.loads((tmp_path / "notebooks/item.ipynb").read_text())
    notebook["cells"][1]["source"] = cell
    notebook["cells"][3]["source"] = WRITE.replace("stem + '.csv'", "table").replace("stem", "table")
    (tmp_path / "notebooks/item.ipynb").write_text(json.dumps(notebook))
    made = Job(**{**made.__dict__, "inputs": {"numbers": "numbers.txt"}, "caption": "a caption"})
    runner.run(made)
    assert (tmp_path / "results/demo/table.csv").read_text() == "3"
    record = json.loads((tmp_path / "results/demo/table.json").read_text())
    assert record["parameters"] == {"count": 3, "numbers": "numbers.txt"}
    assert record["inputs"] == {"numbers.txt": hashlib.sha256(b"1 2 3").hexdigest()}
    assert record["seed"] == 7
    assert record["caption"] == "a caption"
    assert record["tensorflow_started"] is False
    assert record["peak_memory_mb"] > 10
    assert set(record["outputs"]) == {"results/demo/table.csv"}
    executed = nbformat.read(tmp_path / "results/demo/executed/item.ipynb", as_version=4)
    assert not any("netlens-record" in cell.metadata.get("tags", []) for cell in executed.cells)
    assert files(tmp_path) == {"numbers.txt", "results/demo/table.csv", "results/demo/table.json"}


@pytest.mark.slow
def test_what_a_notebook_keeps_outlives_a_failure_and_is_of_the_same_inputs(job, tmp_path):
    cells = (
        "from pathlib import Path\nold = sorted(path.name for path in Path(kept).glob('*'))\n"
        "Path(kept).mkdir(parents=True, exist_ok=True)\n(Path(kept) / 'done').write_text('')\n"
        "assert old or Path('go on').exists(), 'killed'",
        WRITE.replace("str(count)", "str(old)"),
    )

    three = job(*cells)
    notebook = json.loads((tmp_path / "notebooks/item.ipynb").read_text())
    notebook["cells"][1]["source"] = PARAMETERS + "\nkept: str = ''  # what a killed job has finished"
    (tmp_path / "notebooks/item.ipynb").write_text(json.dumps(notebook))
    four = replace(three, parameters={"count": 4})
    with pytest.raises(NotebookError, match="killed"):
        runner.run(three)
    with pytest.raises(NotebookError, match="killed"):
        runner.run(four)
    runner.run(four)
    assert (tmp_path / "figures/demo/data/item.csv").read_text() == "['done']"
    assert json.loads((tmp_path / "figures/demo/data/item.json").read_text())["parameters"] == {"count": 4}
    assert not list((tmp_path / "results/demo/unfinished").rglob("done"))
    assert not list((tmp_path / "results/demo/unfinished").iterdir()), "nor an empty folder"
    (tmp_path / "go on").touch()
    runner.run(three)
    assert (tmp_path / "figures/demo/data/item.csv").read_text() == "[]", "what was kept for 3 was removed for 4"


def test_an_interrupt_while_the_executed_notebook_is_written_stays_an_interrupt(job, tmp_path, monkeypatch):
    def interrupted(_, log, **__):
        (tmp_path / log).write_text('{"cells": [')
        raise KeyboardInterrupt

    monkeypatch.setattr("papermill.execute_notebook", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runner.run(job(WRITE))
    assert not (tmp_path / "results/demo/executed/item.ipynb").exists()


def test_a_failing_cell_is_named_with_its_line_and_leaves_nothing(job, tmp_path):
    with pytest.raises(NotebookError) as caught:
        runner.run(job(WRITE, "fine = 1\nraise ValueError('too few images')"))
    assert str(caught.value) == (
        "item: cell 4, line 2: ValueError: too few images (executed notebook: results/demo/executed/item.ipynb)"
    )
    assert files(tmp_path) == set()
    assert "too few images" in (tmp_path / "results/demo/executed/item.ipynb").read_text()


@pytest.mark.slow
def test_an_output_that_is_not_written_is_an_error(job, tmp_path):
    with pytest.raises(NotebookError, match=r"ended without writing figures/demo/data/item\.csv"):
        runner.run(job("x = 1"))
    assert files(tmp_path) == set()


@pytest.mark.slow
def test_a_record_with_a_number_that_json_does_not_have_is_refused(job, tmp_path):
    describe = "Path(stem + '.json').write_text('{\"value\": NaN}')"
    with pytest.raises(NotebookError, match=r"^item: what the notebook says of its output holds NaN or infinity$"):
        runner.run(job(WRITE, describe))
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"parameters": {}}, "missing parameter 'count'"),
        ({"parameters": {"count": "3"}}, "not of type int"),
        ({"parameters": {"count": 3, "colour": "red"}}, "unknown parameter 'colour'"),
    ],
)
def test_values_are_checked_before_anything_starts(job, tmp_path, changes, told):
    with pytest.raises(ParameterError, match=told):
        runner.run(job(WRITE, **changes))
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
def test_a_disk_that_fills_up_in_a_cell_is_told_as_such(job):
    with pytest.raises(NotebookError, match=r"item: cell 3, line 1: disk full while writing .* MB free"):
        runner.run(job("raise OSError(28, 'No space left on device')"))


@pytest.mark.slow
def test_a_disk_that_fills_up_while_publishing_leaves_nothing(job, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("netlens.files.atomic.move", full)
    with pytest.raises(DiskFullError, match="disk full while writing"):
        runner.run(job(WRITE))
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        (["a.csv"], "exactly one .json output"),
        (["a.csv", "b.csv", "b.json"], "outputs with different stems must be named"),
    ],
)
def test_rules_that_cannot_be_run(job, outputs, told):
    with pytest.raises(NotebookError, match=told):
        runner.run(job(WRITE, outputs=outputs))


@pytest.mark.slow
def test_the_users_own_settings_do_not_reach_the_notebook(job, tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / ".config" / "matplotlib").mkdir(parents=True)
    (home / ".config" / "matplotlib" / "matplotlibrc").write_text("lines.linewidth: 77\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    check = "import matplotlib\nassert matplotlib.rcParamsDefault['lines.linewidth'] != 77"
    runner.run(job(check + "\nassert matplotlib.rcParams['lines.linewidth'] == 1.5", WRITE))


@pytest.mark.slow
def test_a_notebook_can_be_tried_with_changed_defaults(job, tmp_path):
    job(WRITE.replace(".mkdir(parents=True)", ".mkdir(exist_ok=True)"))
    runner.try_notebook("notebooks/item.ipynb", {"count": 9, "stem": "out/x"}, "results/tried/item.ipynb")
    assert (tmp_path / "out/x.csv").read_text() == "9"


@pytest.mark.parametrize("wanted", ["0", "two", "-1", "²"])
def test_threads_that_are_no_number_are_refused_before_anything_starts(monkeypatch, job, wanted):
    monkeypatch.setenv("NETLENS_THREADS", wanted)
    with pytest.raises(UserError, match=f"NETLENS_THREADS={wanted}: write a number, or unset it"):
        runner.run(job(WRITE))


def test_what_chooses_how_libraries_compute_is_recorded(monkeypatch):
    monkeypatch.setattr(os, "environ", {"OPENBLAS_CORETYPE": "Haswell", "TF_ENABLE_ONEDNN_OPTS": "", "HOME": "h"})
    assert provenance.numerical_settings() == {"OPENBLAS_CORETYPE": "Haswell"}
