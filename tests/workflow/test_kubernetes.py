"""profiles/kubernetes: what is submitted, and a study whose jobs go through a stand-in for kubectl.

The study is skipped unless NETLENS_TEST_KUBERNETES is set: it needs requirements/kubernetes.txt. The stand-in runs the
container's command in a process on this machine, from the manifest alone; there is no cluster and no image in it.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "profiles" / "kubernetes" / "jobs.py"
EXECUTOR = "snakemake_executor_plugin_cluster_generic"


@pytest.fixture(scope="module")
def jobs():
    """The script of the profile, which is in no package."""
    found = importlib.util.spec_from_file_location("kubernetes_jobs", SCRIPT)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def job_script(tmp_path):
    """Write the script of a job as Snakemake writes it."""

    def write(**changes):
        resources = {"mem_mb": 1500, "runtime": 90, "gpu": 0} | changes
        properties = {"type": "single", "rule": "pattern_sums", "threads": 1, "resources": resources}
        path = tmp_path / "snakejob.sh"
        path.write_text(f"#!/bin/sh\n# properties = {json.dumps(properties)}\ntrue\n")
        return path

    return write


def settings(place, **changes):
    return {"NETLENS_IMAGE": "netlens:1", "NETLENS_VOLUME": "checkout", "NETLENS_VOLUME_PATH": str(place)} | changes


def test_a_job_asks_for_what_its_rule_asks_for(jobs, job_script, tmp_path):
    script = job_script()
    made = jobs.manifest(script, settings(tmp_path))
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["/bin/sh", str(script)]
    assert container["resources"] == {"requests": {"cpu": "1", "memory": "1500M"}, "limits": {"memory": "1500M"}}
    assert made["spec"]["activeDeadlineSeconds"] == 90 * 60
    assert made["spec"]["backoffLimit"] == 0, "Snakemake starts jobs again"
    assert container["volumeMounts"] == [{"name": "checkout", "mountPath": str(tmp_path)}]
    assert made["metadata"]["name"] != jobs.manifest(script, settings(tmp_path))["metadata"]["name"]


def test_gpus_are_asked_for_where_a_rule_does(jobs, job_script, tmp_path):
    made = jobs.manifest(job_script(gpu=1), settings(tmp_path, NETLENS_DEVICE="gpu", HOME="/root"))
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert container["env"] == [{"name": "NETLENS_DEVICE", "value": "gpu"}], "nothing else of the environment"


@pytest.mark.parametrize("name", ["NETLENS_IMAGE", "NETLENS_VOLUME", "NETLENS_VOLUME_PATH"])
def test_a_missing_setting_is_named(jobs, job_script, tmp_path, name):
    with pytest.raises(jobs.JobError, match=f"^{name} is not set"):
        jobs.manifest(job_script(), settings(tmp_path, **{name: ""}))


def test_a_script_beside_the_volume_is_refused(jobs, job_script, tmp_path):
    with pytest.raises(jobs.JobError, match="does not lie in"):
        jobs.manifest(job_script(), settings(tmp_path / "volume"))


def test_a_script_of_something_else_is_refused_in_one_line(tmp_path):
    (tmp_path / "other.sh").write_text("true\n")
    done = subprocess.run(
        [sys.executable, SCRIPT, "show", tmp_path / "other.sh"], env=settings(tmp_path), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("netlens: error: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("conditions", "state"),
    [
        (None, "running"),
        ([{"type": "Suspended", "status": "True"}], "running"),
        ([{"type": "Failed", "status": "False"}], "running"),
        ([{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}], "success"),
        ([{"type": "FailureTarget", "status": "True"}, {"type": "Failed", "status": "True"}], "failed"),
    ],
)
def test_states_of_kubernetes(jobs, conditions, state):
    assert jobs.state_of({"status": {"conditions": conditions}}) == state


def test_the_profile_has_the_times_of_the_one_for_slurm():
    ours, slurm = (
        yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text()) for name in ("kubernetes", "slurm")
    )
    for key in ("default-resources", "set-resources", "retries", "latency-wait", "local-cores"):
        assert ours[key] == slurm[key]


def test_without_kubectl_one_line_says_so(job_script, tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPT, "submit", job_script()],
        env=settings(tmp_path, KUBECTL="no-such-kubectl"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "netlens: error: there is no program no-such-kubectl: install it, or name it in KUBECTL\n"


# What kubectl would do: keep the manifest, run the container's command, and say how it ended.
STAND_IN = """
import json, os, subprocess, sys
from pathlib import Path
folder = Path(os.environ["STAND_IN_JOBS"])
if sys.argv[1] == "create":
    job = json.load(sys.stdin)
    (folder / (job["metadata"]["name"] + ".json")).write_text(json.dumps(job))
    container = job["spec"]["template"]["spec"]["containers"][0]
    told = open(folder / (job["metadata"]["name"] + ".log"), "w")
    own = {variable["name"]: variable["value"] for variable in container["env"]}
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH")} | own
    ended = folder / (job["metadata"]["name"] + ".ended")
    run = container["command"][:1] + ["-c", f'"$@"; echo $? > {ended}', "sh"] + container["command"]
    subprocess.Popen(run, cwd=container["workingDir"], env=environment, stdout=told, stderr=told,
                     stdin=subprocess.DEVNULL, start_new_session=True)
