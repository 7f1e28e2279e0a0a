"""The two largest singular values of inter-layer items, without decomposing wide layers.

The item T between ``M = U S V'`` and the next layer's ``N = Q R P'`` is ``sqrt(S) V' Q sqrt(R)``. So the squares of its
singular values are the eigenvalues of ``X' |N'| X`` with ``X = V sqrt(S)`` and the modulus ``|N'| = (N N')^(1/2)``, and
as well those of ``Y' |M| Y`` with ``Y = Q sqrt(R)`` and ``|M| = (M'M)^(1/2)``: a matrix of the smaller layer's size.
The wide layer's modulus is never formed. Its Gram matrix is made block tridiagonal once, and the square root is applied
as a sum over poles, a banded solve each (Hale, Higham and Trefethen 2008, method 3), which converges geometrically. Nor
does X have to be that of a singular value decomposition, as long as ``X X'`` is the smaller layer's modulus: where that
layer is far enough from square to be well-conditioned, the eigenvectors of its own Gram matrix give it.

Gram matrices blur singular values below 1e-7 of the largest. How much that can change an item is bounded each time;
where the bound is above `_ACCURACY`, both layers are decomposed whole instead.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh, eigvalsh
from scipy.special import ellipj, ellipk

from netlens.spectra.band import BlockFactor, BlockTridiagonal, Solver, workers
from netlens.spectra.decomposition import SVD, inter_layer_values, item_noise, rounding_noise, singular_ratio, svd
from netlens.spectra.leading import DIRECT, SAFE_EXPONENT, SQUARED_OUT, Blocks, gram, krylov, top_singular_values
from netlens.spectra.matrices import Array, SpectraError

#: Layers whose shorter side is at most this long are decomposed whole for their inter-layer items.
WHOLE: Final = 1024

# Relative error of an item's second value that the Gram matrix of a wide layer may cause; beyond it, no Gram matrix.
_ACCURACY = 1e-7
# Rounding of a Gram matrix and its banded form in small eigenvalues, relative to the largest (measured: 5 eps),
# and in large ones relative to themselves (measured: 80 eps at 2400 x 2400).
_ROUNDING = 64 * float(np.finfo(np.float64).eps)
_OWN_ROUNDING = 1e-12
# Relative error of the sum over poles, within a factor of 4.
_SUM_ERROR = 1e-8
# Columns that a thread solves for at a time.
_COLUMNS = 256
# Relative error of a small layer's modulus that its Gram matrix may cause.
_ROOT_ACCURACY = 1e-8


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
        1x1 views (cin, cout) in network order, in any floating-point precision. At most three are held at a time, so a
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
    for layer in _decomposed(matrices):
        if before is not None:
            items.append(singular_ratio(_item_values(before, layer), noise=item_noise(before.shape, layer.shape)))
        layers.append(singular_ratio(layer.top_values(), noise=rounding_noise(layer.shape)))
        before = layer
    return LeadingRatios(tuple(layers), tuple(items))


def _decomposed(matrices: Iterable[ArrayLike]) -> Iterator["_Layer"]:
    """Give the layers one by one; those that are small are decomposed before, side by side with their neighbour."""
    made = map(_Layer, matrices)
    while pair := list(islice(made, 2)):
        if len(pair) == 2 and not any(layer.is_wide for layer in pair):
            # A thread each is faster than two threads for one decomposition after the other.
            with workers() as pool:
                list(pool.map(_Layer.decompose, pair))
        yield from pair


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


class BandedGram:
    """The Gram matrix of a wide matrix's shorter side as ``Q T Q'`` with T block tridiagonal.

    Parameters
    ----------
    matrix
        (m, n) in float64, not zero; its entries are neither so large nor so small that their squares are lost.
    """

    def __init__(self, matrix: Array) -> None:
        # Units that are off make rows or columns of zeros; without them the smallest eigenvalue says something.
        self._rows, self._columns = matrix.any(axis=1), matrix.any(axis=0)
        if not (self._rows.all() and self._columns.all()):
            matrix = matrix[np.ix_(self._rows, self._columns)]
        self._matrix = matrix
        self._of_rows = matrix.shape[0] <= matrix.shape[1]
        self._size = min(matrix.shape)
        self._band = BlockTridiagonal(gram(Blocks(matrix.T if self._of_rows else matrix)))
        with workers():
            found = krylov(lambda rows: self._band.flat(self._band.times(self._band.blocks(rows.T))).T, self._size, 2)
        self._squares: Array = top_singular_values(matrix) ** 2 if found is None else found[0][:2]

    def top_values(self) -> Array:
        """Give the two largest singular values of the matrix; the second to `SQUARED_OUT` of the first's square."""
        values: Array = np.sqrt(np.maximum(self._squares, 0))
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
            # |M| = M' (M M')^(-1/2) M and the same with sides changed, so one banded form serves both.
            x = (self._matrix if side == "right" else self._matrix.T) @ x
        z, applied, trace = self._inverse_root(x, with_trace=not own_side)
        flat, half = self._band.flat(z), self._band.flat(applied)
        if own_side:
            form = flat.T @ self._band.flat(self._band.times(applied))
            # Frobenius' norm, which is above the 2-norm, as is the trace.
            spread = float(np.linalg.norm(flat.T @ half))
        else:
            form, spread = flat.T @ half, trace
        return (form + form.T) / 2, float(np.sqrt(2)) * _ROUNDING * float(self._squares[0]) * spread

    def _inverse_root(self, x: Array, *, with_trace: bool) -> tuple[Array, Array, float]:
        """Give Z = Q' X, T^(-1/2) Z, and the trace of Z' T^(-3/2) Z when asked."""
        z = np.empty((*self._band.on.shape[:2], x.shape[1]))
        applied = np.zeros_like(z)
        poles = self._poles

        def some(columns: slice) -> float:
            rotated = z[:, :, columns] = self._band.rotated(x[:, columns])
            solver = Solver(rotated)
            total = np.zeros_like(rotated)
            trace = 0.0
            for weight, factor in poles:
                solved = solver.solve(factor, weight)
                total += solved
                if with_trace:
                    # The derivative of the sum: x^(-3/2) = 2 sum c / (x + t)^2.
                    trace += 2 / weight * float(np.einsum("ijk,ijk->", solved, solved))
            applied[:, :, columns] = total
            return trace

        count = x.shape[1]
        with workers() as pool:
            traces = pool.map(some, [slice(start, start + _COLUMNS) for start in range(0, count, _COLUMNS)])
            return z, applied, sum(traces)

    @cached_property
    def _poles(self) -> list[tuple[float, BlockFactor]]:
        """The inverse root of T: a sum of weights times inverses."""
        largest = float(self._squares[0])
        shifts, weights = _poles(max(self._smallest() / largest, _ROUNDING))
        return [
            (float(weight), self._band.factor(float(shift)))
            for shift, weight in zip(shifts * largest, weights * np.sqrt(largest), strict=True)
        ]

    def _smallest(self) -> float:
        """Give the smallest eigenvalue of T; 0 where rounding has made it indefinite."""
        try:
            inverse = self._band.factor(0.0)
        except ArithmeticError:
            return 0.0
        found = krylov(lambda rows: self._band.flat(Solver(self._band.blocks(rows.T)).solve(inverse)).T, self._size, 1)
        return 0.0 if found is None else 1 / float(found[0][0])


