"""The tables of docs/RELIABILITY.md are what `netlens bench reliability` writes, and name tests that exist."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reliability():
    specification = importlib.util.spec_from_file_location("reliability", ROOT / "benchmarks/reliability.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_page_is_what_the_command_writes_and_no_line_has_failed(reliability):
    page = (ROOT / "docs/RELIABILITY.md").read_text(encoding="utf-8")
    sections = reliability.read_list()
    known = reliability.known(page)
    assert reliability.written(page, sections, known) == page
    passed = {line.start(): f"all {len(line.tests)}" for lines in sections.values() for line in lines}
    assert known.keys() == passed.keys()
    # A line that has changed says so on the page until the command has run its tests.
    assert all(words in {passed[start], reliability.NOT_RUN} for start, words in known.items())


def test_every_line_names_tests_that_exist(reliability):
    lines = [line for lines in reliability.read_list().values() for line in lines]
    assert len(lines) > 60
    for line in lines:
        assert line.tests, line.tried
        for test in line.tests:
            file, name = test.split("::")
            assert re.search(rf"^ *def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), test


def test_no_test_is_named_twice_in_a_line_and_no_line_stands_twice(reliability):
    lines = [line for lines in reliability.read_list().values() for line in lines]
    assert len({line.tried for line in lines}) == len(lines)
    assert all(len(set(line.tests)) == len(line.tests) for line in lines)


def test_a_table_is_written_under_its_heading_only(reliability):
    page = "# P\n\n## A\n\nText.\n\n| old | b |\n| x | y |\n\nMore.\n\n## B\n\n| old | b |\n"
    one, two = (
        reliability.Line("a", "b", ("f.py::test_x", "f.py::test_y", "g.py::test_z")),
        reliability.Line("c", "d", ("f.py::test_x",)),
    )
    written = reliability.written(page, {"A": [one], "B": [two]}, {one.start(): "all 3"})
    assert written == (
        f"# P\n\n## A\n\nText.\n\n{reliability.HEAD}"
        "| a | b | `f.py`: `test_x`, `test_y`; `g.py`: `test_z` | all 3 |\n\nMore.\n\n"
        f"## B\n\n{reliability.HEAD}| c | d | `f.py`: `test_x` | not run |\n"
    )
    assert reliability.known(written) == {one.start(): "all 3", two.start(): "not run"}
    with pytest.raises(SystemExit, match="has no table under the heading 'C'"):
        reliability.written(page, {"C": [one]}, {})
