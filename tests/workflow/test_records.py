import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netlens.workflow.records import DamagedRecordError, Record, jobs_above, jobs_behind, makers, read_record

FIELDS = {
    "value": 3,
    "rule": "sums",
    "notebook": {"path": "notebooks/sums.ipynb", "sha256": "a" * 64},
    "inputs": {"results/demo/images.npz": "b" * 64},
    "code": {"src/netlens/sums.py": "c" * 64},
    "outputs": {"results/demo/sums.npz": "d" * 64},
    "machine": {"cores": 2},
    "duration_s": 12,
}


def write(path, **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**FIELDS, **changes}, indent=2))
    return path


def test_a_record_comes_back(tmp_path):
    path = write(tmp_path / "sums.json")
    record = read_record(path)
    assert (record.path, record.rule, record.key, record.duration_s) == (path, "sums", "results/demo/sums.npz", 12)
    assert (record.notebook, record.notebook_sha256) == ("notebooks/sums.ipynb", "a" * 64)
    assert (record.inputs, record.code, record.outputs) == (FIELDS["inputs"], FIELDS["code"], FIELDS["outputs"])
    assert record.fields == FIELDS
    assert Record.of(path, {**FIELDS, "outputs": {}}).key == "sums"


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{}", "not a record", '{"inputs": [], "outputs": []}', '{"layers": [', "[" * 10**5]
)
def test_something_else_is_no_record(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    assert read_record(path) is None
    assert read_record(tmp_path / "missing.json") is None


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("outputs", ["a"], "'outputs' is wrong"),
        ("machine", None, "'machine' is wrong"),
        ("notebook", {"path": "a"}, "a path or a sha256 is no text"),
        ("inputs", {"a": 3}, "a path or a sha256 is no text"),
        ("duration_s", "long", "'duration_s' is wrong"),
    ],
)
def test_a_damaged_record_is_one_line_with_what_to_do(tmp_path, key, value, told):
    path = write(tmp_path / "sums.json", **{key: value})
    with pytest.raises(DamagedRecordError) as damaged:
        read_record(path)
    assert str(damaged.value) == (
        f"{path}: damaged record ({told}); delete it and what its job wrote, and the next run makes them again"
    )


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(end=st.integers(200, len(json.dumps(FIELDS, indent=2)) - 2))
def test_a_record_that_was_cut_off_behind_its_first_keys_is_damaged(tmp_path, end):
    path = write(tmp_path / "sums.json")
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(DamagedRecordError, match=r"^[^\n]* damaged record [^\n]*$"):
        read_record(path)


def test_jobs_above_and_behind(tmp_path):
    results = tmp_path / "results/demo"
    write(results / "a.json", rule="a", inputs={"photos.zip": ""}, outputs={"results/demo/a.npz": ""})
    write(results / "b.json", rule="b", inputs={"results/demo/a.npz": ""}, outputs={"results/demo/b.npz": ""})
    write(results / "staging/c-1/c.json", rule="c")
    (results / "network.json").write_text('{"layers": []}')
    made_by = makers("demo", tmp_path)
    assert sorted(made_by) == [f"results/demo/{name}" for name in ("a.json", "a.npz", "b.json", "b.npz")]
    inputs = {"results/demo/b.npz": "", "results/demo/a.npz": "", "results/demo/b.json": ""}
    item = Record.of(Path("item.json"), {**FIELDS, "inputs": inputs})
    assert [record.rule for record in jobs_above(item, made_by)] == ["b", "a"]
    assert sorted(record.rule for record in jobs_behind([item, item], made_by)) == ["a", "b", "sums"]
    write(results / "b.json", outputs=3)
    with pytest.raises(DamagedRecordError, match=r"b\.json"):
        makers("demo", tmp_path)
