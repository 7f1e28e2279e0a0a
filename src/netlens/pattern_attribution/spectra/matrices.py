"""The matrices of a layer: the views of a kernel that are analyzed, and W, A and P in these views.

A kernel acts as ``x @ M``. The full view lets x be a whole patch, the 1x1 view only the center of the patch, which is
what makes neighboring layers fit together: the product of their 1x1 views is a matrix product. Networks with branches
become chains of matrices in `netlens.pattern_attribution.spectra.segments`.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.models.errors import listed
from netlens.models.keras.kernel_layers import KernelLayer

Array = NDArray[np.float64]

#: The three kinds of matrix, in the order in which they are shown: W, A, and P = A * W.
KINDS: Final = ("weights", "patterns", "pattern_attribution")


class SpectraError(ValueError):
    """An array whose spectrum cannot be computed or compared as asked."""


def full_view(kernel: ArrayLike) -> NDArray[np.floating]:
    """Return the full view of a kernel: the matrix that a whole patch is multiplied by.

    Parameters
    ----------
    kernel
        (h, w, cin, cout) of a convolution, or (cin, cout) of a Dense layer.

    Returns
    -------
    ndarray
        (h * w * cin, cout) in the kernel's own precision: the first Dense layer of VGG-16 has 25088 x 4096 entries,
        and what computes with it converts it block by block. No copy where numpy needs none; do not write into it.

    Raises
    ------
    SpectraError
        The array is not a kernel.
    """
    array = _kernel(kernel)
    return array.reshape(-1, array.shape[-1])


def full_blocks(kernel: ArrayLike, groups: int = 1) -> NDArray[np.floating]:
    """Return the full view of a kernel with groups as the blocks on its diagonal.

    Each group reads channels of its own, so the singular values of the whole are those of all blocks together.

    Parameters
    ----------
    kernel
        (h, w, cin / groups, cout) of a grouped or depthwise convolution, laid out as in
        `netlens.models.keras.kernel_layers`.
    groups
        Number of groups.

    Returns
    -------
    ndarray
        (groups, h * w * cin / groups, cout / groups); a view where numpy needs no copy.

    Raises
    ------
    SpectraError
        The array is not a kernel, or its outputs cannot be divided among the groups.
    """
    view = full_view(kernel)
    _check_groups(view.shape, groups)
    return view.reshape(view.shape[0], groups, -1).swapaxes(0, 1)


def tap_view(kernel: ArrayLike, flatten_shape: Sequence[int] | None = None, *, groups: int = 1) -> Array:
    """Return the 1x1 view of a kernel: its center tap.

    Parameters
    ----------
    kernel
        (h, w, cin, cout) of a convolution: the tap ``kernel[h // 2, w // 2]``; or (cin, cout) of a Dense layer, which
        is its own view.
    flatten_shape
        (H, W, C) where the Dense layer reads a flattened map of that shape: the kernel is then reshaped to
        (H, W, C, cout) and the tap ``[H // 2, W // 2]`` taken.
    groups
        Groups of the convolution, whose kernel is then (h, w, cin / groups, cout): each group's tap is a block on the
        diagonal. A depthwise convolution has one group per channel.

    Returns
    -------
    ndarray
        (cin, cout) or (C, cout) in float64; a copy, except of a float64 Dense kernel.

    Raises
    ------
    SpectraError
        The array is not a kernel, or `flatten_shape` or `groups` does not fit it.
    """
    array = _kernel(kernel)
    if flatten_shape is not None:
        height, width, channels = flatten_shape
        if array.ndim != 2 or array.shape[0] != height * width * channels:
            raise SpectraError(
                f"a flattened map of {height} x {width} x {channels} does not fit a kernel of shape {array.shape}"
            )
        array = array.reshape(height, width, channels, -1)
    if array.ndim == 4:
        array = array[array.shape[0] // 2, array.shape[1] // 2]
    tap: Array = np.asarray(array, dtype=np.float64)
    if groups == 1:
        return tap
    _check_groups(tap.shape, groups)
    rows, columns = tap.shape[0], tap.shape[1] // groups
    blocks = np.zeros((groups, rows, groups, columns))
    index = np.arange(groups)
    blocks[index, :, index, :] = tap.reshape(rows, groups, columns).transpose(1, 0, 2)
    return blocks.reshape(groups * rows, groups * columns)


def layer_matrix(
    kind: str,
    weight: ArrayLike,
    pattern: ArrayLike | None = None,
    flatten_shape: Sequence[int] | None = None,
    *,
    groups: int = 1,
) -> Array:
    """Return the 1x1 view of W, of A, or of P = A * W (elementwise).

    Parameters
    ----------
    kind
        One of `KINDS`.
    weight, pattern
        The layer's kernel and its pattern, of one shape. `pattern` is not needed for ``"weights"``, nor `weight`'s
        values for ``"patterns"``.
    flatten_shape, groups
        As in `tap_view`.

    Returns
    -------
    ndarray
        (cin, cout) in float64.

    Raises
    ------
    SpectraError
        An unknown kind, a missing pattern, or one of another shape than the kernel.
    """
    if kind not in KINDS:
        raise SpectraError(f"there is no matrix {kind!r}; choose one of {', '.join(KINDS)}")
    if kind == "weights":
        return tap_view(weight, flatten_shape, groups=groups)
    if pattern is None:
        raise SpectraError(f"the matrix {kind!r} needs the layer's pattern")
    if np.shape(pattern) != np.shape(weight):
        raise SpectraError(f"a pattern of shape {np.shape(pattern)} is not one of a kernel of shape {np.shape(weight)}")
    tap = tap_view(pattern, flatten_shape, groups=groups)
    return tap if kind == "patterns" else tap * tap_view(weight, flatten_shape, groups=groups)


def layer_matrices(
    kind: str,
    kernels: Mapping[str, ArrayLike],
    patterns: Mapping[str, ArrayLike],
    layers: Sequence[KernelLayer],
) -> dict[str, Array]:
    """Return the 1x1 views of all layers of a network.

    Parameters
    ----------
    kind
        One of `KINDS`.
    kernels, patterns
        Arrays by layer.
    layers
        The layers, in network order.

    Returns
    -------
    dict
        (cin, cout) by layer, in the order of `layers`.

    Raises
    ------
    SpectraError
        A layer has no kernel or no pattern, or its arrays do not fit each other or what the layer reads.
    """
    matrices: dict[str, Array] = {}
    for layer in layers:
        name, pattern = layer.name, patterns.get(layer.name)
        if name not in kernels:
            raise SpectraError(f"layer {name} has no kernel; the kernels are of {listed(kernels) or 'no layer'}")
        if kind != "weights" and pattern is None:
            raise SpectraError(f"layer {name} has no pattern; the patterns are of {listed(patterns) or 'no layer'}")
        try:
            matrices[name] = layer_matrix(kind, kernels[name], pattern, layer.flatten_shape, groups=layer.groups)
        except SpectraError as error:
            raise SpectraError(f"layer {name}: {error}") from None
    return matrices


def _check_groups(shape: tuple[int, ...], groups: int) -> None:
    if len(shape) != 2 or groups < 1 or shape[1] % groups:
        raise SpectraError(f"a kernel with {shape[-1]} outputs cannot have {groups} groups")


def _kernel(kernel: ArrayLike) -> NDArray[np.floating]:
    array = np.asarray(kernel)
    if array.ndim not in (2, 4) or not array.size or array.dtype.kind != "f":
        raise SpectraError(
            f"an array of shape {array.shape} and type {array.dtype} is not a kernel: it must be "
            "(h, w, cin, cout) or (cin, cout), floating point, not empty"
        )
    return array
