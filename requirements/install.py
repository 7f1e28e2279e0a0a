"""Create netlens's environment in .venv: first the hashed pins, without a resolver, then netlens itself.

``make env`` runs this with any Python since 3.6 that it finds; this file then looks for one that netlens supports. It
uses only the standard library and syntax of Python 3.6, so that the user of an old Python sees one clear line and not a
traceback.

Environment variables: PYTHON (the interpreter to use), NETLENS_DEVICE (cpu or gpu; default: gpu if an NVIDIA driver
responds), and pip's own (PIP_*, proxies, certificates). Inside the conda environment of environment.yml the packages go
into that environment.

Exit status: 0 done or nothing to do, 2 this machine or its Python is not supported, 3 no network, 4 disk full, 5 a
package differs from its pin, 1 any other error, 130 interrupted.
"""

import contextlib
import errno
import hashlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What requirements/weights.py extracts from packages that are not installed.
WEIGHTS = ROOT / "requirements" / "weights.json"
OLDEST, NEWEST = (3, 11), (3, 13)
VERSIONS = "Python 3.11, 3.12 or 3.13"
# Tried in this order. The published values were computed with 3.11, so it comes before newer versions.
NAMES = ("python3", "python3.11", "python3.12", "python3.13")
# Modules that the packages import and that a manually compiled Python often lacks.
MODULES = ("bz2", "ctypes", "lzma", "sqlite3", "ssl", "zlib")
# The oldest C library that all pinned wheels support.
GLIBC = (2, 28)
# Disk space in bytes while .venv is created: the environment and, until they are installed, the downloads.
NEEDED = {"cpu": 3_400_000_000, "gpu": 12_000_000_000}
DOWNLOADED = {"cpu": 700_000_000, "gpu": 3_800_000_000}
# Package that is published without a wheel.
SOURCE_ONLY = "connection-pool"
# Settings that would install packages elsewhere, change the set of packages, or change the output that is read here.
UNWANTED = (
    "PIP_CONSTRAINT", "PIP_DRY_RUN", "PIP_NO_DEPS", "PIP_PREFIX", "PIP_QUIET", "PIP_REPORT", "PIP_REQUIRE_HASHES",
    "PIP_REQUIREMENT", "PIP_ROOT", "PIP_TARGET", "PIP_USER", "PIP_VERBOSE", "PYTHONHOME", "PYTHONPATH",
)  # fmt: skip
NETWORK = re.compile(
    "NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|ConnectionResetError|"
    "Temporary failure in name resolution|Network is unreachable|Connection broken|Max retries exceeded"
)
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
PROBE = """
import json, sys
missing = []
for name in {modules!r}:
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
print(json.dumps([sys.version_info[:3], sys.implementation.name, sys.maxsize > 2**32, sys.executable, missing]))
""".format(modules=("venv", "ensurepip", *MODULES))


class SetupError(Exception):
    """Error whose message says in one line what is wrong and what to do."""

    def __init__(self, words: str, status: int = 2) -> None:
        super().__init__(words)
        self.status = status


class Python:
    """A working interpreter and its properties."""

    def __init__(self, version: list, implementation: str, is_64_bit: bool, program: str, missing: list) -> None:
        self.version = version
        self.name = f"Python {'.'.join(str(number) for number in version)} ({program})"
        self.implementation = implementation
        self.is_64_bit = is_64_bit
        self.program = program
        self.missing = missing

    @property
    def right_version(self) -> bool:
        """Whether netlens supports this version."""
        return OLDEST <= tuple(self.version[:2]) <= NEWEST

    def problem(self) -> str:
        """Return why it cannot be used and what to do; empty if it can be used."""
        if not self.right_version:
            return f"netlens needs {VERSIONS}, and this is {self.name}: install one, or specify it: make env PYTHON=..."
        if self.implementation != "cpython" or not self.is_64_bit:
            return f"netlens needs 64-bit CPython, which {self.name} is not: specify another with make env PYTHON=..."
        absent = [module for module in self.missing if module in MODULES]
        if absent:
            return f"{self.name} was built without {', '.join(absent)}: specify another with make env PYTHON=..."
        if self.missing:
            sudo = "" if os.geteuid() == 0 else "sudo "
            package = f"python3.{self.version[1]}-venv"
            lacks = f"{self.name} lacks {self.missing[0]}"
            return f"{lacks}: {sudo}apt-get install {package}, or the equivalent for your system"
        return ""


