"""The display of a run on a terminal follows what Snakemake and its jobs print."""

import io

import pytest
from rich.console import Console

from netlens.cli.live_display import LiveDisplay
from netlens.cli.snakemake_lines import SnakemakeLines
from netlens.review.job_costs import Cost
from netlens.workflow.planned_jobs import PlannedJob

SUMS = "results/demo/patterns/squeezenet/sums-1of2"
FROZEN = "results/demo/networks/mobilenet_v2/frozen"
STARTED = f"""
total                                       262

localrule pattern_sums:
    input: notebooks/pattern_attribution/sums.ipynb, src/netlens/__init__.py
    output: {SUMS}.npz, {SUMS}.json
    log: results/demo/executed/sums.ipynb
    jobid: 3
    reason: Missing output files
    wildcards: network=squeezenet, shard=1, of=2
    resources: tmpdir=/tmp
localrule frozen:
    output: {FROZEN}.pb, {FROZEN}.json
    jobid: 4
    wildcards: network=mobilenet_v2
Select jobs to execute...
12 of 262 steps (4%) done
"""
BAR = "netlens: sums[patterns-squeezenet-sums-1of2]: pattern sums:  25%|██▎    | 56/240 [00:19<00:46,  3.93image/s]"


def planned(rule, output, *above):
    return PlannedJob(rule, rule, above, (f"{output}.json", output))


def costs():
    jobs = (planned("pattern_sums", f"{SUMS}.npz"), planned("frozen", f"{FROZEN}.pb"), planned("later", "a", "other"))
    return [(job, Cost(seconds, seconds, 500, 1)) for job, seconds in zip(jobs, (100, 30, 300), strict=True)]


@pytest.fixture
def clock(monkeypatch):
    """Give the time in seconds, which only the test moves."""
    now = [1000.0]
    monkeypatch.setattr("netlens.cli.live_display.time.monotonic", lambda: now[0])
    return now


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """A terminal that can move its cursor, whatever the tests run in."""
    monkeypatch.setenv("TERM", "xterm")


def read(display, text):
    lines = SnakemakeLines()
    for line in text.splitlines():
        event = lines.read(line)
        if event is not None:
            display.take(event)


def test_running_jobs_with_their_networks_and_bars_are_drawn():
    drawn = io.StringIO()
    with LiveDisplay(2, console=Console(file=drawn, force_terminal=True, width=100, color_system=None)) as display:
        read(display, f"{STARTED}\n{BAR}")
    last = drawn.getvalue().splitlines()
    assert any("12/262 jobs" in line for line in last)
    assert any("pattern_sums squeezenet 1/2" in line and "━" in line and "56/240" in line for line in last)
    assert any("frozen mobilenet_v2" in line and "━" not in line for line in last)


def test_jobs_that_ended_are_not_drawn():
    drawn = io.StringIO()
    with LiveDisplay(2, console=Console(file=drawn, force_terminal=True, width=100, color_system=None)) as display:
        read(display, STARTED)
        read(display, "Finished jobid: 4 (Rule: frozen)\nError in rule pattern_sums:\n    message: None\n    jobid: 3")
    assert "frozen" not in drawn.getvalue() and "pattern_sums" not in drawn.getvalue()


def test_the_time_left_is_that_of_the_schedule(clock):
    display = LiveDisplay(1)
    assert display.time_left_s() is None
    display.expect(costs())
    assert display.time_left_s() == 430
    read(display, STARTED)
    clock[0] += 10
    assert display.time_left_s() == 90 + 20 + 300
    read(display, BAR.replace("squeezenet", "small_vgg"))  # of a job that is not known to run
    assert display.time_left_s() == 90 + 20 + 300


def test_a_bar_says_more_than_the_expected_time(clock):
    display = LiveDisplay(1)
    display.expect(costs())
    read(display, STARTED)
    clock[0] += 60
    read(display, BAR)
    assert display.time_left_s() == pytest.approx(180 + 0 + 300)


def test_a_slow_machine_takes_longer_for_the_rest(clock):
    display = LiveDisplay(1)
    display.expect(costs())
    read(display, STARTED)
    clock[0] += 60
    read(display, "Finished jobid: 4 (Rule: frozen)")
    assert display.time_left_s() == 2 * 100 - 60 + 2 * 300
