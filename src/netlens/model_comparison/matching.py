"""Which layers of two networks belong together, read from a matrix of similarities."""

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
        Their places in the matrix, row and column.
    value
        Their similarity.
    """

    first: int
    second: int
    value: float


def best_matches(matrix: ArrayLike) -> NDArray[np.int64]:
    """Find the layer of the second network that each layer of the first is most similar to.

    Parameters
    ----------
    matrix
        (la, lb), a row for each layer of the first network. Transposed, it answers for the second.

    Returns
    -------
    ndarray
        (la,) int64, columns; of equally similar ones the first.

    Raises
    ------
    ComparisonError
        No finite, non-empty matrix.
    """
    places: NDArray[np.int64] = np.argmax(_checked(matrix), axis=1).astype(np.int64)
    return places


def best_pairs(matrix: ArrayLike, count: int = 1, *, each_once: bool = False) -> list[Pair]:
    """List the most similar pairs of layers.

    Parameters
    ----------
    matrix
        (la, lb).
    count
        How many, at most.
    each_once
        Whether a layer that is in one pair is in none of the following.

    Returns
    -------
    list of Pair
        Most similar first; of equally similar ones in the order of the layers.

    Raises
    ------
    ComparisonError
        No finite, non-empty matrix; or a count below 1.
    """
    values = _checked(matrix)
    if count < 1:
        raise ComparisonError(f"{count} best pairs: ask for at least one")
    found: list[Pair] = []
    for place in np.argsort(-values, axis=None, kind="stable"):
        first, second = divmod(int(place), values.shape[1])
        if not (each_once and any(first == pair.first or second == pair.second for pair in found)):
            found.append(Pair(first, second, float(values[first, second])))
        if len(found) == count:
            break
    return found


def diagonal(first_count: int, second_count: int) -> list[tuple[int, int]]:
    """Pair the layers of two networks by relative depth: the diagonal of a matrix that need not be square.

    The relative depth of layer i of l, from 0, is i / (l - 1). Each layer of the deeper network is paired with that
    layer of the other whose relative depth is nearest; of two as near with the later. So the first layers are paired,
    and the last; both indices never decrease; every layer of either network is in some pair, those of the deeper one
    in exactly one; and exchanging the networks exchanges the indices only. Of networks with as many layers it is the
    diagonal. A network of one layer counts as having depth 0, so all layers of the other are paired with it.

    Parameters
    ----------
    first_count, second_count
        Layers of each network, at least one.

    Returns
    -------
    list of tuple
        Row and column, in network order.

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
    # In whole numbers, so that what lies half-way does not depend on rounding.
    return [(place, (2 * place * last + steps) // (2 * steps)) for place in range(first_count)]


def mean_diagonal(matrix: ArrayLike) -> float:
    """Average the similarity over the pairs of `diagonal`.

    Raises
    ------
    ComparisonError
        No finite, non-empty matrix.
    """
    values = _checked(matrix)
    return float(np.mean([values[pair] for pair in diagonal(*values.shape)]))


def _checked(matrix: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(matrix, np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ComparisonError(f"similarities of shape {values.shape} are no finite, non-empty matrix of two networks")
    return values
