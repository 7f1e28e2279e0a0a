"""The command as a process."""

import signal
import subprocess
import sys

import pytest

# Interrupts the process when one of its modules is looked for.
_INTERRUPTED = """
import os, runpy, signal, sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Interrupting())
sys.argv = ["netlens", "list", "--study", "unknown"]
runpy.run_module("netlens", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("module", "status", "told"),
    [
        ("netlens.workflow.catalogue", -signal.SIGINT, ""),
        ("netlens.workflow.study", 130, "netlens: error: interrupted\n"),
    ],
    ids=["while the command is imported", "while it works"],
)
def test_an_interrupt_is_never_a_traceback(module, status, told):
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED.format(module=module)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "", told)