class Place:
    """Location of the environment: .venv, or the active conda environment of environment.yml."""

    def __init__(self) -> None:
        self.conda = os.environ.get("NETLENS_ENV") == "conda" and bool(os.environ.get("CONDA_PREFIX"))
        self.folder = Path(os.environ["CONDA_PREFIX"]) if self.conda else ROOT / ".venv"
        self.python = self.folder / "bin" / "python"
        self.stamp = self.folder / ".netlens-stamp"
        self.log = self.folder / "netlens-setup.log"
        self.temporary = self.folder / "netlens-setup.tmp"

    def entries(self) -> list:
        """Return the contents of the folder."""
        return list(self.folder.iterdir()) if self.folder.is_dir() else []

    def check_ours(self) -> None:
        """Raise an error if the folder is not a virtual environment, so that nothing else is deleted."""
        if self.folder.is_symlink() and not self.folder.exists():
            raise SetupError(f"{self.folder} is a broken link: remove it, then run `make env` again")
        if self.folder.exists() and not self.folder.is_dir():
            raise SetupError(f"{self.folder} is not a folder: move it away, then run `make env` again")
        names = {path.name for path in self.entries()}
        if names and not self.conda and not names & {"pyvenv.cfg", self.log.name, self.stamp.name}:
            raise SetupError(f"{self.folder} is not a virtual environment: move it away, then run `make env` again")

    def clear(self, keep: tuple = ()) -> None:
        """Empty .venv, which may be a link to a folder on a larger disk; leave a conda environment as it is."""
        for path in [] if self.conda else self.entries():
            if path in keep:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(str(path))
            else:
                path.unlink()

    def size(self) -> int:
        """Return how many bytes `clear` would free."""
        if self.conda:
            return 0
        folders = [folder for folder, _, _ in os.walk(str(self.folder))]
        return sum(entry.stat(follow_symlinks=False).st_size for folder in folders for entry in os.scandir(folder))


# -- what is required, and whether it is installed ---------------------------------------------------------------------


def pins(device: str) -> Path:
    """Return the path of the hashed requirements of a device."""
    return ROOT / "requirements" / f"{device}.txt"


def digest(device: str) -> str:
    """Return a hash of all that determines what is installed: pins and package metadata in pyproject.toml."""
    whole = hashlib.sha256(pins("build").read_bytes() + pins(device).read_bytes() + WEIGHTS.read_bytes())
    table = ""
    for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines():
        table = line.strip() if line.startswith("[") else table
        if table.startswith(("[project", "[build-system")) and line.strip() and not line.startswith("#"):
            whole.update(line.encode("utf-8") + b"\n")
    return whole.hexdigest()


