"""Processes that end with others."""

import subprocess
import sys
import threading
import time

import pytest

from netlens.workflow.lifeline import end_group, group_exists, when_ended

SLEEPERS = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {!r}]); print(flush=True); time.sleep(60)"
)


def test_the_end_of_a_killed_process_is_noticed():
    ended = threading.Event()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        when_ended(process.pid, ended.set)
        assert not ended.wait(0.1)
        process.kill()
        assert ended.wait(5)


@pytest.mark.slow
def test_a_group_ends_with_its_children_even_if_one_ignores_the_interrupt():
    stubborn = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(60)"
    command = [sys.executable, "-c", SLEEPERS.format(stubborn)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0) as process:
        process.stdout.readline()
        time.sleep(0.3)
        assert group_exists(process.pid)
        end_group(process.pid, grace_s=0.5)
        process.wait(5)
        time.sleep(0.2)
        assert not group_exists(process.pid)


def test_systems_that_cannot_tell_are_asked_again_and_again(monkeypatch):
    monkeypatch.delattr("os.pidfd_open")
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    ended = threading.Event()
    when_ended(process.pid, ended.set, poll_s=0.01)
    assert not ended.wait(0.2)
    process.communicate(b"\n")
    assert ended.wait(10)
