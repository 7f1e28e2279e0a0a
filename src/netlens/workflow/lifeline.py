"""Processes that end with the process that needs them, even if that is killed."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

_PROCESSES = Path("/proc")


def when_ended(process: int, action: Callable[[], None], poll_s: float = 1.0) -> None:
    """Call `action` in a thread of this process once another process has ended, or at once if there is none.

    Parameters
    ----------
    process
        Its number.
    action
        What to do.
    poll_s
        How often to look where the system cannot tell, in seconds.
    """
    threading.Thread(target=_wait, args=(process, action, poll_s), daemon=True).start()


def _wait(process: int, action: Callable[[], None], poll_s: float) -> None:
    try:
        watched = os.pidfd_open(process)
    except ProcessLookupError:
        action()
        return
    except (AttributeError, OSError):
        # Other systems than Linux do not have it, and some containers do not allow it.
        while _exists(process):
            time.sleep(poll_s)
        action()
        return
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.poll()
    os.close(watched)
    action()


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def end_process(grace_s: float = 10.0) -> None:
    """End this process like ctrl-C does; kill it if it still exists after `grace_s` seconds."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(grace_s)
    os.kill(os.getpid(), signal.SIGKILL)


def end_group(group: int, grace_s: float = 20.0, poll_s: float = 0.05) -> None:
    """End all processes of a group like ctrl-C does; kill those that still exist after `grace_s` seconds.

    Parameters
    ----------
    group
        Number of the group; it may have ended already. This process may belong to it.
    grace_s, poll_s
        Seconds to wait, and between two looks.
    """
    deadline = time.monotonic() + grace_s
    wanted = signal.SIGINT
    while True:
        try:
            os.killpg(group, wanted)
        except (ProcessLookupError, PermissionError):
            return
        if wanted == signal.SIGKILL:
            return
        while time.monotonic() < deadline:
            if not group_exists(group):
                return
            time.sleep(poll_s)
        wanted = signal.SIGKILL


def group_exists(group: int) -> bool:
    """Whether any process of a group exists, other than those that have ended and wait for their parent."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    if not _PROCESSES.is_dir():
        # Other systems than Linux do not tell which processes have ended.
        return True
    return any(_is_running(entry.name, group) for entry in _PROCESSES.iterdir() if entry.name.isdigit())


def _is_running(process: str, group: int) -> bool:
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    state, _, of_group = text.rpartition(")")[2].split()[:3]
    return int(of_group) == group and state not in {"Z", "X"}
