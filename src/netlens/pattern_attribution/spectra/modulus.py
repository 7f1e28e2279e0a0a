"""Singular ratios along a chain of layers: each layer's, and those of the inter-layer items between neighbors.

The item between ``M = U S V'`` and the next layer's ``N = Q R P'`` is ``T = sqrt(S) V' Q sqrt(R)``. It is made of one
factor per layer, ``V sqrt(S)`` and ``Q sqrt(R)``, whose products with their own transposes are the moduli
``|M| = (M'M)^(1/2)`` and ``|N'| = (N N')^(1/2)``; the squares of T's singular values are the eigenvalues of
``|M| |N'|``.

Layers whose shorter side is at most `WHOLE` are decomposed by a singular value decomposition. A larger layer's factors
come from the eigenvectors of its Gram matrix, several times as fast. A Gram matrix blurs singular values below 1e-8 of
the largest; how much that can change an item is bounded each time, and where the bound is above `_ACCURACY` the layers
are decomposed by a singular value decomposition instead.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh

from netlens.pattern_attribution.spectra.decomposition import (
    SVD,
    inter_layer_item,
    item_noise,
    rounding_noise,
    scaled,
    singular_ratio,
    svd,
)
from netlens.pattern_attribution.spectra.leading import SQUARED_OUT, Blocks, gram, top_singular_values
from netlens.pattern_attribution.spectra.matrices import Array

#: Layers whose shorter side is at most this long are decomposed by a singular value decomposition.
WHOLE: Final = 512

# Relative error of an item's second value that a Gram matrix may cause; beyond it, no Gram matrix.
_ACCURACY = 1e-7
# Rounding of a Gram matrix and its eigenvalues, relative to the largest (measured: 5 eps).
_ROUNDING = 64 * float(np.finfo(np.float64).eps)


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
    """Compute the singular ratios of layers, and of the items between neighbors.

    Parameters
    ----------
    matrices
        1x1 views (cin, cout) in network order, in any floating-point precision. At most two are held at a time, so a
        generator keeps the memory small.

    Returns
    -------
    LeadingRatios
        Relative error below 1e-6 for ratios up to a million; a second value that rounding alone would give counts as 0
        (`netlens.pattern_attribution.spectra.decomposition.rounding_noise` and `item_noise`).

    Raises
    ------
    SpectraError
        An array is not a finite matrix, or two neighbors do not fit together.
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
        1x1 views (a, b) and (b, c) of neighboring layers. They are not changed.

    Returns
    -------
    ndarray
        (2,), largest first; the second is 0 where the item has one row or column.

    Raises
    ------
    SpectraError
        An array is not a finite matrix, or the layers do not fit together.
    """
    first, second = _Layer(before), _Layer(after)
    values = _item_values(first, second)
    return np.asarray(np.ldexp(values, (first.exponent + second.exponent) // 2), dtype=np.float64)


def gram_svd(matrix: Array) -> tuple[SVD, float] | None:
    """Compute the thin singular value decomposition from the eigenvectors of the shorter side's Gram matrix.

    Parameters
    ----------
    matrix
        (m, n), finite, with entries whose squares neither overflow nor vanish. Left as it is.

    Returns
    -------
    parts : SVD
        Zero rows and columns of the matrix are zero in U and Vh and have no singular value.
    error : float
        Bound, in the 2-norm, of what rounding in the Gram matrix changes in either modulus, ``U diag(s) U'`` or
        ``Vh' diag(s) Vh``. None is returned in place of both where there is no such bound: for a matrix that is
        singular, or so ill-conditioned that its Gram matrix is singular within rounding.

    Notes
    -----
    The square root is operator monotone: a Gram matrix G that is wrong by at most e in the 2-norm gives roots between
    those of G - e and G + e. With eigenvalues of at least g >= 2 e both differ from that of G by at most
    ``sqrt(2) e / sqrt(g)``, and so do those of the other side's modulus, ``M' G^(-1/2) M``.
    """
    rows, columns = matrix.any(axis=1), matrix.any(axis=0)
    live = matrix[np.ix_(rows, columns)]
    if not live.size:
        return None
    of_rows = live.shape[0] <= live.shape[1]
    tall = live.T if of_rows else live
    squares, vectors = eigh(gram(Blocks(tall)), lower=True, overwrite_a=True, check_finite=False, driver="evd")
    squares, vectors = squares[::-1], vectors[:, ::-1]
    error = _ROUNDING * float(squares[0])
    if not squares[-1] >= 2 * error:
        return None
    s = np.sqrt(squares)
    others = tall @ vectors / s
    U, Vh = np.zeros((matrix.shape[0], len(s))), np.zeros((len(s), matrix.shape[1]))
    U[rows] = vectors if of_rows else others
    Vh[:, columns] = (others if of_rows else vectors).T
    return SVD(U, s, Vh), float(np.sqrt(2)) * error / float(s[-1])


class _Layer:
    """A layer's matrix, scaled, with its decomposition."""

    def __init__(self, matrix: ArrayLike) -> None:
        #: The matrix that is worked with is 2**-exponent of the one given, which changes no digit.
        self.matrix, self.exponent = scaled(matrix, even=True)
        self.shape = self.matrix.shape

    @cached_property
    def whole(self) -> SVD:
        return svd(self.matrix, thin=True)

    @cached_property
    def _by_gram(self) -> tuple[SVD, float] | None:
        return gram_svd(self.matrix) if min(self.shape) > WHOLE else None

    @property
    def parts(self) -> SVD:
        return self.whole if self._by_gram is None else self._by_gram[0]

    @property
    def error(self) -> float:
        """Bound of the error of the moduli that `parts` gives; 0 where it is rounding error alone."""
        return 0.0 if self._by_gram is None else self._by_gram[1]

    def top_values(self) -> Array:
        """Return the two largest singular values of the scaled matrix, or the only one."""
        s = self.parts.s[:2]
        # What a Gram matrix leaves of a second value far below the first is less accurate than `top_singular_values`.
        blurred = self.error and (len(s) < 2 or s[1] ** 2 <= SQUARED_OUT * s[0] ** 2)
        return top_singular_values(self.matrix) if blurred else s


def _item_values(before: _Layer, after: _Layer) -> Array:
    """Compute the two largest singular values of the scaled layers' item."""
    values = top_singular_values(inter_layer_item(before.parts, after.parts))
    first, second = float(before.parts.s[0]), float(after.parts.s[0])
    blur = before.error * second + after.error * first + before.error * after.error
    # Of the square's relative error, the value has half.
    if blur > 2 * _ACCURACY * values[1] ** 2:
        values = top_singular_values(inter_layer_item(before.whole, after.whole))
    return values
