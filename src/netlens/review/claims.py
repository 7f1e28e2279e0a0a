"""The paper's claims: each a sentence, the items that carry it, and a condition that decides whether it still holds.

``paper/claims.yaml`` is written by hand and holds no result. What a claim's value was when it was published, and how
long its items took, is written by `netlens accept` into ``reference/<study>/claims.json``.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from netlens.files.atomic import writing
from netlens.review.conditions import ConditionError, Expression, parse
from netlens.review.item_parts import data_arrays, read_record
from netlens.review.published import FOLDER
from netlens.workflow.catalogue import CatalogueError, Item, select
from netlens.workflow.errors import UserError
from netlens.workflow.study_yaml import read_yaml

CLAIMS_FILE: Final = Path("paper/claims.yaml")
#: Outcomes of a claim, the worst first.
OUTCOMES: Final = ("fails", "cannot be told", "moved", "holds")
_NEEDED: Final = ("sentence", "section", "items", "condition", "value", "quantity", "tolerance")
_KEYS: Final = frozenset({*_NEEDED, "studies", "command"})


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    Attributes
    ----------
    key
        Its name in the text.
    sentence
        The claim, for readers; plain text.
    section
        Section of the paper that makes it.
    items
        The items that carry it.
    condition
        What must be true.
    value
        The number behind it.
    quantity
        What that number is, in a few words.
    tolerance
        How far the number may be from the published one, as a share of it, before the claim counts as moved.
    studies
        Studies that make it; all if there are none.
    command
        What makes its items again.
    """

    key: str
    sentence: str
    section: str
    items: tuple[str, ...]
    condition: Expression
    value: Expression
    quantity: str
    tolerance: float
    studies: tuple[str, ...]
    command: str

    def applies(self, study: str, available: Iterable[str]) -> bool:
        """Whether a study makes the claim: it is meant for it, and the study has all of its items."""
        return (not self.studies or study in self.studies) and set(self.items) <= set(available)


@dataclass(frozen=True)
class Outcome:
    """What a run says of a claim.

    Attributes
    ----------
    claim
        The claim.
    outcome
        One of `OUTCOMES`; ``moved`` if the condition is true but the value is further from the published one than the
        claim allows.
    value
        The number behind it; None if it cannot be told.
    published
        The number when it was published; None if it was not.
    minutes
        How long its items and everything that they are made from took when they were published; None if unknown.
    words
        Why it cannot be told.
    """

    claim: Claim
    outcome: str
    value: float | None = None
    published: float | None = None
    minutes: float | None = None
    words: str = ""


