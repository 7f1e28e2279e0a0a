"""The environment of a notebook's process: its GPU, its threads, and nothing of the user's own settings."""

import os

import pytest

from netlens.workflow.job import Job
from netlens.workflow.notebook_process import set_environment


def test_a_job_on_a_gpu_shares_it_and_computes_in_full_precision(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "environ", {})
    job = Job(name="a", notebook="a.ipynb", outputs=[], log="log", gpu=True)
    set_environment(job, tmp_path, "GPU-1", "sockets")
    chosen = {name: os.environ[name] for name in ("CUDA_VISIBLE_DEVICES", "TF_FORCE_GPU_ALLOW_GROWTH")}
    assert chosen == {"CUDA_VISIBLE_DEVICES": "GPU-1", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    assert os.environ["NVIDIA_TF32_OVERRIDE"] == "0"


def test_other_jobs_see_no_gpu(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "environ", {})
    job = Job(name="a", notebook="a.ipynb", outputs=[], log="log")
    set_environment(job, tmp_path, None, "sockets")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"


@pytest.mark.parametrize(("wanted", "threads"), [("", "3"), ("2", "2")])
def test_threads_are_the_rules_or_those_that_are_asked_for(monkeypatch, tmp_path, wanted, threads):
    monkeypatch.setattr(os, "environ", {"NETLENS_THREADS": wanted})
    set_environment(Job("a", "a.ipynb", [], "log", threads=3), tmp_path, None, "sockets")
    assert {os.environ[name] for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")} == {threads}
