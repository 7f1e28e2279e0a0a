"""A process that stands for one forked from a template (see `netlens.workflow.preloaded`).

As a script it needs only Python's standard library, so that it starts in milliseconds::

    python -I -S preloaded_client.py KIND MODULE ARGUMENT...
"""

import array
import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
from typing import Any

#: The environment variable with the path of the socket on which `netlens.workflow.preloaded.templates` listens.
SOCKET = "NETLENS_TEMPLATES"

#: File, in the folder for sockets of a kernel, with how much memory a forked kernel has used, in MB; empty if unknown.
PEAK_FILE = "peak_mb"
_LENGTH = struct.Struct("!Q")
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
# How often the client looks whether the process that started it still exists.
_POLL_S = 1.0


def run(kind: str, module: str, arguments: list[str]) -> int | None:
    """Run ``python -m module arguments`` in a child of a template, and wait for it.

    The child has this process's standard streams, environment and working folder. It is killed when this process
    ends for any reason, or the process that started this one does.

    Parameters
    ----------
    kind
        What the template has imported: a key of `netlens.workflow.preloaded.LIBRARIES`.
    module, arguments
        What to run.

    Returns
    -------
    int or None
        The exit status, or None if there is no template. If a signal ended the child, it ends this process too.
    """
    path = os.environ.get(SOCKET)
    if path is None:
        return None
    parent = os.getppid()
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        # Until there is a child to pass it on to, ctrl-C ends this process, without a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    with socket.socket(socket.AF_UNIX) as connection:
        request = {
            "kind": kind,
            "module": module,
            "arguments": arguments,
            "environment": dict(os.environ),
            "folder": os.getcwd(),  # noqa: PTH109 (pathlib takes longer to import than all else)
        }
        try:
            connection.connect(path)
            send(connection, request, [0, 1, 2])
            child = int(receive(connection, 0)[0]["child"])
        except (OSError, EOFError):
            return None
        # If this process is killed, its own memory is not what the kernel has used.
        _note("")
        for number in _PASSED_ON:
            signal.signal(number, lambda received, _: os.kill(child, received))
        while not select.select([connection], [], [], _POLL_S)[0]:
            if os.getppid() != parent:
                return 1
        try:
            ended, _ = receive(connection, 0)
        except (OSError, EOFError):
            # The template was killed, and the child was killed with it.
            ended = {"status": int(signal.SIGKILL), "peak_mb": ""}
    status = int(ended["status"])
    if os.WIFSIGNALED(status):
        _note(str(ended["peak_mb"]))
        ended_by = os.WTERMSIG(status)
        if ended_by in _PASSED_ON:
            signal.signal(ended_by, signal.SIG_DFL)
        os.kill(os.getpid(), ended_by)
    return os.waitstatus_to_exitcode(status)


def _note(peak_mb: str) -> None:
    """Leave the memory of a killed kernel for the runner, whose descendant it was not."""
    folder = os.environ.get("JUPYTER_RUNTIME_DIR")
    if folder:
        with contextlib.suppress(OSError), open(f"{folder}/{PEAK_FILE}", "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(peak_mb)


def send(connection: socket.socket, message: dict[str, Any], files: list[int]) -> None:
    """Send a message, and file descriptors with it."""
    body = json.dumps(message).encode()
    with_it = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
    connection.sendmsg([_LENGTH.pack(len(body))], with_it)
    connection.sendall(body)


def receive(connection: socket.socket, files: int) -> tuple[dict[str, Any], list[int]]:
    """Receive a message and at most `files` file descriptors.

    Raises
    ------
    EOFError
        The other end has been closed.
    """
    numbers = array.array("i")
    head, with_it, _, _ = connection.recvmsg(_LENGTH.size, socket.CMSG_SPACE(files * numbers.itemsize) if files else 0)
    for level, kind, data in with_it:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            numbers.frombytes(data[: len(data) - len(data) % numbers.itemsize])
    head += _exactly(connection, _LENGTH.size - len(head)) if head else b""
    if not head:
        raise EOFError("the other end has been closed")
    message: dict[str, Any] = json.loads(_exactly(connection, _LENGTH.unpack(head)[0]))
    return message, list(numbers)


def _exactly(connection: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            raise EOFError("the other end has been closed")
        received += part
    return received


if __name__ == "__main__":
    ended = run(sys.argv[1], sys.argv[2], sys.argv[3:])
    if ended is None:
        os.execv(sys.executable, [sys.executable, "-m", *sys.argv[2:]])
    sys.exit(ended)
