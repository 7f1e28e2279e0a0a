"""Conditions are small expressions, and nothing else can be said in them."""

import numpy as np
import pytest

from netlens.review.conditions import ConditionError, parse

MACROS = {"a": 5.0, "b": 2.0, "name": "conv1"}
DATA = {"table": {"value": np.array([1.0, np.nan, 3.0]), "kind": np.array(["x", "x", "y"])}}


def value(text):
    return parse(text).value(MACROS.__getitem__, DATA.__getitem__)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a > 2 * b", True),
        ("b < a < 5", False),
        ("abs(b - a) / 2", 1.5),
        ("-a", -5.0),
        ('name == "conv1" and not a < b', True),
        ("max(a, b)", 5.0),
        ("mean(table.value)", 2.0),
        ('sum(table.value[kind == "y"])', 3.0),
        ("table.value[0]", 1.0),
        ("count(table.value[:2] > 0)", 1),
        ('all(table.value[kind == "x"][:1] < b)', True),
        ("any(table.value > a)", False),
    ],
)
def test_values(text, expected):
    assert value(text) == expected


def test_what_it_needs():
    assert parse('a > max(table.value[kind == "x"])').items() == {"a", "table"}


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "open('a')",
        "a.__class__.__mro__",
        "(lambda: 1)()",
        "[x for x in a]",
        "a ** 1000000",
        "9 << 100000",
        "a if b else a",
        "max(a, key=b)",
        "f'{a}'",
        "a; b",
        "",
        "a >",
        "(" * 400,
        "a" * 600,
        "b'bytes'",
        "a @ b",
        "a is b",
    ],
)
def test_what_is_no_condition(text):
    with pytest.raises(ConditionError):
        parse(text)


@pytest.mark.parametrize(
    "text", ["table.nothing", "a[0]", "name * 2 > name - 1", "table.value[9]", "max(table.value[:0])", "a + table.kind"]
)
def test_what_cannot_be_told_is_one_line(text):
    with pytest.raises(ConditionError, match=r"^[^\n]+$"):
        value(text)
