"""What chains of matrices do to random rows: how fast they become parallel.

Rows of Gaussian numbers are sent through the network's matrices from the output down, x -> x M', and through random
matrices of the same shapes. What a random chain does is what depth and shapes do by themselves; what the network's own
weights and patterns do beyond that is theirs. After Sixt, Granz, Landgraf 2020 (arXiv 1912.09818), section 4.1.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.explanation_checks.choices import CheckError

Float = NDArray[np.float64]
_Step = Callable[[Float, Float], Float]


def _gaussian(rows: Float, matrix: Float) -> Float:
    return rows @ matrix


def _rectified(rows: Float, matrix: Float) -> Float:
    rectified: Float = np.maximum(rows @ matrix, 0)
    return rectified


def _absolute(rows: Float, matrix: Float) -> Float:
    return rows @ np.abs(matrix)


def _stochastic(rows: Float, matrix: Float) -> Float:
    positive = np.abs(matrix)
    stochastic: Float = positive / positive.sum(axis=0, keepdims=True)
    return rows @ stochastic


def _positive(rows: Float, matrix: Float) -> Float:
    positive: Float = np.maximum(matrix, 0)
    return rows @ positive


def _combined(rows: Float, matrix: Float) -> Float:
    # alpha = 2, beta = 1; each row of a part distributes a unit's relevance among what the unit reads.
    parts = [np.maximum(matrix, 0), np.maximum(-matrix, 0)]
    shares = [part / np.maximum(part.sum(axis=1, keepdims=True), np.finfo(float).tiny) for part in parts]
    combined: Float = 2 * shares[0] - shares[1]
    return rows @ combined


#: Kinds of random chains by name: label, and what a step does to the rows with a Gaussian matrix.
RANDOM_CHAINS: Final[Mapping[str, tuple[str, _Step]]] = {
    "gaussian": ("Gaussian", _gaussian),
    "gaussian_relu": ("Gaussian, ReLU", _rectified),
    "absolute": ("|Gaussian|", _absolute),
    "stochastic": ("stochastic columns", _stochastic),
    "positive": ("max(0, Gaussian)", _positive),
    "alpha2_beta1": ("α2β1 of Gaussian", _combined),
}


def random_convergence(
    kind: str, shapes: Sequence[tuple[int, int]], *, rows_count: int = 32, chains_count: int = 20, seed: int = 0
) -> Float:
    """Simulate random chains and return how parallel the rows become.

    Parameters
    ----------
    kind
        A key of `RANDOM_CHAINS`.
    shapes
        (inputs, outputs) of the network's matrices, in network order; the chain goes through them backward.
    rows_count
        Number of rows.
    chains_count
        Number of chains.
    seed
        Seed of rows and matrices.

    Returns
    -------
    ndarray
        (steps + 1,): mean absolute cosine of all pairs of rows before and after each step, the median over the chains.
    """
    _, step = RANDOM_CHAINS[kind]
    rng = np.random.default_rng(seed)
    found = [
        _followed((rng.standard_normal((outputs, inputs)) for inputs, outputs in reversed(shapes)), step, rows, shapes)
        for rows in (rng.standard_normal((rows_count, shapes[-1][1])) for _ in range(chains_count))
    ]
    return np.median(found, axis=0)


def learned_convergence(
    matrices: Sequence[ArrayLike], *, rows_count: int = 32, chains_count: int = 20, seed: int = 0
) -> Float:
    """Send random rows backward through given matrices and return how parallel they become.

    Parameters
    ----------
    matrices
        (inputs, outputs) each, in network order.
    rows_count, chains_count, seed
        As of `random_convergence`; a chain is a set of rows here.

    Returns
    -------
    ndarray
        (steps + 1,), as of `random_convergence`.
    """
    given = [np.asarray(matrix, np.float64) for matrix in matrices]
    shapes = [(matrix.shape[0], matrix.shape[1]) for matrix in given]
    rng = np.random.default_rng(seed)
    found = [
        _followed((matrix.T for matrix in reversed(given)), _gaussian, rows, shapes)
        for rows in (rng.standard_normal((rows_count, shapes[-1][1])) for _ in range(chains_count))
    ]
    return np.median(found, axis=0)


def mean_cosine(rows: ArrayLike) -> float:
    """Return the mean absolute cosine of all pairs of rows; rows of zeros are left out, and NaN if one is left."""
    values = np.asarray(rows, np.float64)
    norms = np.linalg.norm(values, axis=1)
    values = values[norms > 0] / norms[norms > 0, None]
    if len(values) < 2:
        return float("nan")
    return float(np.abs((values @ values.T)[np.triu_indices(len(values), k=1)]).mean())


def _followed(matrices: Iterable[Float], step: _Step, rows: Float, shapes: Sequence[tuple[int, int]]) -> list[float]:
    if any(before[1] != after[0] for before, after in pairwise(shapes)):
        raise CheckError(f"matrices of shapes {', '.join(map(str, shapes))} form no chain")
    found = [mean_cosine(rows)]
    for matrix in matrices:
        rows = step(rows, matrix)
        # Only directions count, and products of many matrices leave the range of numbers.
        largest = np.abs(rows).max(axis=1, keepdims=True)
        rows = rows / np.where(largest > 0, largest, 1)
        found.append(mean_cosine(rows))
    return found
