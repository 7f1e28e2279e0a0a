"""Full decompositions: a layer's U, s and Vh, and the inter-layer items between two layers."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from netlens.pattern_attribution.spectra.matrices import Array, SpectraError

#: Exponents of two between which squares and sums of squares neither overflow nor vanish, in float32 either.
SAFE_EXPONENT: Final = 30


@dataclass(frozen=True)
class SVD:
    """``M = U @ diag(s) @ Vh``; either thin, or with square U and Vh.

    Attributes
    ----------
    U
        (m, r) with r = min(m, n), or (m, m); orthonormal columns.
    s
        (r,), largest first.
    Vh
        (r, n), or (n, n); orthonormal rows.
    """

    U: Array
    s: Array
    Vh: Array


def svd(matrix: ArrayLike, *, thin: bool = False) -> SVD:
    """Compute the singular value decomposition in float64, with a convention for the signs.

    U and Vh are unique up to a sign per singular value (and up to rotations where singular values agree). Here the
    entry of largest magnitude in each column of U is positive, and in each row that Vh has more; so pictures do not
    depend on which LAPACK computed them.

    Parameters
    ----------
    matrix
        (m, n), finite, not empty. Left as it is.
    thin
        Omit the part of U and Vh that belongs to no singular value.

    Returns
    -------
    SVD

    Raises
    ------
    SpectraError
        Not a finite, non-empty matrix.
    """
    array, exponent = scaled(matrix)
    U, s, Vh = np.linalg.svd(array, full_matrices=not thin)
    rank = len(s)
    left = _signs(U)
    right = _signs(Vh.T)
    right[:rank] = left[:rank]
    U *= left
    Vh *= right[:, None]
    return SVD(U, np.ldexp(s, exponent), Vh)


def within_rank(parts: SVD) -> SVD:
    """Leave out what belongs to no singular value, or to one of 0, of a decomposition.

    There any basis would do, so what a decomposition shows there is LAPACK's choice, nothing of the matrix. The product
    and the inter-layer items stay what they are.

    Parameters
    ----------
    parts
        A decomposition; left as it is.

    Returns
    -------
    SVD
        Thin, with as many values as the matrix has above `rounding_noise`; at least one.
    """
    shape = (parts.U.shape[0], parts.Vh.shape[1])
    rank = max(int(np.count_nonzero(parts.s > rounding_noise(shape) * parts.s[0])), 1)
    return SVD(parts.U[:, :rank], parts.s[:rank], parts.Vh[:rank])


def singular_ratio(values: ArrayLike, *, noise: float = 0.0) -> float:
    """Divide the largest singular value by the second.

    Parameters
    ----------
    values
        Singular values, largest first. A single one is taken as followed by 0: a matrix with one row has rank one.
    noise
        A second value up to ``noise * values[0]`` counts as 0; see `rounding_noise`.

    Returns
    -------
    float
        Infinity where the second value is 0, also for a matrix of zeros.

    Raises
    ------
    SpectraError
        There is no value, one is negative or not finite, or they are not sorted.
    """
    s = np.asarray(values, dtype=np.float64).ravel()
    if not s.size or not np.isfinite(s).all() or (s < 0).any() or (np.diff(s) > 0).any():
        raise SpectraError(
            "singular values must be finite, nonnegative and sorted from the largest, and there must be at least one"
        )
    if s.size == 1 or s[1] <= noise * s[0]:
        return float("inf")
    with np.errstate(over="ignore"):
        return float(s[0] / s[1])


def rounding_noise(shape: tuple[int, ...]) -> float:
    """Return how large a singular value may come out by rounding alone, relative to the first.

    ``max(shape) * eps``, what `numpy.linalg.matrix_rank` takes for 0: a matrix of rank one hardly ever comes out with a
    second singular value of exactly 0.
    """
    return float(max(shape) * np.finfo(np.float64).eps)


def item_noise(before: tuple[int, ...], after: tuple[int, ...]) -> float:
    """Return the same for the inter-layer item between layers of the two shapes.

    The root of `rounding_noise`, since an item holds the roots of its layers' values.
    """
    return float(np.sqrt(rounding_noise((*before, *after))))


def rotation(before: SVD, after: SVD) -> Array:
    """Compute the rotation R = Vh U' between the outputs of one layer and the inputs of the next.

    Parameters
    ----------
    before, after
        Decompositions of neighboring layers.

    Returns
    -------
    ndarray
        (rows of Vh, columns of U); orthogonal when neither is thin.

    Raises
    ------
    SpectraError
        The layers do not fit together.
    """
    if before.Vh.shape[1] != after.U.shape[0]:
        raise SpectraError(
            f"a layer with {before.Vh.shape[1]} outputs cannot stand before one with {after.U.shape[0]} inputs"
        )
    return before.Vh @ after.U


def inter_layer_item(before: SVD, after: SVD) -> Array:
    """Compute the inter-layer item T = D(sqrt s) Vh U' D(sqrt s'), with s, Vh of one layer and s', U' of the next.

    The square roots are padded with zeros to the sizes of Vh and U', so the item of whole decompositions is padded, and
    that of thin ones is not. The nonzero singular values are the same; thin ones suffice where only values matter.

    Parameters
    ----------
    before, after
        Decompositions of neighboring layers.

    Returns
    -------
    ndarray
        (rows of Vh, columns of U').

    Raises
    ------
    SpectraError
        The layers do not fit together.
    """
    item = rotation(before, after)
    item *= _root(before.s, item.shape[0])[:, None]
    item *= _root(after.s, item.shape[1])
    return item


def inter_layer_values(before: SVD, after: SVD) -> Array:
    """Compute the singular values of the thin inter-layer item, largest first.

    Returns
    -------
    ndarray
        (min(r, r'),) with r, r' the numbers of singular values of the two layers.
    """
    thin_before = SVD(before.U, before.s, before.Vh[: len(before.s)])
    thin_after = SVD(after.U[:, : len(after.s)], after.s, after.Vh)
    item, exponent = scaled(inter_layer_item(thin_before, thin_after))
    values: Array = np.ldexp(np.linalg.svd(item, compute_uv=False), exponent)
    return values


def normalized(values: ArrayLike) -> Array:
    """Divide singular values by the largest; zeros stay zeros."""
    s = np.asarray(values, dtype=np.float64)
    return s / s[0] if s.size and s[0] > 0 else s.copy()


def sorted_norms(matrix: ArrayLike, axis: int) -> Array:
    """Compute the norms of the columns (axis 0: one per output) or rows (axis 1: one per input), largest first."""
    array, exponent = scaled(matrix)
    return np.sort(np.ldexp(np.linalg.norm(array, axis=axis), exponent))[::-1]


def checked(matrix: ArrayLike) -> Array:
    """Return `matrix` in float64, without a copy if it already is; raise for what has no singular values."""
    array = np.asarray(matrix)
    if array.ndim != 2 or not array.size:
        raise SpectraError(
            f"an array of shape {array.shape} is not a matrix; it needs two dimensions, neither of them 0"
        )
    if array.dtype.kind not in "fiu":
        raise SpectraError(f"a matrix of type {array.dtype} cannot be decomposed; provide real numbers")
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        raise SpectraError(
            f"{np.count_nonzero(~np.isfinite(array))} of the matrix's {array.size} entries are NaN or infinite"
        )
    return array


def scaled(matrix: ArrayLike, *, even: bool = False) -> tuple[Array, int]:
    """Return the matrix times a power of two that keeps squares of its entries from overflowing and vanishing.

    A matrix whose largest entry is near enough to 1 is returned as it is. Otherwise its largest entry becomes one
    between 1/4 and 1, and no digit of the others changes unless they are smaller by a factor of 1e308.

    Parameters
    ----------
    matrix
        (m, n), finite, not empty. Left as it is.
    even
        Whether the exponent has to be even, so that its root is a power of two as well.

    Returns
    -------
    array : ndarray
        (m, n) in float64, ``matrix * 2**-exponent``.
    exponent : int

    Raises
    ------
    SpectraError
        Not a finite, non-empty matrix.
    """
    array = checked(matrix)
    exponent = int(np.frexp(max(array.max(), -array.min()))[1])
    if abs(exponent) < SAFE_EXPONENT:
        return array, 0
    exponent -= exponent % 2 if even else 0
    return np.ldexp(array, -exponent), exponent


def _signs(columns: Array) -> Array:
    """Return the sign of each column's entry of largest magnitude."""
    largest = np.argmax(np.abs(columns), axis=0)
    return np.where(columns[largest, np.arange(columns.shape[1])] < 0, -1.0, 1.0)


def _root(s: Array, size: int) -> Array:
    root = np.zeros(size)
    root[: len(s)] = np.sqrt(s)
    return root
