"""One run at a time; a lock of Snakemake that a killed run left behind goes where nobody runs."""

import fcntl
import os
import re
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from netlens.files.owned_folders import claimed
from netlens.workflow.errors import UserError
from netlens.workflow.run_lock import begin_run, only_run, prepare_snakemake

MAIN = SimpleNamespace(is_main_process=True, snakemake_tmp_dir="snakemake0", local_exec=False)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("NETLENS_RUN", "NETLENS_SNAKEMAKE", "NETLENS_PYTHON"):
        monkeypatch.setenv(name, "")
    (tmp_path / ".snakemake/locks").mkdir(parents=True)
    return tmp_path


def test_plain_snakemake_and_netlens_exclude_each_other():
    with only_run(), pytest.raises(UserError, match="another run is using this folder"):
        begin_run(MAIN)
    with begin_run(MAIN), pytest.raises(UserError, match="another run is using this folder"), only_run():
        pass


def test_the_job_of_a_cluster_needs_no_lock():
    with only_run():
        assert begin_run(SimpleNamespace(is_main_process=False)) is None


@pytest.mark.parametrize(("host", "unlocked"), [(socket.gethostname(), True), ("elsewhere", False)])
def test_a_lock_of_snakemake_goes_only_if_a_run_of_this_machine_was_killed(folder, host, unlocked):
    (folder / ".netlens.lock").write_text(f"process 1, since 12:00:00, on {host}")
    prepare_snakemake(MAIN)
    assert (folder / ".snakemake/locks").exists() is not unlocked


def test_a_lock_of_snakemake_stays_while_somebody_runs(folder):
    with (folder / ".netlens.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(f"process 1, since 12:00:00, on {socket.gethostname()}")
        held.flush()
        prepare_snakemake(MAIN)
    assert (folder / ".snakemake/locks").exists()


@pytest.mark.parametrize("found_before", [False, True])
def test_a_run_removes_only_locks_of_its_own_snakemake(folder, found_before):
    lock = folder / ".snakemake/locks/0.input.lock"
    if found_before:
        # Left by a machine whose file locks are not seen here.
        lock.touch()
    with only_run():
        # Snakemake was killed, or refused because of the lock.
        lock.touch()
    assert lock.exists() is found_before


def test_the_second_of_two_runs_is_refused_in_one_line_with_the_holder():
    with only_run(), pytest.raises(UserError) as refused:
        begin_run(MAIN)
    assert re.fullmatch(
        rf"another run is using this folder \(process {os.getpid()}, since \d\d:\d\d:\d\d, on "
        rf"{re.escape(socket.gethostname())}\); wait for it or stop it",
        str(refused.value),
    )


def test_a_run_removes_the_staging_folders_of_killed_processes_and_no_others(folder):
    staging = folder / "results/demo/staging"
    # Nobody holds the lock, and a version without locks.
    (staging / "killed-1").mkdir(parents=True)
    (staging / "killed-1.lock").touch()
    (staging / "older-1").mkdir()
    with claimed(staging / "running-1"), only_run():
        assert sorted(path.name for path in staging.iterdir()) == ["running-1", "running-1.lock"]


def test_a_run_removes_the_temporary_folder_of_a_snakemake_that_was_killed_and_of_no_other(folder):
    script = (
        "import os, signal, sys\nfrom types import SimpleNamespace\n"
        "from netlens.workflow.run_lock import prepare_snakemake\n"
        "os.mkdir(sys.argv[1])\n"
        "prepare_snakemake(SimpleNamespace(is_main_process=True, snakemake_tmp_dir=sys.argv[1]))\n"
        "if sys.argv[1] == 'snakemake-killed':\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "print('prepared', flush=True)\nsys.stdin.read()\n"
    )

    def start(name):
        return subprocess.Popen([sys.executable, "-c", script, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    start("snakemake-killed").communicate()
    running = start("snakemake-runs")
    assert running.stdout.readline() == b"prepared\n"
    with only_run():
        assert sorted(path.name for path in folder.glob("snakemake-*")) == ["snakemake-runs", "snakemake-runs.lock"]
    running.communicate()
    # Snakemake removes its folder itself.
    assert [path.name for path in folder.glob("snakemake-*")] == ["snakemake-runs"]


@pytest.mark.parametrize("local", [True, False])
def test_jobs_of_this_machine_have_no_limit_per_second_and_those_of_a_cluster_keep_it(local):
    scheduler = SimpleNamespace(job_rate_limiter="100 per second")
    begin_run(SimpleNamespace(is_main_process=True, local_exec=local, scheduler=scheduler)).close()
    assert scheduler.job_rate_limiter == (None if local else "100 per second")


def test_a_folder_that_cannot_be_written_to_is_one_line(folder):
    (folder / ".netlens.lock").mkdir()
    with pytest.raises(UserError) as refused, only_run():
        pass
    assert str(refused.value) == (
        f"{folder}: cannot be written to (Is a directory); netlens writes its results there, so run it in a copy of "
        "this folder"
    )


def test_a_read_only_folder_is_one_line(folder):
    user = os.geteuid()
    folder.chmod(0o555)
    if user == 0:
        # Root may write everywhere.
        os.seteuid(65534)
    try:
        with pytest.raises(UserError, match=r"^[^\n]*: cannot be written to \(Permission denied\)[^\n]*$"), only_run():
            pass
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


def test_the_snakefile_can_be_read_in_a_folder_that_cannot_be_written_to(folder):
    (folder / ".netlens.lock").mkdir()
    prepare_snakemake(MAIN)
    assert os.environ["NETLENS_PYTHON"] == sys.executable
