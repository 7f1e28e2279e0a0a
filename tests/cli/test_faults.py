"""``netlens run`` with a disk, memory or files that fail: one line says what and where, and the next run is whole."""

import ctypes
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from netlens.files.hashing import sha256_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]

SNAKEFILE = """
from netlens.workflow.rules import RULE_COMMAND as RUN, RuleNames
from netlens.workflow.run_lock import begin_run, prepare_snakemake
from netlens.workflow.study import load_study

prepare_snakemake(workflow)

names = RuleNames(load_study("small"))

onstart:
    workflow.globals["RUN_LOCK"] = begin_run(workflow)

rule all:
    input:
        names.items(),

rule squares:
    input:
        **names.notebook("data/squares"),
    output:
        squares="results/small/data/squares.npz",
        record="results/small/data/squares.json",
    params:
        job=names.job(),
        files=names.files,
    log:
        "results/small/executed/data/squares.ipynb",
    shell:
        RUN

rule squareSum:
    input:
        **names.notebook("data/sum"),
        squares=rules.squares.output.squares,
    output:
        names.outputs("squareSum"),
    params:
        job=names.job(),
        files=names.files,
    log:
        "results/small/executed/data/sum.ipynb",
    shell:
        RUN
"""
SQUARES = """
from pathlib import Path
import numpy as np
Path(squares).parent.mkdir(parents=True, exist_ok=True)
np.savez(squares, squares=np.arange(200.0) ** 2)
"""
SUM = """
import numpy as np
from netlens.publish import macro
macro.save(stem, np.load(squares)["squares"].sum(), rounding=macro.integer())
"""
MADE = ("results/small/data/squares.npz", "export_defs/small/squareSum.tex")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A study of one number, from an array that another job makes."""
    project = tmp_path / "project"
    for folder in ("config", "notebooks/data", "src", "temporary"):
        (project / folder).mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(project / "temporary"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    shutil.copy(ROOT / "config" / "schema.yaml", project / "config")
    (project / "Snakefile").write_text(SNAKEFILE)
    (project / "config/small.yaml").write_text(
        "study: small\ntitle: t\nimages_are: i\nseed: 1\nimages: {p: {kind: photos}}\n"
        "networks: {n: {kind: named, architecture: small_vgg, images: p}}\n"
        "data: {images: p}\nmodels: {network: n}\npattern_attribution: {network: n}\n"
    )
    (project / "notebooks/data/items.yaml").write_text("squareSum: {kind: macro, shows: the sum of squares}\n")
    write(project / "notebooks/data/squares.ipynb", "squares: str = 'squares.npz'  # output", SQUARES)
    parameters = "squares: str = 'squares.npz'  # input\nstem: str = 'squareSum'  # output"
    write(project / "notebooks/data/sum.ipynb", parameters, SUM)
    return project


def write(path, parameters, code):
    cells = [nbformat.v4.new_code_cell(parameters), nbformat.v4.new_code_cell(code.strip())]
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def netlens(project, *arguments, **options):
    command = [sys.executable, "-m", "netlens", *(arguments or ("run", "--study", "small", "--cores", "1"))]
    return subprocess.run(command, **{"cwd": project, **options}, capture_output=True, text=True, check=False)


def made(project):
    return [sha256_of(project / path) for path in MADE]


def left(project):
    """Files that no finished run leaves behind."""
    return [*project.glob("results/*/staging/*"), *project.glob("temporary/*"), *project.rglob("*.part*")]


def refused(run, *words):
    """Check that a run ended in one line, besides where Snakemake's log is, that holds all words; return the line."""
    lines = [line for line in run.stderr.splitlines() if not line.startswith(("netlens: stopped", "netlens: failed"))]
    assert run.returncode != 0, run.stdout
    assert len(lines) == 1, run.stderr
    assert lines[0].startswith("netlens: error: ")
    assert all(word in lines[0] for word in words), lines[0]
    return lines[0]


