"""Read arrays out of pickles without running what a pickle can run.

A pickle is a program: whatever it names is imported and called. The readers here know a handful of names, which make
arrays, and refuse every other.
"""

import io
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy._core.multiarray import _reconstruct  # what a pickled array calls
from numpy.typing import NDArray

from netlens.models.errors import CheckpointError

#: PyTorch's storage classes -> dtype of their values.
_STORAGES: Final = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
#: Opens PyTorch's format from before version 1.6: a number, the version of the protocol.
_TORCH_MAGIC: Final = 0x1950A86A20F9469CFC6C
_TORCH_PROTOCOL: Final = 1001


class _Unpickler(pickle.Unpickler):
    """Unpickle with a fixed table of names.

    Parameters
    ----------
    file
        Open for reading.
    known
        (module, name) -> what the pickle gets for it.
    encoding
        Of byte strings that Python 2 wrote.
    """

    def __init__(self, file: BinaryIO, known: Mapping[tuple[str, str], Any], encoding: str = "ASCII") -> None:
        super().__init__(file, encoding=encoding)
        self._known = known

    def find_class(self, module: str, name: str) -> Any:
        """Return what the table has for a name."""
        if (module, name) not in self._known:
            raise CheckpointError(f"names {module}.{name}, which is code and is not run; only arrays are read")
        return self._known[module, name]

    def persistent_load(self, pid: Any) -> Any:
        """Refuse references out of the pickle."""
        raise CheckpointError(f"refers to {pid!r}, which is outside the file")


def load_numpy_pickle(path: str | Path) -> Any:
    """Read a pickle that holds numpy arrays in dicts, lists and tuples.

    Parameters
    ----------
    path
        The file; Python 2 may have written it.

    Returns
    -------
    object
        What was pickled.

    Raises
    ------
    CheckpointError
        It names anything but numpy's arrays, or is damaged.
    """
    known = {
        **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _encoded,
    }
    with Path(path).open("rb") as file:
        return _guarded(path, _Unpickler(file, known, encoding="latin1").load)


def _encoded(text: str, encoding: str) -> bytes:
    """Return the bytes that old versions of pickle write as text."""
    if encoding != "latin1":
        raise CheckpointError(f"holds bytes written as {encoding!r}, which are not read")
    return text.encode("latin1")


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: str
    size: int


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _TorchUnpickler(_Unpickler):
    def persistent_load(self, pid: Any) -> _Storage:
        """Return what the file says of a block of values that follows the pickles."""
        kind, dtype, key, _, size, *view = pid
        if kind != "storage" or any(view):
            raise CheckpointError(f"refers to {pid!r}, which is not a plain storage")
        return _Storage(str(key), dtype, int(size))


def load_torch_state(path: str | Path) -> dict[str, NDArray[Any]]:
    """Read a state dict in PyTorch's format from before version 1.6.

    The file is five pickles in a row (magic number, protocol, system, state, keys of the storages), then, for each key
    in that order, the number of values as int64 and the values, little-endian.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    dict
        Name -> array, in the file's order.

    Raises
    ------
    CheckpointError
        It is not such a file, is damaged, or names anything but tensors.
    """
    data = Path(path).read_bytes()
    file = io.BytesIO(data)
    known: dict[tuple[str, str], Any] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): lambda storage, offset, size, stride, *_: _Tensor(
            storage, int(offset), tuple(size), tuple(stride)
        ),
        **{("torch", name): dtype for name, dtype in _STORAGES.items()},
    }

    def read() -> dict[str, NDArray[Any]]:
        magic, protocol, _, state, keys = (_TorchUnpickler(file, known).load() for _ in range(5))
        if (magic, protocol) != (_TORCH_MAGIC, _TORCH_PROTOCOL):
            raise CheckpointError("is not in PyTorch's format from before version 1.6")
        if not isinstance(state, dict) or not all(isinstance(tensor, _Tensor) for tensor in state.values()):
            raise CheckpointError("does not hold a state dict of tensors")
        storages = {tensor.storage.key: tensor.storage for tensor in state.values()}
        values = {}
        for key in keys:
            storage = storages[str(key)]
            (count,) = np.frombuffer(file.read(8), "<i8")
            if count != storage.size:
                raise CheckpointError(f"storage {key} has {count} values, not {storage.size}")
            block = file.read(storage.size * np.dtype(storage.dtype).itemsize)
            values[storage.key] = np.frombuffer(block, storage.dtype, storage.size)
        return {name: _array(tensor, values[tensor.storage.key]) for name, tensor in state.items()}

    state: dict[str, NDArray[Any]] = _guarded(path, read)
    return state


def _array(tensor: _Tensor, values: NDArray[Any]) -> NDArray[Any]:
    """Return a tensor as an array of its own; its view of the storage must not leave the storage."""
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.size, tensor.stride, strict=True))
    empty = 0 in tensor.size
    if tensor.offset < 0 or min(tensor.stride, default=0) < 0 or min(tensor.size, default=0) < 0:
        raise CheckpointError("a tensor has a negative offset, size or stride")
    if not empty and last >= len(values):
        raise CheckpointError("a tensor reaches beyond its storage")
    if empty:
        return np.empty(tensor.size, values.dtype)
    strides = [stride * values.itemsize for stride in tensor.stride]
    return np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.size, strides).copy()


def _guarded(path: str | Path, read: Any) -> Any:
    """Read, and report anything that goes wrong in one line with the file's name."""
    try:
        return read()
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to make it do
        raise CheckpointError(f"{path}: damaged, or not a file of arrays: {type(error).__name__}: {error}") from error
