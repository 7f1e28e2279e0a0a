"""Kill a run at random moments, damage what it has made, and see whether the end is that of an undisturbed run.

    netlens bench faults FOLDER [--moments 30] [--items ITEM...] [--cores 2] [--seed 0] [--within-min MINUTES]
                         [--undisturbed CHECKOUT] [--longest-s SECONDS] [--page FILE]

FOLDER gets a copy of the checkout. The items are made once without disturbance, unless they lie made in CHECKOUT; the
item `all` is all of the study. Then, from nothing, the same command is
started again and again, and after a random time one of its processes, of a kind that is chosen at random, is killed by
``kill -9``: netlens, Snakemake, a job or kernel, its client, a template. Then intermediate results get a flipped bit,
also one that numpy does not find, or lose their end, a record is cut off, a folder of outputs becomes read-only, a
second run is started beside a first, and, where root may mount one, results are written to a disk that is half as large
as they are. Prints a table of what was done and what happened, and keeps it as FOLDER/faults.md, and with --page as a
page of the documentation (docs/FAULTS.md); the exit status is 0
if nothing outlived its run, every fault was told in one line, the final files are those of the undisturbed run, byte by
byte, and nothing else was left behind. What has been tried is kept in FOLDER/faults.json, and the same command goes
on with the rest.
"""

import argparse
import ctypes
import functools
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from _checkout_copy import copy_checkout

from netlens.files.hashing import sha256_of

ITEMS = ("angles", "heldoutAccuracy", "weightSingularRatioProd", "heldoutImageCount")
KINDS = ("netlens", "Snakemake", "a job or kernel", "a client", "a template")
DAMAGES = ("flipped bit", "flipped bit that numpy does not find", "lost end", "record without its end")
#: Seconds within which everything must have ended after netlens or Snakemake was killed.
PATIENCE_S = 30.0
_MADE_BEFORE = "the run had ended before, exit 0"
MADE = ("results", "figures", "export_defs", "site")
#: Begins the page.
_HEAD = """# Faults

`netlens bench faults FOLDER --moments {} --items {} --page docs/FAULTS.md` wrote this page: what was done to runs of
the demo study, one after the other in one checkout, and what happened. A kill is `kill -9` at a random moment; the run
after it goes on with what there is. What was made in the end is compared with an undisturbed run, byte by byte.
"""


@dataclass
class Trial:
    """One fault: what was done, and what is wrong with what happened (nothing, it is hoped)."""

    fault: str
    happened: str = ""
    problems: list[str] = field(default_factory=list)


#: Try a fault, with its own random numbers.
Step = Callable[[random.Random], Trial]


