"""Patterns that somebody else has estimated, and how well they agree with a study's own.

The patterns of VGG-16 that came with iNNvestigate 1 (Alber et al. 2019, arXiv 1808.04260) are an npz of arrays called
``arr_0``, ``arr_1``, ..., one per layer with a kernel, in network order, shaped as the kernels. Nothing here starts
TensorFlow.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.models.keras.kernel_layers import KernelLayer

Array = NDArray[Any]


@dataclass(frozen=True)
class PatternAgreement:
    """How well the units' published patterns agree with those that were refitted.

    Attributes
    ----------
    cosines
        (units,) by the layer's label, in network order: cosine between the two patterns of each unit; NaN where one of
        them is zero.
    """

    cosines: Mapping[str, Array]

    def medians(self) -> Array:
        """Median cosine of each layer, over its units with both patterns; NaN for layers without any."""
        return np.array(
            [
                np.median(values[np.isfinite(values)]) if np.isfinite(values).any() else np.nan
                for values in self.cosines.values()
            ]
        )

    def save(self, path: str | Path) -> None:
        """Save as npz.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        save_arrays(path, dict(self.cosines))

    @classmethod
    def load(cls, path: str | Path) -> "PatternAgreement":
        """Load what `save` wrote.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ArrayFileError
            The file is damaged, holds no layer, or holds numbers that are no cosines.
        """
        reader = ArrayReader(path)
        cosines = {name: reader.array(name, "f", f"units of {name}") for name in reader.left}
        if not cosines:
            raise reader.error("it holds no layer")
        for name, values in cosines.items():
            if (np.abs(values[np.isfinite(values)]) > 1.001).any():
                raise reader.error(f"array {name!r} holds values that are no cosines")
        return cls(cosines)


def read_published_patterns(path: str | Path, layers: Sequence[KernelLayer]) -> dict[str, Array]:
    """Published patterns by layer name.

    Parameters
    ----------
    path
        npz with one array per layer, shaped as its kernel: under the layers' names, or as the list ``arr_0``,
        ``arr_1``, ... in network order, which ``numpy.savez`` makes of a list of arrays.
    layers
        The network's layers with kernels, in network order.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ArrayFileError
        The file is damaged, holds Python objects, or does not hold the patterns of these layers.
    """
    arrays = load_arrays(path)
    expected = {layer.name: layer.kernel_shape for layer in layers}
    if all(re.fullmatch(r"arr_\d+", name) for name in arrays):
        ordered = [arrays[name] for name in sorted(arrays, key=lambda name: int(name.removeprefix("arr_")))]
        if len(ordered) != len(expected):
            raise ArrayFileError(
                f"{path}: holds patterns of {len(ordered)} layers, but the network has {len(expected)} layers with "
                "kernels; these are not its patterns"
            )
        arrays = dict(zip(expected, ordered, strict=True))
    for name, shape in expected.items():
        if name not in arrays:
            raise ArrayFileError(f"{path}: holds no patterns of layer {name!r}; these are not the network's patterns")
        if arrays[name].shape != shape:
            raise ArrayFileError(
                f"{path}: the patterns of layer {name!r} have shape {arrays[name].shape}, its kernel {shape}; these "
                "are not the network's patterns"
            )
        if arrays[name].dtype.kind != "f":
            raise ArrayFileError(f"{path}: the patterns of layer {name!r} are of type {arrays[name].dtype}, not real")
    return {name: np.asarray(arrays[name]) for name in expected}


def unit_cosines(one: Array, other: Array) -> Array:
    """Cosine between two patterns of each unit.

    Parameters
    ----------
    one, other
        (..., units), both shaped as the kernel of one layer.

    Returns
    -------
    ndarray
        float64, (units,). NaN where a pattern is zero or not finite.
    """
    first, second = (np.reshape(pattern, (-1, np.shape(pattern)[-1])) for pattern in (one, other))
    # Sums in double precision without a copy of half a gigabyte in it.
    product, first_squares, second_squares = (
        np.einsum("iu,iu->u", a, b, dtype=np.float64, casting="safe")
        for a, b in ((first, second), (first, first), (second, second))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines = np.asarray(product / np.sqrt(first_squares * second_squares))
    return np.where(np.isfinite(cosines), cosines, np.nan)