class _Layer:
    """A layer's matrix, with what of its decomposition was needed so far."""

    def __init__(self, matrix: ArrayLike) -> None:
        array = np.asarray(matrix)
        if array.ndim != 2:
            raise SpectraError(f"an array of shape {array.shape} is no matrix; give 1x1 views (cin, cout)")
        self.shape: tuple[int, ...] = array.shape
        #: Even: the matrix that is worked with is 2**-exponent of the one given, which changes no digit.
        self.exponent = 0
        largest = max(float(array.max()), -float(array.min())) if array.size and array.dtype.kind == "f" else 0.0
        if np.isfinite(largest) and abs(exponent := int(np.frexp(largest)[1])) > SAFE_EXPONENT:
            self.exponent = exponent - exponent % 2
            array = np.ldexp(np.asarray(array, dtype=np.float64), -self.exponent)
        self.matrix: NDArray[np.floating] = array

    @property
    def is_wide(self) -> bool:
        return min(self.shape) > WHOLE

    @cached_property
    def whole(self) -> SVD:
        return svd(self.matrix, thin=True)

    @cached_property
    def gram(self) -> BandedGram:
        return BandedGram(np.asarray(self.matrix, dtype=np.float64))

    @cached_property
    def short(self) -> tuple[Array, Array] | None:
        """Eigenvalues and eigenvectors of the shorter side's Gram matrix; None where they are not accurate."""
        short, long = sorted(self.shape)
        # Hardly ever is a matrix that is nearly square well-conditioned enough.
        if self.is_wide or "whole" in self.__dict__ or short <= DIRECT or long < 1.5 * short:
            return None
        matrix = np.asarray(self.matrix, dtype=np.float64)
        lower = gram(Blocks(matrix.T if matrix.shape[0] < matrix.shape[1] else matrix))
        if not np.isfinite(lower).all():
            return None
        values, vectors = eigh(lower, lower=True, overwrite_a=True, check_finite=False, driver="evd")
        return (values, vectors) if _ROUNDING * values[-1] <= _ROOT_ACCURACY * values[0] else None

    def decompose(self) -> None:
        """Do at once what `root` and `top_values` of a layer that is not wide will need."""
        if self.short is None:
            _ = self.whole

    def root(self, side: Literal["left", "right"]) -> Array:
        """Give an X with ``X X'`` the modulus of the left or the right side."""
        if self.short is None:
            return (self.whole.U if side == "left" else self.whole.Vh.T) * np.sqrt(self.whole.s)
        values, vectors = self.short
        if (side == "left") == (self.shape[0] < self.shape[1]):
            return vectors * values**0.25
        # |M| = M' (M M')^(-1/2) M, and the same with sides changed.
        x: Array = (self.matrix if side == "left" else self.matrix.T) @ (vectors * values**-0.25)
        return x

    def top_values(self) -> Array:
        """Give the two largest singular values of the matrix given."""
        values: Array = np.ldexp(self._top_values(), self.exponent)
        return values

    def _top_values(self) -> Array:
        if self.__dict__.get("short") is not None:
            squares: Array = self.__dict__["short"][0][:-3:-1]
            values: Array = np.sqrt(squares)
            return values
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
    found: Array | None
    if before.is_wide or after.is_wide:
        found = _item_values_by_modulus(before, after)
        if found is None:
            found = inter_layer_values(before.whole, after.whole)[:2]
    else:
        found = top_singular_values(before.root("right").T @ after.root("left"))
    values = np.zeros(2)
    values[: len(found)] = np.ldexp(found, (before.exponent + after.exponent) // 2)
    return values


def _item_values_by_modulus(before: _Layer, after: _Layer) -> Array | None:
    """Decompose the smaller layer only; None where the wide one's Gram matrix does not resolve the second value."""
    wide, small = (before, after) if min(before.shape) >= min(after.shape) else (after, before)
    if not np.any(wide.matrix) or not np.any(small.matrix):
        return np.zeros(2)
    try:
        if wide is after:
            form, error = wide.gram.modulus_form(small.root("right"), "left")
        else:
            form, error = wide.gram.modulus_form(small.root("left"), "right")
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


def _poles(smallest: float) -> tuple[Array, Array]:
    """Give t and c with ``x^(-1/2) = sum c / (x + t)`` for x from `smallest` to 1, up to about `_SUM_ERROR`."""
    count = int(np.ceil(-np.log(_SUM_ERROR) * (3 - np.log(smallest)) / (2 * np.pi**2)))
    period = ellipk(1 - smallest)
    sn, cn, dn, _ = ellipj((np.arange(count) + 0.5) * period / count, 1 - smallest)
    return smallest * (sn / cn) ** 2, 2 * period * np.sqrt(smallest) / (np.pi * count) * dn / cn**2