def up_to_date(place: Place) -> bool:
    """Return whether the existing environment is the required one; this does not start anything slow."""
    try:
        stamp = json.loads(place.stamp.read_text(encoding="utf-8"))
        same = (
            stamp["digest"] == digest(stamp["device"])
            and stamp["place"] == str(place.folder)
            and stamp["driver"] == has_driver()
            and wanted_device() in ("", stamp["device"])
            and place.python.exists()
        )
        version = stamp["python"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if same and Path(sys.prefix).resolve() == place.folder.resolve():
        # The Python that .venv was created with may have been replaced by a newer one.
        same = version[:2] == list(sys.version_info[:2])
    if same and os.environ.get("PYTHON") and not place.conda:
        asked = probe(os.environ["PYTHON"])
        same = asked is not None and asked.version == version
    return same


# -- what this machine has ---------------------------------------------------------------------------------------------


def check_platform() -> None:
    """Raise an error if there are no files of the pinned packages for this machine."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise SetupError(
            f"netlens needs Linux on x86_64, and this is {system} on {machine}: use a Linux machine, a container or "
            "WSL 2"
        )
    library, version = platform.libc_ver()
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if library != "glibc" or numbers < GLIBC:
        raise SetupError(
            f"netlens needs glibc {GLIBC[0]}.{GLIBC[1]} or later, and this system has "
            f"{f'{library} {version}'.strip() or 'another C library'}: use a newer distribution, or a container"
        )
    with contextlib.suppress(OSError):
        flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(errors="replace"), re.MULTILINE)
        if flags and "avx" not in flags.group(1).split():
            raise SetupError(
                "TensorFlow needs a processor with AVX, and this one does not have it: use another machine"
            )


def wanted_device() -> str:
    """Return the value of NETLENS_DEVICE; empty if the device is chosen automatically."""
    wanted = os.environ.get("NETLENS_DEVICE", "")
    if wanted not in ("", "cpu", "gpu"):
        raise SetupError(f"NETLENS_DEVICE={wanted}: must be cpu or gpu, or not set")
    return wanted


def has_driver() -> bool:
    """Return whether NVIDIA's tool is installed; querying it for a device takes seconds on some machines."""
    return shutil.which("nvidia-smi") is not None


def choose_device() -> tuple:
    """Return the device whose pins are installed, and the reason."""
    if wanted_device():
        return wanted_device(), "set by NETLENS_DEVICE"
    if not has_driver():
        return "cpu", "no NVIDIA driver"
    answer = ask(["nvidia-smi", "-L"])
    device = next((line for line in answer.splitlines() if line.startswith("GPU ")), "")
    return ("gpu", device.split(" (UUID")[0]) if device else ("cpu", "no NVIDIA driver responds")


def ask(command: list) -> str:
    """Return what a command prints; empty if it fails."""
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60,
            check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.decode("utf-8", "replace") if answer.returncode == 0 else ""


def probe(program: str) -> "Python | None":
    """Return the properties of a Python; None if it does not run, like a shim of pyenv without a version."""
    try:
        return Python(*json.loads(ask([program, "-I", "-c", PROBE]).splitlines()[-1]))
    except (ValueError, IndexError, TypeError):
        return None


def candidates(place: Place) -> list:
    """Return the Python of the previous environment and those on PATH, except for the environment's own."""
    found = []
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found.append(json.loads(place.stamp.read_text(encoding="utf-8"))["program"])
    for name in NAMES:
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
            path = Path.cwd() / folder / name
            if os.access(str(path), os.X_OK) and path.is_file() and ROOT / ".venv" not in path.parents:
                found.append(str(path))
    return found


def choose_python(place: Place) -> Python:
    """Return the Python to create the environment with."""
    given = str(place.python) if place.conda else os.environ.get("PYTHON", "")
    if given:
        python = probe(given)
        if python is None:
            raise SetupError(f"{given} does not run: set PYTHON to the path of {VERSIONS}")
        if place.conda:
            python.missing = [module for module in python.missing if module in MODULES]
        if python.problem():
            raise SetupError(python.problem())
        return python
    unusable = []
    for path in candidates(place):
        python = probe(path)
        if python and not python.problem():
            return python
        if python:
            unusable.append(python)
    if not unusable:
        raise SetupError(f"no Python was found: install {VERSIONS}, or specify it: make env PYTHON=...")
    # The easiest problem to solve is reported: a supported version that lacks something before a wrong version.
    raise SetupError(next((python for python in unusable if python.right_version), unusable[0]).problem())


def free_bytes(path: Path) -> int:
    """Return the free disk space at a path that need not exist yet."""
    return shutil.disk_usage(str(existing(path))).free


def existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def check_disk(place: Place, device: str) -> None:
    """Raise an error if there is too little disk space."""
    free = free_bytes(place.folder) + place.size()
    if free < NEEDED[device]:
        raise SetupError(
            f"not enough disk space for {place.folder}: {NEEDED[device] / 1e9:.1f} GB needed, {free / 1e9:.1f} GB "
            "free; free some space, or make .venv a link to a folder on a larger disk",
            status=4,
        )


def has_room_for_cache(place: Place, device: str) -> bool:
    """Return whether there is also space for the downloads in pip's cache, which may be on the same disk."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111  fails without a home
    cache = Path(os.environ.get("PIP_CACHE_DIR") or os.path.join(home, "pip")).absolute()  # noqa: PTH118
    shared = existing(cache).stat().st_dev == place.folder.stat().st_dev
    return free_bytes(cache) > DOWNLOADED[device] + (NEEDED[device] if shared else 0)


# -- creating it -------------------------------------------------------------------------------------------------------


class Steps:
    """Runs commands, with their output in the log and one line per step on the terminal."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.terminal = sys.stdout.isatty()

    def run(self, words: str, command: list, counted: str = "", allowed: tuple = (0,)) -> None:
        """Run a step; with `counted`, show how many lines of its output begin with it."""
        started = time.time()
        output, count = [], 0
        with self.place.log.open("a", encoding="utf-8") as log:
            log.write(f"\n$ {' '.join(command)}\n")
            log.flush()
            process = subprocess.Popen(
                command, cwd=str(ROOT), env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                for raw in process.stdout:
                    line = raw.decode("utf-8", "replace")
                    log.write(line)
                    output.append(line)
                    if counted and line.startswith(counted):
                        count += 1
                        self.show(f"  {words}: {count}")
                status = process.wait()
            except BaseException:
                process.terminate()
                process.wait()
                raise
        self.show("")
        if status not in allowed:
            raise explained(words, "".join(output), self.place)
        done = f"{words}: {count}" if counted else words
        print(f"  {done:<16}{time.time() - started:6.1f} s", flush=True)

    def show(self, words: str) -> None:
        """Replace the current line of the terminal, if the output is one."""
        if self.terminal:
            sys.stdout.write("\r\033[K" + words)
            sys.stdout.flush()

    def environment(self) -> dict:
        """Return the environment variables without those that would interfere with the installation."""
        kept = {name: value for name, value in os.environ.items() if name not in UNWANTED}
        # /tmp is small on some machines; the free space of this folder was checked.
        kept.update(TMPDIR=str(self.place.temporary), PYTHONNOUSERSITE="1", PIP_USER="0")
        return kept


def explained(step: str, output: str, place: Place) -> SetupError:
    """Return an error of one line, with an exit status, for the output of a failed step."""
    log = f"(log: {place.log})"
    if any(os.strerror(number) in output for number in DISK_FULL):
        return disk_full(step, place)
    mismatch = re.search(r"DO NOT MATCH THE HASHES.*?\n\s+(\S+) from ", output, re.DOTALL)
    if mismatch:
        return SetupError(
            f"{mismatch.group(1)} is not the pinned file: its sha256 differs, so the download is damaged or "
            "the package has changed; "
            f"try again with PIP_NO_CACHE_DIR=1 {log}",
            status=5,
        )
    if "CERTIFICATE_VERIFY_FAILED" in output:
        return SetupError(f"the certificate of the package index is not trusted: set PIP_CERT=/path/to/ca.pem {log}", 3)
    if NETWORK.search(output):
        return SetupError(
            f"no network, or the package index does not respond: connect, then run `make env` again {log}", 3
        )
    absent = re.search(r"No matching distribution found for (\S+)", output)
    if absent:
        return SetupError(f"the package index has no {absent.group(1)} for this machine and Python {log}", 1)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if "error" in line.lower()), (lines or ["no output"])[-1])
    return SetupError(f"{step} failed: {last} {log}", 1)


