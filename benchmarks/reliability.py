"""Run the tests that docs/RELIABILITY.md names, and print its tables with what came of each line.

    netlens bench reliability [--section Networks]

The exit status is 0 if all tests of all lines pass.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from pathlib import Path

TABLES = Path("docs/RELIABILITY.md")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--section", help="only the table under this heading")
    parsed = parser.parse_args(arguments)
    rows = [row for row in _rows() if parsed.section in {None, row[0]}]
    if not rows:
        raise SystemExit(f"{TABLES} has no table under {parsed.section!r}")
    outcomes = _outcomes(sorted({test for *_, tests in rows for test in tests}))
    failed = 0
    heading = ""
    for section, tried, happens, tests in rows:
        if section != heading:
            heading = section
            print(f"\n## {section}\n\n| What was tried | What happens | Seen |\n| --- | --- | --- |")
        seen = [outcomes.get(test, ("not run", 0.0)) for test in tests]
        words = sorted({outcome for outcome, _ in seen})
        failed += words != ["passed"]
        print(f"| {tried} | {happens} | {len(tests)} tests {' and '.join(words)}, {sum(s for _, s in seen):.1f} s |")
    print(f"\n{len(rows) - failed} of {len(rows)} lines hold")
    sys.exit(bool(failed))


def _rows() -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield section, what was tried, what happens, and the tests (file::name) of each line."""
    section = ""
    for line in TABLES.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        if not line.startswith("| ") or line.startswith(("| What was tried", "| ---")):
            continue
        tried, happens, named = line.strip().removeprefix("| ").removesuffix(" |").rsplit(" | ", 2)
        file, tests = "", []
        for name in re.findall(r"`([^`]+)`", named):
            if name.endswith(".py"):
                file = name
            elif name.startswith("test_"):
                tests.append(f"{file}::{name}")
        yield section, tried, happens, tests


def _outcomes(tests: Sequence[str]) -> dict[str, tuple[str, float]]:
    """Run the tests; return the worst outcome and the seconds of each, over all of its parameters."""
    order = ("passed", "skipped", "failed")
    found: dict[str, tuple[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "logical", "--maxprocesses", "4", "--dist", "loadfile"]
        subprocess.run([*command, f"--junitxml={report}", *tests], stdout=subprocess.DEVNULL, check=False)
        for case in ET.parse(report).iter("testcase"):
            name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').split('[')[0]}"
            failed = any(case.find(kind) is not None for kind in ("failure", "error"))
            outcome = "failed" if failed else "skipped" if case.find("skipped") is not None else "passed"
            before, seconds = found.get(name, ("passed", 0.0))
            found[name] = max(before, outcome, key=order.index), seconds + float(case.get("time", 0))
    return found


if __name__ == "__main__":
    main()
