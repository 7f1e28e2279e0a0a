"""What docstrings say first: the result, not what the function is asked to do."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def first_words(source):
    """Yield the line and the first word of each docstring."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            words = (ast.get_docstring(node) or "").split(maxsplit=1)
            if words:
                yield getattr(node, "lineno", 1), words[0]


def test_the_first_word_is_found():
    assert list(first_words('"""A module."""\n\n\ndef f():\n    """Give two."""\n')) == [(1, "A"), (4, "Give")]


def test_no_docstring_begins_with_give_say_or_tell():
    begin = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for line, word in first_words(path.read_text(encoding="utf-8"))
        if word in ("Give", "Gives", "Say", "Says", "Tell", "Tells")
    ]
    assert not begin, "name what is returned instead: " + ", ".join(begin)
