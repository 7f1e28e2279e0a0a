"""The arrays of one file, checked as they are taken out of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from netlens.files.arrays import ArrayFileError, load_arrays

_KINDS: Final[Mapping[str, str]] = {"b": "booleans", "f": "real numbers", "i": "integers", "U": "text", "u": "pixels"}


class ArrayReader:
    """Read an npz file array by array; whatever does not fit is reported in one line with the file's path.

    Parameters
    ----------
    path
        File that `netlens.files.arrays.save_arrays` wrote.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ArrayFileError
        The file is damaged. All methods raise it too, for an array that is missing or does not fit.

    Examples
    --------
    >>> reader = ArrayReader("spectrum.npz")
    >>> names = reader.names("names", "layers")
    >>> ratios = reader.array("ratios", "f", "layers")  # as many as there are names
    >>> reader.finish()
    """

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self._arrays = load_arrays(path)
        self._left = dict.fromkeys(self._arrays)
        self._sizes: dict[str, int] = {}

    @property
    def left(self) -> tuple[str, ...]:
        """Names of the arrays that have not been taken yet, in the order of the file."""
        return tuple(self._left)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of the array `name`, which counts as taken only once `array` returns it."""
        if name not in self._arrays:
            raise self.error(f"array {name!r} is missing")
        return self._arrays[name].shape

    def array(self, name: str, kind: str, *axes: str | int) -> NDArray[Any]:
        """Return the array `name`.

        Parameters
        ----------
        name
            Its name in the file.
        kind
            numpy's letter for its dtype: ``f``, ``i``, ``u``, ``b`` or ``U``.
        axes
            One per dimension: a size, or a word. Axes with the same word have the same size, in all arrays.
        """
        shape = self.shape(name)
        self._left.pop(name, None)
        array = self._arrays[name]
        if array.dtype.kind != kind:
            raise self.error(f"array {name!r} is of type {array.dtype}; {_KINDS[kind]} are expected")
        if len(shape) != len(axes):
            raise self.error(f"array {name!r} has {len(shape)} dimensions instead of {len(axes)}")
        for axis, size in zip(axes, shape, strict=True):
            expected = axis if isinstance(axis, int) else self._sizes.setdefault(axis, size)
            if size != expected:
                raise self.error(f"array {name!r} has shape {shape}, where {size} should be {expected}")
        return array

    def names(self, name: str, axis: str | int) -> tuple[str, ...]:
        """Return a one-dimensional array of text."""
        return tuple(self.array(name, "U", axis).tolist())

    def text(self, name: str) -> str:
        """Return a single text."""
        return str(self.array(name, "U"))

    def whole(self, name: str) -> int:
        """Return a single integer."""
        return int(self.array(name, "i"))

    def real(self, name: str) -> float:
        """Return a single real number."""
        return float(self.array(name, "f"))

    def finish(self) -> None:
        """Check that every array has been taken."""
        if self._left:
            raise self.error(f"array {self.left[0]!r} does not belong in it")

    def error(self, what: str) -> ArrayFileError:
        """Return an error that says what is wrong with the file and what to do about it."""
        return ArrayFileError(f"{self.path}: {what}; delete the file and run the rule that makes it")
