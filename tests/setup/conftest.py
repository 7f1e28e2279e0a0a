"""A copy of what set-up consists of, and Pythons on PATH that only pretend: no network, nothing installed."""

import importlib.util
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]

# Plays an interpreter: tells what it is, makes a virtual environment that holds itself, and lets pip end as asked.
FAKE = """#!/bin/sh
name="$*"
case "$name" in
  *install.py*) exec {real} "$@" ;;
  *version_info\\ \\<*) exit 0 ;;
  *maxsize*) echo '{answer}'; exit 0 ;;
esac
echo "$name" >>{calls}
case "$name" in
  *"-m venv"*)
    for folder; do :; done
    [ ! -h "$folder" ] || {{ echo 'Error: Unable to create directory'; exit 1; }}
    mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" && echo home >"$folder/pyvenv.cfg"
    printf '#!/bin/sh\\necho 0.1.0\\n' >"$folder/bin/netlens" && chmod +x "$folder/bin/netlens" ;;
  *"-m pip"*pu.txt*)
    env >{calls}.env
    echo 'Collecting a==1'; echo 'Collecting b==2'
    [ ! -f {calls}.pip ] || {{ cat {calls}.pip; exit 1; }}
    [ ! -f {calls}.slow ] || exec sleep "$(cat {calls}.slow)" ;;
  *"-m compileall"*) exit 1 ;;
  *"-m netlens"*) echo "netlens from $0" ;;
esac
"""


class Setup:
    """A repository with the set-up's files, and a PATH that holds nothing but pretenders."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a repository"
        self.bin = folder / "bin"
        self.calls_file = folder / "calls"
        self.venv = self.root / ".venv"
        self.log = self.venv / "netlens-setup.log"
        self.bin.mkdir()
        (self.root / "requirements").mkdir(parents=True)
        for name in ("Makefile", "pyproject.toml", "requirements/install.py", "requirements/weights.json"):
            shutil.copy(ROOT / name, self.root / name)
        for name in ("build", "cpu", "gpu"):
            (self.root / "requirements" / f"{name}.txt").write_text(f"{name}==1 --hash=sha256:0\n")
        for name in ("env", "cat", "cp", "mkdir", "chmod", "sleep", "sed", "expand"):
            (self.bin / name).symlink_to(shutil.which(name) or name)

    def program(self, name: str, script: str) -> Path:
        path = self.bin / name
        path.write_text(script)
        path.chmod(0o755)
        return path

    def python(
        self, name: str = "python3", version: tuple[int, int, int] = (3, 11, 7), missing: tuple[str, ...] = (),
        implementation: str = "cpython",
    ) -> Path:  # fmt: skip
        answer = json.dumps([version, implementation, True, str(self.bin / name), missing])
        return self.program(name, FAKE.format(real=sys.executable, answer=answer, calls=self.calls_file))

    def pip_fails(self, output: str) -> None:
        self.calls_file.with_suffix(".pip").write_text(output)

    def pip_takes(self, seconds: float) -> None:
        self.calls_file.with_suffix(".slow").write_text(str(seconds))

    def environment(self, **variables: str) -> dict[str, str]:
        return {"PATH": str(self.bin), "HOME": str(self.root.parent), **variables}

    def start(self, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-I", self.root / "requirements" / "install.py"], env=self.environment(**variables),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.root,
            # As at a terminal, also where the tests themselves run in the background, which ignores the signal.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  (no threads here)
        )  # fmt: skip

    def run(self, **variables: str) -> subprocess.CompletedProcess[str]:
        process = self.start(**variables)
        output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess([], process.returncode, output, errors)

    def make(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [shutil.which("make") or "make", *arguments], env=self.environment(**variables), cwd=self.root,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def calls(self) -> list[str]:
        """What the pretenders were asked to do since the last time."""
        calls = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        return calls

    def pip_environment(self) -> dict[str, str]:
        lines = self.calls_file.with_suffix(".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("netlens_install", ROOT / "requirements" / "install.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec.loader.exec_module(module)
    for name in ("NETLENS_ENV", "NETLENS_DEVICE", "PYTHON"):
        monkeypatch.delenv(name, raising=False)
    return module
