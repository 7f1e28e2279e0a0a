"""Inverse square roots of covariances on their numerical range.

The similarity of two layers needs, for each covariance C, a matrix L with ``L L' = inv C``. Any such L will do: two of
them differ by a rotation, which does not change the singular values of ``L_a' C(a, b) L_b``. The Cholesky factor of the
inverse is one choice, the symmetric inverse square root another. This module uses the latter without its last rotation,
``V (D + ridge)^(-1/2)`` with ``C = V D V'``, because it also exists if C is singular, because of dead units or because
there are fewer images than channels: V then has columns for the directions of the numerical range only.

A linear map T of the channels, ``T' C T``, leaves ``L' C(a, b)`` as it is up to a rotation only where nothing is added
to the eigenvalues. With a ridge, directions of less variance than the ridge count for less, and which ones these are
depends on the map: the worse the map is conditioned, the more of a similarity with a ridge it can change.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.errors import ComparisonError

Float = NDArray[np.float64]

_EPS: Final = float(np.finfo(np.float64).eps)
# Tolerance, relative to the largest entry, for asymmetry and for negative eigenvalues of a covariance.
_TOLERATED: Final = 1e-12


@dataclass(frozen=True)
class Whitening:
    """Map that makes the activations of a layer uncorrelated, with equal variance in all directions in which they vary.

    Attributes
    ----------
    channels
        Number of channels of the layer.
    eigenvalues
        (r,) of the covariance, largest first: those of its numerical range, or only the leading ones.
    directions
        (channels, r), with the eigenvectors as columns.
    ridge
        What is added to each eigenvalue before inversion, in the covariance's unit; 0 if nothing is.
    """

    channels: int
    eigenvalues: Float
    directions: Float
    ridge: float = 0.0

    @property
    def rank(self) -> int:
        """Number of directions."""
        return len(self.eigenvalues)

    @property
    def root(self) -> Float:
        """L with ``L L' = inverse``, (channels, r)."""
        root: Float = self.directions / np.sqrt(self.eigenvalues + self.ridge)
        return root

    def inverse(self) -> Float:
        """Return the inverse of covariance plus ridge on the numerical range, (channels, channels); it is 0 outside."""
        root = self.root
        inverse: Float = root @ root.T
        return inverse

    @property
    def self_similarity(self) -> float:
        """Whitened similarity of the layer with itself, ``sum of d / (d + ridge) over channels``.

        ``L' C L`` is diagonal with the entries ``d / (d + ridge)``. Without a ridge the similarity is thus 1 for a
        layer of full rank and ``r / channels`` for a layer of rank r; a ridge lowers it by at most ``ridge`` times the
        mean of 1 / d over the channels.
        """
        return float(np.sum(self.eigenvalues / (self.eigenvalues + self.ridge)) / self.channels)


def whitening(covariance: ArrayLike, *, ridge: float = 0.0, rounding: float = 0.0) -> Whitening:
    """Compute the inverse square root of a covariance.

    Parameters
    ----------
    covariance
        (c, c) symmetric and positive semi-definite up to rounding.
    ridge
        As a fraction of the mean eigenvalue, 0 or more. It is added to all eigenvalues if the smallest is below it,
        that is, if the covariance is singular or nearly so; a better conditioned covariance is inverted as it is.
    rounding
        Size of the rounding errors from computing the covariance; smaller eigenvalues count as 0.

    Returns
    -------
    Whitening
        On the numerical range: eigenvalues above the sum of `rounding` and ``c * eps`` times the largest. A covariance
        of zeros has no direction at all.

    Raises
    ------
    ComparisonError
        The matrix is not square, not finite or not symmetric, or it has an eigenvalue that is negative beyond rounding;
        or the ridge is negative.
    """
    if not 0 <= ridge < np.inf:
        raise ComparisonError(f"ridge {ridge}: use a fraction of the mean eigenvalue, 0 or more")
    values, vectors = _decomposed(covariance, rounding)
    channels = len(vectors)
    wanted = ridge * float(values.sum()) / channels
    smallest = values[-1] if len(values) == channels else 0.0
    return Whitening(channels, values, vectors, wanted if smallest < wanted else 0.0)


def leading(covariance: ArrayLike, variance: float, *, rounding: float = 0.0) -> Whitening:
    """Compute the fewest leading directions that explain a fraction of the variance (Raghu et al. 2017, section 2).

    Parameters
    ----------
    covariance
        (c, c), as for `whitening`.
    variance
        Fraction of the sum of the eigenvalues, above 0 and up to 1; 1 keeps the whole numerical range.
    rounding
        As for `whitening`.

    Returns
    -------
    Whitening
        Without ridge. At least one direction, unless the covariance is zero.

    Raises
    ------
    ComparisonError
        As for `whitening`; or the fraction is out of range.
    """
    if not 0 < variance <= 1:
        raise ComparisonError(f"share of variance {variance}: use one above 0 and up to 1")
    values, vectors = _decomposed(covariance, rounding)
    kept = len(values)
    if variance < 1 and kept:
        explained = np.cumsum(values) / values.sum()
        kept = int(np.searchsorted(explained, variance)) + 1
    # If rounding keeps the last sum below the fraction, everything is kept.
    return Whitening(len(vectors), values[:kept], vectors[:, :kept])


def _decomposed(covariance: ArrayLike, rounding: float) -> tuple[Float, Float]:
    """Return the eigenvalues of the numerical range, largest first, and the eigenvectors as columns."""
    matrix = np.asarray(covariance, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ComparisonError(f"a covariance is square, (channels, channels); this one has shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ComparisonError(f"the covariance of {len(matrix)} channels has NaN or infinite entries")
    tolerated = max(_TOLERATED * float(np.abs(matrix).max()), rounding)
    if np.abs(matrix - matrix.T).max() > tolerated:
        raise ComparisonError(
            f"the matrix of shape {matrix.shape} is not symmetric; pass the covariance of a layer with itself"
        )
    values, vectors = np.linalg.eigh(matrix)
    values, vectors = values[::-1], vectors[:, ::-1]
    if values[-1] < -len(matrix) * tolerated:
        raise ComparisonError(
            f"the smallest eigenvalue is {values[-1]:.3g}, the largest {values[0]:.3g}: this is not a covariance"
        )
    noise = rounding + len(matrix) * _EPS * float(values[0])
    rank = int(np.count_nonzero(values > noise))
    return values[:rank].copy(), np.ascontiguousarray(vectors[:, :rank])