@dataclass
class Checkout:
    """The copy in which everything happens."""

    folder: Path
    items: Sequence[str]
    cores: str

    def start(self, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
        """Start ``netlens run`` in the copy, with a folder for temporary files; `before` is called in its process."""
        source = str((self.folder / "src").resolve())
        temporary = (self.folder / "tmp").resolve()
        temporary.mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "netlens", "run", *self.items, "--cores", self.cores],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": source, "TMPDIR": str(temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=before,  # noqa: PLW1509  (no threads here)
        )

    def processes(self) -> list[psutil.Process]:
        """All processes that work in the copy."""
        found = []
        inside = str(self.folder.resolve())
        for process in psutil.process_iter():
            try:
                if process.cwd().startswith(inside) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def hashes(self) -> dict[str, str]:
        """Hashes of everything made but records, executed notebooks and logs, which hold times."""
        paths = [path for name in MADE for path in (self.folder / name).rglob("*") if path.is_file()]
        kept = [path for path in paths if path.suffix not in {".json", ".ipynb", ".log"}]
        kept = [path for path in kept if ".inspected" not in path.parts]
        # The paper and the supplement, which `netlens paper` makes of the items.
        others = {path for name in ("results/*/paper", "site/*/items") for path in self.folder.glob(name)}
        others |= {path for name in ("site/*/index.html", "export_defs/*/all.tex") for path in self.folder.glob(name)}
        kept = [path for path in kept if not others & {path, *path.parents}]
        return {str(path.relative_to(self.folder)): sha256_of(path) for path in sorted(kept)}

    def leftovers(self) -> list[str]:
        """Staging folders and temporary files."""
        left = [*self.folder.glob("results/*/staging/*"), *(self.folder / "tmp").iterdir()]
        return [str(path.relative_to(self.folder)) for path in left]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--moments", type=int, default=30)
    parser.add_argument("--items", nargs="+", default=ITEMS, help="`all`: all items of the demo study")
    parser.add_argument("--cores", default="2")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--within-min", type=float, default=float("inf"), help="begin no fault after this time")
    parser.add_argument("--page", type=Path, help="write the report as a page of the documentation, too")
    parser.add_argument("--undisturbed", type=Path, help="checkout of the same commit in which the items are made")
    parser.add_argument("--longest-s", type=float, help="latest moment of a kill; a third of the undisturbed run")
    parsed = parser.parse_args(arguments)
    if parsed.undisturbed and not parsed.longest_s:
        parser.error("--undisturbed needs --longest-s, since it is not known how long a run takes")
    begun = time.monotonic()
    log = parsed.folder / "faults.json"
    if not log.exists():
        copy_checkout(parsed.folder)
    items = _all_items() if parsed.items == ["all"] else parsed.items
    checkout = Checkout(parsed.folder, items, parsed.cores)
    if not log.exists():
        known = _made_before(parsed.undisturbed) if parsed.undisturbed else _undisturbed(checkout)
        log.write_text(json.dumps(known), encoding="utf-8")
    known = json.loads(log.read_text(encoding="utf-8"))
    trials = [Trial(**trial) for trial in known["trials"]]
    longest_s = parsed.longest_s or max(known["seconds"] / 3, 10)
    steps = _steps(checkout, known["hashes"], parsed.moments, longest_s)
    for number, step in enumerate(steps):
        if number >= len(trials):
            trials.append(step(random.Random(f"{parsed.seed}-{number}")))
            print(_row(trials[-1]), flush=True)
            log.write_text(json.dumps({**known, "trials": [asdict(trial) for trial in trials]}), encoding="utf-8")
        if len(trials) < len(steps) and time.monotonic() - begun > 60 * parsed.within_min:
            print(f"{len(trials)} of {len(steps)} faults were tried; the same command goes on")
            sys.exit(3)
    took = f"as in {parsed.undisturbed}" if parsed.undisturbed else f"{known['seconds']:.0f} s undisturbed"
    report = [f"{took}; {parsed.moments} kills; items: {', '.join(parsed.items)}", ""]
    table = ["| fault | what happened | problems |", "| --- | --- | --- |", *map(_row, trials)]
    report += table
    (parsed.folder / "faults.md").write_text("\n".join(report) + "\n", encoding="utf-8")
    print("\n".join(report))
    if parsed.page:
        head = _HEAD.format(parsed.moments, " ".join(parsed.items))
        parsed.page.write_text("\n".join([head, *table]) + "\n", encoding="utf-8")
    sys.exit(any(trial.problems for trial in trials))


def _all_items() -> list[str]:
    """All items that the demo study has, but the supplement, which is made of the others."""
    listed = subprocess.run(
        [sys.executable, "-m", "netlens", "list", "--json"], check=True, capture_output=True, text=True
    ).stdout
    return [item["name"] for item in json.loads(listed) if item["state"] != "absent" and item["name"] != "index"]


def _undisturbed(checkout: Checkout) -> dict[str, Any]:
    """Make the items once; keep how long it took and the hashes of what was made, and begin again."""
    begun = time.monotonic()
    _finish(checkout)
    seconds, hashes = time.monotonic() - begun, checkout.hashes()
    _begin_again(checkout.folder)
    return {"seconds": seconds, "hashes": hashes, "trials": []}


