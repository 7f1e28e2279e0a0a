"""One job per GPU: a job takes a slot before its notebook starts and frees it when its process ends."""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


def visible_gpus() -> list[str]:
    """Indices of the GPUs that this process may use, as reported by the driver; empty if no driver responds."""
    if os.environ.get("NETLENS_DEVICE") == "cpu" or not shutil.which("nvidia-smi"):
        return []
    answer = subprocess.run(
        ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        return []
    indices = answer.stdout.split()
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    return indices if allowed is None else [index for index in allowed.split(",") if index in indices]


@contextmanager
def gpu_slot(gpus: list[str], poll_s: float = 1.0) -> Iterator[str | None]:
    """Wait for a free GPU among `gpus` and hold it; without GPUs, return at once.

    Parameters
    ----------
    gpus
        Indices, as returned by `visible_gpus`.
    poll_s
        Time between two attempts, in seconds.

    Yields
    ------
    str or None
        The index to put into ``CUDA_VISIBLE_DEVICES``, or None if there are no GPUs.

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
        files = {index: stack.enter_context((folder / index).open("w")) for index in gpus}
        while True:
            for index, file in files.items():
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                yield index
                return
            time.sleep(poll_s)
