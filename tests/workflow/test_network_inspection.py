import json
import signal
import subprocess
import sys
import time

import pytest

from netlens.workflow.lifeline import _exists

SPEC = {"kind": "named", "architecture": "vgg16", "size_px": [224, 224], "classes_count": 1000}
# Asks for an inspection as `netlens.workflow.network_facts` does, and says which process that is.
ASKING = f"""
import os, subprocess, sys, time
command = [sys.executable, "-m", "netlens.workflow.network_inspection", sys.argv[1], str(os.getpid())]
process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
process.stdin.write({json.dumps([SPEC])!r})
process.stdin.close()
print(process.pid, flush=True)
process.wait()
"""


@pytest.mark.slow
def test_it_ends_with_the_process_that_asked(tmp_path):
    output = tmp_path / "facts.json"
    command = [sys.executable, "-c", ASKING, str(output)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as asking:
        inspecting = int(asking.stdout.readline())
        # It has begun, and needs seconds to import TensorFlow.
        time.sleep(1)
        assert _exists(inspecting)
        asking.send_signal(signal.SIGKILL)
        asking.wait()
        end = time.monotonic() + 3
        while _exists(inspecting) and time.monotonic() < end:
            time.sleep(0.05)
        assert not _exists(inspecting)
    assert not output.exists()
