"""Non-negative matrix factorization (NMF) with a unique, reproducible result.

``V ~ S F`` with non-negative S and F has no unique solution: S and F are defined up to scale, the factors up to their
order, and the descent ends in one of several local optima. Here the rows of F have length 1, the factors are
sorted by energy, and the descent starts at one fixed point: NNDSVDa, from a whole singular value decomposition rather
than from a randomised one. So the result is the same in every run, and permuting rows or columns of V permutes it
(exactly but for rounding, since no step depends on their order).
"""

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

#: The descent stops at this sum of the projected gradient, relative to that of the first step.
TOLERANCE: Final = 1e-8
#: Maximal number of steps of the descent.
MOST_STEPS: Final = 5000

# Entries of the start that count as zeros, relative to its largest.
_ZERO = 1e-6


class FactorizationError(ValueError):
    """Weights that cannot be factorized, or an impossible number of factors."""


@dataclass(frozen=True)
class Factorized:
    """``V ~ scores @ factors``, factors of unit length, the one with most energy first.

    Attributes
    ----------
    scores
        (m, k), not negative: the strength of each factor in each row of V, in the unit of V.
    factors
        (k, n), not negative: rows of length 1, or of zeros where V has fewer factors than were requested.
    shares
        (k,), each factor's share of the explained energy; they sum to 1. With ``V' = scores @ factors`` and its part
        ``V'_i`` from factor i, the share is ``<V'_i, V'> / <V', V'>``.
    explained_variance
        ``1 - |V - V'|^2 / |V|^2``; about zero and not about the mean, since a weight of zero has a meaning.
    steps
        Steps of the descent.
    converged
        Whether the descent converged before `most_steps`.
    """

    scores: Array
    factors: Array
    shares: Array
    explained_variance: float
    steps: int
    converged: bool


def factorize(
    matrix: ArrayLike, factors_count: int, *, tolerance: float = TOLERANCE, most_steps: int = MOST_STEPS
) -> Factorized:
    """Return `factors_count` non-negative factors of a non-negative matrix.

    Least squares by cyclic coordinate descent (Cichocki and Phan 2009; scikit-learn's solver, without shuffling),
    starting from `nndsvda`.

    Parameters
    ----------
    matrix
        V, (m, n): finite, not negative, not all zero. Not modified.
    factors_count
        k, at least 1. A matrix of rank 1 or 2 has exactly as many non-negative factors, and no matrix has more than
        its shorter side; further factors are zeros.
    tolerance
        The descent stops at this projected gradient, relative to its first step.
    most_steps
        Maximal number of steps.

    Returns
    -------
    Factorized

    Raises
    ------
    FactorizationError
        The matrix is empty, not finite, negative somewhere or all zero, or `factors_count` is below 1.
    """
    V, exponent = _scaled(matrix)
    if factors_count < 1:
        raise FactorizationError(f"the number of factors is {factors_count}; use at least 1")
    U, s, Vh = np.linalg.svd(V, full_matrices=False)
    rank = int(np.count_nonzero(s > s[0] * max(V.shape) * _epsilon(matrix)))
    count = min(factors_count, rank if rank <= 2 else min(V.shape))
    if count == 1:
        # The first singular pair is not negative, and optimal.
        S, F, steps = s[0] * np.abs(U[:, :1]), np.abs(Vh[:1]), 0
    else:
        S, F = _from_decomposition(V, U[:, :count], s[:count], Vh[:count])
        S, F, steps = _descend(V, S, F, tolerance, most_steps)

    lengths = np.linalg.norm(F, axis=1)
    F = np.divide(F, lengths[:, None], out=np.zeros_like(F), where=lengths[:, None] > 0)
    S = S * lengths
    energies = ((S.T @ S) * (F @ F.T)).sum(axis=1)
    order = np.argsort(-energies, kind="stable")
    explained = 1 - float(np.sum((V - S @ F) ** 2) / np.sum(V**2))

    scores, factors = np.zeros((len(V), factors_count)), np.zeros((factors_count, V.shape[1]))
    scores[:, :count] = np.ldexp(S[:, order], exponent)
    factors[:count] = F[order]
    shares = np.zeros(factors_count)
    shares[:count] = energies[order] / energies.sum()
    return Factorized(scores, factors, shares, explained, steps, steps < most_steps)


def explained_variances(matrix: ArrayLike, most_factors_count: int = 5) -> Array:
    """Return the explained variance of 1, 2, ... factors of a non-negative matrix, each number factorized anew.

    Parameters
    ----------
    matrix
        V, as for `factorize`.
    most_factors_count
        The largest number of factors.

    Returns
    -------
    ndarray
        (most_factors_count,), `Factorized.explained_variance` of each.

    Raises
    ------
    FactorizationError
        As for `factorize`.
    """
    return np.array([factorize(matrix, count).explained_variance for count in range(1, most_factors_count + 1)])


