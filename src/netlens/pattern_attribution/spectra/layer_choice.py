"""Which layers of a deep network are shown where there is no room for all of them."""

from collections.abc import Sequence

import numpy as np

from netlens.models.errors import listed
from netlens.models.keras.kernel_layers import KernelLayer
from netlens.pattern_attribution.spectra.matrices import SpectraError


def spread_evenly(count: int, most: int) -> tuple[int, ...]:
    """Return at most `most` of the indices below `count`, spread evenly, the first and the last among them.

    Examples
    --------
    >>> spread_evenly(9, 3)
    (0, 4, 8)
    """
    return tuple(range(count)) if count <= most else tuple(np.linspace(0, count - 1, most).round().astype(int).tolist())


def middle_layer(layers: Sequence[KernelLayer], name: str = "") -> KernelLayer:
    """Return the layer called `name`, or the middle one of those that mix all channels if no name is given.

    A depthwise convolution is a diagonal matrix, whose singular values are the norms of its rows and columns. It is the
    middle layer only where there are no others.

    Raises
    ------
    SpectraError
        No layer has that name.
    """
    if not name:
        mixing = [layer for layer in layers if layer.groups == 1] or list(layers)
        return mixing[len(mixing) // 2]
    for layer in layers:
        if layer.name == name:
            return layer
    raise SpectraError(f"there is no layer {name!r} with a kernel; choose one of {listed(x.name for x in layers)}")