def disk_full(step: str, place: Place) -> SetupError:
    """Return the error for a disk that became full despite the check."""
    free = free_bytes(place.folder) / 1e9
    return SetupError(
        f"disk full at {step} ({free:.1f} GB free in {place.folder}): free some, then run `make env` again", 4
    )


def make(place: Place, python: Python, device: str) -> None:
    """Create the environment in an empty folder."""
    steps = Steps(place)
    place.temporary.mkdir(parents=True, exist_ok=True)
    place.log.write_text(f"{python.name}, {device}\n", encoding="utf-8")
    if not place.conda:
        # venv does not accept a link.
        steps.run("virtualenv", [python.program, "-m", "venv", str(place.folder.resolve())])
    pip = [str(place.python), "-m", "pip", "--no-input", "--disable-pip-version-check"]
    if not has_room_for_cache(place, device):
        pip.append("--no-cache-dir")
    install = [*pip, "install", "--no-deps", "--no-build-isolation", "--no-warn-script-location", "--progress-bar=off"]
    hashed = [*install, "--no-compile", "--only-binary=:all:", f"--no-binary={SOURCE_ONLY}", "--require-hashes", "-r"]
    steps.run("build tools", [*hashed, str(pins("build"))])
    # Some packages exclude versions of Python that they run on (see tool.uv in pyproject.toml); the pins fit all three.
    steps.run("packages", [*hashed, str(pins(device)), "--ignore-requires-python"], counted="Collecting ")
    # On all cores, unlike in pip, and without the packages' own tests. A few packages contain files in the syntax of
    # other versions of Python, for which the exit status is 1.
    compiling = ["-m", "compileall", "-q", "-j0", "-x", "site-packages/.*/tests?/", str(place.folder / "lib")]
    steps.run("byte code", [str(place.python), *compiling], allowed=(0, 1))
    steps.run("weights", [str(place.python), str(WEIGHTS.with_suffix(".py"))])
    steps.run("netlens", [*install, "--editable", str(ROOT)])
    steps.run("check", [str(place.folder / "bin" / "netlens"), "--version"])


