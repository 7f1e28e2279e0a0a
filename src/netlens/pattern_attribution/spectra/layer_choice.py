"""Which layer of a deep network is shown where there is room for one."""

from collections.abc import Sequence

from netlens.models.errors import listed
from netlens.models.keras.kernel_layers import KernelLayer
from netlens.pattern_attribution.spectra.matrices import SpectraError


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
