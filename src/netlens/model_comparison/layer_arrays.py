"""One array a layer as the arrays of one file, whatever characters the layers' names hold."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.model_comparison.errors import ComparisonError

_NAMES = "layers"


def pack(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Write arrays by layer as arrays whose names any archive takes (a layer's name may hold slashes).

    Parameters
    ----------
    arrays
        By layer.

    Returns
    -------
    dict
        ``layers``, the names in order, and ``layer0``, ``layer1``, ... for `netlens.files.arrays.save_arrays`.
    """
    names = np.array(list(arrays), np.str_)
    return {_NAMES: names, **{_key(index): values for index, values in enumerate(arrays.values())}}


def unpack(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Read what `pack` wrote: arrays by layer, in the order in which they were packed.

    Raises
    ------
    ComparisonError
        These are not packed arrays.
    """
    if _NAMES not in arrays:
        raise ComparisonError(f"no arrays by layer: there is no {_NAMES!r} among them; make the file again")
    names = [str(name) for name in arrays[_NAMES]]
    missing = [name for index, name in enumerate(names) if _key(index) not in arrays]
    if missing:
        raise ComparisonError(f"layer {missing[0]!r} is named but has no array; make the file again")
    return {name: arrays[_key(index)] for index, name in enumerate(names)}


def joined(shards: Iterable[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Put the rows of shards one behind the other.

    Parameters
    ----------
    shards
        By layer, (rows, ...) each; the same layers in every shard.

    Returns
    -------
    dict
        By layer, in the order of the first shard.

    Raises
    ------
    ComparisonError
        Shards have different layers, a layer different sizes, or there are no shards.
    """
    parts = list(shards)
    if not parts:
        raise ComparisonError("there are no shards; give at least one")
    for part in parts:
        if {name: values.shape[1:] for name, values in part.items()} != {
            name: values.shape[1:] for name, values in parts[0].items()
        }:
            raise ComparisonError(
                f"one shard has the layers {', '.join(parts[0])} and another {', '.join(part)}, or a layer has "
                "two sizes; make all shards again"
            )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _key(index: int) -> str:
    return f"layer{index}"
