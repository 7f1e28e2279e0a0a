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
from netlens.statistics.even_samples import spread_evenly

Float = NDArray[np.float64]

_LEAST: Final = 4
_ROUNDING: Final = 1e-12
_ROWS_AT_A_TIME: Final = 16


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
    count = _count(first, second)
    if count < _LEAST:
        raise ComparisonError(f"debiased CKA needs at least {_LEAST} images, not {count}")
    sides = [[_rows(values) for values in side.values()] for side in (first, second)]
    own = [np.array([max(_hsic(rows, rows), 0.0) for rows in side]) for side in sides]
    together = np.array([[_hsic(one, other) for other in sides[1]] for one in sides[0]])
    scale = np.sqrt(np.outer(*own))
    found: Float = np.divide(together, scale, out=np.zeros_like(together), where=scale > 0)
    return found


def debiased_p_values(
    first: Mapping[str, NDArray[Any]],
    second: Mapping[str, NDArray[Any]],
    *,
    permutations_count: int = 200,
    most_images_count: int = 2048,
    seed: int = 0,
) -> Float:
    """Compute how often the images of one network, permuted, give a debiased CKA that is no smaller.

    A permutation leaves each layer as it is, so only tr(K L) changes, which is cheap once K and L are there: with the
    rows and columns of L in another order it is one scalar product.

    Parameters
    ----------
    first, second
        As of `debiased_cka`.
    permutations_count
        Number of permutations.
    most_images_count
        Images that are used at most, spread evenly, which bounds the memory: K and L have as many rows and columns.
    seed
        Of the permutations.

    Returns
    -------
    ndarray
        (layers of the first, layers of the second): share of the permutations, the identity included, that give at
        least the value. Uniform for independent activations, and 1 for a layer that does not vary.

    Raises
    ------
    ComparisonError
        As of `debiased_cka`.
    """
    count = _count(first, second)
    chosen = spread_evenly(count, most_images_count)
    if len(chosen) < _LEAST:
        raise ComparisonError(f"debiased CKA needs at least {_LEAST} images, not {len(chosen)}")
    grams = [np.stack([_u_centered(values[chosen]) for values in side.values()]) for side in (first, second)]
    rng = np.random.default_rng(seed)
    orders = [np.arange(len(chosen)), *(rng.permutation(len(chosen)) for _ in range(permutations_count))]
    moved = np.ascontiguousarray(np.moveaxis(grams[1], 0, -1))
    traces = np.stack([_traces(grams[0], moved, order) for order in orders])
    # Differences below this are rounding.
    slack = _ROUNDING * np.sqrt(np.outer(*((gram**2).sum(axis=(1, 2)) for gram in grams)))
    found: Float = np.mean(traces >= traces[0] - slack, axis=0)
    return found


def _traces(first: Float, second: Float, order: NDArray[np.int64]) -> Float:
    """Return scalar products of (la, n, n) and (n, n, lb), (la, lb), with the second's rows and columns in an order.

    Rows are taken a few at a time, which stay in the processor's cache: with 2,048 images and twelve layers each, this
    takes a sixth of the time of whole matrices.
    """
    total = np.zeros((len(first), second.shape[-1]))
    for start in range(0, len(order), _ROWS_AT_A_TIME):
        rows = slice(start, start + _ROWS_AT_A_TIME)
        taken = second[order[rows]][:, order]
        total += first[:, rows].reshape(len(first), -1) @ taken.reshape(-1, second.shape[-1])
    return total


def _u_centered(values: NDArray[Any]) -> Float:
    """Return the scalar products of images without the diagonal, with rows and columns whose sums are 0.

    The scalar product of two such matrices is the unbiased estimate up to the factor n (n - 3) (Szekely, Rizzo 2014).
    """
    rows = values.astype(np.float64)
    rows = rows - rows.mean(axis=0)
    gram: Float = rows @ rows.T
    np.fill_diagonal(gram, 0)
    count = len(gram)
    sums = gram.sum(axis=0) / (count - 2)
    gram += gram.sum() / ((count - 1) * (count - 2)) - sums - sums[:, None]
    np.fill_diagonal(gram, 0)
    return gram


def _count(first: Mapping[str, NDArray[Any]], second: Mapping[str, NDArray[Any]]) -> int:
    counts = {len(values) for side in (first, second) for values in side.values()}
    if len(counts) != 1:
        raise ComparisonError("the two networks have activations at different images; compute those of both again")
    return counts.pop()


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
