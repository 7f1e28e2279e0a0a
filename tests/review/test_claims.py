"""Claims name items that exist, and are judged by their conditions."""

from pathlib import Path

import pytest

from netlens.review.claims import load_claims
from netlens.workflow.catalogue import Item, load_catalogue
from netlens.workflow.errors import UserError

CATALOGUE = {"rows": Item("rows", "data", "macro", "how many rows")}
CLAIM = {
    "sentence": "There are rows.",
    "section": "data",
    "items": "[rows]",
    "condition": "rows > 1",
    "value": "rows",
    "quantity": "rows",
    "tolerance": "0.1",
}


def load(tmp_path: Path, **changes: str | None) -> None:
    entries = {**CLAIM, **changes}
    lines = [f"  {key}: {text}" for key, text in entries.items() if text is not None]
    (tmp_path / "claims.yaml").write_text("\n".join(["many:", *lines, ""]))
    load_claims(CATALOGUE, tmp_path / "claims.yaml")


def test_the_papers_claims_name_what_exists() -> None:
    claims = load_claims(load_catalogue())
    assert len({claim.key for claim in claims}) == len(claims) >= 10
    for claim in claims:
        assert claim.condition.items() | claim.value.items() == {*claim.items}, claim.key


def test_a_sound_claim(tmp_path: Path) -> None:
    load(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"items": "[lines]"},
        {"sentence": None},
        {"color": "blue"},
        {"condition": "rows >"},
        {"condition": "open(rows)"},
        {"tolerance": "many"},
        {"items": "[]"},
        {"items": "3"},
        {"studies": "demo"},
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_claim(tmp_path: Path, changes: dict[str, str | None]) -> None:
    with pytest.raises(UserError, match=r"^[^\n]*many[^\n]*$"):
        load(tmp_path, **changes)
