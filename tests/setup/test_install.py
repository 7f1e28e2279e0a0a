"""The set-up script: what it makes, when it makes it again, and its one line for everything that can be wrong."""

import ast
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "requirements" / "install.py"

HASHES = """ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package
    wheel==0.48.0 from file:///wheel-0.48.0-py3-none-any.whl (from -r bad.txt (line 1)):
        Expected sha256 3217dcc807155e45db462d7ef2431f5ddda0d7273b700d05a67b271ceb1287ac
             Got        3217dcc807155e45db462d7ef2431f5ddda0d7273b700d05a67b271ceb1287ab
"""
OFFLINE = """WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError("HTTPS
ERROR: Could not find a version that satisfies the requirement absl-py==2.5.1 (from versions: none)
ERROR: No matching distribution found for absl-py==2.5.1
"""


def error_of(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that was said, without its prefix."""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("netlens: error: ")
    return done.stderr.removeprefix("netlens: error: ").rstrip("\n")


# -- any Python can read it --------------------------------------------------------------------------------------------


def test_an_old_python_can_parse_it():
    ast.parse(SOURCE.read_text(), feature_version=(3, 6))


def test_it_imports_nothing_that_must_be_installed():
    tree = ast.parse(SOURCE.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= sys.stdlib_module_names


# -- making it ---------------------------------------------------------------------------------------------------------


def test_makes_the_environment_with_the_pins_and_netlens(setup):
    setup.python()
    done = setup.run()
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "Python 3.11.7" in lines[0]
    assert "cpu packages (no NVIDIA driver)" in lines[0]
    assert [line.split()[0] for line in lines[1:-1]] == [
        "virtualenv", "build", "packages:", "byte", "weights", "netlens", "check",
    ]  # fmt: skip
    assert "packages: 2 " in done.stdout
    assert lines[-1].startswith("environment: ready")

    venv, build, packages, _, weights, netlens = setup.calls()
    assert venv == f"-m venv {setup.venv}"
    for call, pins in ((build, "build.txt"), (packages, "cpu.txt")):
        assert "--no-deps" in call
        assert "--require-hashes" in call
        assert f"-r {setup.root}/requirements/{pins}" in call
    assert weights == f"{setup.root}/requirements/weights.py"
    assert netlens.endswith(f"--editable {setup.root}")
    assert "--no-deps" in netlens
    assert not (setup.venv / "netlens-setup.tmp").exists()


def test_a_second_run_asks_nobody_anything(setup):
    setup.python()
    setup.run()
    setup.calls()
    done = setup.run()
    assert (done.returncode, done.stdout, done.stderr, setup.calls()) == (0, "", "", [])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["requirements/cpu.txt", "requirements/build.txt"])
def test_a_changed_pin_makes_it_again(setup, name):
    setup.python()
    setup.run()
    setup.calls()
    with (setup.root / name).open("a") as file:
        file.write("more==1\n")
    (setup.venv / "stale").touch()
    assert setup.run().returncode == 0
    assert any("-m venv" in call for call in setup.calls())
    assert not (setup.venv / "stale").exists()


@pytest.mark.parametrize(
    ("before", "after", "again"),
    [
        ('"tqdm>=4.67"', '"tqdm>=4.66"', True),
        ('netlens = "netlens.cli:main"', 'netlens = "netlens.cli:start"', True),
        ("line-length = 120", "line-length = 100", False),
        ("strict = true", "strict = false", False),
    ],
)
def test_of_pyproject_only_what_describes_the_package_counts(setup, before, after, again):
    setup.python()
    setup.run()
    setup.calls()
    path = setup.root / "pyproject.toml"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    setup.run()
    assert bool(setup.calls()) is again


def test_pins_of_the_other_device_do_not_count(setup):
    setup.python()
    setup.run()
    setup.calls()
    (setup.root / "requirements" / "gpu.txt").write_text("other==1\n")
    setup.run()
    assert setup.calls() == []


@pytest.mark.slow
def test_a_half_made_environment_is_made_again(setup):
    setup.python()
    setup.run()
    (setup.venv / ".netlens-stamp").unlink()
    (setup.venv / "lib").mkdir()
    (setup.venv / "lib" / "half").touch()
    assert setup.run().returncode == 0
    assert not (setup.venv / "lib").exists()
    assert (setup.venv / ".netlens-stamp").exists()


def test_a_moved_folder_is_made_again(setup):
    # The scripts in .venv/bin name their interpreter by its whole path.
    setup.python()
    setup.run()
    setup.calls()
    setup.root = setup.root.rename(setup.root.with_name("moved"))
    setup.venv = setup.root / ".venv"
    assert setup.run().returncode == 0
    assert f"-m venv {setup.venv}" in setup.calls()


@pytest.mark.parametrize("stamp", ["", "{", "[]", '{"digest": 1}'])
def test_a_damaged_stamp_counts_as_none(setup, stamp):
    setup.python()
    setup.run()
    setup.calls()
    (setup.venv / ".netlens-stamp").write_text(stamp)
    assert setup.run().returncode == 0
    assert setup.calls()


@pytest.mark.slow
def test_another_python_makes_it_again_and_is_remembered(setup):
    setup.python()
    setup.run()
    other = setup.python("other", (3, 12, 1))
    setup.calls()
    assert "Python 3.12.1" in setup.run(PYTHON=str(other)).stdout
    assert setup.run(PYTHON=str(other)).stdout == ""
    assert setup.run().stdout == ""
    (setup.root / "requirements" / "cpu.txt").write_text("new==1\n")
    assert "Python 3.12.1" in setup.run().stdout


@pytest.mark.slow
def test_the_environment_may_be_a_link_to_another_disk(setup, tmp_path):
    setup.python()
    (tmp_path / "large").mkdir()
    setup.venv.symlink_to(tmp_path / "large")
    assert setup.run().returncode == 0
    (setup.root / "requirements" / "cpu.txt").write_text("new==1\n")
    assert setup.run().returncode == 0
    assert setup.venv.is_symlink()
    assert (tmp_path / "large" / ".netlens-stamp").exists()


@pytest.mark.slow
def test_two_at_once_make_it_once(setup):
    setup.python()
    setup.pip_takes(1)
    first, second = setup.start(), setup.start()
    outputs = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert sum("waiting" in output for output in outputs) == 1
    assert sum("-m venv" in call for call in setup.calls()) == 1


# -- pip's settings ----------------------------------------------------------------------------------------------------


def test_settings_for_the_network_reach_pip_and_those_that_lead_astray_do_not(setup):
    setup.python()
    kept = {
        "PIP_INDEX_URL": "file:///index", "PIP_CERT": "/ca.pem", "https_proxy": "http://proxy:1", "SSL_CERT_FILE": "/c",
        "PIP_FIND_LINKS": "/wheels", "PIP_CACHE_DIR": str(setup.root / "cache"),
    }  # fmt: skip
    dropped = {"PIP_TARGET": "/t", "PIP_CONSTRAINT": "/c", "PIP_DRY_RUN": "1", "PYTHONPATH": "/p", "PYTHONHOME": "/h"}
    assert setup.run(**kept, **dropped, PIP_USER="1").returncode == 0
    seen = setup.pip_environment()
    assert {name: seen.get(name) for name in kept} == kept
    assert not set(dropped) & set(seen)
    assert seen["PIP_USER"] == "0"
    assert seen["TMPDIR"].startswith(str(setup.venv))


def test_without_room_for_it_there_is_no_cache(install, monkeypatch, tmp_path):
    place = install.Place()
    place.folder = tmp_path
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "not" / "there"))
    room = install.DOWNLOADED["cpu"] + install.NEEDED["cpu"]
    for free, expected in ((room - 1, False), (room + 1, True)):
        monkeypatch.setattr(install, "free_bytes", lambda path, free=free: free)
        assert install.has_room_for_cache(place, "cpu") is expected


# -- which Python ------------------------------------------------------------------------------------------------------


def test_a_wrong_python_gets_one_line(setup):
    setup.python(version=(3, 9, 18))
    done = setup.run()
    assert done.returncode == 2
    assert done.stdout == ""
    words = error_of(done)
    assert "netlens needs Python 3.11, 3.12 or 3.13" in words
    assert f"Python 3.9.18 ({setup.bin}/python3)" in words
    assert not setup.venv.exists()


@pytest.mark.parametrize("version", [(3, 10, 14), (3, 14, 0), (4, 0, 0)])
def test_the_range_has_both_ends(setup, version):
    setup.python(version=version)
    assert setup.run().returncode == 2


def test_a_suitable_python_is_found_behind_wrong_and_broken_ones(setup):
    setup.python(version=(3, 8, 1))
    setup.program("python3.11", "#!/bin/sh\necho 'pyenv: python3.11: command not found' >&2\nexit 127\n")
    setup.python("python3.12", (3, 12, 1), missing=("ensurepip",))
    setup.python("python3.13", (3, 13, 0))
    done = setup.run()
    assert done.returncode == 0
    assert "Python 3.13.0" in done.stdout


def test_the_same_name_is_looked_for_in_every_folder_of_the_path(setup, tmp_path):
    shims = tmp_path / "shims"
    shims.mkdir()
    broken = setup.program("python3", "#!/bin/sh\nexit 127\n")
    broken.rename(shims / "python3")
    setup.python()
    done = setup.run(PATH=f"{shims}:{setup.bin}")
    assert done.returncode == 0


@pytest.mark.slow
def test_the_environments_own_python_is_not_its_maker(setup):
    setup.python()
    setup.run()
    (setup.venv / "bin" / "python3").symlink_to("python")
    (setup.venv / ".netlens-stamp").unlink()
    assert setup.run(PATH=f"{setup.venv}/bin:{setup.bin}").returncode == 0


@pytest.mark.slow
def test_no_python_at_all(setup):
    assert "no Python was found" in error_of(setup.run())


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ({"missing": ("ensurepip",)}, "lacks ensurepip: "),
        ({"missing": ("ensurepip",), "version": (3, 12, 3)}, "apt-get install python3.12-venv"),
        ({"missing": ("bz2", "lzma")}, "was built without bz2, lzma"),
        ({"implementation": "pypy"}, "64-bit CPython"),
    ],
)
def test_a_python_of_the_right_version_that_lacks_something(setup, python, words):
    setup.python("python3", (3, 9, 1))
    setup.python("python3.11", **python)
    done = setup.run()
    assert done.returncode == 2
    assert words in error_of(done)


@pytest.mark.slow
def test_the_python_that_was_asked_for_is_not_replaced_by_another(setup):
    setup.python()
    wrong = setup.python("wrong", (3, 10, 0))
    assert "Python 3.10.0" in error_of(setup.run(PYTHON=str(wrong)))
    assert "/nowhere/python does not run" in error_of(setup.run(PYTHON="/nowhere/python"))


# -- which device ------------------------------------------------------------------------------------------------------


def test_if_an_nvidia_driver_responds_the_gpu_pins_are_taken(setup):
    setup.python()
    setup.program("nvidia-smi", "#!/bin/sh\necho 'GPU 0: NVIDIA H200 (UUID: GPU-1)'\n")
    done = setup.run()
    assert "gpu packages (GPU 0: NVIDIA H200)" in done.stdout
    assert any("gpu.txt" in call for call in setup.calls())


@pytest.mark.slow
@pytest.mark.parametrize("script", ["echo 'No devices found.'", "exit 9", "echo 'GPU 0: x'; exit 9"])
def test_a_driver_that_does_not_answer_takes_the_cpu_pins(setup, script):
    setup.python()
    setup.program("nvidia-smi", f"#!/bin/sh\n{script}\n")
    assert "cpu packages (no NVIDIA driver responds)" in setup.run().stdout


@pytest.mark.slow
def test_the_device_can_be_chosen(setup):
    setup.python()
    assert "gpu packages" in setup.run(NETLENS_DEVICE="gpu").stdout
    assert setup.run().stdout == ""
    assert "cpu packages" in setup.run(NETLENS_DEVICE="cpu").stdout
    assert "NETLENS_DEVICE=tpu: must be cpu or gpu" in error_of(setup.run(NETLENS_DEVICE="tpu"))


@pytest.mark.slow
def test_a_driver_that_appears_makes_it_again(setup):
    setup.python()
    setup.run()
    setup.program("nvidia-smi", "#!/bin/sh\necho 'GPU 0: NVIDIA H200 (UUID: GPU-1)'\n")
    assert "gpu packages" in setup.run().stdout
    assert setup.run().stdout == ""


# -- what can go wrong -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("output", "status", "words"),
    [
        (OFFLINE, 3, "no network, or the package index does not respond"),
        ("ProxyError('Cannot connect to proxy.')", 3, "no network"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))", 3, "PIP_CERT="),
        (HASHES, 5, "wheel==0.48.0 is not the pinned file"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", 4, "disk full"),
        ("OSError: [Errno 122] Disk quota exceeded: 'x'", 4, "disk full"),
        ("ERROR: No matching distribution found for old==1", 1, "the package index has no old==1"),
        ("ERROR: something else\nmore", 1, "packages failed: ERROR: something else"),
        ("", 1, "packages failed: Collecting b==2"),
    ],
)
def test_a_failing_pip_leaves_one_line_and_its_log(setup, output, status, words):
    setup.python()
    setup.pip_fails(output)
    done = setup.run()
    assert done.returncode == status
    said = error_of(done)
    assert words in said
    assert status == 4 or str(setup.log) in said
    assert [path.name for path in setup.venv.iterdir()] == [setup.log.name]
    assert output in setup.log.read_text()

    setup.calls_file.with_suffix(".pip").unlink()
    assert setup.run().returncode == 0


def test_a_virtualenv_that_cannot_be_made(setup):
    path = setup.python()
    path.write_text(path.read_text().replace('*"-m venv"*)', '*"-m venv"*) echo "Error: broken"; exit 1;;\n  *never*)'))
    done = setup.run()
    assert done.returncode == 1
    assert "virtualenv failed: Error: broken" in error_of(done)


def test_too_little_disk_is_told_before_anything_is_touched(install, monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 1_500_000_000))
    place = install.Place()
    place.folder = tmp_path / ".venv"
    with pytest.raises(install.SetupError, match=r"3\.4 GB needed, 1\.5 GB free") as caught:
        install.check_disk(place, "cpu")
    assert caught.value.status == 4
    # What is there already will be removed first, so it counts as free.
    place.folder.mkdir()
    with (place.folder / "old").open("wb") as file:
        file.truncate(2_000_000_000)
    install.check_disk(place, "cpu")


@pytest.mark.parametrize("number", [28, 122])
def test_a_disk_that_fills_up_under_the_script_itself(install, monkeypatch, capsys, number):
    def full(*arguments):
        raise OSError(number, "full")

    monkeypatch.setattr(install, "up_to_date", lambda place: False)
    monkeypatch.setattr(install, "make_alone", full)
    monkeypatch.setattr(install, "choose_python", lambda place: None)
    monkeypatch.setattr(install.signal, "signal", lambda *arguments: None)
    assert install.main() == 4
    assert "disk full" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("system", "machine", "libc", "words"),
    [
        ("Darwin", "arm64", ("", ""), "this is Darwin on arm64"),
        ("Linux", "aarch64", ("glibc", "2.36"), "this is Linux on aarch64"),
        ("Linux", "x86_64", ("glibc", "2.17"), "this system has glibc 2.17"),
        ("Linux", "x86_64", ("", ""), "this system has another C library"),
    ],
)
def test_machines_without_packages_are_refused(install, monkeypatch, system, machine, libc, words):
    monkeypatch.setattr(install.platform, "system", lambda: system)
    monkeypatch.setattr(install.platform, "machine", lambda: machine)
    monkeypatch.setattr(install.platform, "libc_ver", lambda: libc)
    with pytest.raises(install.SetupError, match=words):
        install.check_platform()


def test_a_processor_without_avx_is_refused(install, monkeypatch):
    monkeypatch.setattr(install.Path, "read_text", lambda *_, **__: "flags\t\t: fpu sse4_2 navx2\n")
    with pytest.raises(install.SetupError, match="AVX"):
        install.check_platform()


@pytest.mark.parametrize("kind", ["folder", "file", "link to nowhere"])
def test_what_is_no_environment_is_not_removed(setup, kind):
    setup.python()
    if kind == "folder":
        setup.venv.mkdir()
        (setup.venv / "thesis.tex").touch()
    elif kind == "file":
        setup.venv.touch()
    else:
        setup.venv.symlink_to("nowhere")
    done = setup.run()
    assert done.returncode == 2
    assert str(setup.venv) in error_of(done)
    assert setup.venv.is_symlink() or setup.venv.exists()
    assert kind != "folder" or (setup.venv / "thesis.tex").exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_half_made(setup, number):
    setup.python()
    setup.pip_takes(30)
    process = setup.start()
    until = time.monotonic() + 20
    while not setup.calls_file.with_suffix(".env").exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(number)
    errors = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert errors == "netlens: error: interrupted; the next `make env` starts from the beginning\n"
    assert [path.name for path in setup.venv.iterdir()] == [setup.log.name]


# -- conda -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_in_condas_environment_the_same_pins_go_there(setup, tmp_path):
    prefix = tmp_path / "conda"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "precious").touch()
    setup.python("python", missing=("ensurepip",)).rename(prefix / "bin" / "python")
    shutil.copy(setup.program("netlens", "#!/bin/sh\n"), prefix / "bin" / "netlens")
    conda = {"NETLENS_ENV": "conda", "CONDA_PREFIX": str(prefix)}
    done = setup.run(**conda)
    assert (done.returncode, done.stderr) == (0, "")
    calls = setup.calls()
    assert not any("-m venv" in call for call in calls)
    assert any("--require-hashes" in call and "cpu.txt" in call for call in calls)
    assert not setup.venv.exists()
    assert setup.run(**conda).stdout == ""

    (setup.root / "requirements" / "cpu.txt").write_text("new==1\n")
    setup.pip_fails(OFFLINE)
    assert setup.run(**conda).returncode == 3
    assert (prefix / "precious").exists()
