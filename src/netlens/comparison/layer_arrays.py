"""One array a layer as the arrays of one file, whatever characters the layers' names hold."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.comparison.errors import ComparisonError

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
        ``layers``, the names in order, and ``layer0``, ``layer1``, ... for `netlens.data.arrays.save_arrays`.
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


def _key(index: int) -> str:
    return f"layer{index}"
