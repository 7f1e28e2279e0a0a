"""Jobs of Snakemake as jobs of Kubernetes: what profiles/kubernetes has Snakemake's executor cluster-generic call.

    python profiles/kubernetes/jobs.py submit SCRIPT      # prints the name of the job that runs a script of Snakemake's
    python profiles/kubernetes/jobs.py show SCRIPT        # prints what would be submitted
    python profiles/kubernetes/jobs.py status NAME        # prints running, success or failed
    python profiles/kubernetes/jobs.py cancel NAME ...

Every job is a container of one image that has the volume of the checkout at the same path as here, so that nothing is
copied and nothing differs from a run on one machine. Settings are environment variables: NETLENS_IMAGE, the image of
the Dockerfile; NETLENS_VOLUME, the name of a persistent volume claim (ReadWriteMany); NETLENS_VOLUME_PATH, where it is
mounted here and in the jobs. ``kubectl`` knows the cluster and the namespace.

Only Python's standard library is needed.
"""

import json
import os
import shlex
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

SETTINGS = ("NETLENS_IMAGE", "NETLENS_VOLUME", "NETLENS_VOLUME_PATH")
#: Snakemake writes what a job asks for into its script, behind this.
_PROPERTIES = "# properties = "
_DAY_S = 86400
#: How often a server is asked that does not answer, and how long after each time.
_ATTEMPTS, _PAUSE_S = 4, 5.0


class JobError(Exception):
    """What is missing or wrong, in one line."""


def manifest(script: Path, settings: Mapping[str, str]) -> dict[str, Any]:
    """Return the job of Kubernetes that runs a script of Snakemake's.

    Parameters
    ----------
    script
        Script of a job, on the volume.
    settings
        Environment variables.

    Raises
    ------
    JobError
        A setting is missing, the script is not one of Snakemake's, or it does not lie on the volume.
    """
    for name in SETTINGS:
        if not settings.get(name):
            raise JobError(f"{name} is not set; profiles/kubernetes/jobs.py says what it is")
    place = Path(settings["NETLENS_VOLUME_PATH"])
    if not script.resolve().is_relative_to(place.resolve()):
        raise JobError(f"{script} does not lie in {place} (NETLENS_VOLUME_PATH): run from a checkout on the volume")
    properties = properties_of(script)
    resources = properties["resources"]
    asked = {"cpu": str(properties["threads"]), "memory": f"{resources['mem_mb']}M"}
    limits = {"memory": asked["memory"]}
    if resources.get("gpu"):
        limits["nvidia.com/gpu"] = str(resources["gpu"])
    passed_on = [{"name": key, "value": value} for key, value in sorted(settings.items()) if key == "NETLENS_DEVICE"]
    container = {
        "name": "snakemake",
        "image": settings["NETLENS_IMAGE"],
        "command": ["/bin/sh", str(script.resolve())],
        "workingDir": str(Path.cwd()),
        "env": passed_on,
        "resources": {"requests": asked, "limits": limits},
        "volumeMounts": [{"name": "checkout", "mountPath": str(place)}],
    }
    volume = {"name": "checkout", "persistentVolumeClaim": {"claimName": settings["NETLENS_VOLUME"]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"netlens-{uuid.uuid4().hex[:20]}",
            "labels": {"app": "netlens"},
            "annotations": {"rule": str(properties["rule"])},
        },
        "spec": {
            # Snakemake itself starts a job again, with more memory.
            "backoffLimit": 0,
            "activeDeadlineSeconds": 60 * int(resources.get("runtime", 60)),
            "ttlSecondsAfterFinished": _DAY_S,
            "template": {
                "metadata": {"labels": {"app": "netlens"}},
                "spec": {"restartPolicy": "Never", "containers": [container], "volumes": [volume]},
            },
        },
    }


def properties_of(script: Path) -> dict[str, Any]:
    """Return what Snakemake wrote about a job into its script: rule, threads and resources, among others.

    Raises
    ------
    JobError
        The script is not there, or has no such line.
    """
    try:
        lines = script.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise JobError(f"{script}: {error.strerror}") from error
    for line in lines:
        if line.startswith(_PROPERTIES):
            found: dict[str, Any] = json.loads(line.removeprefix(_PROPERTIES))
            return found
    raise JobError(f"{script} is not the script of a job: no line begins with {_PROPERTIES!r}")


def state_of(job: Mapping[str, Any]) -> str:
    """Return ``running``, ``success`` or ``failed``, from a job as Kubernetes describes it."""
    conditions = job.get("status", {}).get("conditions") or []
    held = {condition["type"] for condition in conditions if condition["status"] == "True"}
    if "Complete" in held:
        return "success"
    return "failed" if "Failed" in held else "running"


def submit(script: str) -> None:
    """Create the job, and print its name."""
    made = manifest(Path(script), os.environ)
    _kubectl("create", "-f", "-", given=json.dumps(made))
    print(made["metadata"]["name"])


def show(script: str) -> None:
    """Print the job that would be created."""
    print(json.dumps(manifest(Path(script), os.environ), indent=2))


def status(name: str) -> None:
    """Print the state of a job. One that is no longer there has failed: somebody removed it."""
    for rest in reversed(range(_ATTEMPTS)):
        try:
            told = _kubectl("get", "job", name, "--ignore-not-found", "-o", "json")
        except JobError:
            # A server that does not answer for once must not end the run.
            if not rest:
                raise
            time.sleep(_PAUSE_S)
        else:
            print(state_of(json.loads(told)) if told.strip() else "failed")
            return


def cancel(*names: str) -> None:
    """Remove jobs, with their containers."""
    _kubectl("delete", "job", *names, "--ignore-not-found", "--wait=false")


def _kubectl(*arguments: str, given: str = "") -> str:
    # KUBECTL may name another program, or one with options.
    command = [*shlex.split(os.environ.get("KUBECTL", "kubectl")), *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise JobError(f"there is no program {command[0]}: install it, or name it in KUBECTL") from error
    if done.returncode:
        raise JobError(f"{shlex.join(command[:3])} failed: {(done.stderr.strip() or 'no reason').splitlines()[-1]}")
    return done.stdout


COMMANDS: dict[str, Callable[..., None]] = {"submit": submit, "show": show, "status": status, "cancel": cancel}


def main(arguments: Sequence[str]) -> int:
    """Run a command, and return its exit status."""
    if len(arguments) < 2 or arguments[0] not in COMMANDS:
        print(f"netlens: error: use {', '.join(COMMANDS)}, and what it is for", file=sys.stderr)
        return 2
    try:
        COMMANDS[arguments[0]](*arguments[1:])
    except JobError as error:
        print(f"netlens: error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
