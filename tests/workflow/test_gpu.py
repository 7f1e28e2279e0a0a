"""GPU slots, with a driver of the test's own."""

import threading

import pytest

from netlens.workflow.gpu import gpu_slot, visible_gpus


@pytest.fixture
def driver(tmp_path, monkeypatch):
    script = tmp_path / "nvidia-smi"
    script.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("NETLENS_DEVICE", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return script


def test_the_driver_is_asked(driver):
    assert visible_gpus() == ["0", "1"]


def test_a_driver_that_does_not_answer_means_no_gpu(driver):
    driver.write_text("#!/bin/sh\necho 'no devices were found'; exit 9\n")
    assert visible_gpus() == []


def test_the_user_can_choose(driver, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert visible_gpus() == ["1"]
    monkeypatch.setenv("NETLENS_DEVICE", "cpu")
    assert visible_gpus() == []


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
