"""``netlens diff``: numbers and figures of two revisions of a reference, beside each other."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from netlens.cli import main
from netlens.review.item_parts import Parts
from netlens.review.published import Reference


def git(*arguments):
    identity = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def publish(name, kind, arrays=None, digest="1", **record):
    parts = Parts(
        {"outputs": {name: digest}, **record}, {key: np.array(values) for key, values in (arrays or {}).items()}
    )
    Reference("small").save(name, kind, parts, "r")


@pytest.fixture(autouse=True)
def repository(records):
    publish("tableRows", "macro", value=4.0, text="4", versions={"numpy": "1"})
    publish("tableLines", "macro", value=1.0, text="1")
    publish("curves", "figure", {"x": [0.0, 1.0], "y": [1.0, 2.0]})
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    git("tag", "v1")


def diff(*arguments):
    return main(["diff", *arguments, "--study", "small"])


def test_nothing_changed(capsys):
    assert diff("v1") == 0
    assert capsys.readouterr().out.endswith(": nothing changed; 3 items are published now\n")


def test_the_largest_change_comes_first_with_its_size(capsys):
    publish("tableRows", "macro", value=5.0, text="5", versions={"numpy": "2"})
    publish("curves", "figure", {"x": [0.0, 1.0], "y": [1.0, 3.0]})
    assert diff("v1") == 0
    first, second, last = (" ".join(line.split()) for line in capsys.readouterr().out.splitlines())
    assert first == "changed figure curves y changed by up to 50 %"
    assert second == "changed macro tableRows value: 4.0 → 5.0 (+25 %)"
    assert last.endswith(": 2 changed; 3 items are published now")


def test_a_change_in_late_digits_is_not_told_as_none(capsys):
    publish("tableRows", "macro", value=4.000002, text="4")
    publish("curves", "figure", {"x": [0.0, 1.0], "y": [1.0, 2.000001]})
    assert diff("v1") == 0
    figure, number, _ = (" ".join(line.split()) for line in sorted(capsys.readouterr().out.splitlines()))
    assert figure == "changed figure curves y changed by up to 5e-05 %"
    assert number == "changed macro tableRows value: 4.0 → 4.000002 (+5e-05 %)"


def test_what_was_added_removed_or_only_written_anew(capsys):
    publish("more", "macro", value=2)
    Reference("small").remove("tableLines")
    publish("tableRows", "macro", value=4.0, text="4", digest="2")
    publish("curves", "figure", {"x": [0.0, 1.0, 2.0], "z": ["a"]})
    assert diff("v1", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert [(change["name"], change["change"], change["words"]) for change in data["changes"]] == [
        ("curves", "changed", "x changed; y is gone; z was added"),
        ("more", "added", "2"),
        ("tableLines", "removed", "1.0"),
        ("tableRows", "other bytes", "the same values in other files"),
    ]


def test_the_records_of_a_change_are_in_plain_data(capsys):
    publish("tableRows", "macro", value=5.0, text="5", versions={"numpy": "2"})
    assert diff("HEAD", "--json") == 0
    (change,) = json.loads(capsys.readouterr().out)["changes"]
    assert {"what": "package numpy", "then": "1", "now": "2"} in change["records"]


@pytest.mark.parametrize(
    ("revision", "told"),
    [
        ("v2", "v2: git knows no such revision"),
        ("", ": git knows no such revision"),
        ("v1:reference", "v1:reference: git knows no such revision"),
    ],
)
def test_a_revision_that_does_not_exist(capsys, revision, told):
    assert diff(revision) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"netlens: error: {told}") and error.count("\n") == 1


def test_nothing_published_now_or_then(capsys):
    git("rm", "-rq", "--cached", "reference")
    git("commit", "-qm", "second")
    assert diff("HEAD") == 2
    assert "nothing was published of study small at" in capsys.readouterr().err
    for path in Path("reference/small/items").iterdir():
        path.unlink()
    Path("reference/small/items").rmdir()
    assert diff("v1") == 2
    assert "reference/small: nothing is published of study small" in capsys.readouterr().err


def test_a_damaged_reference_is_one_line(capsys):
    Path("reference/small/items/tableRows.json").write_text('{"kind": "macro"}')
    assert diff("v1") == 2
    assert capsys.readouterr().err == (
        "netlens: error: reference/small/items/tableRows.json: damaged reference (keys are missing)\n"
    )


def test_the_paper_is_compiled_with_what_changed_in_boxes(capsys, monkeypatch):
    given = []
    monkeypatch.setattr("netlens.cli.diff.compile_paper", lambda *arguments, **more: given.append((arguments, more)))
    publish("tableRows", "macro", value=5.0, text="5", digest="2")
    publish("tableLines", "macro", value=1.0, text="1", digest="2")
    assert diff("v1", "--pdf") == 0
    ((study, main_file, output, marked), more) = given[0]
    assert (study, main_file, more) == ("small", Path("paper/main.tex"), {"draft": True})
    assert list(marked) == ["tableRows"] and "4.0 → 5.0" in marked["tableRows"]
    assert str(output) in capsys.readouterr().out.splitlines()[-2]