elif sys.argv[1] == "get":
    ended = folder / (sys.argv[3] + ".ended")
    status = ended.read_text().strip() if ended.exists() else ""
    kind = {"": None, "0": "Complete"}.get(status, "Failed")
    print(json.dumps({"status": {"conditions": [{"type": kind, "status": "True"}] if kind else []}}))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif("NETLENS_TEST_KUBERNETES" not in os.environ, reason="NETLENS_TEST_KUBERNETES is not set")
def test_a_study_runs_through_the_profile(tmp_path, linked_checkout, network_builders):
    from netlens.models.backend import keras, tf, tf1

    assert importlib.util.find_spec(EXECUTOR), "install requirements/kubernetes.txt"
    folder = linked_checkout(tmp_path / "checkout")
    (folder / "profiles").symlink_to(ROOT / "profiles")
    if not (folder / ".venv").exists():
        (folder / ".venv" / "bin").mkdir(parents=True)
        (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(40):
            Image.fromarray(rng.integers(0, 255, (32, 32, 3)).astype(np.uint8)).save(
                folder / "images" / name / f"{number}.png"
            )
    with tf.Graph().as_default(), tf1.Session():
        image = keras.Input((32, 32, 3), name="image")
        keras.Model(image, network_builders["residual_net"](image)).save(folder / "net.h5")
    study = {
        "study": "several", "title": "several", "images_are": "noise",
        "images": {"noise": {"kind": "folder", "folder": "images", "size_px": [32, 32]}},
        "networks": {"net": {"kind": "file", "file": "net.h5", "images": "noise"}},
        "pattern_attribution": {"shards_count": 2},
    }  # fmt: skip
    (folder / "config" / "several.yaml").write_text(yaml.safe_dump(study))
    (tmp_path / "kubectl.py").write_text(STAND_IN)
    (tmp_path / "jobs").mkdir()
    plugins = Path(importlib.util.find_spec(EXECUTOR).origin).parents[1]
    environment = os.environ | {
        "NETLENS_DEVICE": "cpu", "OMP_NUM_THREADS": "1", "STAND_IN_JOBS": str(tmp_path / "jobs"),
        "KUBECTL": f"{sys.executable} {tmp_path / 'kubectl.py'}",
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{plugins}",
        **settings(tmp_path),
    }  # fmt: skip
    options = ["--workflow-profile", "profiles/kubernetes", "--latency-wait", "5", "--nocolor"]
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "patternImageCount", "--config", "study=several", *options],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    logs = "\n".join(path.read_text()[-1500:] for path in (tmp_path / "jobs").glob("*.log"))
    assert done.returncode == 0, f"{done.stderr[-3000:]}\n{logs}"
    made = [json.loads(path.read_text()) for path in (tmp_path / "jobs").glob("*.json")]
    minutes = [(job["metadata"]["annotations"]["rule"], job["spec"]["activeDeadlineSeconds"] // 60) for job in made]
    assert minutes.count(("pattern_sums", 720)) == 2
    assert dict(minutes) == dict.fromkeys((rule for rule, _ in minutes), 60) | {"pattern_sums": 720}
    assert (folder / "export_defs/several/patternImageCount.tex").is_file()
