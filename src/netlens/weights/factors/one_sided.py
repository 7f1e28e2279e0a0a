"""One-sided factorization: the weights into one unit, as a few maps with a channel direction each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from netlens.statistics.even_samples import part_starts
from netlens.weights.factors.nmf import Array, FactorizationError, explained_variances, factorize


@dataclass(frozen=True)
class OneSided:
    """Maps and channel directions of one unit: ``weights ~ sum over i of maps[i] * direction[i]``.

    Attributes
    ----------
    maps
        (k, h, w), not negative, in the unit of the weights.
    channel_weights
        (k, 2 C), not negative, rows of length 1: channels that excite (first half) and that inhibit (second half).
    directions
        (k, C), signed: the first half minus the second.
    shares
        (k,), each factor's share of the explained energy; sorted, sums to 1.
    explained_variance
        Of the weights' positive and negative parts, side by side; see `netlens.weights.factors.nmf.Factorized`.
    error
        ``|weights - sum of maps * directions| / |weights|``, of the signed weights themselves.
    converged
        Whether the descent converged.
    """

    maps: Array
    channel_weights: Array
    directions: Array
    shares: Array
    explained_variance: float
    error: float
    converged: bool


def factorize_unit(weights: ArrayLike, factors_count: int) -> OneSided:
    """Return factors of the expanded weights of one unit (Voss et al. 2021).

    ``max(0, w)`` and ``max(0, -w)`` are concatenated along the input channels, and the matrix of positions by channels
    is factorized: the maps are not negative, and the two halves of each factor say which channels excite the unit
    there and which inhibit it.

    Parameters
    ----------
    weights
        (h, w, C), signed: from a window of the source layer to the unit.
    factors_count
        k, at least 1.

    Returns
    -------
    OneSided
        Identical in every run. Permuting the channels permutes the directions and leaves the maps, to 1e-12 of the
        largest entry (measured: 1e-14).

    Raises
    ------
    FactorizationError
        The weights have another number of dimensions, are all zero or not finite.
    """
    w, matrix = _positions_by_signed_channels(weights)
    found = factorize(matrix, factors_count)
    channels = w.shape[2]
    directions = found.factors[:, :channels] - found.factors[:, channels:]
    rebuilt = (found.scores @ directions).reshape(w.shape)
    return OneSided(
        maps=found.scores.T.reshape(factors_count, *w.shape[:2]),
        channel_weights=found.factors,
        directions=directions,
        shares=found.shares,
        explained_variance=found.explained_variance,
        error=float(np.linalg.norm(w - rebuilt) / np.linalg.norm(w)),
        converged=found.converged,
    )


def unit_explained_variances(weights: ArrayLike, most_factors_count: int = 5) -> Array:
    """Return the explained variance of 1, 2, ... factors of the weights into one unit.

    Parameters
    ----------
    weights
        (h, w, C), as for `factorize_unit`.
    most_factors_count
        The largest number of factors.

    Returns
    -------
    ndarray
        (most_factors_count,), `OneSided.explained_variance` of each.

    Raises
    ------
    FactorizationError
        As for `factorize_unit`.
    """
    return explained_variances(_positions_by_signed_channels(weights)[1], most_factors_count)


def spread_units(weights: ArrayLike, count: int, *, factors_count: int = 3) -> list[int]:
    """Return units that are spread evenly over a layer, as a sample of it.

    Parameters
    ----------
    weights
        (h, w, C, N), expanded weights of all units.
    count
        Number of units, at most.
    factors_count
        Units with fewer factors (by the rank of the matrix that is factorized), such as those that read a single
        position, are skipped; where no unit has so many, those with most are used.

    Returns
    -------
    list of int
        Ascending.

    Raises
    ------
    FactorizationError
        The weights have another number of dimensions, or are all zero.
    """
    w = np.asarray(weights)
    if w.ndim != 4:
        raise FactorizationError(f"expanded weights have shape (height, width, channels, units), not {w.shape}")
    matrices = (_positions_by_signed_channels(w[..., unit])[1] for unit in range(w.shape[3]))
    ranks = np.array([np.linalg.matrix_rank(matrix) for matrix in matrices])
    units = np.flatnonzero(ranks >= min(factors_count, ranks.max(initial=1)))
    if not units.size:
        raise FactorizationError("all weights are zero: there is nothing to factorize; choose another layer")
    return [int(units[place]) for place in part_starts(len(units), count)]


def _positions_by_signed_channels(weights: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    w = np.asarray(weights)
    if w.ndim != 3 or not w.size:
        raise FactorizationError(f"the weights of one unit have shape (height, width, channels), not {w.shape}")
    halves = np.concatenate([np.maximum(w, 0), np.maximum(-w, 0)], axis=2)
    return w, halves.reshape(-1, halves.shape[2])
