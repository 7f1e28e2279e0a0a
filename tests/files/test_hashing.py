import hashlib

from netlens.files.hashing import sha256_of


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_a_folder_is_hashed_by_the_names_and_sizes_of_its_files(tmp_path):
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "b").write_bytes(b"123")
    (folder / "below" / "a").write_bytes(b"")
    assert sha256_of(folder) == hashlib.sha256(b"b\0003\nbelow/a\0000\n").hexdigest()
    before = sha256_of(folder)
    (folder / "b").write_bytes(b"321")
    assert sha256_of(folder) == before
    (folder / "b").write_bytes(b"3210")
    assert sha256_of(folder) != before


def test_what_snakemake_leaves_in_a_folder_does_not_count(tmp_path):
    (tmp_path / "page.html").write_text("page")
    before = sha256_of(tmp_path)
    (tmp_path / ".snakemake_timestamp").touch()
    assert sha256_of(tmp_path) == before
    (tmp_path / "other.html").touch()
    assert sha256_of(tmp_path) != before
