"""The matrices of a layer: the views of a kernel that are analyzed, and W, A and P in these views.

A kernel acts as ``x @ M``. The full view lets x be a whole patch, the 1x1 view only the center of the patch, which is
what makes neighboring layers fit together: the product of their 1x1 views is a matrix product.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def tap_view(kernel: ArrayLike, flatten_shape: Sequence[int] | None = None) -> Array:
    """Return the 1x1 view of a kernel: its center tap.

    Parameters
    ----------
    kernel
        (h, w, cin, cout) of a convolution: the tap ``kernel[h // 2, w // 2]``; or (cin, cout) of a Dense layer, which
        is its own view.
    flatten_shape
        (H, W, C) where the Dense layer reads a flattened map of that shape: the kernel is then reshaped to
        (H, W, C, cout) and the tap ``[H // 2, W // 2]`` taken.

    Returns
    -------
    ndarray
        (cin, cout) or (C, cout) in float64; a copy, except of a float64 Dense kernel.

    Raises
    ------
    SpectraError
        The array is not a kernel, or `flatten_shape` does not fit it.
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
    return np.asarray(array, dtype=np.float64)


def layer_matrix(
    kind: str, weight: ArrayLike, pattern: ArrayLike | None = None, flatten_shape: Sequence[int] | None = None
) -> Array:
    """Return the 1x1 view of W, of A, or of P = A * W (elementwise).

    Parameters
    ----------
    kind
        One of `KINDS`.
    weight, pattern
        The layer's kernel and its pattern, of one shape. `pattern` is not needed for ``"weights"``, nor `weight`'s
        values for ``"patterns"``.
    flatten_shape
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
        return tap_view(weight, flatten_shape)
    if pattern is None:
        raise SpectraError(f"the matrix {kind!r} needs the layer's pattern")
    if np.shape(pattern) != np.shape(weight):
        raise SpectraError(f"a pattern of shape {np.shape(pattern)} is not one of a kernel of shape {np.shape(weight)}")
    tap = tap_view(pattern, flatten_shape)
    return tap if kind == "patterns" else tap * tap_view(weight, flatten_shape)


def network_matrices(
    kind: str,
    kernels: Mapping[str, ArrayLike],
    patterns: Mapping[str, ArrayLike],
    flatten_shapes: Mapping[str, Sequence[int] | None],
) -> dict[str, Array]:
    """Return the 1x1 views of all layers of a network, checked to form a chain.

    Parameters
    ----------
    kind
        One of `KINDS`.
    kernels, patterns
        Arrays by layer, in network order.
    flatten_shapes
        (H, W, C) of the layers that read a flattened map; the others may be missing.

    Returns
    -------
    dict
        (cin, cout) by layer, in the order of `kernels`.

    Raises
    ------
    SpectraError
        A layer has no pattern, or two neighbors do not fit together (branches, channels split into groups).
    """
    matrices: dict[str, Array] = {}
    before = ""
    for name, kernel in kernels.items():
        if kind != "weights" and name not in patterns:
            raise SpectraError(f"layer {name} has no pattern; the patterns are of {', '.join(patterns) or 'no layer'}")
        try:
            matrices[name] = layer_matrix(kind, kernel, patterns.get(name), flatten_shapes.get(name))
        except SpectraError as error:
            raise SpectraError(f"layer {name}: {error}") from None
        if before and matrices[before].shape[1] != matrices[name].shape[0]:
            raise SpectraError(
                f"layer {before} has {matrices[before].shape[1]} outputs, but {name} reads {matrices[name].shape[0]} "
                "channels: the inter-layer items need a chain of layers"
            )
        before = name
    return matrices


def _kernel(kernel: ArrayLike) -> NDArray[np.floating]:
    array = np.asarray(kernel)
    if array.ndim not in (2, 4) or not array.size or array.dtype.kind != "f":
        raise SpectraError(
            f"an array of shape {array.shape} and type {array.dtype} is not a kernel: it must be "
            "(h, w, cin, cout) or (cin, cout), floating point, not empty"
        )
    return array
