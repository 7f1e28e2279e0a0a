"""What the lines of Snakemake and its jobs mean."""

import pytest

from netlens.cli.snakemake_lines import (
    ErrorLine,
    Failed,
    Failing,
    Finished,
    Note,
    NothingToDo,
    Other,
    Progress,
    Resources,
    SnakemakeLines,
    Started,
    Steps,
    Wildcards,
)

SUMS = "results/demo/patterns/squeezenet/sums-1of2"


def events(text):
    lines = SnakemakeLines()
    return [lines.read(line) for line in text.splitlines()]


def test_a_job_is_told_in_several_lines():
    found = events(
        "localrule pattern_sums:\n    input: a, b\n"
        f"    output: {SUMS}.npz, {SUMS}.json\n    jobid: 3\n    wildcards: network=squeezenet, shard=1, of=2\n"
    )
    assert [event for event in found if not isinstance(event, Other)] == [
        Started("3", "pattern_sums", (f"{SUMS}.npz", f"{SUMS}.json")),
        Wildcards("3", "squeezenet 1/2"),
    ]


def test_of_a_shard_the_number_and_how_many_there_are():
    *_, last = events("rule a:\n    output: b\n    jobid: 1\n    wildcards: network=n, part=2 3\n")
    assert last == Wildcards("1", "n 2/3")


def test_a_failed_job_is_none_that_started():
    assert events("Error in rule sums:\n    output: a\n    jobid: 3\n    wildcards: network=n") == [
        Failing("sums"),
        Other("    output: a"),
        Failed("3"),
        Other("    wildcards: network=n"),
    ]


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("Finished jobid: 4 (Rule: frozen)", Finished("4", "frozen")),
        ("[date] Finished jobid: 4", Finished("4", "")),
        ("12 of 262 steps (4%) done", Steps(12, 262)),
        ("total                  262", Steps(None, 262)),
        ("Provided resources: gpu=1", Resources()),
        ("Nothing to be done (all requested files are present).", NothingToDo()),
        ("netlens: error: 13% of it", ErrorLine("netlens: error: 13% of it")),
        ("netlens: a note", Note("a note")),
        ("    output: of no job", Other("    output: of no job")),
        ("[Sun Nov 29 14:46:18 2026]\n", Other("[Sun Nov 29 14:46:18 2026]")),
        ("", None),
    ],
)
def test_each_kind_of_line(line, event):
    assert SnakemakeLines().read(line) == event


def test_a_bar():
    words = "sums[a-1of2]: pattern sums:  25%|██▎    | 56/240 [00:19<00:46,  3.93image/s]"
    assert SnakemakeLines().read(f"netlens: {words}") == Progress("sums[a-1of2]", 0.25, "56/240  3.93image/s", words)
