"""Snakemake's place is taken by a small process with a child: whatever ends the supervising one ends both."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netlens.workflow.lifeline import group_exists

# As Snakemake does, with a job that ends later than it.
STAND_IN = """
import subprocess, sys, time
from types import SimpleNamespace
from netlens.workflow.run_lock import begin_run
begin_run(SimpleNamespace(is_main_process=True, local_exec=False))
subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
print("job runs", flush=True)
time.sleep(60)
"""

SUPERVISING = """
import os, signal, sys
from netlens.cli.supervised import EndedBySignalError, run_supervised
from netlens.workflow.run_lock import only_run
# As at a terminal, also where the tests themselves run in the background, which ignores these signals.
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN if number == int(sys.argv[2]) else signal.SIG_DFL)
with only_run() as lock:
    try:
        status = run_supervised(
            [sys.executable, "-c", sys.argv[1]], {"ADDED": "yes"}, lock, lambda line: print(line, end="", flush=True)
        )
    except EndedBySignalError as ended:
        sys.exit(128 + ended.number)
print("status", status, flush=True)
"""


@pytest.fixture
def supervise(tmp_path):
    """Give a function that starts a supervising process in a folder of its own, and end what it started."""
    started = []

    def start(script, ignored=0):
        process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISING, script, str(int(ignored))],
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def child_of(process):
    """Number of the one child, which is that of its group."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


def wait_for_end(group):
    deadline = time.monotonic() + 10
    while group_exists(group):
        assert time.monotonic() < deadline, "processes of the group outlive the supervising one"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_whole_group_first(supervise, number):
    process = supervise(STAND_IN)
    assert process.stdout.readline() == "job runs\n"
    group = child_of(process)
    process.send_signal(number)
    process.wait(10)
    assert process.returncode == 128 + number
    assert not group_exists(group)


def test_the_group_ends_although_the_supervising_process_was_killed(supervise):
    process = supervise(STAND_IN)
    assert process.stdout.readline() == "job runs\n"
    group = child_of(process)
    process.kill()
    wait_for_end(group)


def test_jobs_end_with_a_killed_snakemake_and_its_status_is_told(supervise):
    process = supervise(STAND_IN)
    assert process.stdout.readline() == "job runs\n"
    group = child_of(process)
    os.kill(group, signal.SIGKILL)
    # The job holds the pipe open that is read.
    wait_for_end(group)
    # The job may tell before that it was interrupted.
    assert "status -9\n" in process.stdout


def test_a_signal_that_the_user_ignores_ends_nothing(supervise):
    process = supervise("import time; print('runs', flush=True); time.sleep(60)", ignored=signal.SIGHUP)
    assert process.stdout.readline() == "runs\n"
    process.send_signal(signal.SIGHUP)
    time.sleep(0.1)
    assert process.poll() is None
    os.killpg(child_of(process), signal.SIGINT)


def test_lines_status_and_variables_reach_the_other_side(supervise):
    output, _ = supervise("import os, sys; print(os.environ['ADDED'], flush=True); sys.exit('wrong')").communicate(
        timeout=10
    )
    assert output.splitlines() == ["yes", "wrong", "status 1"]
