"""profiles/kubernetes: what is submitted, and a small workflow whose jobs go through a stand-in for kubectl.

The workflow is skipped unless NETLENS_TEST_KUBERNETES is set: it needs requirements/kubernetes.txt. The stand-in runs
the container's command in a process on this machine, from the manifest alone; there is no cluster and no image in it.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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


# A job that fails for lack of memory at first, and shows what it gets of the environment.
WORKFLOW = """
rule all:
    input: "made.txt"
    localrule: True
rule pattern_sums:
    output: "made.txt"
    resources: mem_mb=lambda wildcards, attempt: 100 * attempt, gpu=0
    shell: "test {resources.mem_mb} -gt 100 && echo $NETLENS_DEVICE > {output}"
"""


@pytest.mark.timeout(300)
@pytest.mark.skipif("NETLENS_TEST_KUBERNETES" not in os.environ, reason="NETLENS_TEST_KUBERNETES is not set")
def test_jobs_go_through_the_profile_and_a_failed_one_asks_for_more(tmp_path):
    assert importlib.util.find_spec(EXECUTOR), "install requirements/kubernetes.txt"
    folder = tmp_path / "checkout"
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / "profiles").symlink_to(ROOT / "profiles")
    (folder / "Snakefile").write_text(WORKFLOW)
    (tmp_path / "kubectl.py").write_text(STAND_IN)
    kept = tmp_path / "jobs"
    kept.mkdir()
    plugins = str(Path(importlib.util.find_spec(EXECUTOR).origin).parents[1])
    environment = os.environ | settings(
        tmp_path, NETLENS_DEVICE="cpu", STAND_IN_JOBS=str(kept), PYTHONPATH=plugins,
        KUBECTL=f"{sys.executable} {tmp_path / 'kubectl.py'}",
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--workflow-profile", "profiles/kubernetes", "--latency-wait", "3"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert (folder / "made.txt").read_text() == "cpu\n"
    assert "Trying to restart job" in done.stderr
    made = [json.loads(path.read_text())["spec"] for path in kept.glob("*.json")]
    limits = [job["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] for job in made]
    assert sorted(limits) == ["100M", "200M"]
    assert {job["activeDeadlineSeconds"] for job in made} == {720 * 60}, "the rule's time in the profile"
