"""Linear CKA without its bias: 0 in the mean for independent activations, however many channels there are.

Linear CKA (Kornblith et al. 2019) is a ratio of Hilbert-Schmidt independence criteria, HSIC(X, Y) over the root of
HSIC(X, X) HSIC(Y, Y). Its usual estimate of them is biased upwards, the more so the more channels and the fewer images
there are. With the unbiased estimate (Song et al. 2012, "Feature Selection via Dependence Maximization", equation 5)
the ratio is that of Davari et al. 2023.

With rows x_i and y_i at n images, K = X X' and L = Y Y' without their diagonals, the estimate is

    ( tr(K L) + 1'K1 1'L1 / ((n - 1)(n - 2)) - 2 / (n - 2) 1'K L1 ) / (n (n - 3)).

No matrix of images by images is needed, because tr(K L) = |X'Y|^2 - sum |x_i|^2 |y_i|^2, and the rows of K and L sum to
x_i . sum x - |x_i|^2 and y_i . sum y - |y_i|^2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.errors import ComparisonError

Float = NDArray[np.float64]

_LEAST: Final = 4


@dataclass(frozen=True)
class _Rows:
    """What the estimate needs of one layer: centered activations, their squared lengths, and the sums of K's rows."""

    values: Float
    squares: Float
    sums: Float


def debiased_cka(first: Mapping[str, NDArray[Any]], second: Mapping[str, NDArray[Any]]) -> Float:
    """Compute the debiased linear CKA of all pairs of layers of two networks.

    Parameters
    ----------
    first, second
        Activations by layer, (n, channels) each, at the same images, one row per image. Rows must be independent, so
        take one position in each image.

    Returns
    -------
    ndarray
        (layers of the first, layers of the second) float64: at most 1; below 0 by chance; 0 for a layer that does not
        vary.

    Raises
    ------
    ComparisonError
        There are fewer than four images, or the two networks have activations at different ones.
    """
    sides = [[_rows(values) for values in side.values()] for side in (first, second)]
    counts = {len(rows.values) for side in sides for rows in side}
    if len(counts) != 1:
        raise ComparisonError("the two networks have activations at different images; compute those of both again")
    if min(counts) < _LEAST:
        raise ComparisonError(f"debiased CKA needs at least {_LEAST} images, not {min(counts)}")
    own = [np.array([max(_hsic(rows, rows), 0.0) for rows in side]) for side in sides]
    together = np.array([[_hsic(one, other) for other in sides[1]] for one in sides[0]])
    scale = np.sqrt(np.outer(*own))
    found: Float = np.divide(together, scale, out=np.zeros_like(together), where=scale > 0)
    return found


def _rows(values: ArrayLike) -> _Rows:
    rows = np.asarray(values, np.float64)
    # The estimate does not depend on the means, but its accuracy does.
    rows = rows - rows.mean(axis=0)
    squares = np.einsum("ij,ij->i", rows, rows)
    return _Rows(rows, squares, rows @ rows.sum(axis=0) - squares)


def _hsic(one: _Rows, other: _Rows) -> float:
    count = len(one.values)
    trace = float(np.sum((one.values.T @ other.values) ** 2) - one.squares @ other.squares)
    sums = float(one.sums.sum() * other.sums.sum()) / ((count - 1) * (count - 2))
    return (trace + sums - 2 / (count - 2) * float(one.sums @ other.sums)) / (count * (count - 3))
