import hashlib

import pytest

from netlens.data.files import atomic_path, sha256_of


def test_file_appears_only_when_the_block_ends(tmp_path):
    final = tmp_path / "new" / "file.h5"
    with atomic_path(final) as temporary:
        temporary.write_text("whole")
        assert temporary.suffix == ".h5" and temporary.parent == final.parent
        assert not final.exists()
    assert final.read_text() == "whole"
    assert list(final.parent.iterdir()) == [final]


def test_error_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), atomic_path(tmp_path / "file") as temporary:
        temporary.write_text("half")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_other_files_errors_pass_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere"), atomic_path(tmp_path / "file"):
        (tmp_path / "elsewhere").read_text()


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
