"""``netlens explain``: everything about one number, in a few lines, or one line about why there is nothing to say."""

import json
from pathlib import Path

import pytest

from netlens.cli import main


def explain(*arguments):
    return main(["explain", *arguments, "--study", "small"])


def test_a_number_is_told_with_all_that_it_comes_from(records, capsys):
    assert explain("tableRows") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tableRows (macro of section data) is made"
    told = "\n".join(" ".join(line.split()) for line in lines)
    for words in (
        "value 3.14159 (rows)",
        "printed 3.14 rounded: 2 decimals",
        f"notebook {records.notebook}, cell 2 sha256",
        "parameters rows = 3",
        "seed 1",
        f"inputs {records.counts} sha256",
        "code 0123456789ab; 1 modules",
        "machine P, 2 cores, 8.0 GB, Linux x86_64, Python 3.11.7",
        "cost 12.0 s, processor 10.0 s, 300 MB",
    ):
        assert words in told, words
    assert lines[-2:] == [
        f"  {records.counts}  12.0 s, processor 10.0 s, 900 MB",
        "in all 2 jobs, 24 s one after the other",
    ]


def test_a_stale_number_says_so_first(records, capsys):
    Path(records.images).write_text("others")
    assert explain("\\tableRows") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert (
        first == f"tableRows (macro of section data) is stale: {records.counts} is stale: {records.images} has changed"
    )


def test_plain_data_has_the_whole_record_and_the_tree(records, capsys):
    assert explain("tableRows", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["record"]["value"] == 3.14159
    assert data["cell"] == {"number": 2, "source": "macro.save(stem, rows)"}
    assert [job["peak_memory_mb"] for job in data["above"]] == [900]


def test_a_job_that_two_others_need_is_told_once(records, capsys):
    for name in ("a", "b"):
        Path(f"results/small/{name}.npz").write_text(name)
        records.write(f"results/small/{name}.json", name, [records.counts], [f"results/small/{name}.npz"])
    inputs = ["results/small/a.npz", "results/small/b.npz"]
    records.write(f"{records.stem}.json", "tableRows", inputs, [f"{records.stem}.tex"], value=1)
    assert explain("tableRows") == 0
    out = capsys.readouterr().out
    assert out.count(records.counts) == 2  # where it was first needed, and where it is needed again
    assert "in all 4 jobs, 48 s" in out


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tableRow", "there is no item 'tableRow'; did you mean tableRows"),
        ("tableLines", "tableLines has not been made (export_defs/small/tableLines.json does not exist)"),
    ],
)
def test_what_cannot_be_explained_is_one_line(records, capsys, name, told):
    assert explain(name) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"netlens: error: {told}") and error.count("\n") == 1


def test_a_damaged_record_is_one_line(records, capsys):
    Path(f"{records.stem}.json").write_text('{"rule": ')
    assert explain("tableRows") == 2
    error = capsys.readouterr().err
    assert "not a record of netlens; make it again: netlens run tableRows --force" in error
    assert error.count("\n") == 1


class TestDiff:
    """``netlens explain --diff``: beside the published record."""

    @pytest.fixture(autouse=True)
    def published(self, records):
        from netlens.review.item_parts import item_parts
        from netlens.review.published import Reference
        from netlens.workflow.catalogue import load_catalogue

        item = load_catalogue()["tableRows"]
        Reference("small").save("tableRows", "macro", item_parts(item, "small"), "first")

    def test_nothing_differs(self, capsys):
        assert explain("tableRows", "--diff") == 0
        assert capsys.readouterr().out.splitlines() == [
            "tableRows beside what is published in reference/small: identical: the same bytes",
            "  the records differ in nothing that affects a result",
        ]

    def test_an_interval_is_new_only_if_there_was_none_of_a_published_one(self, records, capsys):
        entry, record = Path("reference/small/items/tableRows.json"), Path(f"{records.stem}.json")
        interval = {"low": 3.0, "high": 3.5, "level": 0.95, "count": 9}
        record.write_text(json.dumps({**json.loads(record.read_text()), "interval": interval}))
        assert explain("tableRows", "--diff") == 0
        assert "interval" not in capsys.readouterr().out
        entry.write_text(json.dumps({**json.loads(entry.read_text()), "interval": {**interval, "high": 3.4}}))
        assert explain("tableRows", "--diff") == 0
        then, now = ({**interval, "high": high} for high in (3.4, 3.5))
        assert f"  interval: {json.dumps(then)} → {json.dumps(now)}\n" in capsys.readouterr().out

    def test_value_parameter_and_machine_have_old_and_new(self, records, capsys):
        stored = json.loads(Path(f"{records.stem}.json").read_text())
        changes = {"value": 6.28318, "parameters": {"rows": 6}, "machine": {**stored["machine"], "cores": 4}}
        Path(f"{records.stem}.json").write_text(json.dumps({**stored, **changes}))
        assert explain("tableRows", "--diff") == 0
        first, *rest = capsys.readouterr().out.splitlines()
        assert "reference/small: differs: " in first
        assert rest == [
            "  value: 3.14159 → 6.28318 (+100 %)",
            "  parameter rows: 3 → 6 (+100 %)",
            "  machine's cores: 2 → 4 (+100 %)",
        ]

    def test_an_input_that_changed_is_named_without_its_digests(self, records, capsys):
        stored = json.loads(Path(f"{records.stem}.json").read_text())
        Path(f"{records.stem}.json").write_text(json.dumps({**stored, "inputs": {records.counts: "0" * 64}}))
        assert explain("tableRows", "--diff", "--json") == 0
        (change,) = json.loads(capsys.readouterr().out)["changes"]
        assert (change["what"], change["now"]) == (f"input {records.counts}", "0" * 64)

    def test_what_was_never_published_is_one_line(self, capsys):
        Path("reference/small/items/tableRows.json").unlink()
        assert explain("tableRows", "--diff") == 2
        assert capsys.readouterr().err == (
            "netlens: error: nothing is published of tableRows in reference/small; to publish it: "
            "netlens accept tableRows\n"
        )
