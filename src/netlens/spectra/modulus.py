"""The two largest singular values of inter-layer items, without decomposing wide layers.

The item T between ``M = U S V'`` and the next layer's ``N = Q R P'`` is ``sqrt(S) V' Q sqrt(R)``. So the squares of its
singular values are the eigenvalues of ``X' |N'| X`` with ``X = V sqrt(S)`` and the modulus ``|N'| = (N N')^(1/2)``, and
as well those of ``Y' |M| Y`` with ``Y = Q sqrt(R)`` and ``|M| = (M'M)^(1/2)``: a matrix of the smaller layer's size.
The wide layer's modulus is never formed. Its Gram matrix is made tridiagonal once, and the square root is applied as a
sum over poles, a tridiagonal solve each (Hale, Higham and Trefethen 2008, method 3), which converges geometrically.

Gram matrices blur singular values below 1e-7 of the largest. How much that can change an item is bounded each time;
where the bound is above `_ACCURACY`, both layers are decomposed whole instead.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigvalsh, eigvalsh_tridiagonal, lapack
from scipy.special import ellipj, ellipk

from netlens.spectra.decomposition import SVD, inter_layer_values, item_noise, rounding_noise, singular_ratio, svd
from netlens.spectra.leading import SQUARED_OUT, Blocks, gram, top_singular_values
from netlens.spectra.matrices import Array, SpectraError

#: Layers whose shorter side is at most this long are decomposed whole for their inter-layer items.
WHOLE: Final = 1024

# Relative error of an item's second value that the Gram matrix of a wide layer may cause; beyond it, no Gram matrix.
_ACCURACY = 1e-7
# Rounding of a Gram matrix and its tridiagonal form in small eigenvalues, relative to the largest (measured: 5 eps),
# and in large ones relative to themselves (measured: 80 eps at 2400 x 2400).
_ROUNDING = 64 * float(np.finfo(np.float64).eps)
_OWN_ROUNDING = 1e-12
# Relative error of the sum over poles.
_SUM_ERROR = 1e-9
# Columns that are solved for at a time: they stay in the cache from pole to pole.
_COLUMNS = 32


@dataclass(frozen=True)
class LeadingRatios:
    """Singular ratios along a chain of layers; infinite where a second value is 0.

    Attributes
    ----------
    layers
        s[0] / s[1] of each layer.
    items
        The same of each inter-layer item, one fewer.
    """

    layers: tuple[float, ...]
    items: tuple[float, ...]


def leading_ratios(matrices: Iterable[ArrayLike]) -> LeadingRatios:
    """Compute the singular ratios of layers, and of the items between neighbours.

    Parameters
    ----------
    matrices
        1x1 views (cin, cout) in network order, in any floating-point precision. At most two are held at a time, so a
        generator keeps the memory small.

    Returns
    -------
    LeadingRatios
        Relative error below 1e-6 for ratios up to a million; a second value that rounding alone would give counts as 0
        (`netlens.spectra.decomposition.rounding_noise` and `item_noise`).

    Raises
    ------
    SpectraError
        An array is no finite matrix, or two neighbours do not fit together.
    """
    layers: list[float] = []
    items: list[float] = []
    before: _Layer | None = None
    for matrix in matrices:
        layer = _Layer(matrix)
        if before is not None:
            items.append(singular_ratio(_item_values(before, layer), noise=item_noise(before.shape, layer.shape)))
        layers.append(singular_ratio(layer.top_values(), noise=rounding_noise(layer.shape)))
        before = layer
    return LeadingRatios(tuple(layers), tuple(items))


def inter_layer_top_values(before: ArrayLike, after: ArrayLike) -> Array:
    """Compute the two largest singular values of the item between two layers.

    Parameters
    ----------
    before, after
        1x1 views (a, b) and (b, c) of neighbouring layers. Left as they are.

    Returns
    -------
    ndarray
        (2,), largest first; the second is 0 where the item has one row or column.

    Raises
    ------
    SpectraError
        An array is no finite matrix, or the layers do not fit together.
    """
    return _item_values(_Layer(before), _Layer(after))


class TridiagonalGram:
    """The Gram matrix of a wide matrix's shorter side as ``Q T Q'`` with T tridiagonal.

    Parameters
    ----------
    matrix
        (m, n) in float64.
    """

    def __init__(self, matrix: Array) -> None:
        # Units that are off make rows or columns of zeros; without them the smallest eigenvalue says something.
        self._rows, self._columns = matrix.any(axis=1), matrix.any(axis=0)
        if not (self._rows.all() and self._columns.all()):
            matrix = matrix[np.ix_(self._rows, self._columns)]
        self._matrix = matrix
        self._of_rows = matrix.shape[0] <= matrix.shape[1]
        lower = gram(Blocks(matrix.T if self._of_rows else matrix))
        work, _ = lapack.dsytrd_lwork(len(lower), lower=1)
        reduced, diagonal, beside, tau, _ = lapack.dsytrd(lower, lower=1, lwork=int(work), overwrite_a=1)
        # The reflectors of a reduction from the lower triangle are those of a QR factorisation, one row further down.
        self._reflectors, self._tau = np.asfortranarray(reduced[1:, :-1]), tau
        last = len(diagonal) - 1
        self._largest = float(eigvalsh_tridiagonal(diagonal, beside, select="i", select_range=(last, last))[0])
        self._diagonal, self._beside = diagonal / self._largest, beside / self._largest

    def top_values(self) -> Array:
        """Give the two largest singular values of the matrix."""
        last = len(self._diagonal) - 1
        squares = eigvalsh_tridiagonal(self._diagonal, self._beside, select="i", select_range=(last - 1, last))
        values: Array = np.sqrt(self._largest * np.maximum(squares[::-1], 0))
        return values

    def modulus_form(self, vectors: Array, side: Literal["left", "right"]) -> tuple[Array, float]:
        """Give ``X' |.| X`` for the modulus of the matrix's left side, (M M')^(1/2), or right side, (M'M)^(1/2).

        Parameters
        ----------
        vectors
            X: (m, k) for the left side, (n, k) for the right.
        side
            Which modulus.

        Returns
        -------
        form : ndarray
            (k, k), symmetric.
        error : float
            Bound of what rounding in the Gram matrix changes in any eigenvalue of the form.

        Raises
        ------
        ArithmeticError
            Rounding has made the Gram matrix indefinite.

        Notes
        -----
        The square root is operator monotone: a Gram matrix G that is wrong by at most e in the 2-norm gives roots
        between those of G - e and G + e, and the form is wrong by at most ``sqrt(2) e X' (G + e)^(-1/2) X``.
        """
        x = vectors[self._rows if side == "left" else self._columns]
        own_side = self._of_rows == (side == "left")
        if not own_side:
            # |M| = M' (M M')^(-1/2) M and the same with sides changed, so one tridiagonal form serves both.
            x = (self._matrix if side == "right" else self._matrix.T) @ x
        z = self._rotated(x)
        smallest = float(eigvalsh_tridiagonal(self._diagonal, self._beside, select="i", select_range=(0, 0))[0])
        applied = np.zeros_like(z)
        spread = 0.0
        factors = []
        for shift, weight in zip(*_poles(max(smallest, _ROUNDING)), strict=True):
            diagonal, beside, failed = lapack.dpttrf(self._diagonal + shift, self._beside)
            if failed:
                raise ArithmeticError("a shifted Gram matrix is not positive definite")
            factors.append((weight, diagonal, beside))
        for start in range(0, z.shape[1], _COLUMNS):
            columns = slice(start, start + _COLUMNS)
            for weight, diagonal, beside in factors:
                solved, _ = lapack.dpttrs(diagonal, beside, z[:, columns])
                # The derivative of the sum: x^(-3/2) = 2 sum c / (x + t)^2.
                spread += 2 * weight * float(np.vdot(solved, solved))
                solved *= weight
                applied[:, columns] += solved
        root = float(np.sqrt(self._largest))
        if own_side:
            form = root * (z.T @ self._times_tridiagonal(applied))
            spread = root * _norm(z.T @ applied)
        else:
            form = z.T @ applied / root
            spread /= root  # the trace, which is above the norm
        return (form + form.T) / 2, float(np.sqrt(2)) * _ROUNDING * spread

    def _rotated(self, x: Array) -> Array:
        """Multiply Q' with the columns of `x`; the result is in Fortran order."""
        out = np.array(x, order="F")
        rest = np.asfortranarray(out[1:])
        _, work, _ = lapack.dormqr("L", "T", self._reflectors, self._tau, rest, -1)
        out[1:], _, _ = lapack.dormqr("L", "T", self._reflectors, self._tau, rest, int(work[0]), overwrite_c=1)
        return out

    def _times_tridiagonal(self, z: Array) -> Array:
        out: Array = self._diagonal[:, None] * z
        out[1:] += self._beside[:, None] * z[:-1]
        out[:-1] += self._beside[:, None] * z[1:]
        return out


