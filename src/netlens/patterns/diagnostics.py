"""Are the patterns any good: w'a, dead units, and how much of a unit's signal an estimator leaves behind.

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

from netlens.patterns.statistics import Float

#: The signal estimators compared by `signal_quality`, in the order of the paper's figure.
SIGNAL_ESTIMATORS = ("random", "w", "linear", "two_component")

#: Directions of the input in which it varies less than this, relative to the one in which it varies most, are taken as
#: constant: what is left there is the rounding of float32 activations.
_RANGE = 1e-6
#: Directions of the whitened distractor with less variance than this are taken as constant.
_VARIANCE = 1e-10
#: A smaller share of a unit's variance than this is taken as not explained at all.
_EXPLAINED = 1e-14
#: Units worked on at once, which bounds the memory.
_BLOCK = 64


class DiagnosticsError(ValueError):
    """Samples, kernels and patterns do not fit together, or there are too few samples."""


def unit_gain(kernel: NDArray[Any], pattern: NDArray[Any]) -> Float:
    """Gain w'a of every unit: 1 for a live unit, 0 for a dead one.

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
    """Which units have no pattern, because they were never (or always) active or never varied; shape (units,)."""
    return np.asarray(~np.any(np.asarray(pattern).reshape(-1, np.shape(pattern)[-1]), axis=0))


@dataclass(frozen=True)
class _Whitened:
    """Inputs seen through the directions in which they vary: z = to_z'(x - mean) has unit covariance."""

    mean: Float
    basis: Float  # (K, r), orthonormal
    scale: Float  # (r,), standard deviation along the basis


def signal_quality(
    x: NDArray[Any],
    image: NDArray[np.integer[Any]],
    kernel: NDArray[Any],
    patterns: Mapping[str, NDArray[Any]],
    *,
    seed: int,
) -> dict[str, Float]:
    """Compute rho for every unit of a layer and each of four signal estimators.

    With y = w'x: ``random`` is S(x) = r y / w'r with r a random direction, ``w`` is S(x) = w y / w'w, ``linear`` is
    a y, and ``two_component`` is a+ y where y > 0 and a- y elsewhere. v is found by least squares on the samples of
    one half of the images, and the correlation is taken on those of the other half.

    No regression is done unit by unit. With x whitened to z, d = z - sum_k alpha_k y_k: the covariance of d is the
    identity outside the span of alpha_k and cov(z, y_k), so the best v lies in this span, of at most four dimensions
    (six where a pattern leaves the range of the inputs).

    Parameters
    ----------
    x
        Inputs of the layer as samples, shape (n, K), of images that the patterns were not made from.
    image
        Which image each sample is of, shape (n,).
    kernel
        Shape (..., U), K inputs.
    patterns
        ``linear``, ``relu`` and ``relu.negative``, shaped as the kernel.
    seed
        Of the random directions and of the halves.

    Returns
    -------
    dict
        rho by estimator, shape (U,). NaN where a unit's output does not vary or the estimator has no pattern for it
        (a dead unit). Found and tested on different images, so a rho can lie a little above 1.

    Raises
    ------
    DiagnosticsError
        Shapes do not fit, or there are fewer than two images.
    """
    w, directions = _columns(x, kernel, patterns)
    rng = np.random.default_rng(seed)
    fit = _half_of_the_images(np.asarray(image), rng)
    if not (len(fit) == len(x) and fit.any() and not fit.all()):
        raise DiagnosticsError(
            f"{len(x)} samples of {len(np.unique(image))} images cannot be halved; take at least two images"
        )
    x_fit, x_test = np.asarray(x[fit], np.float64), np.asarray(x[~fit], np.float64)
    random = rng.standard_normal(w.shape)
    parts: dict[str, list[Float]] = {
        "random": [random],
        "w": [w],
        "linear": [directions["linear"]],
        "two_component": [directions["relu"], directions["relu.negative"]],
    }
    whitened = _whiten(x_fit)
    rho = {name: np.full(w.shape[1], np.nan) for name in SIGNAL_ESTIMATORS}
    for start in range(0, w.shape[1], _BLOCK):
        units = slice(start, start + _BLOCK)
        for name, columns in parts.items():
            rho[name][units] = 1 - _best_correlation(
                x_fit, x_test, whitened, w[:, units], [column[:, units] for column in columns]
            )
    return rho


def _columns(
    x: NDArray[Any], kernel: NDArray[Any], patterns: Mapping[str, NDArray[Any]]
) -> tuple[Float, dict[str, Float]]:
    w = np.asarray(kernel, np.float64).reshape(-1, kernel.shape[-1])
    if x.ndim != 2 or x.shape[1] != len(w):
        raise DiagnosticsError(f"samples {x.shape} do not fit a kernel with {len(w)} inputs a unit")
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


def _whiten(x: Float) -> _Whitened:
    mean = x.mean(axis=0)
    centred = x - mean
    if len(x) >= x.shape[1]:
        variance, basis = linalg.eigh(centred.T @ centred / len(x))
    else:
        variance, left = linalg.eigh(centred @ centred.T / len(x))
        kept = variance > _RANGE**2 * variance[-1]
        variance = variance[kept]
        basis = centred.T @ (left[:, kept] / np.sqrt(len(x) * variance))
    kept = variance > _RANGE**2 * variance[-1] if variance.size else variance > 0
    return _Whitened(mean, basis[:, kept], np.sqrt(variance[kept]))


