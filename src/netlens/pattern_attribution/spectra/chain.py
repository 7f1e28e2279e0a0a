"""The singular values of a product of many matrices, without forming the product.

The product of a network's layers spans so many decades that, multiplied out in float64, everything but its first few
singular values is rounding error. Here the factors stay apart:

1. QR sweeps (Golub, Solna and Van Dooren 2000; Stewart 1997) turn the factors, one after the other and then back the
   other way, into square triangular ones of the chain's smallest size. Each step is a Householder factorisation of one
   factor, so the result belongs to factors that differ from the given ones by rounding, each relative to its own norm.
   Every sweep grades the product further, as a step of the QR algorithm does.
2. The graded product is multiplied out with a separate scale for each row, in logarithms: nothing overflows, vanishes
   or drowns in a larger row.
3. One-sided Jacobi rotations on its rows, scales apart, give all singular values with high relative accuracy (Demmel
   and Veselic 1992) however far apart the scales are; only the rows' directions must not be nearly dependent, which is
   measured, and which the sweeps see to.

What remains is how much the factors' rounding matters. This is measured: the whole computation is repeated for the
transposed chain and for factors changed by random rounding errors, and the spread is part of the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.pattern_attribution.spectra.decomposition import checked
from netlens.pattern_attribution.spectra.leading import top_singular_values
from netlens.pattern_attribution.spectra.matrices import Array, SpectraError

#: Above this error (in decades) a singular value counts as lost in rounding: it is known to be about so small, or 0.
LOST: Final = 0.1

_EPS = float(np.finfo(np.float64).eps)
# Changed factors, beside the transposed chain: with this many the largest spread is rarely much below the error.
_REPEATS = 4
# The stated error is the largest spread times this.
_SAFETY = 4.0
_MOST_SWEEPS = 12
# Condition of the rows' directions up to which Jacobi starts; it loses that factor of accuracy.
_WELL_CONDITIONED = 100.0
_MOST_ROUNDS = 60


class NotConvergedError(ArithmeticError):
    """The Jacobi rotations did not converge."""


@dataclass(frozen=True)
class ChainSpectrum:
    """Singular values of a product, as logarithms.

    Attributes
    ----------
    log10_values
        (min(rows, columns) of the product,), largest first; minus infinity where the value is exactly 0.
    log10_errors
        Estimated error of each, in decades: an upper estimate from the spread of repeated computations; 0 for exact
        zeros. Above `LOST` the value is lost in rounding.
    """

    log10_values: Array
    log10_errors: Array

    @property
    def log10_ratio(self) -> float:
        """log10 of the first value over the second; infinite where the second is 0 or there is none."""
        values = self.log10_values
        if len(values) < 2 or np.isneginf(values[1]):
            return float("inf")
        return float(values[0] - values[1])

    @property
    def log10_ratio_error(self) -> float:
        """Estimated error of `log10_ratio`, in decades."""
        return float(self.log10_errors[:2].sum())

    @property
    def resolved(self) -> int:
        """How many values are not lost in rounding, counted from the largest."""
        lost = self.log10_errors > LOST
        return int(np.argmax(lost)) if lost.any() else len(lost)


def chain_spectrum(matrices: Sequence[ArrayLike], *, seed: int = 0) -> ChainSpectrum:
    """Compute the singular values of ``matrices[0] @ matrices[1] @ ...``.

    Parameters
    ----------
    matrices
        At least one; finite, not empty, each with as many columns as the next has rows. They are not changed.
    seed
        For the random rounding errors that the accuracy is estimated from.

    Returns
    -------
    ChainSpectrum

    Raises
    ------
    SpectraError
        There is no matrix, one is empty or not finite, or two neighbors do not fit together.
    """
    factors = _checked_chain(matrices)
    size = min(factors[0].shape[0], factors[-1].shape[1])
    factors, _, _ = _without_dead_links(factors)
    if not all(factor.size for factor in factors):
        return ChainSpectrum(np.full(size, -np.inf), np.zeros(size))
    factors, scale = _scaled(factors)
    transposed = [factor.T for factor in reversed(factors)]
    if factors[0].shape[0] < factors[-1].shape[1]:
        # The sweeps begin at the end; from the narrower one all of them are narrow.
        factors, transposed = transposed, factors
    values = _log2_values(factors)
    others = [_log2_values(transposed)]
    generator = np.random.default_rng(seed)
    norms = [float(top_singular_values(factor)[0]) for factor in factors]
    for _ in range(_REPEATS):
        changed = [_changed(factor, norm, generator) for factor, norm in zip(factors, norms, strict=True)]
        others.append(_log2_values(changed))
    # A value of exactly 0 has its likeness in the same place of every repetition, or it was no exact zero.
    both_zero = np.isneginf(values) & np.isneginf(others)
    with np.errstate(invalid="ignore"):
        spread = np.where(both_zero, 0.0, np.abs(values - others)).max(axis=0)
    errors = _SAFETY * spread + np.where(np.isneginf(values), 0.0, 4 * _EPS * np.maximum(np.abs(values + scale), 1.0))
    all_values, all_errors = np.full(size, -np.inf), np.zeros(size)
    all_values[: len(values)], all_errors[: len(values)] = values + scale, errors
    return ChainSpectrum(np.log10(2) * all_values, np.log10(2) * all_errors)


def chain_vectors(matrices: Sequence[ArrayLike], count: int) -> tuple[Array, Array]:
    """Compute the first singular vectors of ``matrices[0] @ matrices[1] @ ...``, without forming the product.

    They are as accurate as the matrices determine them: a vector whose value lies many decades below the first is as
    good as the first, unless its neighbors' values are nearly the same.

    Parameters
    ----------
    matrices
        As for `chain_spectrum`.
    count
        How many vectors: at most as many as there are values above 0, such as `ChainSpectrum.resolved`.

    Returns
    -------
    U : ndarray
        (rows of the product, count), orthonormal columns; the entry of largest magnitude in each is positive.
    Vh : ndarray
        (count, columns of the product), orthonormal rows.

    Raises
    ------
    SpectraError
        As `chain_spectrum`, or there are fewer than `count` values above 0.
    """
    factors = _checked_chain(matrices)
    rows, columns = factors[0].shape[0], factors[-1].shape[1]
    kept, kept_rows, kept_columns = _without_dead_links(factors)
    most = min(min(factor.shape) for factor in kept) if all(factor.size for factor in kept) else 0
    U, Vh = np.zeros((rows, count)), np.zeros((count, columns))
    if count > most:
        raise SpectraError(f"{count} singular vectors of a chain with at most {most} values above 0 do not exist")
    if not count:
        return U, Vh
    kept, _ = _scaled(kept)
    if kept[0].shape[0] < kept[-1].shape[1]:
        right, left = _decomposed([factor.T for factor in reversed(kept)])
    else:
        left, right = _decomposed(kept)
    U[kept_rows], Vh[:, kept_columns] = left[:, :count], right[:, :count].T
    largest = U[np.abs(U).argmax(axis=0), np.arange(count)]
    signs = np.where(largest < 0, -1.0, 1.0)
    return U * signs, Vh * signs[:, None]


def _checked_chain(matrices: Sequence[ArrayLike]) -> list[Array]:
    factors = [checked(matrix) for matrix in matrices]
    if not factors:
        raise SpectraError("a chain needs at least one matrix")
    for before, after in pairwise(factors):
        if before.shape[1] != after.shape[0]:
            raise SpectraError(f"a matrix of shape {before.shape} cannot stand before one of shape {after.shape}")
    return factors


def _without_dead_links(factors: list[Array]) -> tuple[list[Array], NDArray[np.bool_], NDArray[np.bool_]]:
    """Leave out what nothing flows through: a unit that is off, or that no unit of the next layer reads.

    Values that are 0 because of that are exactly 0, not rounding errors. Beside the factors, which rows of the first
    and which columns of the last are left is returned.
    """
    rows, columns = [_any(f, axis=1) for f in factors], [_any(f, axis=0) for f in factors]
    for link in range(len(factors) - 1):
        # What is cut on one side may leave a unit without source or reader on the other: forwards, then backwards.
        columns[link] = factors[link][rows[link]].any(axis=0) & rows[link + 1]
        rows[link + 1] = columns[link]
    for link in range(len(factors) - 2, -1, -1):
        columns[link] &= factors[link + 1][:, columns[link + 1]].any(axis=1)
        rows[link + 1] = columns[link]
    rows[0] = _any(factors[0][:, columns[0]], axis=1)
    columns[-1] = _any(factors[-1][rows[-1]], axis=0)
    return [factor[np.ix_(*kept)] for factor, *kept in zip(factors, rows, columns, strict=True)], rows[0], columns[-1]


def _any(factor: Array, axis: int) -> NDArray[np.bool_]:
    """Return which rows (axis 1) or columns (axis 0) are not all 0."""
    return np.asarray(factor.any(axis=axis))


def _scaled(factors: list[Array]) -> tuple[list[Array], int]:
    """Divide each factor by the power of two that its largest entry has; give the powers' sum beside them."""
    total, scaled = 0, []
    for factor in factors:
        exponent = int(np.frexp(np.abs(factor).max())[1])
        scaled.append(np.ldexp(factor, -exponent))
        total += exponent
    return scaled, total


