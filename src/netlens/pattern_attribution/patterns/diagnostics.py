"""How good patterns are: gain w'a, dead units, and how much of a unit's output an estimator leaves in the distractor.

Source of the last: Kindermans et al. 2017 (arXiv 1705.05598), eq. 4. A signal estimator S splits an input into signal
S(x) and distractor d = x - S(x). A good one leaves nothing in d from which the unit's output could be read:

    rho(S) = 1 - max_v corr(w'x, v'd).

Linear algebra on arrays; no TensorFlow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from netlens.pattern_attribution.patterns.statistics import Float

#: The signal estimators compared by `signal_quality`, in the order of the paper's figure.
SIGNAL_ESTIMATORS = ("random", "w", "linear", "two_component")

#: Units worked on at once, which bounds the memory.
_BLOCK = 64
#: Groups of fewer units are worked on unit by unit, many at once; in larger ones the units share a covariance.
_FEW_UNITS = 8
#: A smaller share of a unit's variance than this is taken as not explained at all.
_EXPLAINED = 1e-14


class DiagnosticsError(ValueError):
    """Samples, kernels and patterns do not fit together, or there are too few samples."""


def unit_gain(kernel: NDArray[Any], pattern: NDArray[Any]) -> Float:
    """Compute the gain w'a of every unit: 1 for a live unit, 0 for a dead one.

    Parameters
    ----------
    kernel, pattern
        Of one layer, both shaped as its kernel.

    Returns
    -------
    ndarray
        Shape (units,).
    """
    product = np.asarray(kernel, np.float64) * np.asarray(pattern, np.float64)
    return np.asarray(product.reshape(-1, product.shape[-1]).sum(axis=0))


def dead_units(pattern: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which units have no pattern, because no sample of theirs counts or their output never varies; (units,)."""
    return np.asarray(~np.any(np.asarray(pattern).reshape(-1, np.shape(pattern)[-1]), axis=0))


@dataclass(frozen=True)
class _Half:
    """Samples of one half of the images, (n, K)."""

    x: Float
    centred: Float


@dataclass(frozen=True)
class _Signal:
    """Signal estimators S(x) = sum_k a_k y_k of some units: y_1 = y, or y_1 = y above, y_2 = y below a threshold."""

    w: Float  # (K, U)
    threshold: Float  # (U,)
    directions: list[Float]  # a_k, (K, U) each

    def parts(self, x: Float) -> list[Float]:
        """Return y_k, (n, U) each."""
        y = x @ self.w
        if len(self.directions) == 1:
            return [y]
        above = y > self.threshold
        return [np.where(above, y, 0), np.where(above, 0, y)]


@dataclass(frozen=True)
class _Covariance:
    """Covariance of the inputs, cov = basis diag(variance) basis', plus the ridge on every direction."""

    variance: Float  # (r,)
    basis: Float  # (K, r), orthonormal
    ridge: float

    def whiten(self, columns: Float) -> Float:
        """Multiply (..., K, U) by the inverse square root of cov + ridge, which is symmetric."""
        inside = self.basis.T @ columns
        whitened = self.basis @ (inside / np.sqrt(self.variance + self.ridge)[:, None])
        if self.basis.shape[1] < len(self.basis):
            whitened += (columns - self.basis @ inside) / np.sqrt(self.ridge)
        return np.asarray(whitened)