def _best_correlation(x_fit: Float, x_test: Float, whitened: _Whitened, w: Float, directions: list[Float]) -> Float:
    """max_v corr(y, v'd) of every unit: v from the first samples, the correlation on the second."""
    parts = len(directions)
    gains = [np.sum(w * a, axis=0) for a in directions]
    # A pattern stored in float32 has w'a = 1 but for rounding, and least squares would read y from the rounding.
    scaled = [
        np.divide(a, gain, out=np.zeros_like(a), where=gain != 0) for a, gain in zip(directions, gains, strict=True)
    ]

    y = x_fit @ w
    halves = _split(y, parts)
    centred = [half - half.mean(axis=0) for half in halves]
    y_centred = y - y.mean(axis=0)
    between = np.stack([[np.mean(a * b, axis=0) for b in centred] for a in centred])  # (parts, parts, U)
    with_y = np.stack([np.mean(a * y_centred, axis=0) for a in centred])  # (parts, U)
    z = (x_fit - whitened.mean) @ (whitened.basis / whitened.scale)
    g = np.stack([z.T @ a / len(z) for a in centred])  # (parts, r, U): cov(z, y_k)
    inside = [whitened.basis.T @ a for a in scaled]
    alpha = np.stack([part / whitened.scale[:, None] for part in inside])  # (parts, r, U)
    beta = np.stack([a - whitened.basis @ part for a, part in zip(scaled, inside, strict=True)])  # (parts, K, U)
    beta *= _leaves_the_range(beta, between, whitened)[:, None, :]

    v = _solve(g, alpha, beta, between, with_y)
    v_x = (whitened.basis / whitened.scale) @ v[0] + v[1]
    y_test = x_test @ w
    residual = x_test @ v_x
    for a, half in zip(scaled, _split(y_test, parts), strict=True):
        residual -= np.sum(v_x * a, axis=0) * half
    found = _correlation(y_test, residual)
    dead = np.any([gain == 0 for gain in gains], axis=0)
    return np.where(dead | (y_centred.std(axis=0) == 0), np.nan, found)


def _split(y: Float, parts: int) -> list[Float]:
    return [y] if parts == 1 else [np.maximum(y, 0), np.minimum(y, 0)]


def _leaves_the_range(beta: Float, between: Float, whitened: _Whitened) -> Float:
    """1 where a direction reaches out of the inputs' range by more than rounding, else 0; shape (parts, U)."""
    largest = whitened.scale.max(initial=0.0)
    spread = np.sqrt(np.maximum(np.stack([between[k, k] for k in range(len(beta))]), 0))
    return np.asarray(np.linalg.norm(beta, axis=1) * spread > _RANGE * largest, np.float64)


def _solve(g: Float, alpha: Float, beta: Float, between: Float, with_y: Float) -> tuple[Float, Float]:
    """Least squares of y on d for every unit, in the span that holds the answer: (in z, outside the range of x)."""
    inner = np.linalg.qr(np.concatenate([g, alpha]).transpose(2, 1, 0))[0]  # (U, r, at most 2 parts)
    size = np.linalg.norm(beta, axis=1).max(axis=0)  # (U,)
    unit_beta = np.divide(beta, size, out=np.zeros_like(beta), where=size > 0)
    outer = np.linalg.qr(unit_beta.transpose(2, 1, 0))[0]  # (U, K, parts)

    # d in these coordinates: z - sum alpha_k y_k inside, - sum beta_k y_k outside (scaled to the size of z).
    spread = np.sqrt(np.maximum(np.einsum("kku->u", between), np.finfo(float).tiny))
    g_in = np.einsum("urj,kru->ukj", inner, g)
    a_in = np.einsum("urj,kru->ukj", inner, alpha)
    a_out = np.einsum("uKj,kKu->ukj", outer, unit_beta) / spread[:, None, None]
    a_all = np.concatenate([a_in, a_out], axis=2)
    g_all = np.concatenate([g_in, np.zeros_like(a_out)], axis=2)
    identity = np.zeros((a_all.shape[2],) * 2)
    identity[: g_in.shape[2], : g_in.shape[2]] = np.eye(g_in.shape[2])

    crossed = np.einsum("uki,ukj->uij", g_all, a_all)
    covariance = identity - crossed - crossed.transpose(0, 2, 1)
    covariance += np.einsum("klu,uki,ulj->uij", between, a_all, a_all)
    target = g_all.sum(axis=1) - np.einsum("ku,uki->ui", with_y, a_all)

    variance, vectors = np.linalg.eigh(covariance)
    largest = variance[:, -1:]
    inverse = np.divide(1, variance, out=np.zeros_like(variance), where=variance > _VARIANCE * largest)
    solved = np.einsum("uij,uj,ukj,uk->ui", vectors, inverse, vectors, target)
    # A share of y within rounding is none: v would be noise, and its correlation with y anything.
    explained = np.sum(solved * target, axis=1)
    solved[explained <= _EXPLAINED * with_y.sum(axis=0)] = 0
    split = g_in.shape[2]
    scale = np.divide(1, size * spread, out=np.zeros_like(size), where=size > 0)
    v_in = np.einsum("urj,uj->ru", inner, solved[:, :split])
    v_out = np.einsum("uKj,uj->Ku", outer, solved[:, split:]) * scale
    return v_in, v_out


def _correlation(a: Float, b: Float) -> Float:
    """Correlation of columns; 0 where `b` does not vary."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    norms = np.linalg.norm(a, axis=0) * np.linalg.norm(b, axis=0)
    return np.asarray(np.divide(np.sum(a * b, axis=0), norms, out=np.zeros_like(norms), where=norms > 0))