def _changed(factor: Array, norm: float, generator: np.random.Generator) -> Array:
    """Change a factor of 2-norm `norm` by as much as the sweeps' rounding errors do."""
    noise = generator.standard_normal(factor.shape)
    # A matrix of independent normal numbers has a 2-norm of about the sum of its sides' roots.
    noise *= _sweep_rounding(factor) * norm / (np.sqrt(factor.shape[0]) + np.sqrt(factor.shape[1]))
    return factor + noise


def _sweep_rounding(factor: Array) -> float:
    """Return by how much Householder sweeps change a factor, relative to its norm.

    Measured, for matrices of normal numbers: 2, 3.5, 5, 11 and 15 eps for 16, 64, 160, 512 and 1000 rows and columns.
    """
    return _EPS * (4 + float(np.sqrt(max(factor.shape))) / 2)


def _log2_values(factors: list[Array]) -> Array:
    """Compute the logarithms to base 2 of the singular values, largest first, as many as the smallest size."""
    graded = _graded(factors)
    alive = np.isfinite(graded.scales)
    scales, _, _ = _orthogonalized(graded.scales[alive], graded.rows[alive])
    values = np.full(len(alive), -np.inf)
    values[: len(scales)] = np.sort(scales)[::-1]
    return values


def _decomposed(factors: list[Array]) -> tuple[Array, Array]:
    """Compute the singular vectors as columns, left and right, those of the largest value first."""
    graded = _graded(factors, with_bases=True)
    alive = np.isfinite(graded.scales)
    scales, rows, turn = _orthogonalized(graded.scales[alive], graded.rows[alive], np.eye(int(np.count_nonzero(alive))))
    assert turn is not None
    order = np.argsort(-scales, kind="stable")
    left, right = graded.left[:, alive] @ turn[order].T, graded.right @ rows[order].T
    return (right, left) if graded.is_transposed else (left, right)


