"""Kernels of the first layer as colors, in the order in which the second layer uses them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.weights.selection.strongest import WeightsError


def order_by_use(second: NDArray[Any]) -> NDArray[np.int64]:
    """Return the first layer's units in the order in which the second layer uses them.

    Each unit of the first layer is described by the absolute weights with which the units of the second layer read it,
    summed over the kernel. The order is that of the first principal component of these descriptions, largest first; its
    sign is such that its largest loading, by absolute value, is positive (of equal ones the first).

    Parameters
    ----------
    second
        (height, width, units of the first layer, units of the second layer).

    Returns
    -------
    ndarray
        int64, (units of the first layer,).

    Raises
    ------
    WeightsError
        The array is not four-dimensional.
    """
    if np.ndim(second) != 4:
        raise WeightsError(f"a kernel has shape (height, width, inputs, units), not {np.shape(second)}")
    uses = np.abs(np.asarray(second, np.float64)).sum(axis=(0, 1))
    centered = uses - uses.mean(axis=0)
    loadings = np.linalg.svd(centered, full_matrices=False)[2][0]
    sign = 1.0 if loadings[np.abs(loadings).argmax()] >= 0 else -1.0
    return np.argsort(-sign * (centered @ loadings), kind="stable").astype(np.int64)


def kernels_as_colors(kernels: NDArray[Any], *, channel_order: str = "rgb") -> NDArray[np.float64]:
    """Return kernels over color channels as colors, zero as mid-gray.

    A weight w becomes 0.5 + 0.05 w / (largest |w| of its kernel) + 0.45 w / (largest |w| of all kernels), so that weak
    kernels stay visible and strong ones stay stronger.

    Parameters
    ----------
    kernels
        (height, width, 3, units).
    channel_order
        ``rgb`` or ``bgr``: that of the network's inputs.

    Returns
    -------
    ndarray
        float64, (units, height, width, 3): red, green and blue in 0..1.

    Raises
    ------
    WeightsError
        The kernels do not read three channels, or are all zero.
    """
    values = np.asarray(kernels, np.float64)
    if values.ndim != 4 or values.shape[2] != 3:
        raise WeightsError(f"kernels over colors have shape (height, width, 3, units), not {values.shape}")
    largest = np.abs(values).max()
    if largest == 0:
        raise WeightsError("the first layer's kernels are zero everywhere")
    own = np.abs(values).max(axis=(0, 1, 2))
    own[own == 0] = 1.0
    # Rounding may leave 0 to 1 by one part in 1e16.
    shades = np.clip(0.5 + 0.05 * values / own + 0.45 * values / largest, 0, 1)
    colors: NDArray[np.float64] = np.moveaxis(shades, -1, 0)
    return colors[..., ::-1] if channel_order == "bgr" else colors


def embedded(kernel: NDArray[Any], expanded: NDArray[Any]) -> NDArray[np.float64]:
    """Return a kernel zero-padded to the window of its expanded weights, placed where it fits them best.

    The window of a layer with strides is larger than its kernel, and has zeros where the kernel has no weight.

    Parameters
    ----------
    kernel
        (height, width, inputs, units).
    expanded
        (W, W, inputs, units), W at least height and width.

    Returns
    -------
    ndarray
        float64, shaped as `expanded`.

    Raises
    ------
    WeightsError
        The kernel is larger than the window, or has other channels.
    """
    (height, width), window = kernel.shape[:2], expanded.shape[0]
    if kernel.shape[2:] != expanded.shape[2:] or max(height, width) > window:
        raise WeightsError(f"a kernel {kernel.shape} does not fit into expanded weights {expanded.shape}")
    best: tuple[float, NDArray[np.float64]] | None = None
    for top in range(window - height + 1):
        for left in range(window - width + 1):
            laid = np.zeros(expanded.shape)
            laid[top : top + height, left : left + width] = kernel
            difference = float(np.abs(laid - expanded).max())
            if best is None or difference < best[0]:
                best = difference, laid
    assert best is not None
    return best[1]
