"""What docs/RELIABILITY.md names as the test of a line exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_line_names_tests_that_exist():
    lines = (ROOT / "docs/RELIABILITY.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ")[-1] for line in lines if line.startswith("| ")]
    rows = [row for row in rows if row not in {"Test", "---"}]
    assert len(rows) > 30
    tests: set[str] = set()
    for row in rows:
        named = re.findall(r"`([^`]+)`", row)
        assert any(name.startswith("test_") for name in named), row
        for name in named:
            if name.startswith("test_"):
                assert name in tests, f"{name} is not in the file that is named before it"
            else:
                tests = set(re.findall(r"^def (test_\w+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