def load_claims(catalogue: Mapping[str, Item], path: Path = CLAIMS_FILE) -> list[Claim]:
    """Claims of the paper, in the order of the file.

    Parameters
    ----------
    catalogue
        All items by name.
    path
        The file; no file, no claims.

    Raises
    ------
    UserError
        The file is not valid, or a claim needs an item that does not exist; one line for each mistake.
    """
    if not path.is_file():
        return []
    try:
        entries = read_yaml(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(entries, dict):
        raise UserError(f"{path}: a mapping from names of claims to claims is expected")
    claims, problems = [], []
    for key, entry in entries.items():
        try:
            claims.append(_claim(str(key), entry, catalogue))
        except UserError as error:
            problems.append(f"{path}: {key}: {error}")
    if problems:
        raise UserError("\n".join(problems))
    return claims


def _claim(key: str, entry: Any, catalogue: Mapping[str, Item]) -> Claim:
    if not isinstance(entry, dict):
        raise UserError("not a mapping; write sentence, section, items, condition, value, quantity and tolerance")
    if unknown := sorted(set(entry) - _KEYS):
        raise UserError(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}")
    if missing := [name for name in _NEEDED if name not in entry]:
        raise UserError(f"lacks {', '.join(missing)}")
    for name in ("items", "studies"):
        names = entry.get(name, [])
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise UserError(f"{name} is {names!r}; write a list of names, such as [a, b]")
    tolerance = entry["tolerance"]
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not tolerance >= 0:
        raise UserError(f"tolerance is {tolerance!r}; write a share of the value, such as 0.05")
    items = tuple(map(str, entry["items"]))
    select(dict(catalogue), items)
    condition, value = parse(str(entry["condition"])), parse(str(entry["value"]))
    for name in sorted(condition.items() | value.items()):
        if name not in items:
            select(dict(catalogue), [name])
            raise CatalogueError(f"the condition or value needs {name}, which is not among its items; add it to items")
    return Claim(
        key,
        " ".join(str(entry["sentence"]).split()),
        str(entry["section"]),
        items,
        condition,
        value,
        " ".join(str(entry["quantity"]).split()),
        float(tolerance),
        tuple(entry.get("studies", ())),
        str(entry.get("command", f"netlens run {' '.join(items)}")),
    )


class Values:
    """Values of a study's macros and figures, as they have been made.

    Parameters
    ----------
    catalogue
        All items by name.
    study
        Name of the study.
    """

    def __init__(self, catalogue: Mapping[str, Item], study: str) -> None:
        self._catalogue = catalogue
        self._study = study
        self._data: dict[str, Mapping[str, Any]] = {}

    def macro(self, name: str) -> Any:
        """Value of a macro at full precision."""
        item = self._catalogue[name]
        if item.kind != "macro":
            raise ConditionError(f"{name} is a {item.kind}; write {name}.COLUMN for its numbers")
        return read_record(item, self._study)["value"]

    def data(self, name: str) -> Mapping[str, Any]:
        """Numbers of a figure."""
        if name not in self._data:
            item = self._catalogue[name]
            if item.kind != "figure":
                raise ConditionError(f"{name} is a {item.kind} and has no columns")
            self._data[name] = data_arrays(item, self._study)
        return self._data[name]


def judge(claim: Claim, values: Values, published: Mapping[str, Any] | None = None) -> Outcome:
    """Outcome of one claim.

    Parameters
    ----------
    claim
        The claim.
    values
        What the study's items say.
    published
        ``value`` and ``minutes`` of the claim as published.
    """
    then = (published or {}).get("value")
    minutes = (published or {}).get("minutes")
    try:
        true = claim.condition.value(values.macro, values.data)
        number = claim.value.value(values.macro, values.data)
    except UserError as error:
        return Outcome(claim, "cannot be told", None, then, minutes, str(error))
    if not isinstance(true, bool):
        return Outcome(claim, "cannot be told", None, then, minutes, f"{claim.condition.text}: neither true nor false")
    if isinstance(number, bool) or not isinstance(number, int | float) or not np.isfinite(number):
        return Outcome(claim, "cannot be told", None, then, minutes, f"{claim.value.text}: not a number")
    outcome = "holds" if true else "fails"
    if true and then is not None and abs(number - then) > claim.tolerance * abs(then):
        outcome = "moved"
    return Outcome(claim, outcome, float(number), then, minutes)


def judge_all(claims: Iterable[Claim], values: Values, published: Mapping[str, Any]) -> list[Outcome]:
    """Outcomes of claims, the worst first and otherwise in their order."""
    found = [judge(claim, values, published.get(claim.key)) for claim in claims]
    return sorted(found, key=lambda outcome: OUTCOMES.index(outcome.outcome))


def published_file(study: str, folder: Path = FOLDER) -> Path:
    """Where the published values of a study's claims are."""
    return folder / study / "claims.json"


def load_published(study: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Published values and minutes of a study's claims by key; empty if none are published.

    Raises
    ------
    UserError
        The file is damaged.
    """
    path = published_file(study, folder)
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
            raise ValueError("not a mapping of claims")
    except ValueError as error:
        raise UserError(f"{path}: damaged ({error}); restore it: git checkout {path}") from None
    return found


def save_published(
    outcomes: Iterable[Outcome],
    minutes: Mapping[str, float],
    study: str,
    others: Mapping[str, Any] | None = None,
    folder: Path = FOLDER,
) -> None:
    """Publish the values of claims, and how long their items took.

    Parameters
    ----------
    outcomes
        Of the claims to publish.
    minutes
        Minutes by key.
    study
        Name of the study.
    others
        What is published of other claims and stays.
    folder
        Folder of all references.
    """
    entries = {key: dict(entry) for key, entry in (others or {}).items()} | {
        outcome.claim.key: {"value": outcome.value, "minutes": round(minutes[outcome.claim.key], 1)}
        for outcome in outcomes
        if outcome.value is not None
    }
    with writing(published_file(study, folder)) as temporary:
        temporary.write_text(json.dumps(dict(sorted(entries.items())), indent=1) + "\n", encoding="utf-8")
