"""How much memory a process and those below it use, seen from outside."""

import threading
from pathlib import Path


class PeakMemory:
    """Watches the largest process below another one, in a thread.

    Parameters
    ----------
    process
        Number of the process whose descendants are watched.
    every_s
        Seconds between two looks.
    """

    def __init__(self, process: int, every_s: float = 0.5) -> None:
        self._process = process
        self._every_s = every_s
        self._stopped = threading.Event()
        self.largest_mb = 0
        # Other systems than Linux do not show the memory of processes as files.
        if Path("/proc/self/status").exists():
            threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def told(self) -> str:
        """Words for a message: the peak so far, or nothing if no process was seen."""
        return peak_words(self.largest_mb)

    def _watch(self) -> None:
        while not self._stopped.wait(self._every_s):
            for process in _descendants(self._process):
                self.largest_mb = max(self.largest_mb, _peak_mb(process))


def peak_words(largest_mb: int) -> str:
    """Words for a message; none if the peak is 0, which stands for unknown."""
    return f" after using up to {largest_mb:,} MB" if largest_mb else ""


def memory_mb(process: int) -> float:
    """Memory of a process and all below it, in megabytes, what several share counted once; 0 if not known."""
    kilobytes = 0
    for number in [process, *_descendants(process)]:
        try:
            told = Path(f"/proc/{number}/smaps_rollup").read_text(encoding="utf-8")
        except OSError:
            continue
        kilobytes += next((int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:")), 0)
    return kilobytes / 1024


def _descendants(process: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    # Other systems than Linux do not show processes as files.
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(folder.name))
    found: list[int] = []
    todo = [process]
    while todo:
        children = parents.get(todo.pop(), [])
        found += children
        todo += children
    return found


def _peak_mb(process: int) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)
