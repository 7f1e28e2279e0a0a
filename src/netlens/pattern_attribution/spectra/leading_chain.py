"""The ratio of the two largest singular values of a product of matrices, without its other values."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from netlens.pattern_attribution.spectra.matrices import Array

# Vectors of the orthogonal iteration: two are needed, and more make it converge faster.
_WIDTH: Final = 6


def leading_ratio(matrices: Sequence[ArrayLike], *, sweeps_count: int = 30) -> float:
    """Compute log10 of s1 / s2 of a product of matrices without forming it.

    Orthogonal iteration: a few orthonormal vectors go through the factors and back, and are made orthonormal again
    after each factor, so that the logarithms of their stretches add up and nothing is lost to rounding however small
    s2 is beside s1.

    Parameters
    ----------
    matrices
        At least one; each with as many columns as the next has rows.
    sweeps_count
        Number of iterations; the error falls with (s3 / s2) to the power of twice their number.

    Returns
    -------
    float
        Infinite where there is no second value, NaN where all values are 0.
    """
    factors = [np.asarray(matrix, np.float64) for matrix in matrices]
    narrowest = min(min(factor.shape) for factor in factors)
    rng = np.random.default_rng(0)
    vectors = np.linalg.qr(rng.standard_normal((factors[-1].shape[1], min(_WIDTH, narrowest))))[0]
    stretches = np.zeros(vectors.shape[1])
    for _ in range(sweeps_count):
        vectors, _ = _through(reversed(factors), vectors)
        vectors, stretches = _through((factor.T for factor in factors), vectors)
    if np.isneginf(stretches[0]):
        return float("nan")
    return float(stretches[0] - stretches[1]) if len(stretches) > 1 else float("inf")


def _through(factors: Iterable[Array], vectors: Array) -> tuple[Array, Array]:
    """Send orthonormal vectors through factors; return them orthonormal, and log10 of how far each was stretched."""
    stretches = np.zeros(vectors.shape[1])
    for factor in factors:
        vectors, triangle = np.linalg.qr(factor @ vectors)
        with np.errstate(divide="ignore"):
            stretches += np.log10(np.abs(np.diag(triangle)))
    return vectors, stretches
