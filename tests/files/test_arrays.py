import hashlib
import io
import pickle
import time
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("compress", [False, True])
def test_round_trip_keeps_order_types_and_shapes(tmp_path, compress):
    arrays = {
        "zeta": np.arange(6, dtype=np.float32).reshape(2, 3),
        "alpha": np.array(["grass", "a cat"]),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "scalar": np.float64(0.1),
        "empty": np.zeros((0, 4), np.uint8),
        "flags": [True, False],
        "Mixed_3b/Branch_0/concat": np.ones(2),
        "Mixed_3b/Branch_0": np.zeros(2),
    }
    path = tmp_path / "deep" / "a.npz"
    save_arrays(path, arrays, compress=compress)
    loaded = load_arrays(path)
    assert list(loaded) == list(arrays)
    for name, values in arrays.items():
        np.testing.assert_array_equal(loaded[name], np.asarray(values))
        assert loaded[name].dtype == np.asarray(values).dtype
        assert loaded[name].shape == np.shape(values)
    assert [file.name for file in path.parent.iterdir()] == ["a.npz"]


@settings(max_examples=25, deadline=None)
@given(hnp.arrays(st.sampled_from([np.float32, np.int64, np.uint8]), hnp.array_shapes(max_dims=4, max_side=5)))
def test_any_array_comes_back_bit_for_bit(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("any") / "a.npz"
    save_arrays(path, {"a": array})
    assert load_arrays(path)["a"].tobytes() == array.tobytes()


@pytest.mark.parametrize("compress", [False, True])
def test_same_arrays_give_same_bytes_at_another_time(tmp_path, monkeypatch, compress):
    arrays = {"a": np.arange(100), "b": np.asfortranarray(np.ones((3, 4)))}
    save_arrays(tmp_path / "one.npz", arrays, compress=compress)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(2e9))
    arrays["b"] = np.ascontiguousarray(arrays["b"])
    save_arrays(tmp_path / "two.npz", arrays, compress=compress)
    assert digest(tmp_path / "one.npz") == digest(tmp_path / "two.npz")


def test_text_in_object_arrays_is_saved_as_text(tmp_path):
    save_arrays(tmp_path / "a.npz", {"names": np.array(["x", "longer"], dtype=object)})
    assert load_arrays(tmp_path / "a.npz")["names"].tolist() == ["x", "longer"]


def test_objects_are_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(ArrayFileError, match="'bad' holds Python objects"):
        save_arrays(tmp_path / "a.npz", {"bad": np.array([{}, None], dtype=object)})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "a/../b", "a\\b", ".hidden", "a/.hidden"])
def test_impossible_names_are_refused(tmp_path, name):
    with pytest.raises(ArrayFileError, match="cannot name an array"):
        save_arrays(tmp_path / "a.npz", {name: 1})


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such array file"):
        load_arrays(tmp_path / "none.npz")


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_truncated_file_is_one_clear_line(tmp_path, kept, compress):
    path = tmp_path / "a.npz"
    save_arrays(path, {"a": np.random.default_rng(0).normal(size=1000)}, compress=compress)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(ArrayFileError, match="truncated or damaged") as caught:
        load_arrays(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_flipped_bits_are_found(tmp_path):
    path = tmp_path / "a.npz"
    save_arrays(path, {"a": np.zeros(1000)})
    damaged = bytearray(path.read_bytes())
    damaged[4000] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ArrayFileError, match="CRC"):
        load_arrays(path)


def test_single_array_file_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(ArrayFileError, match="single array"):
        load_arrays(tmp_path / "a.npy")


def test_selection_and_absent_name(tmp_path):
    save_arrays(tmp_path / "a.npz", {"a": 1, "b": 2})
    assert list(load_arrays(tmp_path / "a.npz", ["b"])) == ["b"]
    with pytest.raises(ArrayFileError, match="holds no array 'c'; it holds a, b"):
        load_arrays(tmp_path / "a.npz", ["a", "c"])


def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    save_arrays(path, {"a": 1})
    before = digest(path)

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full_disk)
    with pytest.raises(OSError, match=r"disk full while writing .*a\.npz"):
        save_arrays(path, {"a": 2})
    assert digest(path) == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.npz"]


class Marker:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_python_objects_are_never_unpickled(tmp_path):
    marker = tmp_path / "marker"
    np.savez(tmp_path / "a.npz", fine=np.arange(3), bad=np.array([Marker(marker)], dtype=object))
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Marker(marker)))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(ArrayFileError, match=rf"{name}: holds Python objects, which could run code") as caught:
            load_arrays(tmp_path / name)
        assert "\n" not in str(caught.value)
    assert load_arrays(tmp_path / "a.npz", ["fine"])["fine"].tolist() == [0, 1, 2]
    assert not marker.exists()
    np.load(tmp_path / "b.npz", allow_pickle=True).close()
    assert marker.exists()  # What the attack does where nothing stops it.


def test_array_larger_than_the_memory_is_one_line(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**50,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("a.npy", header.getvalue())
    with pytest.raises(ArrayFileError, match="declares arrays that are larger than the memory"):
        load_arrays(tmp_path / "a.npz")