def make_alone(place: Place, python: Python, device: str, reason: str) -> None:
    """Create the environment unless another run is doing so; a failure leaves only the log."""
    import fcntl  # not there on systems that check_platform has refused

    with (ROOT / ".venv.lock").open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("environment: another run is creating it; waiting", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if up_to_date(place):
                return
        started = time.time()
        check_disk(place, device)
        print(f"environment: {python.name}, {device} packages ({reason})", flush=True)
        finished = False
        try:
            if place.stamp.exists():
                place.stamp.unlink()
            place.clear()
            make(place, python, device)
            finished = True
        finally:
            shutil.rmtree(str(place.temporary), ignore_errors=True)
            if not finished:
                place.clear(keep=(place.log,))
        write_stamp(place, python, device)
    print(f"environment: ready, {time.time() - started:.0f} s", flush=True)


def write_stamp(place: Place, python: Python, device: str) -> None:
    """Record what the environment was created from. This is the last step, so an incomplete one has no record."""
    stamp = {
        "digest": digest(device), "device": device, "driver": has_driver(), "place": str(place.folder),
        "python": python.version, "program": python.program,
    }  # fmt: skip
    part = place.stamp.with_name(f"{place.stamp.name}.part")
    part.write_text(json.dumps(stamp, indent=1, sort_keys=True), encoding="utf-8")
    part.replace(place.stamp)


def interrupt(number: int, frame: object) -> None:
    """Handle SIGTERM like Ctrl-C."""
    raise KeyboardInterrupt


def main() -> int:
    """Create the environment unless it is up to date, and report any error in one line."""
    place = Place()
    try:
        if up_to_date(place):
            return 0
        signal.signal(signal.SIGTERM, interrupt)
        check_platform()
        place.check_ours()
        python = choose_python(place)
        make_alone(place, python, *choose_device())
        return 0
    except SetupError as error:
        message, status = str(error), error.status
    except OSError as error:
        full = disk_full("set-up", place) if error.errno in DISK_FULL else None
        message, status = (str(full), full.status) if full else (str(error), 1)
    except KeyboardInterrupt:
        message, status = "interrupted; the next `make env` starts from the beginning", 130
    print(f"netlens: error: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
