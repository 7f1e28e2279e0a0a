"""GPU slots, with a driver of the test's own."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from netlens.workflow.errors import UserError
from netlens.workflow.gpu import gpu_slot, visible_gpus, why_no_gpu

TWO = "GPU 0: NVIDIA H100 (UUID: GPU-aaaa-1)\nGPU 1: NVIDIA H100 (UUID: GPU-bbbb-2)\n"
DIVIDED = (
    "GPU 0: NVIDIA A100 (UUID: GPU-aaaa-1)\n"
    "  MIG 3g.20gb     Device  0: (UUID: MIG-cccc-3)\n"
    "  MIG 3g.20gb     Device  1: (UUID: MIG-GPU-aaaa-1/2/0)\n"
    "GPU 1: NVIDIA A100 (UUID: GPU-bbbb-2)\n"
)


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Return a function that sets what the driver lists."""
    script = tmp_path / "nvidia-smi"

    def lists(text):
        script.write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\n")
        script.chmod(0o755)

    lists(TWO)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("NETLENS_DEVICE", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return lists


def test_the_driver_is_asked(driver):
    assert visible_gpus() == ["GPU-aaaa-1", "GPU-bbbb-2"]


def test_the_instances_of_a_divided_gpu_are_slots(driver):
    driver(DIVIDED)
    assert visible_gpus() == ["MIG-cccc-3", "MIG-GPU-aaaa-1/2/0", "GPU-bbbb-2"]
    with gpu_slot(["MIG-GPU-aaaa-1/2/0"]) as slot:
        assert slot == "MIG-GPU-aaaa-1/2/0"


def test_a_driver_that_does_not_answer_means_no_gpu(driver, tmp_path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'no devices were found'; exit 9\n")
    assert visible_gpus() == []
    assert why_no_gpu() == "the NVIDIA driver reports none"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", ["GPU-bbbb-2"]),
        ("1,0", ["GPU-bbbb-2", "MIG-cccc-3", "MIG-GPU-aaaa-1/2/0"]),
        ("GPU-bbbb-2", ["GPU-bbbb-2"]),
        ("GPU-b", ["GPU-bbbb-2"]),
        ("MIG-cccc-3", ["MIG-cccc-3"]),
        ("MIG-GPU-aaaa-1/2/0, GPU-bbbb-2", ["MIG-GPU-aaaa-1/2/0", "GPU-bbbb-2"]),
        ("", []),
        ("-1", []),
        ("1,-1,0", ["GPU-bbbb-2"]),
    ],
)
def test_the_user_can_choose(driver, monkeypatch, value, expected):
    driver(DIVIDED)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert visible_gpus() == expected
    if not expected:
        assert why_no_gpu() == f"CUDA_VISIBLE_DEVICES is {value!r}"


def test_the_cpu_can_be_chosen(driver, monkeypatch):
    monkeypatch.setenv("NETLENS_DEVICE", "cpu")
    assert visible_gpus() == []
    assert why_no_gpu() == "NETLENS_DEVICE is cpu"


@pytest.mark.parametrize("value", ["2", "0,7", "GPU-dddd", "MIG-dddd", "first"])
def test_a_gpu_that_does_not_exist_is_one_line(driver, monkeypatch, value):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    with pytest.raises(UserError, match=r"CUDA_VISIBLE_DEVICES: '[^']+' is no GPU of this machine; `nvidia-smi -L`"):
        visible_gpus()


def test_without_gpus_nothing_is_waited_for():
    with gpu_slot([]) as slot:
        assert slot is None


def test_each_gpu_is_held_once_and_freed(driver):
    with gpu_slot(["0", "1"]) as first, gpu_slot(["0", "1"]) as second:
        assert {first, second} == {"0", "1"}
        got = []
        waiting = threading.Thread(target=lambda: got.append(_take(["0", "1"])))
        waiting.start()
        waiting.join(0.2)
        assert not got
    waiting.join(10)
    assert got[0] in {"0", "1"}


def _take(gpus):
    with gpu_slot(gpus, poll_s=0.02) as slot:
        return slot


@pytest.mark.slow
def test_eight_jobs_on_two_gpus_of_which_one_is_killed_in_the_middle(driver, tmp_path):
    script = (
        "import os, sys, time\n"
        "from netlens.workflow.gpu import gpu_slot, visible_gpus\n"
        "with gpu_slot(visible_gpus(), poll_s=0.02) as gpu:\n"
        "    os.mkdir(f'held-{gpu}')\n"  # Fails if another process holds it.
        "    print(gpu, flush=True)\n"
        "    time.sleep(60 if sys.argv[1] == 'forever' else 0.2)\n"
        "    os.rmdir(f'held-{gpu}')\n"
    )
    # An environment in which the slots are of this test.
    environment = {**os.environ, "TMPDIR": str(tmp_path)}

    def start(how):
        command = [sys.executable, "-c", script, how]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)

    killed = start("forever")
    held = killed.stdout.readline().strip()
    others = [start("shortly") for _ in range(7)]
    # The first of them to start takes the other GPU; all wait for that one until the first is killed.
    time.sleep(1)
    # Before the slot is free, since the next process may have it before the killed one is seen to have ended.
    (tmp_path / f"held-{held}").rmdir()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    outputs = [process.communicate(timeout=60)[0].strip() for process in others]
    assert [process.returncode for process in others] == [0] * 7
    assert set(outputs) <= {"GPU-aaaa-1", "GPU-bbbb-2"}
    with gpu_slot([held], poll_s=0.02) as slot:
        assert slot == held
