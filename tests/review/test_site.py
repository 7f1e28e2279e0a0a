"""What the supplement shows is what has been made."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from netlens.files.hashing import sha256_of
from netlens.review.site import cited_works, supplement
from netlens.workflow.catalogue import load_catalogue

ROOT = Path(__file__).parents[2]
ITEMS = {
    "data": {
        "classCount": {"kind": "macro", "shows": "number of classes"},
        "crops": {"kind": "figure", "shows": "crops", "caption": "Crops of \\classCount{} classes."},
    },
    "models": {"accuracy": {"kind": "macro", "shows": "accuracy"}},
    "site": {"index": {"kind": "page", "shows": "all of it"}},
}
CLAIM = {
    "sentence": "There are many classes.",
    "section": "data",
    "items": ["classCount"],
    "condition": "classCount > 2",
    "value": "classCount",
    "quantity": "classes",
    "tolerance": 0,
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study of three items, of which nothing has been made, and two claims."""
    (tmp_path / "config").mkdir()
    (tmp_path / "paper").mkdir()
    shutil.copy(ROOT / "config" / "schema.yaml", tmp_path / "config")
    shutil.copy(ROOT / "CITATION.cff", tmp_path)
    config = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text(encoding="utf-8"))
    (tmp_path / "config" / "demo.yaml").write_text(yaml.safe_dump({**config, "leave_out": ["accuracy"]}))
    for section, items in ITEMS.items():
        (tmp_path / "notebooks" / section).mkdir(parents=True)
        (tmp_path / "notebooks" / section / "items.yaml").write_text(yaml.safe_dump(items))
    claims = {
        "many": CLAIM,
        "accurate": {**CLAIM, "items": ["accuracy"], "condition": "accuracy > 0", "value": "accuracy"},
    }
    (tmp_path / "paper" / "claims.yaml").write_text(yaml.safe_dump(claims))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(name, **record):
    """Leave behind what an item's rule would."""
    item = load_catalogue()[name]
    notebook = Path("notebooks/data/any.ipynb")
    notebook.write_text('{"cells": []}')
    *files, described = item.files("demo")
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("made")
    made = {
        "study": "demo",
        "rule": name,
        "notebook": {"path": str(notebook), "sha256": sha256_of(notebook)},
        "code": {},
        "inputs": {},
        "outputs": {str(file): sha256_of(file) for file in files},
        "machine": {},
        "duration_s": 1.0,
    }
    described.write_text(json.dumps({**made, **record}))
    executed = Path(f"results/demo/executed/{item.section}/{name}.ipynb")
    executed.parent.mkdir(parents=True, exist_ok=True)
    executed.write_text('{"cells": [1]}')


def states(shown):
    return {item.name: (item.state, bool(item.files)) for item in shown.items}


def test_nothing_is_made_yet(study):
    shown = supplement("demo")
    assert states(shown) == {
        "classCount": ("missing", False), "crops": ("missing", False), "accuracy": ("absent", False)
    }  # fmt: skip
    # A claim about what the study does not have is not made.
    assert [(claim.outcome, claim.words) for claim in shown.claims] == [("cannot be told", "")]
    assert shown.paper == "" and shown.license_name == "MIT"
    assert shown.sections["data"] == "Images"


def test_what_is_made_is_shown_with_its_record_and_notebook(study):
    make("classCount", value=3, text="3")
    make("crops")
    shown = supplement("demo", paper="paper/demo.pdf")
    assert shown.paper == "../../paper/demo.pdf"
    by_name = {item.name: item for item in shown.items}
    assert by_name["classCount"].record["value"] == 3
    assert by_name["crops"].notebook == {"cells": [1]} and set(by_name["crops"].files) == {"pdf", "png", "csv", "json"}
    assert by_name["crops"].caption == "Crops of \\classCount{} classes."
    assert [(claim.outcome, claim.value) for claim in shown.claims] == [("holds", 3)]


def test_what_is_stale_or_edited_says_so_unless_all_has_just_been_made(study):
    make("classCount", value=3, text="3")
    make("crops")
    load_catalogue()["crops"].files("demo")[1].write_text("edited")
    assert states(supplement("demo"))["crops"] == ("edited", True)
    assert states(supplement("demo", checked=False))["crops"] == ("made", True)


def test_works_are_cited_by_authors_and_year():
    works = cited_works(ROOT / "paper" / "refs.bib")
    assert works["sedghi2019singular"] == "Sedghi et al., 2019"
    assert len(works) == (ROOT / "paper" / "refs.bib").read_text(encoding="utf-8").count("\n@")
    assert not [words for words in works.values() if "\\" in words or "{" in words]
    assert cited_works(Path("none.bib")) == {}


def test_accents_become_letters(tmp_path):
    (tmp_path / "a.bib").write_text(
        "@misc{a,\n  author = {Sch{\\\"u}tt, K. and Garc{\\'\\i}a, B.},\n  year = {2019},\n}\n", encoding="utf-8"
    )
    assert cited_works(tmp_path / "a.bib") == {"a": "Schütt and García, 2019"}


def test_a_claim_that_fails_is_told(study):
    make("classCount", value=1, text="1")
    assert [claim.outcome for claim in supplement("demo").claims] == ["fails"]
