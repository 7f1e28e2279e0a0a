"""Inverse square roots of covariances, on the directions in which there is anything.

For a covariance C the similarity of two layers needs a matrix L with ``L L' = inv C``. Any such L does: two of them
differ by a rotation, which leaves singular values of ``L_a' C(a, b) L_b`` as they are. The Cholesky factor of the
inverse is one, the symmetric inverse square root another. Here it is the latter without its last rotation, ``V (D +
ridge)^(-1/2)`` with ``C = V D V'``, because that also exists where C is singular, as with dead units, or with fewer
images than channels: V then has a column for each direction of the numerical range only.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.errors import ComparisonError

Float = NDArray[np.float64]

_EPS: Final = float(np.finfo(np.float64).eps)
# By so much of the largest entry, entries of a covariance and of its transpose may differ, and eigenvalues be negative.
_TOLERATED: Final = 1e-12


@dataclass(frozen=True)
class Whitening:
    """What makes activations of a layer uncorrelated and equally large in all directions in which they vary.

    Attributes
    ----------
    channels
        Of the layer.
    eigenvalues
        (r,) of the covariance, largest first: those of its numerical range, or the leading ones that were asked for.
    directions
        (channels, r), the eigenvectors as columns.
    ridge
        What is added to each eigenvalue before it is inverted, in the covariance's unit; 0 where nothing is.
    """

    channels: int
    eigenvalues: Float
    directions: Float
    ridge: float = 0.0

    @property
    def rank(self) -> int:
        """How many directions there are."""
        return len(self.eigenvalues)

    @property
    def root(self) -> Float:
        """L with ``L L' = inverse``, (channels, r): one of the inverse square roots."""
        root: Float = self.directions / np.sqrt(self.eigenvalues + self.ridge)
        return root

    def inverse(self) -> Float:
        """Give the inverse of the covariance plus ridge on the numerical range, (channels, channels); 0 outside."""
        root = self.root
        inverse: Float = root @ root.T
        return inverse

    @property
    def self_similarity(self) -> float:
        """Whitened similarity of the layer with itself, ``sum of d / (d + ridge) over channels``.

        ``L' C L`` is then diagonal with these entries. So it is 1 for a layer of full rank, ``r / channels`` for one of
        rank r, and less than that by no more than ``ridge`` times the mean of 1 / d over the channels.
        """
        return float(np.sum(self.eigenvalues / (self.eigenvalues + self.ridge)) / self.channels)


def whitening(covariance: ArrayLike, *, ridge: float = 0.0, rounding: float = 0.0) -> Whitening:
    """Find the inverse square root of a covariance.

    Parameters
    ----------
    covariance
        (c, c) symmetric and positive semi-definite up to rounding.
    ridge
        Share of the mean eigenvalue, from 0 on. Where the smallest eigenvalue is below it, so the covariance is
        singular or nearly so, it is added to all; a covariance that is better conditioned is inverted as it is.
    rounding
        Size of the rounding errors that the covariance has from its making; what is not above that is taken for
        nothing.

    Returns
    -------
    Whitening
        On the numerical range: eigenvalues above `rounding` and ``c * eps`` of the largest together. A covariance of
        zeros gives no direction at all.

    Raises
    ------
    ComparisonError
        Not square, not finite, not symmetric or with an eigenvalue that is negative beyond rounding; or a negative
        ridge.
    """
    if not 0 <= ridge < np.inf:
        raise ComparisonError(f"ridge {ridge}: give a share of the mean eigenvalue, 0 or more")
    values, vectors = _decomposed(covariance, rounding)
    channels = len(vectors)
    wanted = ridge * float(values.sum()) / channels
    smallest = values[-1] if len(values) == channels else 0.0
    return Whitening(channels, values, vectors, wanted if smallest < wanted else 0.0)


def leading(covariance: ArrayLike, variance: float, *, rounding: float = 0.0) -> Whitening:
    """Find the fewest leading directions that explain a share of the variance (Raghu et al. 2017, section 2).

    Parameters
    ----------
    covariance
        (c, c), as for `whitening`.
    variance
        Share of the sum of the eigenvalues, above 0 and up to 1; 1 is the whole numerical range.
    rounding
        As for `whitening`.

    Returns
    -------
    Whitening
        Without ridge. At least one direction, unless the covariance is zero.

    Raises
    ------
    ComparisonError
        As for `whitening`, or the share is out of range.
    """
    if not 0 < variance <= 1:
        raise ComparisonError(f"share of variance {variance}: give one above 0 and up to 1")
    values, vectors = _decomposed(covariance, rounding)
    kept = len(values)
    if variance < 1 and kept:
        explained = np.cumsum(values) / values.sum()
        kept = int(np.searchsorted(explained, variance)) + 1
    # Where rounding keeps the last sum below the share, everything is kept.
    return Whitening(len(vectors), values[:kept], vectors[:, :kept])


def _decomposed(covariance: ArrayLike, rounding: float) -> tuple[Float, Float]:
    """Give eigenvalues of the numerical range, largest first, and eigenvectors as columns."""
    matrix = np.asarray(covariance, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ComparisonError(f"a covariance is square, (channels, channels); this has shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ComparisonError(f"the covariance of {len(matrix)} channels has NaN or infinite entries")
    tolerated = max(_TOLERATED * float(np.abs(matrix).max()), rounding)
    if np.abs(matrix - matrix.T).max() > tolerated:
        raise ComparisonError(
            f"the array of shape {matrix.shape} is not symmetric; give the covariance of a layer with itself"
        )
    values, vectors = np.linalg.eigh(matrix)
    values, vectors = values[::-1], vectors[:, ::-1]
    if values[-1] < -len(matrix) * tolerated:
        raise ComparisonError(
            f"the smallest eigenvalue is {values[-1]:.3g}, the largest {values[0]:.3g}: no covariance of activations"
        )
    noise = rounding + len(matrix) * _EPS * float(values[0])
    rank = int(np.count_nonzero(values > noise))
    return values[:rank].copy(), np.ascontiguousarray(vectors[:, :rank])
