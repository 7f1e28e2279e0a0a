"""Folders of running processes: removed afterwards, by the process itself or by the next one."""

import subprocess
import sys

from netlens.files.owned_folders import (
    claimed,
    claimed_temporary,
    remove_abandoned,
    remove_abandoned_temporary,
    temporary_folder,
)

KILLED = """
import os, signal, sys
from netlens.files.owned_folders import claimed
with claimed(sys.argv[1]) as folder:
    (folder / "part").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_goes_with_its_block(tmp_path):
    with claimed(tmp_path / "staging" / "job") as folder:
        (folder / "part").write_text("half")
    assert not list((tmp_path / "staging").iterdir())


def test_what_a_killed_process_left_is_removed_and_what_a_running_one_has_is_not(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "dead")], check=False)
    assert (tmp_path / "dead" / "part").is_file()
    with claimed(tmp_path / "alive") as alive:
        assert remove_abandoned(tmp_path) == 1
        assert alive.is_dir()
        assert not (tmp_path / "dead").exists()
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_removed_yet_is_removed_by_a_later_process(tmp_path, monkeypatch):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "dead")], check=False)
    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", lambda *_, **__: None)
        assert remove_abandoned(tmp_path) == 0
    assert remove_abandoned(tmp_path) == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_was_made_again_without_its_lock_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    others = {tmp_path / "netlens-archive-1234abcd", tmp_path / "netlens-12345678.txt"}
    with claimed_temporary() as used:
        for folder in (*others, tmp_path / "netlens-12345678"):
            folder.mkdir()
        assert remove_abandoned_temporary() == 1
        assert used.is_dir()
    assert set(tmp_path.iterdir()) == others


def test_a_temporary_folder_of_more_than_80_characters_is_too_long_for_sockets(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("x" * 90)))
    assert str(temporary_folder()) == "/tmp"
    with claimed_temporary() as folder:
        assert len(str(folder)) < 80
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
