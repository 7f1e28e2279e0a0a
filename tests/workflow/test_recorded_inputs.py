import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.files.hashing import sha256_of
from netlens.workflow.recorded_inputs import ChangedInputError, checked_hashes
from netlens.workflow.records import DamagedRecordError


def write_record(record, output, sha256):
    made = {"rule": "sums", "notebook": {"path": "sums.ipynb", "sha256": ""}, "inputs": {}, "code": {}}
    made |= {"outputs": {str(output): sha256}, "machine": {}, "duration_s": 1.0}
    record.write_text(json.dumps(made))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """An npz and the record that its job left beside it."""
    folder = tmp_path_factory.mktemp("written")
    path = folder / "sums.npz"
    np.savez(path, sums=np.arange(50.0))
    (folder / "other.json").write_text("not a record")
    write_record(folder / "record.json", path, sha256_of(path))
    return path


def test_files_with_and_without_a_record(written, tmp_path):
    own = tmp_path / "images.txt"
    own.write_text("mine")
    assert checked_hashes([written, own]) == {str(written): sha256_of(written), str(own): sha256_of(own)}


def test_the_record_of_the_same_name_comes_first(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1")
    write_record(tmp_path / "0.json", path, "0" * 64)
    write_record(tmp_path / "a.json", path, sha256_of(path))
    checked_hashes([path])


def test_a_damaged_record_does_not_count_as_none(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("1")
    write_record(tmp_path / "a.json", path, sha256_of(path))
    (tmp_path / "a.json").write_bytes((tmp_path / "a.json").read_bytes()[:-10])
    with pytest.raises(DamagedRecordError, match=r"a\.json: damaged record"):
        checked_hashes([path])


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_every_flipped_bit_is_found(written, data):
    content = bytearray(written.read_bytes())
    place = data.draw(st.integers(0, 8 * len(content) - 1))
    content[place // 8] ^= 1 << place % 8
    intact = written.read_bytes()
    try:
        written.write_bytes(content)
        with pytest.raises(ChangedInputError, match=r"sums.npz is not the file that .* delete it") as told:
            checked_hashes([written])
        assert "\n" not in str(told.value)
    finally:
        written.write_bytes(intact)


def test_a_truncated_file(written):
    intact = written.read_bytes()
    try:
        written.write_bytes(intact[:-1])
        with pytest.raises(ChangedInputError):
            checked_hashes([written])
    finally:
        written.write_bytes(intact)