def explained_at_most(matrix: ArrayLike, factors_count: int) -> float:
    """Return an upper bound of what `factors_count` factors can explain: what as many singular vectors explain.

    Parameters
    ----------
    matrix
        V, (m, n).
    factors_count
        k.

    Returns
    -------
    float
        Between 0 and 1; 0 for a matrix of zeros.
    """
    V = np.asarray(matrix, dtype=np.float64)
    squares = np.linalg.eigvalsh(V @ V.T if V.shape[0] <= V.shape[1] else V.T @ V)
    total = float(squares.sum())
    return float(squares[-factors_count:].sum()) / total if total > 0 else 0.0


def nndsvda(matrix: ArrayLike, factors_count: int) -> tuple[Array, Array]:
    """Return the start of the descent: non-negative double SVD, its zeros filled with the matrix's mean.

    Each singular pair after the first is split into its positive and its negative part, and the part with the larger
    product of lengths is kept, so the signs of the singular vectors do not matter.

    Parameters
    ----------
    matrix
        V, (m, n), not negative.
    factors_count
        k, at most the shorter side of V.

    Returns
    -------
    scores, factors : ndarray
        (m, k) and (k, n).

    References
    ----------
    Boutsidis and Gallopoulos 2008, "SVD based initialization: A head start for nonnegative matrix factorization",
    Pattern Recognition 41; the variant NNDSVDa.
    """
    V = np.asarray(matrix, dtype=np.float64)
    U, s, Vh = np.linalg.svd(V, full_matrices=False)
    return _from_decomposition(V, U[:, :factors_count], s[:factors_count], Vh[:factors_count])


def _from_decomposition(V: Array, U: Array, s: Array, Vh: Array) -> tuple[Array, Array]:
    S, F = np.empty_like(U), np.empty_like(Vh)
    for index, (left, value, right) in enumerate(zip(U.T, s, Vh, strict=True)):
        # The first pair of a non-negative matrix has no sign change but for rounding.
        halves = (
            [(np.abs(left), np.abs(right))]
            if index == 0
            else [(np.maximum(sign * left, 0), np.maximum(sign * right, 0)) for sign in (1, -1)]
        )
        lengths = [(float(np.linalg.norm(x)), float(np.linalg.norm(y))) for x, y in halves]
        (x, y), (x_length, y_length) = max(zip(halves, lengths, strict=True), key=lambda half: half[1][0] * half[1][1])
        root = np.sqrt(value * x_length * y_length)
        S[:, index] = root * x / (x_length or 1.0)
        F[index] = root * y / (y_length or 1.0)
    mean = V.mean()
    for start in (S, F):
        start[start <= _ZERO * start.max()] = mean
    return S, F


def _descend(V: Array, S: Array, F: Array, tolerance: float, most_steps: int) -> tuple[Array, Array, int]:
    # scikit-learn takes a second to import; importers that do not factorize need not wait for it.
    from sklearn.decomposition import non_negative_factorization
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # Whether it converged is part of the result.
        warnings.simplefilter("ignore", ConvergenceWarning)
        S, F, steps = non_negative_factorization(
            V,
            W=np.ascontiguousarray(S),
            H=np.ascontiguousarray(F),
            n_components=S.shape[1],
            init="custom",
            solver="cd",
            tol=tolerance,
            max_iter=most_steps,
            shuffle=False,
        )
    return np.asarray(S, dtype=np.float64), np.asarray(F, dtype=np.float64), int(steps)


def _scaled(matrix: ArrayLike) -> tuple[Array, int]:
    """Return V in float64, scaled by a power of two to a largest entry near 1, and the exponent that undoes it."""
    V = np.asarray(matrix, dtype=np.float64)
    if V.ndim != 2 or not V.size:
        raise FactorizationError(f"an array of shape {V.shape} cannot be factorized; give a matrix that is not empty")
    if not np.isfinite(V).all():
        raise FactorizationError(f"{np.count_nonzero(~np.isfinite(V))} of {V.size} entries are NaN or infinite")
    if V.min() < 0:
        raise FactorizationError("the matrix has negative entries; split it into its positive and negative parts")
    if not V.any():
        raise FactorizationError("all weights are zero: there is nothing to factorize; choose another unit or layer")
    exponent = int(np.frexp(V.max())[1])
    return np.ldexp(V, -exponent), exponent


def _epsilon(matrix: ArrayLike) -> float:
    """Return the relative rounding of the matrix as it was stored: weights usually have single precision."""
    kind = np.asarray(matrix).dtype
    return float(np.finfo(kind).eps) if kind.kind == "f" else float(np.finfo(np.float64).eps)
