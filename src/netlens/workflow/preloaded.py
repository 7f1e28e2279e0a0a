"""Processes that start with their libraries imported: each is forked from one that imported them once.

A job is one Python process for papermill and another for the notebook, and both spend seconds of processor time on
imports that are the same for all jobs. During a run of ``netlens`` they are forked from *templates* instead:

- `templates` works in the process of ``netlens run``: it listens on a Unix socket and starts a template when a second
  job could use it, or the first if there will be others;
- `netlens.workflow.preloaded_template` is a template: it imports libraries, and then forks a child for each request;
- `netlens.workflow.preloaded_client` stands for the child: it has the child's standard streams and exit status, passes
  signals on, and takes the child with it when it ends. Without a template, as under plain Snakemake, it becomes the
  process itself. For a template that still imports it waits: its own imports would end later.

A template has the environment variables of the job that asks for it, so its libraries are imported under the same
settings as without it. It imports nothing of netlens, so a module that is edited during a run is read by the next job.
Where a GPU is used, TensorFlow is not imported in advance: a process cannot be forked once CUDA has started.
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from netlens.files.owned_folders import claimed_temporary
from netlens.workflow.preloaded_client import SOCKET, receive, send
from netlens.workflow.run_lock import SNAKEMAKE

# A kernel imports its debugger, completions and extensions when it starts.
_KERNEL = ("ipykernel.kernelapp", "ipykernel.debugger", "IPython.core.completerlib", "IPython.extensions.storemagic")
_PLOTS = ("matplotlib_inline.backend_inline", "matplotlib.pyplot", "matplotlib.backends.backend_pdf", "seaborn")
_NOTEBOOK = (*_KERNEL, *_PLOTS, "fontTools.subset")
# Papermill imports black to write parameters, and jupyter_client IPython to look for kernels.
_PAPERMILL = ("papermill", "papermill.engines", "black", "nbclient", "nbformat.validator")
#: What templates import, by kind of process.
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "runner": (*_PAPERMILL, "IPython", "ipykernel.kernelspec", "jsonschema", "yaml"),
    "notebook": (*_NOTEBOOK, "scipy.linalg", "scipy.optimize"),
    "tensorflow": (*_NOTEBOOK, "scipy.linalg", "tensorflow", "tensorflow.compat.v1", "tf_keras", "h5py"),
}

# Variables that differ from job to job; no import depends on them. CUDA is not started by an import.
_OF_ONE_JOB = frozenset(
    {
        "CUDA_VISIBLE_DEVICES",
        "IPYTHONDIR",
        "JPY_PARENT_PID",
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_PATH",
        "JUPYTER_RUNTIME_DIR",
        # Of one run of Snakemake: several that follow each other may share templates, as in `netlens bench scaling`.
        SNAKEMAKE,
        "PWD",
        "SHLVL",
        "TMPDIR",
        "_",
    }
)
# Numbers of threads, which numerical libraries read when they are imported. Papermill imports none of those.
_THREADS = ("_NUM_THREADS", "_MAXIMUM_THREADS")
# Three kinds. Many more would mean that a variable differs from job to job; templates then cost more than they save.
_MOST_TEMPLATES = 8


@contextlib.contextmanager
def templates(*, many: bool = False) -> Iterator[dict[str, str]]:
    """Serve templates to jobs that have the yielded environment variables.

    Templates and everything forked from them end with the block, or with this process if that ends first.

    Parameters
    ----------
    many
        Whether there are many jobs: the first process of each kind then waits for its template already. Else the first
        is started without, since a template would cost a run of a single job more than it saves.

    Yields
    ------
    dict
        Variables to add to the environment of Snakemake.
    """
    pool = _Pool(many=many)
    with claimed_temporary() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "templates"))
        listener.listen(64)
        thread = threading.Thread(target=_serve, args=(listener, pool), daemon=True)
        thread.start()
        try:
            yield {SOCKET: str(folder / "templates")}
        finally:
            # Wakes the thread, which closing the socket would not.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            pool.close()


def _serve(listener: socket.socket, pool: "_Pool") -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        # A client that has gone, or whose template ended, concerns no other; it then starts its process itself.
        with client, contextlib.suppress(OSError, EOFError):
            client.settimeout(10.0)
            request, streams = receive(client, 3)
            try:
                pool.pass_on(request, [*streams, client.fileno()])
            finally:
                for stream in streams:
                    os.close(stream)


class _Pool:
    """The templates of one run, by what they import and in which environment."""

    def __init__(self, *, many: bool) -> None:
        self._many = many
        self._templates: dict[str, _Template | None] = {}

    def pass_on(self, request: dict[str, Any], files: list[int]) -> None:
        """Pass a request on to its template; do nothing if there is none, or if too many wait for it already."""
        shared = {
            name: value
            for name, value in request["environment"].items()
            if name not in _OF_ONE_JOB and not (request["kind"] == "runner" and name.endswith(_THREADS))
        }
        key = json.dumps([request["kind"], shared], sort_keys=True)
        if key not in self._templates:
            if len(self._templates) >= _MOST_TEMPLATES:
                return
            self._templates[key] = None
            if not self._many:
                return
        template = self._templates[key]
        if template is None:
            template = self._templates[key] = _Template(LIBRARIES[request["kind"]], shared)
        if template.takes_requests():
            send(template.control, request, files)

    def close(self) -> None:
        """End all templates and their children."""
        for template in self._templates.values():
            if template is not None:
                template.close()


class _Template:
    """A process that imports libraries in an environment, and then forks."""

    def __init__(self, libraries: tuple[str, ...], environment: dict[str, str]) -> None:
        self.control, theirs = socket.socketpair()
        self._ready = False
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "netlens.workflow.preloaded_template", str(theirs.fileno()), *libraries],
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # What libraries print when they are imported; each job brings streams of its own.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # An interrupt from the terminal reaches the clients, which pass it on.
                start_new_session=True,
            )

    def takes_requests(self) -> bool:
        """Whether a request can be sent at once: while it imports, a few wait in the socket's buffer."""
        return self.is_ready() or bool(select.select([], [self.control], [], 0)[1])

    def is_ready(self) -> bool:
        """Whether it has imported its libraries, which it says by one byte."""
        if not self._ready and select.select([self.control], [], [], 0)[0]:
            self._ready = bool(self.control.recv(1))
        return self._ready

    def close(self) -> None:
        """End it and its children."""
        # While it imports it has no children, and would not notice the end of the socket.
        if not self.is_ready():
            self._process.kill()
        self.control.close()
        self._process.wait()
