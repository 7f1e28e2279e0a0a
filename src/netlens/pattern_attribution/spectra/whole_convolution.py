"""Singular values of whole convolutions, beside which the 1x1 view is one tap.

On a torus a convolution is diagonal in the Fourier basis: at each spatial frequency it multiplies the channels by a
matrix of its own, the sum of its taps with phases, and the singular values of the whole are those of all these matrices
together (Sedghi, Gupta, Long 2019, "The Singular Values of Convolutional Layers", arXiv 1805.10408, theorem 6). The
matrix at frequency 0 is the sum of the taps; the 1x1 view is their mean over all frequencies, with the phase of the
center. A stride leaves the matrices as they are and adds some of them up, which is not followed here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.models.keras.kernel_layers import KernelLayer
from netlens.pattern_attribution.spectra.decomposition import SAFE_EXPONENT, rounding_noise, singular_ratio
from netlens.pattern_attribution.spectra.leading import top_singular_values
from netlens.pattern_attribution.spectra.matrices import Array, SpectraError, layer_matrices

_KERNEL_DIMENSIONS: Final = 4
# Side of the grid of frequencies in pixels; percentiles of the ratios hardly depend on it.
_GRID: Final = 16


def frequency_matrices(kernel: ArrayLike, grid: int, groups: int = 1) -> NDArray[np.complex128]:
    """Return the matrices of a convolution at the frequencies of a square grid.

    Parameters
    ----------
    kernel
        (h, w, cin / groups, cout), laid out as in `netlens.models.keras.kernel_layers`.
    grid
        Side of the torus in pixels, at least as large as the kernel.
    groups
        Groups of channels; each has matrices of its own.

    Returns
    -------
    ndarray
        (grid * (grid // 2 + 1), groups, cin / groups, cout / groups). Half of the plane: the frequencies of the other
        half have the complex conjugates. Multiplied from the right, as ``x @ M``.

    Raises
    ------
    SpectraError
        The array is no kernel of a convolution, or larger than the grid.
    """
    array = np.asarray(kernel, np.float64)
    if array.ndim != _KERNEL_DIMENSIONS or not array.size:
        raise SpectraError(f"an array of shape {array.shape} is no kernel of a convolution")
    if max(array.shape[:2]) > grid:
        raise SpectraError(f"a kernel of {array.shape[0]} x {array.shape[1]} does not fit a grid of {grid}")
    if array.shape[3] % groups:
        raise SpectraError(f"a kernel with {array.shape[3]} outputs cannot have {groups} groups")
    transformed = np.fft.rfft2(array, s=(grid, grid), axes=(0, 1))
    matrices = transformed.reshape(-1, *array.shape[2:])
    grouped = matrices.reshape(len(matrices), array.shape[2], groups, -1)
    return np.ascontiguousarray(grouped.transpose(0, 2, 1, 3))


def frequency_ratios(kernel: ArrayLike, grid: int = 16, groups: int = 1) -> Array:
    """Compute the ratio of the two largest singular values at every frequency.

    Parameters
    ----------
    kernel, grid, groups
        As of `frequency_matrices`.

    Returns
    -------
    ndarray
        (frequencies,), infinite where the second value is 0 to rounding; frequencies of half of the plane.
    """
    matrices = frequency_matrices(_safe([kernel])[0], grid, groups)
    wide = matrices.shape[2] > matrices.shape[3]
    adjoint = matrices.conj().swapaxes(2, 3)
    # Squares of two leading values are exact enough, and much cheaper than the values of wide matrices.
    squares = np.linalg.eigvalsh(adjoint @ matrices if wide else matrices @ adjoint)
    values = np.sqrt(np.maximum(np.sort(squares.reshape(len(matrices), -1), axis=1)[:, ::-1], 0))
    if values.shape[1] < 2:
        return np.full(len(values), np.inf)
    noise = values[:, 0] * np.sqrt(np.finfo(np.float64).eps)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios: Array = np.where(values[:, 1] > noise, values[:, 0] / values[:, 1], np.inf)
    return ratios


def center_tap_share(kernel: ArrayLike) -> float:
    """Return the share of a kernel's squared entries that lie in its center tap, in 0..1; NaN for zeros."""
    (array,) = _safe([kernel])
    total = float(np.sum(array**2))
    center = float(np.sum(array[array.shape[0] // 2, array.shape[1] // 2] ** 2))
    return center / total if total else float("nan")


@dataclass(frozen=True)
class WholeConvolution:
    """The ratio of a convolution at its center tap and as a whole.

    Attributes
    ----------
    layer
        The layer's label.
    matrix
        ``gradient`` for the kernel, ``pattern_attribution`` for its product with the pattern.
    tap
        s1 / s2 of the 1x1 view.
    low, median, high
        Percentiles 10, 50 and 90 of s1 / s2 over the frequencies.
    zero
        s1 / s2 at frequency 0: of the sum of the taps.
    share
        Share of the squared entries in the center tap.
    """

    layer: str
    matrix: str
    tap: float
    low: float
    median: float
    high: float
    zero: float
    share: float


def whole_convolution(layer: str, matrix: str, kernel: ArrayLike, *, tap: float, groups: int = 1) -> WholeConvolution:
    """Compare a convolution with its 1x1 view.

    Parameters
    ----------
    layer, matrix, tap
        As of `WholeConvolution`.
    kernel, groups
        As of `frequency_matrices`.
    """
    size = max(np.shape(kernel)[:2])
    # A single tap has the same matrix at every frequency, up to its phase.
    ratios = frequency_ratios(kernel, max(_GRID, size) if size > 1 else 1, groups)
    low, median, high = np.percentile(ratios, [10, 50, 90], method="nearest")
    return WholeConvolution(
        layer, matrix, tap, float(low), float(median), float(high), float(ratios[0]), center_tap_share(kernel)
    )


def whole_convolutions(
    layers: Sequence[KernelLayer], kernels: Mapping[str, ArrayLike], patterns: Mapping[str, ArrayLike]
) -> list[WholeConvolution]:
    """Compare every convolution of a network, and its product with the pattern, with their 1x1 views.

    Parameters
    ----------
    layers
        The network's layers with kernels; those without positions are left out.
    kernels, patterns
        Arrays by layer.

    Returns
    -------
    list of WholeConvolution
        All layers' kernels, then all their products.
    """
    found = []
    for matrix, kind in (("gradient", "weights"), ("pattern_attribution", "pattern_attribution")):
        taps = layer_matrices(kind, kernels, patterns, layers)
        for layer in layers:
            kernel = np.asarray(kernels[layer.name], np.float64)
            if kernel.ndim == _KERNEL_DIMENSIONS:
                whole = kernel if matrix == "gradient" else kernel * np.asarray(patterns[layer.name])
                view = taps[layer.name]
                ratio = singular_ratio(top_singular_values(view), noise=rounding_noise(view.shape))
                found.append(whole_convolution(layer.label, matrix, whole, tap=ratio, groups=layer.groups))
    return found


def center_share(layers: Sequence[KernelLayer], kernels: Mapping[str, ArrayLike]) -> float:
    """Return the share of the squared entries of all kernels larger than 1 x 1 that lies in their center taps.

    1 where there is no such kernel.
    """
    arrays = _safe([kernels[layer.name] for layer in layers])
    larger = [array for array in arrays if array.ndim == _KERNEL_DIMENSIONS and max(array.shape[:2]) > 1]
    total = sum(float(np.sum(array**2)) for array in larger)
    return sum(center_tap_share(array) * float(np.sum(array**2)) for array in larger) / total if total else 1.0


def _safe(arrays: Sequence[ArrayLike]) -> list[Array]:
    """Arrays times the power of two that keeps the squares of their largest entries from overflowing and vanishing."""
    found = [np.asarray(array, np.float64) for array in arrays]
    largest = max((float(np.abs(array).max(initial=0.0)) for array in found), default=0.0)
    exponent = int(np.frexp(largest)[1])
    return found if abs(exponent) < SAFE_EXPONENT else [np.ldexp(array, -exponent) for array in found]
