"""Whether this machine has what netlens needs: each finding in a line, with the command that mends it."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from netlens.files.download import DownloadError, read_manifest
from netlens.models.errors import CheckpointError
from netlens.models.pretrained.weight_files import DIGESTS, weight_file
from netlens.workflow import gpu, tex
from netlens.workflow.errors import UserError
from netlens.workflow.image_specs import downloads_of
from netlens.workflow.network_specs import check_files
from netlens.workflow.study import load_study

Status = Literal["ok", "note", "problem"]

#: What the demo needs, in GB: for its results, and for two of its largest jobs at the same time.
DISK_GB: Final = 2.0
MEMORY_GB: Final = 4.0
#: Programs that the tests of pages open.
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes
    ----------
    about
        What it is.
    status
        ``ok``; ``note`` where something is missing that not everybody needs; ``problem``.
    words
        What was found.
    mend
        Command that mends it; empty if there is nothing to mend.
    """

    about: str
    status: Status
    words: str
    mend: str = ""


def examine(study: str = "demo") -> list[Finding]:
    """Look at Python, TensorFlow, TeX, GPU, disk, memory, browser, weights, and the data and licences of all studies.

    Parameters
    ----------
    study
        The study that has to run; what others lack is only noted.
    """
    return [
        _python(),
        _tensorflow(),
        _gpu(),
        _tex(),
        _disk(),
        _memory(),
        _browser(),
        _weights(),
        *_studies(study),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", "problem", f"{version}; 3.11, 3.12 or 3.13 is needed", "make env PYTHON=python3.12")
    return Finding("Python", "ok", f"{version} in {sys.prefix}")


def _tensorflow() -> Finding:
    found = {name: version for name in ("tensorflow", "tensorflow-cpu") if (version := _version(name))}
    if not found:
        return Finding("TensorFlow", "problem", "not installed", "make env")
    name, version = next(iter(found.items()))
    build = "for GPUs" if name == "tensorflow" else "for CPUs"
    pinned = _pinned(Path("requirements") / ("gpu.txt" if name == "tensorflow" else "cpu.txt"), name)
    if pinned and pinned != version:
        return Finding("TensorFlow", "problem", f"{version} {build}, but {pinned} is pinned", "make env")
    return Finding("TensorFlow", "ok", f"{version} {build}")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _pinned(pins: Path, package: str) -> str:
    text = pins.read_text(encoding="utf-8") if pins.is_file() else ""
    found = re.search(rf"^{re.escape(package)}(?:\[[^\]]*\])?==([\w.]+)", text, re.MULTILINE)
    return found[1] if found else ""


def _gpu() -> Finding:
    try:
        visible = gpu.visible_gpus()
    except UserError as error:
        return Finding("GPU", "problem", str(error), "unset CUDA_VISIBLE_DEVICES")
    if not visible:
        return Finding("GPU", "ok", f"none ({gpu.why_no_gpu()}); networks run on the CPU")
    if not _version("tensorflow"):
        return Finding("GPU", "problem", f"{len(visible)} found, but TensorFlow is the build for CPUs", "make env")
    return Finding("GPU", "ok", f"{len(visible)} found; to compare it with the CPU: netlens doctor --gpu")


def _tex() -> Finding:
    engine = tex.find_engine()
    if engine is None:
        return Finding("TeX", "problem", "not found; everything but the PDF can be made", tex.install_hint())
    return Finding("TeX", "ok", engine.name)


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    words = f"{free:.1f} GB free here; the demo needs about {DISK_GB:g} GB"
    if free < DISK_GB:
        return Finding("disk", "problem", words, "make clean")
    if not os.access(Path.cwd(), os.W_OK):
        return Finding("disk", "problem", "this folder cannot be written to", f"chmod u+w '{Path.cwd().name}'")
    return Finding("disk", "ok", words)


def _memory() -> Finding:
    try:
        text = Path("/proc/meminfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    if found is None:
        return Finding("memory", "note", "how much is free could not be found out")
    free = int(found[1]) * 1024 / 1e9
    words = f"{free:.1f} GB available; the demo needs about {MEMORY_GB:g} GB"
    return (
        Finding("memory", "ok", words)
        if free >= MEMORY_GB
        else Finding("memory", "problem", words, "netlens paper --cores 1")
    )


def _browser() -> Finding:
    found = next((name for name in BROWSERS if shutil.which(name)), "")
    if not found:
        return Finding("browser", "note", "none found; only the tests of pages need one", "apt-get install -y chromium")
    return Finding("browser", "ok", found)


def _weights() -> Finding:
    for name in DIGESTS:
        try:
            weight_file(name)
        except (OSError, CheckpointError) as error:
            return Finding("weights", "problem", str(error).partition(";")[0], "make env")
    return Finding("weights", "ok", f"{len(DIGESTS)} published files, as their sha256 says (requirements/weights.json)")


def _studies(chosen: str) -> Iterator[Finding]:
    names = sorted(path.stem for path in Path("config").glob("*.yaml") if path.stem != "schema")
    for name in dict.fromkeys([chosen, *names]):
        yield _study(name, "problem" if name == chosen else "note")


def _study(name: str, status: Status) -> Finding:
    about = f"study {name}"
    try:
        config = load_study(name)
        check_files(config)
    except UserError as error:
        lines = str(error).splitlines()
        more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
        return Finding(about, status, f"{lines[0]}{more}", _study_mend(name))
    missing, licences = _downloads(config)
    if missing:
        words = f"downloads {', '.join(missing)} when it runs; {'; '.join(licences)}"
        return Finding(about, "note", words, f"netlens run --study {name}")
    words = "; ".join(["all files that it names are here", *licences])
    return Finding(about, "ok", words)


def _study_mend(name: str) -> str:
    if not Path("config").is_dir():
        return "cd CHECKOUT && netlens doctor"
    path = Path(name) if Path(name).suffix in {".yaml", ".yml"} else Path("config") / f"{name}.yaml"
    if not path.is_file():
        return f"netlens new {path.stem} --network FILE --images FOLDER"
    return f"${{EDITOR:-vi}} {path}    # docs/ADDING.md says what it needs"


def _downloads(config: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Files that a study still has to download, and the licences of all that it downloads."""
    try:
        manifest = read_manifest("data/manifest.yaml")
    except (OSError, DownloadError):
        return [], []
    used = [name for name in manifest if re.fullmatch(downloads_of(config), name)]
    missing = [name for name in used if not Path("data/downloads", name).is_file()]
    return missing, [f"{name}: {manifest[name].licence}" for name in used]


#: Largest deviation between devices, as a share of the largest value, that rounding of float32 may cause.
GPU_TOLERANCE: Final = 1e-4


def examine_gpu() -> Finding:
    """Run a small computation on the CPU and on the first GPU, and compare results and times."""
    visible = gpu.visible_gpus()
    if not visible:
        return Finding("GPU", "note", f"none to check ({gpu.why_no_gpu()})")
    variables = {
        "CUDA_VISIBLE_DEVICES": visible[0],
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "NVIDIA_TF32_OVERRIDE": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-m", "netlens.models.device_comparison"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **variables})
    if done.returncode:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no words")
        return Finding(
            "GPU", "problem", f"the first computation failed: {last.strip()}", "NETLENS_DEVICE=cpu make paper"
        )
    return gpu_verdict(json.loads(done.stdout.splitlines()[-1]))


def gpu_verdict(found: Mapping[str, Any]) -> Finding:
    """What `netlens.models.device_comparison.compare` found, as a finding."""
    if found["device"] is None:
        return Finding("GPU", "problem", "the driver reports one, but TensorFlow does not see it", "make env")
    words = (
        f"{found['device']}: results differ from the CPU's by {found['deviation']:.1e} of the largest value "
        f"(at most {GPU_TOLERANCE:.0e}), {found['cpu_s'] / found['gpu_s']:.1f} times as fast"
    )
    # A value that is not a number is in no tolerance.
    if not found["deviation"] <= GPU_TOLERANCE:
        return Finding("GPU", "problem", words, "NETLENS_DEVICE=cpu make paper")
    return Finding("GPU", "ok", words)
