"""Results that are taken from where they were published."""

import json
import zipfile
from pathlib import Path

import pytest

from netlens.files.hashing import sha256_of
from netlens.workflow import kept_results
from netlens.workflow.kept_results import (
    KeptResultsError,
    comparable_inputs,
    export,
    find,
    likely_outputs,
    origin_of,
    take,
    why_not,
)

OUTPUT = "results/demo/models/sums.npz"


def record(**changes):
    """Return a record of a job that wrote OUTPUT, as the runner writes it."""
    values = {
        "rule": "pattern_sums",
        "duration_s": 3.0,
        "outputs": {OUTPUT: sha256_of(OUTPUT)},
        "notebook": {"path": "notebooks/models/sums.ipynb", "sha256": "a" * 64},
        "code": {"src/netlens/models/sums.py": "b" * 64},
        "inputs": {"results/demo/images.npz": "c" * 64},
        "parameters": {"count": 3, "sizes": [1, 2]},
        "pins": {"path": "requirements/cpu.txt", "sha256": "d" * 64},
        "machine": {"python": "3.11.9"},
        "executed": "results/demo/executed/models/sums.ipynb",
    }
    return {**values, **changes}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A checkout in which one job of the study demo has run."""
    monkeypatch.chdir(tmp_path)
    for path, text in ((OUTPUT, "numbers"), ("results/demo/executed/models/sums.ipynb", "{}")):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    Path("results/demo/models/sums.json").write_text(json.dumps(record()))
    Path("results/demo/models/layers.json").write_text("[]")
    return tmp_path


@pytest.mark.parametrize("target", ["kept", "kept.zip"])
def test_what_is_exported_is_found_after_it_is_imported(study, target):
    count, size = export("demo", Path(target))
    assert (count, size) == (1, len("numbers") + len("{}"))
    assert take(Path(target), "kept") == 1
    kept = find(origin_of(record()))
    assert kept.source == "kept"
    assert kept.record == record()
    assert {path: stored.read_text() for path, stored in kept.outputs.items()} == {OUTPUT: "numbers"}
    assert kept.log.read_text() == "{}"


@pytest.mark.parametrize("changed", [None, "notebooks/sums.ipynb", "src/sums.py", "requirements/cpu.txt"])
def test_a_result_is_likely_to_be_taken_as_long_as_its_code_is_that_of_today(study, changed):
    paths = ("notebooks/sums.ipynb", "src/sums.py", "requirements/cpu.txt")
    for path in paths:
        Path(path).parent.mkdir(parents=True)
        Path(path).write_text(path)
    notebook, code, pins = ({"path": path, "sha256": sha256_of(path)} for path in paths)
    kept = record(notebook=notebook, code={code["path"]: code["sha256"]}, pins=pins)
    Path("results/demo/models/sums.json").write_text(json.dumps(kept))
    assert likely_outputs() == frozenset()
    export("demo", Path("kept"))
    take(Path("kept"), "kept")
    if changed:
        Path(changed).write_text("another")
    assert likely_outputs() == (frozenset() if changed else {OUTPUT})


def above(**changes):
    """Return a record of a job whose record is an input of another, with what it found."""
    return record(rule="layers", outputs={}, inputs={}, layers=["conv1"], started_at=1.0, **changes)


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        ({"started_at": 2.0, "duration_s": 9.0, "taken_from": "kept", "git": {"commit": "other"}}, True),
        ({"layers": ["conv2"]}, False),
        ({"parameters": {"count": 4}}, False),
    ],
)
def test_an_input_that_is_a_record_is_compared_by_what_its_job_found(study, changes, taken):
    layers = Path("results/demo/models/layers.json")
    layers.write_text(json.dumps(above()))
    below = Path("results/demo/models/sums.json")
    below.write_text(json.dumps(record(inputs={str(layers): sha256_of(layers)})))
    export("demo", Path("kept"))
    take(Path("kept"), "kept")
    # Elsewhere, that record says when and where its job ran there.
    layers.write_text(json.dumps({**above(), **changes}, sort_keys=True))
    now = origin_of(record(inputs=comparable_inputs({str(layers): sha256_of(layers)})))
    assert (find(now) is not None) is taken
    if not taken:
        assert why_not(now) == "results/demo/models/layers.json differs"


def test_the_same_results_give_the_same_zip(study):
    export("demo", Path("first.zip"))
    export("demo", Path("second.zip"))
    assert Path("first.zip").read_bytes() == Path("second.zip").read_bytes()
    with pytest.raises(KeptResultsError, match=r"first.zip exists; remove it or choose another name"):
        export("demo", Path("first.zip"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"notebook": {"sha256": "0" * 64}}, "the notebook differs"),
        ({"code": {"src/netlens/models/sums.py": "0" * 64}}, "src/netlens/models/sums.py differs"),
        ({"inputs": {"results/demo/images.npz": "0" * 64}}, "results/demo/images.npz differs"),
        ({"inputs": {}}, "results/demo/images.npz differs"),
        ({"parameters": {"count": 4, "sizes": [1, 2]}}, "parameter count differs"),
        ({"pins": {"sha256": "0" * 64}}, "the pinned packages or Python's version differs"),
        ({"machine": {"python": "3.13.0"}}, "the pinned packages or Python's version differs"),
        (
            {"notebook": {"sha256": "0"}, "code": {}, "inputs": {}, "parameters": {}},
            "the notebook, src/netlens/models/sums.py, results/demo/images.npz and 2 more differ",
        ),
        ({"outputs": {"results/demo/else.npz": "0"}}, "there is none of results/demo/else.npz"),
    ],
)
def test_anything_that_a_result_depends_on_makes_it_another_and_is_named(study, changes, told):
    export("demo", Path("kept"))
    take(Path("kept"), "kept")
    origin = origin_of(record(**changes))
    assert find(origin) is None
    assert why_not(origin) == told


def test_another_patch_of_python_and_other_outputs_hashes_change_nothing(study):
    assert origin_of(record(machine={"python": "3.11.1"}, outputs={OUTPUT: "0"})).key == origin_of(record()).key


def test_the_closest_of_several_is_compared(study):
    export("demo", Path("kept"))
    Path("results/demo/models/sums.json").write_text(json.dumps(record(parameters={"count": 9}, inputs={})))
    export("demo", Path("kept"))
    assert take(Path("kept"), "kept") == 2
    assert why_not(origin_of(record(parameters={"count": 9, "more": 1}, inputs={}))) == "parameter more differs"


def test_a_result_that_was_edited_is_not_exported(study):
    Path(OUTPUT).write_text("other numbers")
    with pytest.raises(KeptResultsError, match=r"sums.npz is not the file that its job wrote; make it again first"):
        export("demo", Path("kept"))


def test_a_study_without_results(study):
    with pytest.raises(KeptResultsError, match="study mine has no results to keep; make them first"):
        export("mine", Path("kept"))


def test_damaged_stores_are_refused_in_one_line(study):
    export("demo", Path("kept"))
    stored = Path("kept/objects") / record()["outputs"][OUTPUT]
    stored.write_text("tampered with")
    with pytest.raises(KeptResultsError, match=r"is damaged: its sha256 is not its name"):
        take(Path("kept"), "kept")
    stored.unlink()
    with pytest.raises(KeptResultsError, match=r"no such file; get the kept results again"):
        take(Path("kept"), "kept")
    entry = next(Path("kept/entries").iterdir())
    content = json.loads(entry.read_text())
    content["record"]["parameters"]["count"] = 5
    entry.write_text(json.dumps(content))
    with pytest.raises(KeptResultsError, match="its name is not the hash of what it describes"):
        take(Path("kept"), "kept")
    entry.write_text("{")
    with pytest.raises(KeptResultsError, match=r"\.json is damaged; get the kept results again"):
        take(Path("kept"), "kept")


def test_objects_outside_of_the_store_are_not_read(study):
    export("demo", Path("kept"))
    entry = next(Path("kept/entries").iterdir())
    Path("secret").write_text("secret")
    content = json.loads(entry.read_text())
    content["record"]["outputs"] = {OUTPUT: "../../secret"}
    entry.write_text(json.dumps(content))
    with pytest.raises(KeptResultsError, match="no such file"):
        take(Path("kept"), "kept")


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "entries/../../outside", "objects/short", "readme.md"])
def test_a_zip_with_anything_else_is_refused_and_nothing_is_unpacked(study, name):
    with zipfile.ZipFile("bad.zip", "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(KeptResultsError, match="which is no kept result"):
        take(Path("bad.zip"), "bad")
    assert not kept_results.STORE.exists()
    assert sorted(path.name for path in Path("results").iterdir()) == ["demo"]


def test_what_is_no_store_is_told(study):
    Path("empty").mkdir()
    Path("text.zip").write_text("no zip")
    for path, told in (("empty", "holds no kept results"), ("text.zip", "is neither a folder nor a zip")):
        with pytest.raises(KeptResultsError, match=told):
            take(Path(path), "x")
