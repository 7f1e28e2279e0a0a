"""One job per GPU: a job takes a slot before its notebook starts and frees it when its process ends."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from netlens.workflow.errors import UserError

_GPU = re.compile(r"GPU (?P<index>\d+): (?P<name>.*) \(UUID: (?P<uuid>GPU-[\w-]+)\)")
_INSTANCE = re.compile(r"\s+MIG .*\(UUID: (?P<uuid>MIG-[^)]+)\)")


def visible_gpus() -> list[str]:
    """Return the GPUs that this process may use, as reported by the driver; none if no driver responds.

    Returns
    -------
    list of str
        UUIDs, as ``CUDA_VISIBLE_DEVICES`` takes them: of GPUs or, where a GPU is divided (MIG), of its instances.
        Unlike indices, they mean the same to CUDA and to the driver, which number GPUs in different orders.

    Raises
    ------
    UserError
        ``CUDA_VISIBLE_DEVICES`` names a GPU that the driver does not know, or that is divided.
    """
    known = _known() if os.environ.get("NETLENS_DEVICE") != "cpu" else {}
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not known or allowed is None:
        return [slot for slots in known.values() for slot in slots]
    # Minus one is how CUDA is told to use none; it also ends a list.
    chosen: list[str] = []
    for word in filter(None, (part.strip() for part in allowed.split(","))):
        if word.startswith("-"):
            break
        chosen += [slot for slot in _chosen(word, known) if slot not in chosen]
    return chosen


def why_no_gpu() -> str:
    """Return in a few words why `visible_gpus` found none."""
    if os.environ.get("NETLENS_DEVICE") == "cpu":
        return "NETLENS_DEVICE is cpu"
    if not shutil.which("nvidia-smi"):
        return "there is no nvidia-smi"
    if "CUDA_VISIBLE_DEVICES" not in os.environ or not _known():
        return "the NVIDIA driver reports none"
    return f"CUDA_VISIBLE_DEVICES is {os.environ.get('CUDA_VISIBLE_DEVICES')!r}"


def _known() -> dict[tuple[str, str], list[str]]:
    """Slots of each GPU, by its index and UUID: itself or, where it is divided, its instances."""
    if not shutil.which("nvidia-smi"):
        return {}
    answer = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    if answer.returncode:
        return {}
    instances: dict[tuple[str, str], list[str]] = {}
    for line in answer.stdout.splitlines():
        if found := _GPU.match(line):
            instances[found["index"], found["uuid"]] = []
        elif instances and (found := _INSTANCE.match(line)):
            instances[next(reversed(instances))].append(found["uuid"])
    return {gpu: within or [gpu[1]] for gpu, within in instances.items()}


def _chosen(word: str, known: dict[tuple[str, str], list[str]]) -> list[str]:
    """Slots that one entry of ``CUDA_VISIBLE_DEVICES`` names: an index, or a UUID or the beginning of one."""
    for (index, uuid), slots in known.items():
        if word == index or (word.startswith("GPU-") and uuid.startswith(word)):
            return slots
        if word.startswith("MIG-") and (found := [slot for slot in slots if slot.startswith(word)]):
            return found[:1]
    raise UserError(
        f"CUDA_VISIBLE_DEVICES: {word!r} is no GPU of this machine; `nvidia-smi -L` lists them, "
        "and an empty value means none"
    )


@contextmanager
def gpu_slot(gpus: list[str], poll_s: float = 1.0) -> Iterator[str | None]:
    """Wait for a free GPU among `gpus` and hold it; without GPUs, return at once.

    Parameters
    ----------
    gpus
        UUIDs, as returned by `visible_gpus`.
    poll_s
        Time between two attempts, in seconds.

    Yields
    ------
    str or None
        What to put into ``CUDA_VISIBLE_DEVICES``, or None if there are no GPUs.

    Notes
    -----
    A slot is a file lock, which the operating system releases when the process that holds it ends, for any reason.
    """
    if not gpus:
        yield None
        return
    folder = Path(tempfile.gettempdir()) / f"netlens-gpu-slots-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        # Names of instances may contain slashes.
        files = {gpu: stack.enter_context((folder / gpu.replace("/", "_")).open("w")) for gpu in gpus}
        while True:
            for gpu, file in files.items():
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield gpu
                return
            time.sleep(poll_s)
