"""profiles/slurm on a real Slurm of one node, which .ci/slurm starts: a study through sbatch, with a killed job.

Skipped unless NETLENS_TEST_SLURM is set: it needs root, Debian's packages (see .ci/slurm) and requirements/slurm.txt.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "slurm"
LACKING = [program for program in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(program)]
if not importlib.util.find_spec("snakemake_executor_plugin_slurm"):
    LACKING.append("requirements/slurm.txt")

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.timeout(1200),
    pytest.mark.skipif("NETLENS_TEST_SLURM" not in os.environ, reason="NETLENS_TEST_SLURM is not set"),
    pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}"),
]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Start a Slurm for these tests, and end it with all of its jobs."""
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run([SCRIPT, "start", folder], check=True)
    yield folder
    subprocess.run([SCRIPT, "stop", folder], check=True)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, network_builders, linked_checkout):
    """A folder like the repository's, with two studies: one with three shards of pattern sums, and one with one."""
    from netlens.models.backend import keras, tf, tf1

    folder = linked_checkout(tmp_path_factory.mktemp("checkout"))
    (folder / "profiles").symlink_to(ROOT / "profiles")
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(110):
            pixels = rng.integers(0, 255, (32, 32, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "images" / name / f"{number}.png")
    with tf.Graph().as_default(), tf1.Session():
        keras.utils.set_random_seed(0)
        image = keras.Input((32, 32, 3), name="image")
        keras.Model(image, network_builders["residual_net"](image)).save(folder / "net.h5")
    for study, shards in (("several", 3), ("one", 1)):
        settings = {
            "study": study,
            "title": study,
            "images_are": "noise",
            "images": {"noise": {"kind": "folder", "folder": "images", "size_px": [32, 32]}},
            "networks": {"net": {"kind": "file", "file": "net.h5", "images": "noise"}},
            "pattern_attribution": {"shards_count": shards},
        }
        (folder / "config" / f"{study}.yaml").write_text(yaml.safe_dump(settings))
    return folder


def command(study, *options):
    return [sys.executable, "-m", "snakemake", "patternImageCount", "--config", f"study={study}", "--nocolor", *options]


def environment():
    return {**os.environ, "NETLENS_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}


def running_job(rule):
    """Wait for a job of a rule to run, and return its number."""
    for _ in range(600):
        done = subprocess.run(
            ["squeue", "--noheader", "--states=RUNNING", "--format=%i %k"], capture_output=True, text=True, check=True
        )
        found = re.search(rf"^(\d+) rule_{rule}_", done.stdout, re.MULTILINE)
        if found:
            return found[1]
        time.sleep(0.5)
    raise AssertionError(f"no job of {rule} has started")


def test_a_study_runs_through_sbatch_and_outlives_a_killed_job(slurm, checkout):
    log = checkout / "snakemake.log"
    options = ["--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue"]
    with log.open("w") as file:
        run = subprocess.Popen(
            command("several", *options), cwd=checkout, env=environment(), stdout=file, stderr=subprocess.STDOUT
        )
        try:
            subprocess.run(["scancel", "--full", "--signal=KILL", running_job("pattern_sums")], check=True)
            status = run.wait(900)
        finally:
            run.kill()
    told = log.read_text()
    print(told)
    assert status == 0
    assert "Trying to restart job" in told
    assert len(re.findall(r"has been submitted with SLURM jobid", told)) == 8, "seven jobs, and the killed one again"
    assert (checkout / "export_defs/several/patternImageCount.tex").is_file()
    assert not list((checkout / "results/several/staging").glob("*/*")), "what the killed job has left behind"

    alone = subprocess.run(
        command("one", "--workflow-profile", "none", "--cores", "2"), cwd=checkout, env=environment(), check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert alone.returncode == 0, alone.stderr
    with (
        np.load(checkout / "results/several/patterns/net/relu.npz") as several,
        np.load(checkout / "results/one/patterns/net/relu.npz") as one,
    ):
        assert several.files == one.files
        for name in one.files:
            if one[name].dtype.kind == "f":
                np.testing.assert_allclose(several[name], one[name], rtol=1e-10, atol=1e-12, err_msg=name)