class _Layer:
    """A layer's matrix, with what of its decomposition was needed so far."""

    def __init__(self, matrix: ArrayLike) -> None:
        array = np.asarray(matrix)
        if array.ndim != 2:
            raise SpectraError(f"an array of shape {array.shape} is no matrix; give 1x1 views (cin, cout)")
        self.matrix: NDArray[np.floating] = array
        self.shape: tuple[int, ...] = array.shape

    @property
    def is_wide(self) -> bool:
        return min(self.shape) > WHOLE

    @cached_property
    def whole(self) -> SVD:
        return svd(self.matrix, thin=True)

    @cached_property
    def gram(self) -> TridiagonalGram:
        return TridiagonalGram(np.asarray(self.matrix, dtype=np.float64))

    def top_values(self) -> Array:
        if "whole" in self.__dict__ or not self.is_wide:
            return self.whole.s[:2]
        if "gram" in self.__dict__:
            values = self.gram.top_values()
            if values[1] ** 2 > SQUARED_OUT * values[0] ** 2:
                return values
        return top_singular_values(self.matrix)


def _item_values(before: _Layer, after: _Layer) -> Array:
    if before.shape[1] != after.shape[0]:
        raise SpectraError(
            f"a layer with {before.shape[1]} outputs cannot stand before one with {after.shape[0]} inputs"
        )
    found = _item_values_by_modulus(before, after) if before.is_wide or after.is_wide else None
    if found is None:
        found = inter_layer_values(before.whole, after.whole)[:2]
    values = np.zeros(2)
    values[: len(found)] = found
    return values


