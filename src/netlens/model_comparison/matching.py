"""Matching layers of two networks by a similarity matrix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.errors import ComparisonError


@dataclass(frozen=True)
class Pair:
    """A layer of the first network and one of the second.

    Attributes
    ----------
    first, second
        Row and column in the matrix.
    value
        Their similarity.
    """

    first: int
    second: int
    value: float


def best_matches(matrix: ArrayLike) -> NDArray[np.int64]:
    """Return, for each layer of the first network, the most similar layer of the second.

    Parameters
    ----------
    matrix
        (la, lb), with one row per layer of the first network. Transpose it to match the layers of the second.

    Returns
    -------
    ndarray
        (la,) int64, column indices; the first of equally similar layers.

    Raises
    ------
    ComparisonError
        The matrix is empty or not finite.
    """
    places: NDArray[np.int64] = np.argmax(_checked(matrix), axis=1).astype(np.int64)
    return places


def best_pairs(matrix: ArrayLike, count: int = 1, *, each_once: bool = False) -> list[Pair]:
    """Return the most similar pairs of layers.

    Parameters
    ----------
    matrix
        (la, lb).
    count
        Largest number of pairs.
    each_once
        Whether a layer may appear in one pair only.

    Returns
    -------
    list of Pair
        Most similar first; equally similar pairs in the order of the layers.

    Raises
    ------
    ComparisonError
        The matrix is empty or not finite; or the count is below 1.
    """
    values = _checked(matrix)
    if count < 1:
        raise ComparisonError(f"{count} best pairs: request at least one")
    found: list[Pair] = []
    for place in np.argsort(-values, axis=None, kind="stable"):
        first, second = divmod(int(place), values.shape[1])
        if not (each_once and any(first == pair.first or second == pair.second for pair in found)):
            found.append(Pair(first, second, float(values[first, second])))
        if len(found) == count:
            break
    return found


def best_hidden_pair(matrix: ArrayLike) -> Pair:
    """Return the most similar pair of layers without the last ones, which are alike because they name the same classes.

    Parameters
    ----------
    matrix
        (la, lb); where a network has one layer only, the last one counts.

    Raises
    ------
    ComparisonError
        The matrix is empty or not finite.
    """
    values = _checked(matrix)
    (best,) = best_pairs(values[:-1, :-1] if min(values.shape) > 1 else values)
    return best


def diagonal(first_count: int, second_count: int) -> list[tuple[int, int]]:
    """Pair the layers of two networks by relative depth: the diagonal of a matrix that need not be square.

    The relative depth of layer i of l, counted from 0, is i / (l - 1). Each layer of the deeper network is paired with
    the layer of the other whose relative depth is nearest, the later one in a tie. So the first layers are paired, and
    so are the last; neither index ever decreases; every layer is in some pair, those of the deeper network in exactly
    one; and exchanging the networks merely exchanges the indices. For networks with equally many layers the result is
    the main diagonal. All layers of one network are paired with the single layer of a network that has only one.

    Parameters
    ----------
    first_count, second_count
        Number of layers of each network, at least one.

    Returns
    -------
    list of tuple
        Row and column, in network order.

    Examples
    --------
    >>> diagonal(3, 5)
    [(0, 0), (1, 1), (1, 2), (2, 3), (2, 4)]

    Raises
    ------
    ComparisonError
        A network has no layer.
    """
    if min(first_count, second_count) < 1:
        raise ComparisonError(f"{first_count} and {second_count} layers: each network needs at least one")
    if first_count < second_count:
        return [(first, second) for second, first in diagonal(second_count, first_count)]
    last, steps = second_count - 1, max(first_count - 1, 1)
    # In integers, so that ties do not depend on rounding.
    return [(place, (2 * place * last + steps) // (2 * steps)) for place in range(first_count)]


def mean_diagonal(matrix: ArrayLike) -> float:
    """Return the mean similarity over the pairs of `diagonal`.

    Raises
    ------
    ComparisonError
        The matrix is empty or not finite.
    """
    values = _checked(matrix)
    return float(np.mean([values[pair] for pair in diagonal(*values.shape)]))


def _checked(matrix: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(matrix, np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ComparisonError(
            f"a similarity matrix must be finite, 2-dimensional and not empty; this one has shape {values.shape}"
        )
    return values
