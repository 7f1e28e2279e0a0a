"""Hashes are kept for as long as a file is not written, however it is written."""

import os

import pytest

from netlens.files import kept_hashes
from netlens.files.hashing import sha256_of
from netlens.files.kept_hashes import KeptHashes


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file whose last change counts as long ago."""
    monkeypatch.setattr(kept_hashes, "_SETTLED_S", -1.0)
    path = tmp_path / "a"
    path.write_text("one")
    return path


def hashed(file, monkeypatch):
    """sha256 by the kept hashes, and how many files were read for it."""
    read = []
    monkeypatch.setattr(kept_hashes, "sha256_of", lambda path: read.append(path) or sha256_of(path))
    hashes = KeptHashes(file.parent / "kept.json")
    digest = hashes.sha256(file)
    hashes.save()
    return digest, len(read)


def test_the_second_call_reads_nothing(file, monkeypatch):
    assert hashed(file, monkeypatch) == (sha256_of(file), 1)
    assert hashed(file, monkeypatch) == (sha256_of(file), 0)


def test_a_change_with_the_old_time_and_size_is_seen(file, monkeypatch):
    before, _ = hashed(file, monkeypatch)
    status = file.stat()
    file.write_text("two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    after, read = hashed(file, monkeypatch)
    assert (after, read) == (sha256_of(file), 1)
    assert after != before


def test_another_file_under_the_same_name_is_seen(file, monkeypatch):
    hashed(file, monkeypatch)
    other = file.with_name("b")
    other.write_text("two")
    other.replace(file)
    assert hashed(file, monkeypatch) == (sha256_of(file), 1)


def test_what_was_written_just_now_is_not_kept(file, monkeypatch):
    monkeypatch.setattr(kept_hashes, "_SETTLED_S", 60.0)
    assert [hashed(file, monkeypatch)[1] for _ in range(2)] == [1, 1]


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', "\0"])
def test_a_damaged_file_of_hashes_counts_as_none(file, monkeypatch, text):
    file.with_name("kept.json").write_text(text)
    assert hashed(file, monkeypatch)[0] == sha256_of(file)


def test_a_folder_is_hashed_anew(file, monkeypatch):
    assert [hashed(file.parent, monkeypatch)[1] for _ in range(2)] == [1, 1]


def test_a_file_that_is_gone_is_forgotten(file, monkeypatch):
    hashed(file, monkeypatch)
    other = file.with_name("b")
    other.write_text("two")
    file.unlink()
    hashed(other, monkeypatch)
    assert str(file) not in file.with_name("kept.json").read_text()
