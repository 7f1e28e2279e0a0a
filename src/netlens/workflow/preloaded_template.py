"""A process that imports libraries and then forks a child for each request (see `netlens.workflow.preloaded`).

As a script::

    python -m netlens.workflow.preloaded_template CONTROL LIBRARY...

CONTROL is the number of an inherited socket, on which requests arrive. When its other end is closed, at the latest by
the end of ``netlens run``, the template kills its children and ends.
"""

import contextlib
import gc
import importlib
import os
import runpy
import selectors
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

from netlens.workflow.lifeline import when_ended
from netlens.workflow.preloaded_client import receive, send

#: What a template sends on its control socket when it can fork.
READY = b"\0"


@dataclass(frozen=True)
class Request:
    """A process that a client asks for.

    Attributes
    ----------
    module, arguments
        What to run: ``python -m module arguments``.
    environment
        All environment variables.
    folder
        The working folder.
    streams
        File descriptors of standard input, output and error.
    template
        Number of the template's process.
    """

    module: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    streams: list[int]
    template: int


class Template:
    """Forks children for requests, and reports to each client how its child ended.

    Parameters
    ----------
    control
        Where requests arrive, each with the three standard streams and the connection to its client.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._clients: dict[int, socket.socket] = {}
        self._ready = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()

    def serve(self) -> Request | None:
        """Return the request in each child that is forked for one, and None in the template at its end."""
        for end in (self._woken, self._wake):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._ready.register(self._control, selectors.EVENT_READ)
        self._ready.register(self._woken, selectors.EVENT_READ)
        # The garbage collector would write to the memory of objects that all children share.
        gc.freeze()
        with contextlib.suppress(OSError):
            self._control.sendall(READY)
        while True:
            for key, _ in self._ready.select():
                if key.fileobj is self._control:
                    try:
                        message, files = receive(self._control, 4)
                    except (OSError, EOFError):
                        self._end()
                        return None
                    request = self._fork(message, files)
                    if request is not None:
                        return request
                elif key.fileobj is self._woken:
                    self._reap()
                else:
                    # Clients send nothing, so this one has gone.
                    self._ready.unregister(key.fileobj)
                    _kill(key.data)

    def _fork(self, message: dict[str, Any], files: list[int]) -> Request | None:
        client = socket.socket(fileno=files[3])
        template = os.getpid()
        child = os.fork()
        if child == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._ready.close()
            for connection in (self._control, self._woken, self._wake, client, *self._clients.values()):
                connection.close()
            return Request(
                message["module"], message["arguments"], message["environment"], message["folder"], files[:3], template
            )
        for stream in files[:3]:
            os.close(stream)
        with contextlib.suppress(OSError):
            send(client, {"child": child}, [])
        self._clients[child] = client
        self._ready.register(client, selectors.EVENT_READ, child)
        return None

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)
        while self._clients:
            child, status, used = os.wait4(-1, os.WNOHANG)
            if child == 0:
                return
            client = self._clients.pop(child)
            with contextlib.suppress(KeyError):
                self._ready.unregister(client)
            with client, contextlib.suppress(OSError):
                send(client, {"status": status, "peak_mb": used.ru_maxrss // 1024}, [])

    def _end(self) -> None:
        for child in self._clients:
            _kill(child)


def _kill(child: int) -> None:
    # A child leads its own process group, except in its first moment.
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            kill(child, signal.SIGKILL)


def become(request: Request) -> None:
    """Turn this process, just forked, into the one that was asked for; does not return."""
    os.setsid()
    # Ctrl-C, which the client passes on, ends it without a traceback until it is what was asked for.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for number, stream in enumerate(request.streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    # The template's own folder for temporary files, if an import has asked for it.
    tempfile.tempdir = None
    if os.getppid() != request.template:
        # The template was killed since, and the client has said that this process was.
        os._exit(1)
    # A kernel would look after its parent by itself had it not imported ipykernel before it knew of one.
    when_ended(request.template, lambda: _kill(os.getpid()))
    # What the process imports of netlens is what it would have imported without a template.
    for name in [name for name in sys.modules if name.partition(".")[0] == "netlens"]:
        del sys.modules[name]
    sys.argv = [request.module, *request.arguments]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    runpy.run_module(request.module, run_name="__main__", alter_sys=True)


def prepare(libraries: list[str]) -> None:
    """Import libraries, and compile the schema of notebooks if nbformat is one of them.

    Those that are not installed are left to the processes that ask for them.
    """
    for library in libraries:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    if (validator := sys.modules.get("nbformat.validator")) is not None:
        # Of the version in which papermill reads and writes notebooks.
        validator.get_validator(4, 5)


if __name__ == "__main__":
    prepare(sys.argv[2:])
    with socket.socket(fileno=int(sys.argv[1])) as inherited:
        requested = Template(inherited).serve()
    if requested is not None:
        become(requested)
