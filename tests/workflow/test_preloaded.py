"""Processes forked from templates are like processes that were started."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from netlens.workflow import preloaded, preloaded_client

_TOLD = """
import json, os, sys
known = {name: os.environ.get(name) for name in ("COLOR", "JPY_PARENT_PID")}
netlens = sorted(name for name in sys.modules if name.startswith("netlens"))
print(json.dumps([sys.argv[1:], os.getcwd(), __name__, "papermill" in sys.modules, netlens, known, sys.stdin.read()]))
print("to standard error", file=sys.stderr)
sys.exit(7)
"""
_LASTING = """
import os, pathlib, signal, sys, time
def ended(number, _):
    pathlib.Path("ended").write_text(str(number))
    os._exit(3)
signal.signal(signal.SIGINT, ended)
pathlib.Path("written").write_text(str(os.getpid()))
# Whoever waits for the file reads all of it.
os.rename("written", "child")
time.sleep(60)
"""
_KILLED = """
import os, signal
used = b"x" * (200 << 20)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Working folder with two modules, and few libraries to import."""
    (tmp_path / "told.py").write_text(_TOLD)
    (tmp_path / "lasting.py").write_text(_LASTING)
    (tmp_path / "killed.py").write_text(_KILLED)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(preloaded.LIBRARIES, "runner", ("papermill",))
    return tmp_path


@pytest.fixture
def variables(folder: Path) -> Iterator[dict[str, str]]:
    """Environment of clients that have a template."""
    with preloaded.templates() as added:
        environment = {**os.environ, **added}
        _wait(lambda: _is_forked(environment))
        yield environment


def _is_forked(environment: dict[str, str]) -> bool:
    return "true" in _told(environment)[1]


def _command(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", preloaded_client.__file__, "runner", module, *arguments]


def _told(environment: dict[str, str]) -> tuple[int, str, str]:
    done = subprocess.run(
        _command("told", "a b", "ü"), env=environment, input="typed", capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def _exists(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _wait(condition: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_forked_process_is_like_a_started_one(variables: dict[str, str], folder: Path) -> None:
    environment = {**variables, "COLOR": "blue"}
    _wait(lambda: _is_forked(environment))
    started = _told({name: value for name, value in environment.items() if name != preloaded_client.SOCKET})
    forked = _told(environment)
    assert started == (
        7,
        f'[["a b", "\\u00fc"], "{folder}", "__main__", false, [], '
        '{"COLOR": "blue", "JPY_PARENT_PID": null}, "typed"]\n',
        "to standard error\n",
    )
    assert forked == (7, started[1].replace("false", "true"), started[2])


@pytest.mark.slow
def test_a_forked_process_has_its_own_folder_for_temporary_files(variables: dict[str, str], folder: Path) -> None:
    """Not that of the template, whose libraries may have asked for one."""
    (folder / "own").mkdir()
    (folder / "told.py").write_text("import sys, tempfile\nprint('papermill' in sys.modules, tempfile.gettempdir())")
    assert _told({**variables, "TMPDIR": str(folder / "own")})[1] == f"True {folder / 'own'}\n"


@pytest.mark.slow
def test_a_killed_child_leaves_how_much_memory_it_has_used(variables: dict[str, str], folder: Path) -> None:
    (folder / "sockets").mkdir()
    environment = {**variables, "JUPYTER_RUNTIME_DIR": str(folder / "sockets")}
    _wait(lambda: _is_forked(environment))
    assert subprocess.run(_command("killed"), env=environment, check=False).returncode == -signal.SIGKILL
    assert 200 <= int((folder / "sockets" / preloaded_client.PEAK_FILE).read_text()) < 500


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_the_child(variables: dict[str, str], folder: Path, number: signal.Signals) -> None:
    client = subprocess.Popen(_command("lasting"), env=variables)
    _wait((folder / "child").exists)
    client.send_signal(number)
    # SIGINT is handled by the child, which exits; the default of SIGTERM ends the child, and so the client.
    assert client.wait(20) == (3 if number == signal.SIGINT else -signal.SIGTERM)
    assert (folder / "ended").exists() == (number == signal.SIGINT)


@pytest.mark.slow
def test_a_client_that_is_interrupted_before_it_has_a_child_prints_nothing(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("silent")
        listener.listen()
        client = subprocess.Popen(
            _command("told"),
            env={**os.environ, preloaded_client.SOCKET: "silent"},
            stderr=subprocess.PIPE,
            # Tests in the background of a shell ignore interrupts, and so would the client.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  (no threads here)
        )
        with listener.accept()[0]:
            client.send_signal(signal.SIGINT)
            client.wait(timeout=20)
        # Not before the connection is closed, which may hold the streams that the client has sent.
        told = client.communicate(timeout=20)[1]
    assert (client.returncode, told) == (-signal.SIGINT, b"")


@pytest.mark.slow
def test_a_killed_client_takes_its_child_along_and_leaves_its_memory_unknown(
    variables: dict[str, str], folder: Path
) -> None:
    (folder / "sockets").mkdir()
    environment = {**variables, "JUPYTER_RUNTIME_DIR": str(folder / "sockets")}
    _wait(lambda: _is_forked(environment))
    client = subprocess.Popen(_command("lasting"), env=environment)
    _wait((folder / "child").exists)
    client.kill()
    client.wait()
    _wait(lambda: not _exists(int((folder / "child").read_text())))
    assert (folder / "sockets" / preloaded_client.PEAK_FILE).read_text() == ""


@pytest.mark.slow
def test_a_killed_child_is_a_killed_client(variables: dict[str, str], folder: Path) -> None:
    client = subprocess.Popen(_command("lasting"), env=variables)
    _wait((folder / "child").exists)
    os.kill(int((folder / "child").read_text()), signal.SIGKILL)
    assert client.wait(20) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
def test_a_child_whose_template_was_killed_as_it_was_forked_ends_at_once(folder: Path, *, killed: bool) -> None:
    """A kernel would take the process that adopted it for its parent, and never end."""
    script = (
        "import os\nfrom netlens.workflow.preloaded_template import Request, become\n"
        f"streams, template = [os.dup(number) for number in range(3)], {'1' if killed else 'os.getppid()'}\n"
        "become(Request('this', [], dict(os.environ), os.getcwd(), streams, template))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if killed else 0)
    assert ("Zen of Python" in done.stdout) is not killed


def test_a_child_ends_when_its_template_is_killed(variables: dict[str, str], folder: Path) -> None:
    """It holds the pipe that the run reads, which would wait for its end."""
    client = subprocess.Popen(_command("lasting"), env=variables)
    _wait((folder / "child").exists)
    child = psutil.Process(int((folder / "child").read_text()))
    child.parent().kill()
    assert client.wait(20) == -signal.SIGKILL
    _wait(lambda: not _exists(child.pid))


def test_nothing_outlives_the_run(folder: Path) -> None:
    with preloaded.templates() as added:
        _wait(lambda: _is_forked({**os.environ, **added}))
        client = subprocess.Popen(_command("lasting"), env={**os.environ, **added})
        _wait((folder / "child").exists)
    assert client.wait(20) == -signal.SIGKILL
    _wait(lambda: not _exists(int((folder / "child").read_text())))
    assert not Path(added[preloaded_client.SOCKET]).exists()


@pytest.mark.slow
def test_the_second_process_of_a_kind_waits_for_its_template(folder: Path) -> None:
    with preloaded.templates() as added:
        environment = {**os.environ, **added}
        assert [_is_forked(environment) for _ in range(2)] == [False, True]


@pytest.mark.slow
def test_of_many_jobs_the_first_waits_too(folder: Path) -> None:
    with preloaded.templates(many=True) as added:
        environment = {**os.environ, **added}
        assert [_is_forked(environment) for _ in range(2)] == [True, True]


@pytest.mark.slow
def test_many_that_wait_for_a_template_are_all_served(folder: Path) -> None:
    with preloaded.templates() as added:
        environment = {**os.environ, **added, "LONG": 2000 * "x"}
        _told(environment)
        waiting = [
            subprocess.Popen(_command("told"), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            for _ in range(40)
        ]
        answers = [process.communicate(timeout=60)[0] for process in waiting]
    assert {process.returncode for process in waiting} == {7}
    assert sum(b"true" in answer for answer in answers) > 1


@pytest.mark.slow
def test_an_interrupt_ends_a_process_that_waits_for_a_template(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "endless.py").write_text("import pathlib, time\npathlib.Path('importing').touch()\ntime.sleep(60)")
    monkeypatch.setitem(preloaded.LIBRARIES, "runner", ("endless",))
    with preloaded.templates() as added:
        environment = {**os.environ, **added, "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}
        _told(environment)
        with (folder / "errors").open("w") as errors:
            client = subprocess.Popen(
                _command("lasting"), env=environment, stderr=errors,
                # As at a terminal, also where the tests themselves run in the background, which ignores the signal.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  (no threads here)
            )  # fmt: skip
        _wait((folder / "importing").exists)
        client.send_signal(signal.SIGINT)
        assert client.wait(20) == -signal.SIGINT
    assert (folder / "errors").read_text() == ""
    assert not (folder / "child").exists()


@pytest.mark.slow
def test_environments_that_differ_have_templates_of_their_own(variables: dict[str, str]) -> None:
    assert _is_forked({**variables, "PWD": "of this job", "OMP_NUM_THREADS": "7"}), "papermill imports no such library"
    assert _is_forked({**variables, "NETLENS_SNAKEMAKE": "7"}), "of another Snakemake of the same run"
    assert not _is_forked({**variables, "COLOR": "red"}), "no template yet"
    _wait(lambda: _is_forked({**variables, "COLOR": "red"}))
    assert '"red"' in _told({**variables, "COLOR": "red"})[1]
    assert '"red"' not in _told(variables)[1]


def test_a_run_of_one_job_starts_no_template(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(preloaded, "_Template", lambda *arguments: started.append(arguments))
    with preloaded.templates() as added:
        assert not _is_forked({**os.environ, **added})
    assert not started


def test_too_many_templates_are_declined_and_the_process_is_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    monkeypatch.setattr(preloaded, "_Template", lambda *arguments: started.append(arguments))
    monkeypatch.setattr(preloaded, "_MOST_TEMPLATES", 0)
    with preloaded.templates() as added:
        assert [_told({**os.environ, **added})[0] for _ in range(2)] == [7, 7]
    assert not started


@pytest.mark.slow
def test_a_library_that_cannot_be_imported_costs_nothing_but_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(preloaded.LIBRARIES, "runner", ("there_is_no_such_library",))
    with preloaded.templates() as added:
        # Before there is a template, while it imports, and after it has ended.
        assert [_told({**os.environ, **added})[0] for _ in range(4)] == [7] * 4


def test_templates_import_what_is_installed_and_nothing_of_netlens() -> None:
    for libraries in preloaded.LIBRARIES.values():
        packages = {library.partition(".")[0] for library in libraries}
        assert all(importlib.util.find_spec(package) for package in packages)
        assert "netlens" not in packages, "edits during a run must reach the next job"
    assert "tensorflow" not in (*preloaded.LIBRARIES["runner"], *preloaded.LIBRARIES["notebook"])
