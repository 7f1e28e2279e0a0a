"""Arrays by layer in one npz file, whatever characters the layers' names contain."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import save_arrays
from netlens.model_comparison.errors import ComparisonError

_NAMES = "layers"


def save_layer_arrays(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Save activations by layer as npz.

    The file holds ``layers``, the names in order, and ``layer0``, ``layer1``, ...: a layer's name may contain slashes
    and other characters that an archive cannot use as a file name.

    Parameters
    ----------
    path
        File to write.
    arrays
        By layer: real numbers, (rows, channels).

    Raises
    ------
    OSError
        The file cannot be written.
    """
    names = np.array(list(arrays), np.str_)
    save_arrays(path, {_NAMES: names, **{f"layer{index}": values for index, values in enumerate(arrays.values())}})


def load_layer_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """Load activations by layer, in the order in which they were saved.

    Parameters
    ----------
    path
        Written by `save_layer_arrays`.

    Returns
    -------
    dict
        By layer: (rows, channels), with the same number of rows for all layers.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ArrayFileError
        The file is damaged, lacks an array, holds one too many, or holds arrays that do not fit each other.
    """
    reader = ArrayReader(path)
    names = reader.names(_NAMES, "layers")
    found = {name: reader.array(f"layer{index}", "f", "rows", f"channels {index}") for index, name in enumerate(names)}
    reader.finish()
    return found


def joined(shards: Iterable[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Concatenate the rows of shards.

    Parameters
    ----------
    shards
        By layer, (rows, channels) each; the same layers in every shard.

    Returns
    -------
    dict
        By layer, in the order of the first shard.

    Raises
    ------
    ComparisonError
        Shards have different layers, a layer has different sizes, or there are no shards.
    """
    parts = list(shards)
    if not parts:
        raise ComparisonError("there are no shards; pass at least one")
    for part in parts:
        if {name: values.shape[1:] for name, values in part.items()} != {
            name: values.shape[1:] for name, values in parts[0].items()
        }:
            raise ComparisonError(
                f"one shard has the layers {', '.join(parts[0])} and another {', '.join(part)}, or a layer has "
                "two sizes; compute all shards again"
            )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
