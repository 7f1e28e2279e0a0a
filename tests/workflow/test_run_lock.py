"""One run at a time; a lock of Snakemake that a killed run left behind goes where nobody runs."""

import fcntl
import socket
from types import SimpleNamespace

import pytest

from netlens.workflow.errors import UserError
from netlens.workflow.run_lock import begin_run, only_run, prepare_snakemake

MAIN = SimpleNamespace(is_main_process=True)


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


def test_a_folder_that_cannot_be_written_to_is_one_line(folder, monkeypatch):
    (folder / ".netlens.lock").mkdir()
    with pytest.raises(UserError, match="cannot be written to"), only_run():
        pass