def _made_before(folder: Path) -> dict[str, Any]:
    """Hashes of what lies made in another checkout."""
    return {"seconds": float("nan"), "hashes": Checkout(folder, (), "2").hashes(), "trials": []}


def _steps(checkout: Checkout, hashes: dict[str, str], moments: int, longest_s: float) -> list[Step]:
    """All faults, in order; each is tried with random numbers of its own."""

    def kill(generator: random.Random) -> Trial:
        # Each run goes on where the last was killed, so most of them are in the middle of something.
        trial = _killed(checkout, generator.choice(KINDS), generator.uniform(1, longest_s), generator)
        if trial.happened == _MADE_BEFORE:
            _begin_again(checkout.folder)
        return trial

    def end(_generator: random.Random) -> Trial:
        trial = Trial("the same command, not disturbed")
        _finish(checkout)
        _compare(checkout, hashes, trial)
        return trial

    damages = [functools.partial(_damaged, checkout, hashes, kind) for kind in DAMAGES]
    others = [
        lambda _: _read_only(checkout, hashes),
        lambda _: _two_at_once(checkout),
        lambda _: _full_disk(checkout, hashes),
    ]
    return [*[kill] * moments, end, *damages, *others]


def _begin_again(folder: Path) -> None:
    """Remove everything that was made."""
    for name in MADE:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("figures", "export_defs"):
        _restore(name, folder)


def _restore(name: str, folder: Path) -> None:
    """Put tracked files back that lie in a folder of outputs."""
    tracked = subprocess.run(["git", "ls-files", name], check=True, capture_output=True, text=True).stdout.split()
    for path in tracked:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(Path(path).read_bytes())


def _row(trial: Trial) -> str:
    return f"| {trial.fault} | {trial.happened} | {'; '.join(trial.problems) or 'none'} |"


def _finish(checkout: Checkout) -> None:
    process = checkout.start()
    output = process.communicate()[0]
    if process.returncode:
        raise SystemExit(f"the run that nothing disturbs failed:\n{output}")


def _killed(checkout: Checkout, kind: str, moment_s: float, generator: random.Random) -> Trial:
    trial = Trial(f"kill -9 of {kind}")
    process = checkout.start()
    time.sleep(moment_s)
    candidates = _of_kind(checkout, process.pid, kind)
    waited = time.monotonic()
    while not candidates and process.poll() is None and time.monotonic() - waited < 60:
        time.sleep(0.1)
        candidates = _of_kind(checkout, process.pid, kind)
    if not candidates:
        ended = process.poll()
        trial.happened = "there was none within 60 s" if ended is None else f"the run had ended before, exit {ended}"
        process.terminate()
        process.communicate()
        if ended:
            trial.problems.append("a run that nothing disturbed failed")
        return trial
    victim = generator.choice(candidates)
    trial.fault += f" after {time.monotonic() - waited + moment_s:.1f} s"
    killed = time.monotonic()
    victim.kill()
    if kind in {"netlens", "Snakemake"}:
        while (left := checkout.processes()) and time.monotonic() - killed < PATIENCE_S:
            time.sleep(0.1)
        trial.happened = f"everything had ended after {time.monotonic() - killed:.1f} s"
        trial.problems += [f"process {one.pid} outlived the run" for one in left]
        for one in left:
            one.kill()
    output = process.communicate()[0]
    if kind not in {"netlens", "Snakemake"}:
        told = [line for line in output.splitlines() if "killed" in line or "netlens: error" in line]
        trial.happened = f"exit {process.returncode} after {time.monotonic() - killed:.1f} s"
        trial.happened += f": {told[0].strip()}" if told else ""
        if process.returncode and not told:
            trial.problems.append("nothing was said of a killed process")
    if _has_traceback(output):
        trial.problems.append(f"a traceback, kept as {_kept(checkout, output)}")
    return trial


