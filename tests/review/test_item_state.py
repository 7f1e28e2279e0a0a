"""Items are made, stale, edited or missing, and the reason names the file."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from netlens.cli import main
from netlens.files.hashing import sha256_of
from netlens.review.item_state import ItemState, item_states
from netlens.workflow.catalogue import CatalogueError

STEM = "export_defs/small/tableRows"
NOTEBOOK = "notebooks/data/table.ipynb"
MODULE = "src/netlens/tables.py"
COUNTS = "results/small/counts.npz"
IMAGES = "results/small/images.zip"


def write_record(path: str, rule: str, inputs: list[str], outputs: list[str]) -> None:
    record = {
        "rule": rule,
        "notebook": {"path": NOTEBOOK, "sha256": sha256_of(NOTEBOOK)},
        "code": {MODULE: sha256_of(MODULE)},
        "inputs": {name: sha256_of(name) for name in inputs},
        "outputs": {name: sha256_of(name) for name in outputs},
        "machine": {},
        "duration_s": 1.0,
    }
    Path(path).write_text(json.dumps(record))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A macro made from counts, which were made from images, both by one notebook that imports one module."""
    monkeypatch.chdir(tmp_path)
    for folder in ("notebooks/data", "src/netlens", "export_defs/small", "results/small"):
        Path(folder).mkdir(parents=True)
    Path("notebooks/data/items.yaml").write_text("tableRows: {kind: macro, shows: how many rows}\n")
    cell = nbformat.v4.new_code_cell("import netlens.tables")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), NOTEBOOK)
    Path(MODULE).write_text("ROWS = 3\n")
    for path in (IMAGES, COUNTS, f"{STEM}.tex"):
        Path(path).write_text(path)
    write_record("results/small/counts.json", "counts", [IMAGES], [COUNTS])
    write_record(f"{STEM}.json", "tableRows", [COUNTS], [f"{STEM}.tex"])


def state() -> tuple[str, str]:
    found = item_states("small")["tableRows"]
    return found.state, found.detail


def test_nothing_has_changed() -> None:
    assert item_states("small", ["tableRows"]) == {"tableRows": ItemState("tableRows", "made", "")}


def test_times_do_not_matter() -> None:
    for path in (IMAGES, COUNTS, MODULE, NOTEBOOK):
        Path(path).touch()
    assert state() == ("made", "")


@pytest.mark.parametrize("path", [f"{STEM}.tex", f"{STEM}.json"])
def test_a_file_that_does_not_exist(path: str) -> None:
    Path(path).unlink()
    assert state() == ("missing", f"{path} does not exist")


def test_an_output_edited_by_hand() -> None:
    Path(f"{STEM}.tex").write_text("\\newcommand{\\tableRows}{4}%\n")
    assert state() == ("edited", f"{STEM}.tex is not the file that was written")


@pytest.mark.parametrize(("key", "other", "told"), [("study", "large", "of study large"), ("rule", "rows", "of rows")])
def test_a_record_of_something_else(key: str, other: str, told: str) -> None:
    path = Path(f"{STEM}.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), key: other}))
    assert state() == ("edited", f"{STEM}.json is the record {told}")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rule": 1}', "\0"])
def test_a_record_that_is_not_one(text: str) -> None:
    Path(f"{STEM}.json").write_text(text)
    assert state() == ("edited", f"{STEM}.json is not a record of netlens")


def test_a_damaged_record_is_told_with_what_to_do() -> None:
    path = Path(f"{STEM}.json")
    path.write_text(path.read_text()[:-1])
    name, detail = state()
    assert name == "edited"
    assert re.fullmatch(rf"{STEM}\.json: damaged record \(.*\); delete it and what its job wrote, and the .*", detail)


@pytest.mark.parametrize("path", [MODULE, COUNTS])
def test_what_an_item_depends_on_has_changed(path: str) -> None:
    Path(path).write_text("changed")
    assert state() == ("stale", f"{path} has changed")


def test_the_notebook_has_changed() -> None:
    cell = nbformat.v4.new_code_cell("import netlens.tables  # as before")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), NOTEBOOK)
    assert state() == ("stale", f"{NOTEBOOK} has changed")


def test_a_new_import_counts_and_one_that_is_gone_does_not() -> None:
    record = json.loads(Path(f"{STEM}.json").read_text())
    record["code"] = {"src/netlens/gone.py": "0" * 64}
    Path(f"{STEM}.json").write_text(json.dumps(record))
    assert state() == ("stale", f"{NOTEBOOK} did not depend on {MODULE}")
    record["code"] |= {MODULE: sha256_of(MODULE)}
    Path(f"{STEM}.json").write_text(json.dumps(record))
    assert state() == ("made", "")


