"""Numbers without an interval are found."""

import importlib.util
from pathlib import Path

import pytest

from netlens.workflow.catalogue import Item, load_catalogue

SCRIPT = Path(__file__).parents[2] / ".ci" / "lint_intervals.py"
ENDS = {"low": 0.1, "high": 0.3, "level": 0.95, "count": 9}


@pytest.fixture(scope="module")
def lint():
    spec = importlib.util.spec_from_file_location("lint_intervals", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("exact", "record", "found"),
    [
        ("", {"value": 0.2}, ["has no interval"]),
        ("", {"value": 0.2, "interval": ENDS}, []),
        ("a count", {"value": 3}, []),
        ("a count", {"value": 3, "interval": ENDS}, ["says that it needs none"]),
        ("", {"value": "conv1"}, []),
    ],
)
def test_a_number_has_an_interval_or_says_why_not(lint, exact, record, found):
    items = {"a": Item("a", "data", "macro", "a number", exact=exact)}
    lines = list(lint.findings(items, {"a": record}))
    assert len(lines) == len(found)
    assert all(told in line for told, line in zip(found, lines, strict=True))


def test_the_catalogue_says_of_numbers_only_why_they_are_exact():
    items = load_catalogue(SCRIPT.parents[1] / "notebooks")
    exact = [item for item in items.values() if item.exact]
    assert len(exact) > 50
    assert {item.kind for item in exact} == {"macro"}
