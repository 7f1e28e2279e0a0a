"""Provenance of a figure or number: code, inputs, parameters, versions, machine."""

import importlib.metadata
import json
import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from netlens.files.hashing import sha256_of

#: Libraries whose version can affect a number or a figure.
LIBRARIES = (
    "tensorflow-cpu",
    "tensorflow",
    "tf-keras",
    "innvestigate",
    "lucid",
    "numpy",
    "scipy",
    "scikit-image",
    "scikit-learn",
    "matplotlib",
    "seaborn",
    "pandas",
    "pillow",
    "papermill",
    "snakemake",
)


#: Environment variables that choose how libraries compute, and with them the last digits of a result.
NUMERICAL_SETTINGS = (
    "NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "TF_ENABLE_ONEDNN_OPTS",
)  # fmt: skip


def numerical_settings() -> dict[str, str]:
    """Return what of `NUMERICAL_SETTINGS` this process was started with."""
    return {name: os.environ[name] for name in NUMERICAL_SETTINGS if os.environ.get(name)}


def hashes(paths: Iterable[str | Path]) -> dict[str, str]:
    """SHA-256 of files and folders, by path."""
    return {str(path): sha256_of(path) for path in paths}


def git_state() -> dict[str, Any]:
    """Current commit and whether the working tree is clean; None for both outside a git repository."""
    try:
        commit = _git("rev-parse", "HEAD").strip()
        # Only changes of tracked files make the tree differ from the commit.
        clean = not _git("status", "--porcelain", "--untracked-files=no").strip()
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "clean": None}
    return {"commit": commit, "clean": clean}


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


def machine() -> dict[str, Any]:
    """Description of the machine, without its name: processor, cores, memory, system."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Installed versions of `LIBRARIES`."""
    return {name: version for name in LIBRARIES if (version := _version(name)) is not None}


def _version(library: str) -> str | None:
    """Installed version of a library; None if it is not installed.

    `importlib.metadata.version` parses the library's whole description for it, which takes three times as long.
    """
    try:
        described = importlib.metadata.distribution(library).read_text("METADATA") or ""
    except importlib.metadata.PackageNotFoundError:
        return None
    found = re.search(r"^Version: (\S+)$", described, re.MULTILINE)
    return found[1] if found else importlib.metadata.version(library)


def pins() -> dict[str, str | None]:
    """The file of pinned packages that was installed, and its sha256; None for that outside of a checkout."""
    path = Path("requirements") / ("gpu.txt" if _version("tensorflow") else "cpu.txt")
    return {"path": str(path), "sha256": sha256_of(path) if path.is_file() else None}


def record_process(path: str | Path) -> None:
    """Write what only the notebook's own process knows: the modules that it imported, its devices and what it cost.

    The runner appends a cell to each notebook that calls this function.
    """
    devices = ["CPU"]
    # TensorFlow may have been imported before the process was forked; only this module uses it.
    backend = sys.modules.get("netlens.models.backend")
    if backend is not None:
        gpus = backend.tf.config.list_physical_devices("GPU")
        details = [backend.tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        devices = [str(known.get("device_name", gpu.name)) for gpu, known in zip(gpus, details, strict=True)] or devices
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    known = {
        "modules": sorted(name for name in sys.modules if name.split(".")[0] == "netlens"),
        "tensorflow": backend is not None,
        "devices": devices,
        "processor_s": round(sum(usage.ru_utime + usage.ru_stime for usage in used), 2),
        "peak_memory_mb": round(max(usage.ru_maxrss for usage in used) / 1024),
    }
    Path(path).write_text(json.dumps(known), encoding="utf-8")