def _has_traceback(output: str) -> bool:
    """Whether a run has printed a traceback, or the line of one that the log has."""
    return "Traceback" in output or "unexpected error" in output


def _kept(checkout: Checkout, output: str) -> str:
    """Keep what a run has printed beside the report; return the name of the file."""
    number = len(list(checkout.folder.glob("output_*.txt")))
    path = checkout.folder / f"output_{number}.txt"
    path.write_text(output, encoding="utf-8")
    return path.name


def _of_kind(checkout: Checkout, netlens: int, kind: str) -> list[psutil.Process]:
    """Processes of a kind; those that were forked from a template are jobs and kernels, which look alike."""
    working = checkout.processes()
    words, parents = {}, {}
    for one in working:
        try:
            words[one.pid], parents[one.pid] = " ".join(one.cmdline()), one.ppid()
        except psutil.Error:
            continue
    templates = {pid for pid, text in words.items() if "preloaded_template" in text}
    forked = {pid for pid in templates if parents[pid] in templates}
    clients = {pid for pid, text in words.items() if "preloaded_client" in text}
    pids = {
        "netlens": {netlens},
        "Snakemake": {pid for pid, text in words.items() if "-m snakemake" in text},
        "a job or kernel": forked,
        "a client": clients,
        "a template": templates - forked,
    }[kind]
    return [one for one in working if one.pid in pids]


def _compare(checkout: Checkout, undisturbed: dict[str, str], trial: Trial) -> None:
    today = checkout.hashes()
    changed = sorted(path for path in undisturbed.keys() | today.keys() if undisturbed.get(path) != today.get(path))
    trial.happened = f"{len(undisturbed) - len(changed)} of {len(undisturbed)} files are the same, byte by byte"
    trial.problems += [f"{path} differs" for path in changed[:3]]
    trial.problems += [f"{path} was left behind" for path in checkout.leftovers()[:3]]


