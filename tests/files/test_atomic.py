"""Whole files or none."""

import errno
from pathlib import Path

import pytest

from netlens.files import atomic


def test_a_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "deep" / "file.txt"
    with atomic.writing(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.suffix == ".txt"
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


def test_an_error_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic.writing(target) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]
    assert target.read_text() == "old"


def test_a_full_disk_is_one_line_that_names_the_file(tmp_path):
    words = r"disk full while writing .*file\.txt .* MB free"
    with (
        pytest.raises(atomic.DiskFullError, match=words) as caught,
        atomic.writing(tmp_path / "file.txt") as temporary,
    ):
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_a_really_full_device_is_told_too():
    with pytest.raises(atomic.DiskFullError), atomic.writing("/dev/shm/netlens-test") as temporary:
        with Path("/dev/full").open("w") as full:
            full.write("x")
            full.flush()
        temporary.unlink()


def test_move_works_across_file_systems(tmp_path, monkeypatch):
    source, target = tmp_path / "a", tmp_path / "b" / "c"
    source.write_text("words")
    replace = type(source).replace

    def across(self, other):
        if self == source:
            raise OSError(errno.EXDEV, "cross-device link")
        return replace(self, other)

    monkeypatch.setattr(type(source), "replace", across)
    atomic.move(source, target)
    assert target.read_text() == "words"
    assert not source.exists()
