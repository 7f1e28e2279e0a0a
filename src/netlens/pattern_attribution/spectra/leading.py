"""The two largest singular values of a matrix, without decomposing it completely if it is large.

A matrix with a short side of more than `DIRECT` is turned into its Gram matrix of that side, block of rows by block of
rows, and the top of the Gram matrix's spectrum is found by block Krylov iteration with full reorthogonalization (Golub
and Underwood 1977; Musco and Musco 2015). The block makes values that agree, or nearly so, come out as often as they
occur, which a single start vector does not; the residuals bound the error.

That is first done in float32, which is as good a place to look for the vectors: the values are then the Ritz values of
the matrix itself in float64 in the space of the vectors found, and their error is of second order in the vectors'
(Mathias 1998; Li and Li 2005). Where the residuals in float64 do not say that it is small enough, all is done in
float64. A Gram matrix squares the singular values, so where the second is smaller than the first by more than
`SQUARED_OUT` the first is taken out of the matrix itself and the rest is done again: the error is then rounding error
relative to the first value, as in a full decomposition.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import blas, eigh

from netlens.pattern_attribution.spectra.decomposition import SAFE_EXPONENT
from netlens.pattern_attribution.spectra.matrices import Array, SpectraError

#: Matrices whose shorter side is at most this long are decomposed completely.
DIRECT: Final = 96

# Entries that are converted to float64 at a time: 32 MB.
_ENTRIES_AT_A_TIME = 2**22
# Gram matrices up to this size go to LAPACK, which takes no longer for them.
_LAPACK = 512
_BLOCK = 8
_MOST_STEPS = 80
# Vectors that are kept of the search in float32, and how far it goes: what rounding allows, with a margin.
_KEPT = 16
_SEARCH_RESIDUAL = 1e-5
# Error of an eigenvalue relative to it, as it is estimated from the residuals in float64.
_RITZ_ERROR = 1e-8
# New vectors of a step that are shorter than this, relative to the longest, are not taken for orthogonal to the others.
_RANK_LOST = 1e-3
# Looking how far the iteration is costs an eigenvalue problem of up to 640 rows, as much as some steps.
_LOOK_EVERY = 10
# Residual of an eigenvalue relative to it: the singular value's relative error is at most half of that, and usually of
# the order of its square.
_RESIDUAL = 1e-7
#: Second eigenvalue of a Gram matrix over the first, below which rounding shows in the second.
SQUARED_OUT: Final = 1e-6


def top_singular_values(matrix: ArrayLike, *, seed: int = 0) -> Array:
    """Compute the two largest singular values.

    Parameters
    ----------
    matrix
        (m, n) real, finite, not empty, in any floating-point precision; read block by block and left as it is.
    seed
        For the starting block; the values depend on it only within their accuracy.

    Returns
    -------
    ndarray
        (2,), largest first; the second is 0 where the matrix has one row or column. The relative error of each is below
        1e-8 as estimated from the residuals in float64 and the gap to the next value (1e-10 is usual); where that
        cannot be had, it is at most 5e-8 by the residual alone. The second's is not below ``max(m, n) * eps`` of the
        first.

    Raises
    ------
    SpectraError
        Not a finite, non-empty matrix.
    """
    rows, largest = _tall(matrix)
    if largest == 0:
        return np.zeros(2)
    exponent = int(np.frexp(largest)[1])
    scale = 0 if abs(exponent) < SAFE_EXPONENT else exponent
    blocks = Blocks(rows, -scale)
    if rows.shape[1] <= DIRECT and rows.size <= _ENTRIES_AT_A_TIME:
        found = np.linalg.svd(blocks.whole(), compute_uv=False)[:2]
    elif rows.shape[1] == 1:
        found = np.sqrt(gram(blocks)[0])
    else:
        found = _top_of(blocks, seed)
    values = np.zeros(2)
    values[: len(found)] = np.ldexp(found, scale)
    return values


class Blocks:
    """Blocks of rows of a tall matrix in one precision, scaled, with one direction taken out when asked.

    Parameters
    ----------
    rows
        (m, n), of any floating-point precision.
    exponent
        Every entry is multiplied with ``2**exponent``, which itself need not be a float64.
    without
        (n,), a direction of length 1 that is taken out of every row.
    dtype
        float32 for blocks in that precision.
    """

    def __init__(
        self,
        rows: NDArray[np.floating],
        exponent: int = 0,
        without: Array | None = None,
        dtype: type[np.floating] = np.float64,
    ) -> None:
        self.rows = rows
        self.exponent = exponent
        self.without = without
        self.dtype = dtype

    @property
    def width(self) -> int:
        """Length of a row."""
        return int(self.rows.shape[1])

    def whole(self) -> Array:
        """Return all rows at once, without taking a direction out of them."""
        return self._scaled(self.rows)

    def __iter__(self) -> Iterator[Array]:
        step = max(1, _ENTRIES_AT_A_TIME // self.width)
        for start in range(0, len(self.rows), step):
            part = self.rows[start : start + step]
            if self.exponent:
                part = self._scaled(part)
            block: Array = np.ascontiguousarray(part, dtype=self.dtype)
            if self.without is not None:
                block = block - np.outer(block @ self.without, self.without)
            yield block

    def _scaled(self, part: NDArray[np.floating]) -> Array:
        double = np.asarray(part, dtype=np.float64)
        return np.ldexp(double, self.exponent) if self.exponent else double


def gram(blocks: Blocks) -> Array:
    """Sum ``block.T @ block``; only the lower triangle is filled, in Fortran order, as LAPACK reads it."""
    total = np.zeros((blocks.width, blocks.width), dtype=blocks.dtype, order="F")
    add = blas.ssyrk if blocks.dtype == np.float32 else blas.dsyrk
    for block in blocks:
        total = add(1.0, block.T, beta=1.0, c=total, overwrite_c=1, lower=1)
    return total


def top_eigenvalues(lower: Array, count: int, seed: int = 0) -> tuple[Array, Array]:
    """Compute the largest eigenvalues of a positive semi-definite matrix, with their eigenvectors.

    Block Krylov iteration; where that does not converge, LAPACK.

    Parameters
    ----------
    lower
        (n, n) in Fortran order, of which the lower triangle counts. The upper one is overwritten with it.
    count
        1 or 2. Of two, the second need not be accurate where it is below a millionth of the first.
    seed
        Of the start block.

    Returns
    -------
    values, vectors : ndarray
        (count,), largest first, and (n, count).
    """
    n = len(lower)
    if n > _LAPACK:
        _mirror(lower)
        # A few rows times a matrix is a third faster than the matrix times a few columns.
        found = krylov(lambda rows: rows @ lower.T, n, count, seed)
        if found is not None:
            return found[0][:count], found[1][:, :count]
    values, vectors = eigh(lower, lower=True, subset_by_index=[n - count, n - 1], check_finite=False)
    if len(values) < count:
        # LAPACK finds none where entries lie more than a hundred decades apart, as in what rounding leaves.
        values, vectors = eigh(lower, lower=True, driver="evd", check_finite=False)
        values, vectors = values[-count:], vectors[:, -count:]
    return values[::-1], vectors[:, ::-1]


def krylov(
    images_of: Callable[[Array], Array],
    size: int,
    count: int,
    seed: int = 0,
    *,
    dtype: type[np.floating] = np.float64,
    residual: float = _RESIDUAL,
) -> tuple[Array, Array] | None:
    """Find the top of the spectrum of a positive semi-definite operator by block Krylov iteration.

    Parameters
    ----------
    images_of
        The operator on vectors that are the rows of an array (k, size).
    size
        Length of the vectors.
    count
        How many of the largest eigenvalues have to be accurate: 1 or 2. Of two, the second need not be where it is
        below `SQUARED_OUT` of the first.
    seed
        Of the start block.
    dtype
        Precision of the vectors.
    residual
        The residual, relative to the eigenvalue, that is small enough.

    Returns
    -------
    values, vectors : ndarray
        Up to 16 of the largest eigenvalues, largest first, and the vectors as columns. None if it does not converge.
    """
    start = np.random.default_rng(seed).standard_normal((size, _BLOCK)).astype(dtype)
    most = min(_MOST_STEPS, size // _BLOCK - 1)
    if most < 1:
        return None
    basis = np.empty(((most + 1) * _BLOCK, size), dtype=dtype)
    basis[:_BLOCK] = np.linalg.qr(start)[0].T
    projected = np.zeros((most * _BLOCK, most * _BLOCK), dtype=dtype)
    for step in range(most):
        known, new = slice(0, (step + 1) * _BLOCK), slice((step + 1) * _BLOCK, (step + 2) * _BLOCK)
        last = slice(step * _BLOCK, (step + 1) * _BLOCK)
        images = images_of(basis[last])
        projected[last, known] = images @ basis[known].T
        projected[known, last] = projected[last, known].T
        images -= projected[last, known] @ basis[known]
        images -= (images @ basis[known].T) @ basis[known]
        following, remainder = np.linalg.qr(images.T)
        lengths = np.abs(np.diag(remainder))
        if lengths.min() <= _RANK_LOST * lengths.max():
            # Some of the new vectors are rounding, which does not care for what is known.
            following = np.linalg.qr(following - basis[known].T @ (basis[known] @ following))[0]
        basis[new] = following.T
        # Within the space that is found, so far; the remainder says what of its images lies outside.
        if step % _LOOK_EVERY == _LOOK_EVERY - 1 or step == most - 1 or not remainder.any():
            values, vectors = np.linalg.eigh(projected[known, known])
            values, vectors = values[: -_KEPT - 1 : -1], vectors[:, : -_KEPT - 1 : -1]
            residuals = np.linalg.norm(remainder @ vectors[-_BLOCK:, :count], axis=0)
            done = residuals <= residual * values[:count]
            done[1:] |= values[1:count] + residuals[1:] <= SQUARED_OUT * values[0]
            if done.all():
                return values, basis[known].T @ vectors
    return None


def _mirror(lower: Array) -> None:
    """Fill the upper triangle with the lower one, in place."""
    step = 512
    for start in range(0, len(lower), step):
        stop = min(start + step, len(lower))
        block = lower[start:stop, start:stop]
        block[:] = np.tril(block) + np.tril(block, -1).T
        lower[start:stop, stop:] = lower[stop:, start:stop].T


def _top_of(blocks: Blocks, seed: int) -> Array:
    if blocks.width > _LAPACK:
        found = _by_search(blocks, seed)
        if found is not None:
            return found
    squares, vectors = top_eigenvalues(gram(blocks), 2, seed)
    if squares[1] > SQUARED_OUT * squares[0]:
        return np.sqrt(squares)
    # One step of the power method on the matrix itself: the vector's error falls by more than the factor that the
    # second value lies below the first, so what is left of the first after taking it out is rounding.
    vector = np.zeros(blocks.width)
    for block in blocks:
        vector += block.T @ (block @ vectors[:, 0])
    vector /= np.linalg.norm(vector)
    first = float(np.sqrt(sum(float(np.sum((block @ vector) ** 2)) for block in blocks)))
    rest, _ = top_eigenvalues(gram(Blocks(blocks.rows, blocks.exponent, without=vector)), 1, seed)
    return np.array([first, np.sqrt(max(float(rest[0]), 0.0))])


def _by_search(blocks: Blocks, seed: int) -> Array | None:
    """Look for the vectors in float32; None where the values in float64 are then not certain enough."""
    lower = gram(Blocks(blocks.rows, blocks.exponent, dtype=np.float32))
    _mirror(lower)
    found = krylov(lambda rows: rows @ lower.T, blocks.width, 2, seed, dtype=np.float32, residual=_SEARCH_RESIDUAL)
    if found is None:
        return None
    vectors = np.linalg.qr(found[1].astype(np.float64))[0]
    images = np.zeros_like(vectors)
    for block in blocks:
        images += block.T @ (block @ vectors)
    values, turned = np.linalg.eigh(vectors.T @ images)
    values, turned = values[::-1], turned[:, ::-1]
    residuals = np.linalg.norm(images @ turned - vectors @ turned * values, axis=0)
    if ritz_error(values, residuals) > _RITZ_ERROR * values[1]:
        return None
    roots: Array = np.sqrt(values[:2])
    return roots


def ritz_error(values: Array, residuals: Array) -> float:
    """Estimate the error of the two largest Ritz values.

    The residual is a bound. Of the first j Ritz vectors together, with the norm r of their residuals and a gap g
    between the second value and all eigenvalues of what is orthogonal to them, ``r**2 / g`` is one too (Mathias 1998;
    Li and Li 2005); it becomes an estimate by taking the gap to the next Ritz value, which those eigenvalues can be
    above.

    Parameters
    ----------
    values
        (k,) Ritz values, largest first.
    residuals
        (k,) norms of their vectors' residuals.
    """
    together = np.cumsum(residuals**2)[1:-1]
    gaps = values[1] - values[2:]
    squared = together[gaps > 0] / gaps[gaps > 0]
    return float(min([residuals[:2].max(), *squared]))


def _tall(matrix: ArrayLike) -> tuple[NDArray[np.floating], float]:
    """Return the matrix, transposed if it is wide, and its largest magnitude; raise for what has no singular values."""
    array = np.asarray(matrix)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "fiu":
        raise SpectraError(f"an array of shape {array.shape} and type {array.dtype} is not a matrix of real numbers")
    rows = array if array.shape[0] >= array.shape[1] else array.T
    largest = 0.0
    step = max(1, _ENTRIES_AT_A_TIME // rows.shape[1])
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        high, low = float(part.max()), float(part.min())
        largest = max(largest, high, -low)
        if not (np.isfinite(high) and np.isfinite(low)):
            raise SpectraError(f"the matrix of shape {array.shape} has NaN or infinite entries")
    return rows, largest