def test_what_is_above_an_input_has_changed() -> None:
    Path(IMAGES).write_text("others")
    assert state() == ("stale", f"{COUNTS} is stale: {IMAGES} has changed")


def test_an_input_that_is_gone() -> None:
    Path(COUNTS).unlink()
    assert state() == ("stale", f"{COUNTS} does not exist any more")


@pytest.mark.parametrize(
    ("job", "told"),
    [
        ({"parameters": {"rows": 3}, "seed": 1}, ""),
        ({"parameters": {"rows": 3.0}, "seed": 2}, ""),
        ({"parameters": {"rows": 4}, "seed": 1}, "parameter rows was 3 and is 4 now"),
        ({"parameters": {"rows": 3, "columns": [1, "a"]}, "seed": 1}, 'parameter columns is new: [1, "a"]'),
    ],
)
def test_a_parameter_has_its_old_and_new_value(job: dict[str, object], told: str) -> None:
    record = json.loads(Path("results/small/counts.json").read_text())
    Path("results/small/counts.json").write_text(json.dumps({**record, "parameters": {"rows": 3}}))
    found = item_states("small", configured=lambda: {COUNTS: job})["tableRows"]
    assert found.detail == (f"{COUNTS} is stale: {told}" if told else "")


def test_a_seed_counts_where_the_notebook_takes_one() -> None:
    record = json.loads(Path(f"{STEM}.json").read_text())
    Path(f"{STEM}.json").write_text(json.dumps({**record, "parameters": {"seed": 1}}))
    jobs = {f"{STEM}.tex": {"parameters": {}, "seed": 2}}
    assert item_states("small", configured=lambda: jobs)["tableRows"].detail == "parameter seed was 1 and is 2 now"


def test_parameters_are_asked_for_only_if_nothing_else_has_changed() -> None:
    def never() -> None:
        raise AssertionError("asked for")

    Path(MODULE).write_text("changed")
    assert item_states("small", configured=never)["tableRows"].state == "stale"


def test_kept_hashes_tell_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netlens.files.kept_hashes._SETTLED_S", -1.0)
    for _ in range(2):
        assert item_states("small", keep_hashes=True)["tableRows"].state == "made"
    assert Path("results/.hashes.json").is_file()
    Path(IMAGES).write_text("others")
    assert item_states("small", keep_hashes=True)["tableRows"].detail == f"{COUNTS} is stale: {IMAGES} has changed"


def test_an_unknown_name() -> None:
    with pytest.raises(CatalogueError, match="did you mean tableRows"):
        item_states("small", ["tableRow"])


class TestCommands:
    """``netlens list`` and ``netlens why``."""

    @pytest.fixture(autouse=True)
    def study(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("netlens.cli.study_items.load_study", lambda name: {"study": name})
        monkeypatch.setattr("netlens.cli.study_items.check_files", lambda config: None)
        monkeypatch.setattr("netlens.cli.study_items.absent_items", lambda config, items: {})

    def test_why_names_the_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path(MODULE).write_text("changed")
        assert main(["why", "tableRows", "--study", "small"]) == 0
        assert capsys.readouterr().out == f"tableRows is stale: {MODULE} has changed\n"
        assert main(["why", "--study", "small", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told == {"tableRows": {"state": "stale", "detail": f"{MODULE} has changed"}}

    def test_why_has_nothing_to_say(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["why", "--study", "small"]) == 0
        assert capsys.readouterr().out.startswith("every item is made")

    def test_why_of_an_unknown_item(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["why", "tableRow", "--study", "small"]) == 2
        assert capsys.readouterr().err == "netlens: error: there is no item 'tableRow'; did you mean tableRows?\n"

    def test_list_has_states_and_filters(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert main(["list", "--study", "small"]) == 0
        assert capsys.readouterr().out.split() == [
            "data",
            "tableRows",
            "macro",
            "made",
            "1",
            "s",
            "how",
            "many",
            "rows",
        ]
        monkeypatch.setenv("COLUMNS", "30")
        Path("notebooks/data/items.yaml").write_text(f"tableRows: {{kind: macro, shows: {'how many rows ' * 9}}}")
        assert main(["list", "--study", "small"]) == 0
        line = capsys.readouterr().out.splitlines()[1]
        assert (len(line), line[-1]) == (80, "…")
        for option, value in (("--state", "stale"), ("--section", "weights"), ("--kind", "figure")):
            assert main(["list", "--study", "small", option, value]) == 0
            assert capsys.readouterr().out == ""
        assert main(["list", "--study", "small", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)[0]["state"] == "made"