def finished(project):
    run = netlens(project)
    assert run.returncode == 0, run.stdout + run.stderr
    assert not left(project)
    return made(project)


def flipped_bit_that_numpy_reads(content, scratch):
    """Flip the first bit with which numpy reads the file, in spite of the checksums of its format."""
    for place in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        scratch.write_bytes(damaged)
        try:
            with np.load(scratch) as stored:
                stored["squares"].sum()
        except Exception:  # whatever numpy and zipfile say of a damaged file
            continue
        return bytes(damaged)
    raise AssertionError("every flipped bit is found by the format")


def test_a_damaged_intermediate_result_stops_the_job_that_reads_it(project, tmp_path):
    whole = finished(project)
    path = project / MADE[0]
    content, times = path.read_bytes(), path.stat()
    for damaged in (content[:-100], flipped_bit_that_numpy_reads(content, tmp_path / "scratch.npz")):
        path.write_bytes(damaged)
        # Damage changes no times.
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        (project / MADE[1]).unlink(missing_ok=True)
        refused(netlens(project), f"{MADE[0]} is not the file that its job wrote", "delete it")
    path.unlink()
    assert finished(project) == whole


def without_privileges():
    """Bind root to the permissions of files, as everybody else is."""
    drop_capability, override_permissions, read_and_search = 24, 1, 2
    for capability in (override_permissions, read_and_search):
        ctypes.CDLL(None).prctl(drop_capability, capability, 0, 0, 0)


def test_a_read_only_folder_of_outputs_is_one_line(project):
    for folder in (".", "results", "export_defs", "export_defs/small"):
        (project / folder).mkdir(parents=True, exist_ok=True)
        (project / folder).chmod(0o555)
        run = netlens(project, preexec_fn=without_privileges)
        (project / folder).chmod(0o755)
        refused(run, f"{project if folder == '.' else folder}: cannot be written to")
        assert not left(project)
    finished(project)


def test_a_folder_that_becomes_read_only_during_the_run_is_one_line(project):
    close = "from pathlib import Path\nPath('export_defs').mkdir()\nPath('export_defs').chmod(0o555)\n"
    write(project / "notebooks/data/squares.ipynb", "squares: str = 'squares.npz'  # output", close + SQUARES)
    run = netlens(project, preexec_fn=without_privileges)
    refused(run, "export_defs/small: Permission denied")
    (project / "export_defs").chmod(0o755)
    assert not left(project)
    finished(project)


def limited(megabytes):
    """Limit the address space, as ``ulimit -v`` does."""
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)


def test_too_little_address_space_is_refused_before_anything_runs(project):
    refused(netlens(project, preexec_fn=limited(600)), "`ulimit -v` limits processes to 600 MB", "ulimit -v unlimited")
    assert not (project / "results").exists()


def test_a_job_that_fails_under_a_limit_of_its_address_space_is_told_of_the_limit(project):
    code = SQUARES.replace("np.arange(200.0)", "np.ones(400_000_000)")
    write(project / "notebooks/data/squares.ipynb", "squares: str = 'squares.npz'  # output", code)
    refused(netlens(project, preexec_fn=limited(2100)), "MemoryError", "`ulimit -v` limits processes to 2100 MB")
    assert not left(project)


def test_a_killed_notebook_is_told_with_its_memory_and_leaves_no_temporary_files(project):
    """As by a lack of memory."""
    use = (
        "import os, signal, tempfile, time\ntempfile.mkstemp()\nused = b'x' * (300 << 20)\ntime.sleep(1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    write(project / "notebooks/data/squares.ipynb", "squares: str = 'squares.npz'  # output", use)
    line = refused(netlens(project), "squares", "the notebook's process was killed (out of memory?) after using up to ")
    assert 300 <= int(line.partition("up to ")[2].split()[0].replace(",", "")) < 700
    assert not left(project)


def test_a_command_in_another_folder_says_where_to_give_it(project, tmp_path):
    refused(netlens(project, cwd=tmp_path), "checkout")