@dataclass(frozen=True)
class _Graded:
    """A product, or its transpose, as ``left @ (2**scales[:, None] * rows) @ right.T``.

    The rows have length 1 or 0; left and right, with orthonormal columns, are empty where nobody asks for them.
    """

    scales: Array
    rows: Array
    left: Array
    right: Array
    is_transposed: bool


def _graded(factors: list[Array], *, with_bases: bool = False) -> _Graded:
    """Sweep until the rows' directions are well conditioned, or as well as they get."""
    triangles = list(factors)
    left = right = np.empty((0, 0))
    if with_bases:
        left, right = np.eye(factors[0].shape[0]), np.eye(factors[-1].shape[1])
    best: tuple[float, _Graded] | None = None
    for sweep in range(_MOST_SWEEPS):
        triangles, q = _sweep(triangles)
        left, right = right, left @ q if with_bases else left
        if sweep == 0:
            continue  # the triangles are square from the second sweep on
        scales, rows = _graded_product(triangles)
        condition = _condition(rows[np.isfinite(scales)])
        if best is None or condition < best[0]:
            best = condition, _Graded(scales, rows, left, right, is_transposed=sweep % 2 == 0)
        if condition <= _WELL_CONDITIONED:
            break
    assert best is not None
    return best[1]


def _sweep(factors: list[Array]) -> tuple[list[Array], Array]:
    """Make every factor upper triangular from the last to the first; return the chain of their transposes, and Q.

    ``F_1 ... F_k = Q R_1 ... R_k`` with Q orthonormal, so the values are those of ``R_k' ... R_1'``.
    """
    triangles: list[Array] = []
    q: Array | None = None
    for factor in reversed(factors):
        q, r = np.linalg.qr(factor if q is None else factor @ q)
        triangles.append(r.T)
    assert q is not None
    return triangles, q