def signal_quality(
    x: NDArray[Any],
    image: NDArray[np.integer[Any]],
    kernel: NDArray[Any],
    patterns: Mapping[str, NDArray[Any]],
    *,
    seed: int,
    bias: NDArray[Any] | None = None,
    ridge: float = 1e-4,
) -> dict[str, Float]:
    """Compute rho for every unit of a layer and each of four signal estimators.

    With y = w'x: ``random`` is S(x) = r y / w'r with r a random direction, ``w`` is S(x) = w y / w'w, ``linear`` is
    a y, and ``two_component`` is a+ y where y > 0 and a- y elsewhere; with a bias, where y + bias > 0: there the unit
    is active, and from there its patterns are. v is found by least squares on the samples of one half of the images,
    and the correlation is taken on those of the other half.

    No separate regression is run for each unit. With C the covariance of x (plus the ridge), that of
    d = x - sum_k a_k y_k differs from C only by products of a_k and cov(x, y_k). So the best v is a
    combination of C^-1 a_k and C^-1 cov(x, y_k), and at most four numbers per unit remain to be found.

    Parameters
    ----------
    x
        Inputs of the layer as samples, shape (n, K), of images that the patterns were not made from; (n, groups, K) for
        a grouped or depthwise convolution, as `netlens.pattern_attribution.patterns.samples` returns them.
    image
        Which image each sample is of, shape (n,).
    kernel
        Shape (..., U), K inputs.
    patterns
        ``linear``, ``relu`` and ``relu.negative``, shaped as the kernel.
    seed
        For the random directions and the halves.
    bias
        Of the units, shape (U,). None: 0, as in the paper's formula.
    ridge
        Added to the variance of every direction of d in the least squares, as a fraction of the mean variance of x.
        Without it v leans on directions that hardly vary in one half and do in the other, such as a channel that is
        nearly dead. Where least squares is well posed, 1e-4 changes rho in the fourth decimal.

    Returns
    -------
    dict
        rho by estimator, shape (U,). NaN where a unit's output does not vary or the estimator has no pattern for it
        (a dead unit). At most 1: v = 0 is among the v of the maximum, so where the v that was found on one half
        correlates negatively with y on the other, nothing is found of y.

    Raises
    ------
    DiagnosticsError
        Shapes do not fit, there are fewer than two images, or the ridge is not positive.
    """
    if not ridge > 0:
        raise DiagnosticsError(f"ridge is {ridge}; choose a small positive fraction, such as 1e-4")
    w, directions = _columns(x, kernel, patterns)
    if x.ndim == 2:
        x = x[:, None]
    groups = x.shape[1]
    rng = np.random.default_rng(seed)
    fit = _half_of_the_images(np.asarray(image), rng)
    if not (len(fit) == len(x) and fit.any() and not fit.all()):
        raise DiagnosticsError(
            f"{len(x)} samples of {len(np.unique(image))} images cannot be split in half; provide at least two images"
        )
    threshold = np.zeros(w.shape[1]) if bias is None else -np.asarray(bias, np.float64)
    random = rng.standard_normal(w.shape)
    parts: dict[str, list[Float]] = {
        "random": [random],
        "w": [w],
        "linear": [directions["linear"]],
        "two_component": [directions["relu"], directions["relu.negative"]],
    }
    rho = {name: np.full(w.shape[1], np.nan) for name in SIGNAL_ESTIMATORS}
    per_group = w.shape[1] // groups
    if groups > 1 and per_group < _FEW_UNITS:
        for start in range(0, w.shape[1], _BLOCK):
            units = slice(start, min(start + _BLOCK, w.shape[1]))
            seen = np.moveaxis(x[:, np.arange(start, units.stop) // per_group], 0, 1).astype(float)
            for name, columns in parts.items():
                signal = _Signal(w[:, units], threshold[units], [column[:, units] for column in columns])
                rho[name][units] = 1 - _correlation_unit_by_unit(seen[:, fit], seen[:, ~fit], ridge, signal)
        return rho
    for group in range(groups):
        x_fit, x_test = (
            _Half(half, half - half.mean(axis=0))
            for half in (x[fit, group].astype(float), x[~fit, group].astype(float))
        )
        covariance = _covariance(x_fit.centred, ridge)
        for start in range(group * per_group, (group + 1) * per_group, _BLOCK):
            units = slice(start, min(start + _BLOCK, (group + 1) * per_group))
            for name, columns in parts.items():
                signal = _Signal(w[:, units], threshold[units], [column[:, units] for column in columns])
                rho[name][units] = 1 - _best_correlation(x_fit, x_test, covariance, signal)
    return rho


def _columns(
    x: NDArray[Any], kernel: NDArray[Any], patterns: Mapping[str, NDArray[Any]]
) -> tuple[Float, dict[str, Float]]:
    w = np.asarray(kernel, np.float64).reshape(-1, kernel.shape[-1])
    if x.ndim not in (2, 3) or x.shape[-1] != len(w) or (x.ndim == 3 and w.shape[1] % x.shape[1]):
        raise DiagnosticsError(f"samples {x.shape} do not fit a kernel with {len(w)} inputs per unit")
    directions = {}
    for name in ("linear", "relu", "relu.negative"):
        if name not in patterns or patterns[name].shape != kernel.shape:
            raise DiagnosticsError(f"pattern {name!r} is missing or not shaped as the kernel, {kernel.shape}")
        directions[name] = np.asarray(patterns[name], np.float64).reshape(w.shape)
    return w, directions


def _half_of_the_images(image: NDArray[Any], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Samples of one image are alike, so an image is in one half as a whole."""
    images = rng.permutation(np.unique(image))
    return np.isin(image, images[: len(images) // 2])


def _covariance(centred: Float, ridge: float) -> _Covariance:
    n, inputs = centred.shape
    if n >= inputs:
        variance, basis = linalg.eigh(centred.T @ centred / n)
        variance = np.maximum(variance, 0)
    else:
        variance, left = linalg.eigh(centred @ centred.T / n)
        kept = variance > n * np.finfo(np.float64).eps * variance[-1]
        variance = variance[kept]
        basis = centred.T @ (left[:, kept] / np.sqrt(n * variance))
    # Inputs that never vary have no covariance at all; any ridge then serves.
    return _Covariance(variance, basis, ridge * float(variance.sum()) / inputs or 1.0)


def _best_correlation(fit: _Half, test: _Half, covariance: _Covariance, signal: _Signal) -> Float:
    """max_v corr(y, v'd) of every unit: v from one half, the correlation on the other."""
    gains = [np.sum(signal.w * a, axis=0) for a in signal.directions]
    # A pattern stored in float32 has w'a = 1 but for rounding, and least squares would read y from the rounding.
    scaled = [
        np.divide(a, gain, out=np.zeros_like(a), where=gain != 0)
        for a, gain in zip(signal.directions, gains, strict=True)
    ]
    signal = _Signal(signal.w, signal.threshold, scaled)
    v = _least_squares(fit, covariance, signal)
    parts = signal.parts(test.x)
    y = sum(parts[1:], parts[0])
    residual = test.centred @ v
    for a, part in zip(scaled, parts, strict=True):
        residual -= np.sum(v * a, axis=0) * part
    undefined = np.any([gain == 0 for gain in gains], axis=0) | np.isclose(y.std(axis=0), 0, atol=0)
    # v = 0 explains nothing of y, so the largest correlation is never negative.
    return np.where(undefined, np.nan, np.maximum(_correlation(y, residual), 0))


def _correlation_unit_by_unit(fit: Float, test: Float, ridge: float, signal: _Signal) -> Float:
    """As `_best_correlation` for units with inputs of their own, (U, n, K) on each half; few inputs, as d is formed."""
    gains = [np.sum(signal.w * a, axis=0) for a in signal.directions]
    scaled = [
        np.divide(a, gain, out=np.zeros_like(a), where=gain != 0)
        for a, gain in zip(signal.directions, gains, strict=True)
    ]

    def split(x: Float) -> tuple[Float, Float]:
        """Return y, (U, n), and d, (U, n, K)."""
        y = np.einsum("unk,ku->un", x, signal.w)
        above = y > signal.threshold[:, None]
        parts = [y] if len(scaled) == 1 else [np.where(above, y, 0), np.where(above, 0, y)]
        return y, x - sum(part[:, :, None] * a.T[:, None, :] for a, part in zip(scaled, parts, strict=True))

    y, d = split(fit)
    y, d = y - y.mean(axis=1, keepdims=True), d - d.mean(axis=1, keepdims=True)
    n, inputs = fit.shape[1:]
    matrix = np.einsum("unk,unl->ukl", d, d, optimize=True) / n
    variance = fit.var(axis=1).mean(axis=1)
    # Inputs that never vary have no covariance at all; any ridge then serves.
    matrix += np.where(variance > 0, ridge * variance, 1.0)[:, None, None] * np.eye(inputs)
    target = np.einsum("unk,un->uk", d, y) / n
    v = np.linalg.solve(matrix, target[:, :, None])[:, :, 0]
    v[np.sum(v * target, axis=1) <= _EXPLAINED * np.mean(y**2, axis=1)] = 0
    y, d = split(test)
    undefined = np.any([gain == 0 for gain in gains], axis=0) | np.isclose(y.std(axis=1), 0, atol=0)
    correlation = _correlation(y.T, np.einsum("unk,uk->un", d, v).T)
    return np.where(undefined, np.nan, np.maximum(correlation, 0))


def _least_squares(fit: _Half, covariance: _Covariance, signal: _Signal) -> Float:
    """Regress y on d = x - sum_k a_k y_k for every unit; v has shape (K, U)."""
    x, n = fit.centred, len(fit.x)
    parts = [part - part.mean(axis=0) for part in signal.parts(fit.x)]
    y = sum(parts[1:], parts[0])
    with_x = [x.T @ part / n for part in parts]  # cov(x, y_k)
    # v = P t, where P = C^-1/2 Q and Q is an orthonormal basis of what C^-1/2 makes of cov(x, y_k) and a_k.
    spanning = covariance.whiten(np.stack([*with_x, *signal.directions]))  # (2p, K, U)
    basis = np.linalg.qr(spanning.transpose(2, 1, 0))[0].transpose(2, 1, 0)
    columns = covariance.whiten(basis)
    left = x @ columns  # what d leaves of them, (2p, n, U)
    for a, part in zip(signal.directions, parts, strict=True):
        left -= np.sum(columns * a, axis=1)[:, None, :] * part
    matrix = (_products(left, left) / n + covariance.ridge * _products(columns, columns)).transpose(2, 0, 1)
    target = _products(left, y[None])[:, 0].T / n
    t = np.linalg.solve(matrix, target[:, :, None])[:, :, 0]
    # A share of y within rounding is none: v would be noise, and its correlation with y anything.
    t[np.sum(t * target, axis=1) <= _EXPLAINED * np.mean(y**2, axis=0)] = 0
    return np.asarray(np.sum(columns * t.T[:, None, :], axis=0))


def _products(a: Float, b: Float) -> Float:
    """Sum a_i b_j over samples for every unit: (i, n, U) and (j, n, U) give (i, j, U)."""
    return np.stack([[np.einsum("nU,nU->U", left, right) for right in b] for left in a])


def _correlation(a: Float, b: Float) -> Float:
    """Correlation of columns; 0 where `b` does not vary."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    norms = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    return np.asarray(np.divide(np.sum(a * b, axis=0), norms, out=np.zeros_like(norms), where=norms > 0))