def _damaged(checkout: Checkout, undisturbed: dict[str, str], kind: str, generator: random.Random) -> Trial:
    """Damage an intermediate result that an item is made from, and remove that item."""
    trial = Trial(kind)
    path, item = _read_by_an_item(checkout)
    read, record = checkout.folder / path, (checkout.folder / path).with_suffix(".json")
    damaged = record if "record" in kind else read
    trial.fault += f" in {damaged.relative_to(checkout.folder)}"
    content = bytearray(damaged.read_bytes())
    times = damaged.stat()
    if "end" in kind:
        del content[-100:]
    elif "numpy" in kind:
        content = _flipped_bit_that_numpy_reads(content, checkout.folder / "flipped.npz", generator)
    else:
        place = generator.randrange(8 * len(content))
        content[place // 8] ^= 1 << place % 8
    damaged.write_bytes(content)
    # Damage does not change a file's times.
    os.utime(damaged, ns=(times.st_atime_ns, times.st_mtime_ns))
    item.unlink()
    process = checkout.start()
    output = process.communicate()[0]
    words = "damaged record" if damaged == record else "is not the file"
    _tell(trial, process.returncode, output, str(damaged.relative_to(checkout.folder)), words)
    for made in (read, record) if damaged == record else (read,):
        made.unlink()
    _finish(checkout)
    repaired = Trial("")
    _compare(checkout, undisturbed, repaired)
    trial.problems += repaired.problems
    return trial


def _tell(trial: Trial, status: int, output: str, *words: str) -> None:
    """Note the line that told the fault, which has to hold all words, and that nothing else was wrong."""
    told = [line for line in output.splitlines() if all(word in line for word in ("netlens: error", *words))]
    trial.happened = told[0].strip() if told else f"exit {status}"
    if not (status and told):
        trial.problems.append("the fault was not told")
    if _has_traceback(output):
        trial.problems.append("a traceback")


def _flipped_bit_that_numpy_reads(content: bytearray, scratch: Path, generator: random.Random) -> bytearray:
    """Flip a bit with which numpy reads all arrays of an npz, in spite of its checksums."""
    while True:
        place = generator.randrange(8 * len(content))
        damaged = content.copy()
        damaged[place // 8] ^= 1 << place % 8
        scratch.write_bytes(damaged)
        try:
            with np.load(scratch) as stored:
                for name in stored.files:
                    stored[name].tobytes()
        except Exception:  # whatever numpy and zipfile say of a damaged file
            continue
        scratch.unlink()
        return damaged


def _read_only(checkout: Checkout, undisturbed: dict[str, str]) -> Trial:
    """Take the right to write from a folder of outputs, one of which is missing."""
    _, item = _read_by_an_item(checkout)
    folder = item.parent
    trial = Trial(f"read-only {folder.relative_to(checkout.folder)}")
    item.unlink()
    folder.chmod(0o555)
    process = checkout.start(_without_privileges)
    output = process.communicate()[0]
    folder.chmod(0o755)
    _tell(trial, process.returncode, output, f"{folder.relative_to(checkout.folder)}: cannot be written to")
    _finish(checkout)
    repaired = Trial("")
    _compare(checkout, undisturbed, repaired)
    trial.problems += repaired.problems
    return trial


def _without_privileges() -> None:
    """Bind root to the permissions of files, as everybody else is."""
    drop_capability, override_permissions, read_and_search = 24, 1, 2
    for capability in (override_permissions, read_and_search):
        ctypes.CDLL(None).prctl(drop_capability, capability, 0, 0, 0)


def _full_disk(checkout: Checkout, undisturbed: dict[str, str]) -> Trial:
    """Begin anew, with results on a disk that is half as large as they are, and go on where there is room."""
    results = checkout.folder / "results"
    size = sum(path.stat().st_size for path in results.rglob("*") if path.is_file()) // 2
    trial = Trial(f"a disk of {size / 1e6:.0f} MB for results of {2 * size / 1e6:.0f} MB")
    _begin_again(checkout.folder)
    results.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(results)], check=False)
    if mounted.returncode:
        trial.happened = "not tried, since it needs the right to mount"
        return trial
    try:
        process = checkout.start()
        output = process.communicate()[0]
        _tell(trial, process.returncode, output, "disk full")
        trial.problems += [f"{path} was left behind" for path in checkout.leftovers()[:3]]
    finally:
        subprocess.run(["umount", str(results)], check=True)
    _finish(checkout)
    repaired = Trial("")
    _compare(checkout, undisturbed, repaired)
    trial.problems += repaired.problems
    return trial


def _read_by_an_item(checkout: Checkout) -> tuple[str, Path]:
    """Return an intermediate npz, which has its record beside it, and the output of an item that was made from it."""
    for record in sorted([*checkout.folder.glob("figures/*/*/*.json"), *checkout.folder.glob("export_defs/*/*.json")]):
        content = json.loads(record.read_text(encoding="utf-8"))
        read = [path for path in content.get("inputs", {}) if path.startswith("results") and path.endswith(".npz")]
        read = [path for path in read if (checkout.folder / path).with_suffix(".json").is_file()]
        if read:
            return read[0], checkout.folder / min(content["outputs"])
    raise SystemExit("no item reads an intermediate npz; name others with --items")


def _two_at_once(checkout: Checkout) -> Trial:
    trial = Trial("a second run beside a first")
    first = checkout.start()
    time.sleep(1)
    second = checkout.start()
    output = second.communicate()[0].strip()
    first.communicate()
    trial.happened = output.splitlines()[-1] if output else f"exit {second.returncode}"
    # One of the two runs, and the other is refused; which one depends on who was first to lock.
    if sorted([bool(first.returncode), bool(second.returncode)]) != [False, True]:
        trial.problems.append(f"exit {first.returncode} and {second.returncode}")
    return trial


if __name__ == "__main__":
    main()