def _item_values_by_modulus(before: _Layer, after: _Layer) -> Array | None:
    """Decompose the smaller layer only; None where the wide one's Gram matrix does not resolve the second value."""
    wide, small = (before, after) if min(before.shape) >= min(after.shape) else (after, before)
    if not np.any(wide.matrix) or not np.any(small.matrix):
        return np.zeros(2)
    root = np.sqrt(small.whole.s)
    try:
        if wide is after:
            form, error = wide.gram.modulus_form(small.whole.Vh.T * root, "left")
        else:
            form, error = wide.gram.modulus_form(small.whole.U * root, "right")
    except ArithmeticError:
        return None
    size = len(form)
    squares = eigvalsh(form, subset_by_index=[max(0, size - 2), size - 1], check_finite=False)[::-1]
    blur = error + _OWN_ROUNDING * squares[0]
    # Of the square's relative error, the value has half.
    if size > 1 and blur > 2 * _ACCURACY * squares[1]:
        return None
    values: Array = np.sqrt(squares)
    return values


def _norm(symmetric: Array) -> float:
    last = len(symmetric) - 1
    return float(eigvalsh(symmetric + symmetric.T, subset_by_index=[last, last], check_finite=False)[0]) / 2


def _poles(smallest: float) -> tuple[Array, Array]:
    """Give t and c with ``x^(-1/2) = sum c / (x + t)`` for x from `smallest` to 1, up to `_SUM_ERROR`."""
    count = int(np.ceil(-np.log(_SUM_ERROR) * (3 - np.log(smallest)) / (2 * np.pi**2)))
    period = ellipk(1 - smallest)
    sn, cn, dn, _ = ellipj((np.arange(count) + 0.5) * period / count, 1 - smallest)
    return smallest * (sn / cn) ** 2, 2 * period * np.sqrt(smallest) / (np.pi * count) * dn / cn**2
