"""The memory of processes that end without telling."""

import os
import subprocess
import sys
import time

from netlens.workflow.peak_memory import PeakMemory

# A child of a child of the watched process, which uses the memory and gives it back.
USER = "import time; used = b'x' * (80 << 20); time.sleep(0.3); del used; time.sleep(60)"
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {USER!r}])"


def test_the_peak_of_the_largest_process_below_another_one():
    command = ["sh", "-c", '"$@"; true', "sh", sys.executable, "-S", "-c", CHILD]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, process_group=0) as process:
        peak = PeakMemory(process.pid, every_s=0.02)
        deadline = time.monotonic() + 10
        while peak.largest_mb < 80 and time.monotonic() < deadline:
            time.sleep(0.02)
        peak.stop()
        os.killpg(process.pid, 9)
    assert 80 <= peak.largest_mb < 160
    assert peak.told() == f" after using up to {peak.largest_mb} MB"


def test_nothing_is_told_where_no_process_was_seen():
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        peak = PeakMemory(process.pid, every_s=0.02)
        time.sleep(0.1)
        peak.stop()
        process.communicate()
    assert peak.told() == ""
