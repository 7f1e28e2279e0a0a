"""Pickles of arrays: what is written comes back, and nothing that a pickle asks for is run."""

import collections
import io
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.models.errors import CheckpointError
from netlens.models.pretrained.array_pickles import load_numpy_pickle, load_torch_state

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class Named:
    """Pickles as a bare name, as a class or function of another module does."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Storage:
    def __init__(self, dtype, key, size):
        self.pid = ("storage", Named("torch", dtype), key, "cpu", size, None)


class Rebuilt:
    def __init__(self, storage, offset, size, stride):
        self.arguments = (storage, offset, size, stride, False, collections.OrderedDict())


class _Pickler(pickle._Pickler):  # the one in Python, which lets a name be written that cannot be imported
    def persistent_id(self, value):
        return value.pid if isinstance(value, Storage) else None

    def save(self, value, save_persistent_id=True):
        if isinstance(value, Named):
            self.write(f"c{value.module}\n{value.name}\n".encode())
        elif isinstance(value, Rebuilt):
            self.save(Named("torch._utils", "_rebuild_tensor_v2"))
            self.save(value.arguments)
            self.write(b"R")
        else:
            super().save(value, save_persistent_id)


def pickled(value):
    file = io.BytesIO()
    _Pickler(file, 2).dump(value)
    return file.getvalue()


def torch_file(path, state, blocks, *, magic=MAGIC, counts=None):
    """Write a state dict as PyTorch did before version 1.6; `blocks` are the values of each storage."""
    parts = [pickled(part) for part in (magic, PROTOCOL, {"little_endian": True}, state, list(blocks))]
    for key, block in blocks.items():
        parts += [struct.pack("<q", (counts or {}).get(key, len(block))), block.tobytes()]
    path.write_bytes(b"".join(parts))
    return path


def tensor(key, shape, size, *, offset=0, stride=None, dtype="FloatStorage"):
    strides = tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))) if stride is None else stride
    return Rebuilt(Storage(dtype, key, size), offset, shape, strides)


def test_tensors_come_back_in_order_with_offsets_strides_and_shared_storages(tmp_path):
    values, counts = np.arange(12, dtype=np.float32), np.array([7], np.int64)
    state = collections.OrderedDict(
        kernel=tensor("a", (3, 4), 12),
        transposed=tensor("a", (4, 3), 12, stride=(1, 4)),
        part=tensor("a", (2,), 12, offset=5),
        count=tensor("b", (), 1, dtype="LongStorage"),
    )
    read = load_torch_state(torch_file(tmp_path / "net.pth", state, {"a": values, "b": counts}))
    assert list(read) == ["kernel", "transposed", "part", "count"]
    np.testing.assert_array_equal(read["kernel"], values.reshape(3, 4))
    np.testing.assert_array_equal(read["transposed"], values.reshape(3, 4).T)
    np.testing.assert_array_equal(read["part"], [5, 6])
    assert (read["count"].shape, read["count"].dtype, int(read["count"])) == ((), np.int64, 7)
    read["kernel"][:] = -1
    assert read["part"][0] == 5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (tensor("a", (13,), 12), "beyond its storage"),
        (tensor("a", (3,), 12, offset=10), "beyond its storage"),
        (tensor("a", (3,), 12, offset=-1), "negative"),
        (tensor("a", (3,), 12, stride=(-1,)), "negative"),
        ("a text", "state dict of tensors"),
        (Named("os", "system"), r"names os\.system, which is code"),
        (Named("torch", "BoolStorage"), r"names torch\.BoolStorage"),
    ],
)
def test_tensors_that_leave_their_storage_and_names_of_code_are_refused(tmp_path, wrong, message):
    path = torch_file(tmp_path / "net.pth", {"x": wrong}, {"a": np.zeros(12, np.float32)})
    with pytest.raises(CheckpointError, match=message) as caught:
        load_torch_state(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_another_format_and_storages_of_another_length_are_refused(tmp_path):
    state, blocks = {"x": tensor("a", (2,), 2)}, {"a": np.zeros(2, np.float32)}
    with pytest.raises(CheckpointError, match=r"version 1\.6"):
        load_torch_state(torch_file(tmp_path / "net.pth", state, blocks, magic=1))
    with pytest.raises(CheckpointError, match="storage a has 3 values, not 2"):
        load_torch_state(torch_file(tmp_path / "net.pth", state, blocks, counts={"a": 3}))


@given(cut=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_reported_in_one_line(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("cut")
    path = torch_file(folder / "net.pth", {"x": tensor("a", (2,), 2)}, {"a": np.zeros(2, np.float32)})
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * len(data))])
    with pytest.raises(CheckpointError, match=r"net\.pth: "):
        load_torch_state(path)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_numpy_arrays_come_back(tmp_path, protocol):
    stored = {"conv1": [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(3, ">f8")]}
    path = tmp_path / "net.pkl"
    path.write_bytes(pickle.dumps(stored, protocol=protocol))
    if protocol == 5:  # arrays lie in a pickle of this version as buffers, by a function that is not on the list
        with pytest.raises(CheckpointError, match="which is code and is not run"):
            load_numpy_pickle(path)
        return
    read = load_numpy_pickle(path)
    for array, expected in zip(read["conv1"], stored["conv1"], strict=True):
        np.testing.assert_array_equal(array, expected)


class Attack:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def test_code_in_a_pickle_works_elsewhere_and_is_refused_here(tmp_path):
    marker = tmp_path / "ran"
    path = tmp_path / "net.pkl"
    path.write_bytes(pickle.dumps({"conv1": Attack(eval, f"open({str(marker)!r}, 'w').close()")}))
    pickle.loads(path.read_bytes())
    assert marker.exists()
    marker.unlink()
    for load in (load_numpy_pickle, load_torch_state):
        with pytest.raises(CheckpointError, match=r"names builtins\.eval, which is code and is not run"):
            load(path)
    assert not marker.exists()
