"""What ``netlens gallery`` writes into the README."""

import json
from pathlib import Path

import pytest

from netlens.review.claims import Claim, Outcome
from netlens.review.claims_table import markdown_table
from netlens.review.conditions import parse
from netlens.workflow import gallery
from netlens.workflow.errors import UserError


@pytest.fixture
def readme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("notebooks/data", "export_defs/small"):
        Path(folder).mkdir(parents=True)
    Path("notebooks/data/items.yaml").write_text("tableRows: {kind: macro, shows: how many rows}\n")
    Path("export_defs/small/tableRows.tex").write_text("")
    Path("export_defs/small/tableRows.json").write_text(json.dumps({"text": r"1{,}024\,\%"}))
    path = Path("README.md")
    path.write_text(f"before\n{gallery.BEGIN}\nold\n{gallery.END}\nafter\n")
    return path


def test_numbers_and_claims_are_between_the_markers(readme):
    claim = Claim("many", "There are rows | lines.", "data", ("tableRows",), parse("tableRows > 1"), parse("tableRows"),
                  "rows", 0.1, (), "netlens run tableRows")  # fmt: skip
    table = markdown_table([Outcome(claim, "holds", 1024.0)], {"many": 3.2})
    gallery.update("small", readme, Path("gallery"), [], ["tableRows"], claims=table)
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith(f"{gallery.END}\nafter\n") and "\nold\n" not in text
    assert "| how many rows | 1,024 % | `\\tableRows` |" in text
    assert "| There are rows / lines. | rows | 1.02e+03 | yes | `netlens run tableRows` | 3 |" in text


def test_only_its_own_pictures_of_before_go(readme):
    Path("gallery").mkdir()
    for name in ("of_before.png", "timeline.svg"):
        (Path("gallery") / name).touch()
    gallery.update("small", readme, Path("gallery"), [], ["tableRows"])
    assert [path.name for path in Path("gallery").iterdir()] == ["timeline.svg"]


def test_an_item_that_is_not_made_leaves_the_file(readme):
    Path("export_defs/small/tableRows.tex").unlink()
    before = readme.read_text()
    with pytest.raises(UserError, match="not made yet: tableRows"):
        gallery.update("small", readme, Path("gallery"), [], ["tableRows"])
    assert readme.read_text() == before