def _graded_product(factors: list[Array]) -> tuple[Array, Array]:
    """Multiply out, each row with a scale of its own: ``2**scales[:, None] * rows``, rows of length 1 or 0."""
    rows = np.eye(factors[-1].shape[1])
    scales = np.zeros(len(rows))
    for factor in reversed(factors):
        with np.errstate(divide="ignore"):
            logs = np.log2(np.abs(factor)) + scales
        top = logs.max(axis=1)
        alive = np.isfinite(top)
        weights = np.zeros_like(factor)
        weights[alive] = np.sign(factor[alive]) * np.exp2(logs[alive] - top[alive, None])
        rows = weights @ rows
        scales = top
        lengths = np.linalg.norm(rows, axis=1)
        alive = lengths > 0
        rows[alive] /= lengths[alive, None]
        with np.errstate(divide="ignore"):
            scales = scales + np.log2(lengths)
    return scales, rows


def _condition(rows: Array) -> float:
    if not len(rows):
        return 1.0
    s = np.linalg.svd(rows, compute_uv=False)
    return float(s[0] / s[-1]) if s[-1] > 0 else np.inf


def _orthogonalized(scales: Array, rows: Array, turn: Array | None = None) -> tuple[Array, Array, Array | None]:
    """Make the rows orthogonal by plane rotations; their scales are then the logarithms of the singular values.

    Rows are ordered in disjoint pairs, a round-robin tournament, and each turn rotates all pairs at once. With two rows
    ``a x`` and ``b y``, ``a >= b``, lengths 1, the rotation's tangent is ``t = r c`` with ``r = b / a`` and c of the
    order of the cosine between them: x changes by ``r t y`` and y by ``c x``, so a scale ratio too small for a float
    does no harm. The rotations are applied to the rows of `turn` as well, if it is given; the arguments are left as
    they are.
    """
    scales, rows, turn = scales.copy(), rows.copy(), None if turn is None else turn.copy()
    count = len(scales)
    padded = count + count % 2
    seats = np.arange(padded)
    tolerance = _EPS * np.sqrt(max(rows.shape[1], 1))
    for _ in range(_MOST_ROUNDS):
        # Larger rows first: de Rijk's order, in which graded rows come to rest soonest.
        order = np.argsort(-scales, kind="stable")
        scales, rows, turn = scales[order], rows[order], None if turn is None else turn[order]
        worst = 0.0
        for _turn in range(padded - 1):
            one, two = seats[: padded // 2], seats[: padded // 2 - 1 : -1]
            seats = np.concatenate([seats[:1], seats[-1:], seats[1:-1]])
            real = (one < count) & (two < count)
            pairs = np.stack([one[real], two[real]])
            worst = max(worst, _rotate(scales, rows, turn, pairs, tolerance))
        if worst <= tolerance:
            return scales, rows, turn
    raise NotConvergedError(f"{_MOST_ROUNDS} rounds of Jacobi rotations left rows at a cosine of {worst:.1e}")


def _rotate(scales: Array, rows: Array, turn: Array | None, pairs: np.ndarray, tolerance: float) -> float:
    """Rotate the rows of each pair to be orthogonal, in place; return the largest cosine that was found."""
    swap = scales[pairs[0]] < scales[pairs[1]]
    large, small = np.where(swap, pairs[::-1], pairs)
    x, y = rows[large], rows[small]
    cosine = np.einsum("ij,ij->i", x, y)  # 0 with a row of zeros, so its scale of minus infinity is not used
    worst = float(np.abs(cosine).max(initial=0.0))
    need = np.abs(cosine) > tolerance
    if not need.any():
        return worst
    large, small, x, y, cosine = large[need], small[need], x[need], y[need], cosine[need]
    ratio = np.exp2(scales[small] - scales[large])
    # tan(2 angle) = 2 r cos / (1 - r^2); slope = tan(angle) / r, finite for r = 0.
    half = (1 - ratio) * (1 + ratio)
    slope = 2 * cosine / (half + np.sqrt(half**2 + (2 * ratio * cosine) ** 2))
    tangent = slope * ratio
    shrink = 1 / np.sqrt(1 + tangent**2)
    if turn is not None:
        first, second = turn[large], turn[small]
        turn[large] = (first + tangent[:, None] * second) * shrink[:, None]
        turn[small] = (second - tangent[:, None] * first) * shrink[:, None]
    x_new = (x + (tangent * ratio)[:, None] * y) * shrink[:, None]
    y_new = (y - slope[:, None] * x) * shrink[:, None]
    for index, new in ((large, x_new), (small, y_new)):
        lengths = np.linalg.norm(new, axis=1)
        # Rows that are exactly dependent leave one of length 0, which stays out of what follows.
        rows[index] = new / np.where(lengths > 0, lengths, 1.0)[:, None]
        with np.errstate(divide="ignore"):
            scales[index] += np.log2(lengths)
    return worst
