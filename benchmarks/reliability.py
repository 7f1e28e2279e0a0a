"""Run the tests of docs/reliability.yaml, and write what came of each line into the tables of docs/RELIABILITY.md.

    netlens bench reliability [--section Networks ...] [--only-write]

A table has a line for each entry of the list, in its order: what was tried, what happens, the tests, and how many of
them passed. Lines of sections that are not run keep what is known of them. The exit status is 0 if every test of every
line that was run has passed.
"""

import argparse
import itertools
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

LIST = Path("docs/reliability.yaml")
PAGE = Path("docs/RELIABILITY.md")
HEAD = "| What was tried | What happens | Test | Passed |\n| --- | --- | --- | --- |\n"
NOT_RUN = "not run"


@dataclass(frozen=True)
class Line:
    """What was tried, what happens, and the tests (file::name) that try it again."""

    tried: str
    happens: str
    tests: tuple[str, ...]

    def start(self) -> str:
        """Everything of the table's line but its last column."""
        by_file = itertools.groupby(self.tests, key=lambda test: test.split("::")[0])
        named = [f"`{file}`: " + ", ".join(f"`{test.split('::')[1]}`" for test in tests) for file, tests in by_file]
        return f"| {self.tried} | {self.happens} | {'; '.join(named)} | "


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--section", nargs="+", help="only the tables under these headings")
    parser.add_argument("--only-write", action="store_true", help="run nothing; lines that have changed are not run")
    parsed = parser.parse_args(arguments)
    sections = read_list()
    if unknown := set(parsed.section or ()) - sections.keys():
        raise SystemExit(f"{LIST} has no section {min(unknown)!r}; it has: {', '.join(sections)}")
    chosen = [] if parsed.only_write else [line for name in parsed.section or sections for line in sections[name]]
    outcomes = _outcomes(sorted({test for line in chosen for test in line.tests})) if chosen else {}
    page = PAGE.read_text(encoding="utf-8")
    passed = {line.start(): _passed(line, outcomes) for line in chosen}
    PAGE.write_text(written(page, sections, {**known(page), **passed}), encoding="utf-8")
    bad = [line for line in chosen if passed[line.start()] != f"all {len(line.tests)}"]
    for line in bad:
        print(f"{line.tried}: {passed[line.start()]}")
        for test in line.tests:
            print(f"    {outcomes.get(test, NOT_RUN):<8} {test}")
    print(f"{len(chosen) - len(bad)} of {len(chosen)} lines hold")
    sys.exit(bool(bad))


def read_list(path: Path = LIST) -> dict[str, list[Line]]:
    """Lines by section."""
    stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {
        section: [Line(row["tried"], row["happens"], tuple(row["tests"])) for row in rows]
        for section, rows in stored.items()
    }


def known(page: str) -> dict[str, str]:
    """Last column of each line of the page's tables, by the rest of the line."""
    rows = [line for line in page.splitlines() if line not in HEAD.splitlines()]
    return {found[1]: found[2] for row in rows if (found := re.fullmatch(r"(\| .* \| )([^|]*) \|", row))}


def written(page: str, sections: Mapping[str, Sequence[Line]], passed: Mapping[str, str]) -> str:
    """Page with its tables made anew, each at its place under its heading."""
    for section, lines in sections.items():
        table = HEAD + "".join(f"{line.start()}{passed.get(line.start(), NOT_RUN)} |\n" for line in lines)
        pattern = rf"(?<=\n)(## {re.escape(section)}\n(?:(?!## )(?!\|).*\n)*?)(?:\|.*\n)+"
        page, count = re.subn(pattern, lambda found, table=table: found[1] + table, page, count=1)
        if count != 1:
            raise SystemExit(f"{PAGE} has no table under the heading {section!r}")
    return page


def _passed(line: Line, outcomes: Mapping[str, str]) -> str:
    count = sum(outcomes.get(test) == "passed" for test in line.tests)
    return f"all {count}" if count == len(line.tests) else f"{count} of {len(line.tests)}"


def _outcomes(tests: Sequence[str]) -> dict[str, str]:
    """Run the tests; one with parameters has failed if it failed for any, and passed if it then passed for any."""
    order = ("skipped", "passed", "failed")
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "", "-n", "logical", "--maxprocesses", "4"]
        command += ["--dist", "loadfile", f"--junitxml={report}", *tests]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        for case in ET.parse(report).iter("testcase"):
            name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').split('[')[0]}"
            failed = any(case.find(kind) is not None for kind in ("failure", "error"))
            outcome = "failed" if failed else "skipped" if case.find("skipped") is not None else "passed"
            found[name] = max(found.get(name, "skipped"), outcome, key=order.index)
    return found


if __name__ == "__main__":
    main()
