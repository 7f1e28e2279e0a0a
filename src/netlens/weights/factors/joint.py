"""Joint factorization: the directions that the weights into a group of related units have in common."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from netlens.weights.factors.nmf import Array, FactorizationError, explained_variances, factorize


@dataclass(frozen=True)
class Joint:
    """Common directions of a group and each unit's maps: ``weights[u] ~ sum over i of maps[u, i] * directions[i]``.

    Attributes
    ----------
    maps
        (n, k, h, w), signed, in the unit of the weights.
    directions
        (k, C), not negative, of length 1: over the channels of the source layer.
    shares
        (k,), each factor's share of the explained energy; sorted, sums to 1.
    explained_variance
        Of the weights' positive and negative parts, stacked; see `netlens.weights.factors.nmf.Factorized`.
    error
        ``|weights - sum of maps * directions| / |weights|``, of the signed weights themselves.
    converged
        Whether the descent converged.
    """

    maps: Array
    directions: Array
    shares: Array
    explained_variance: float
    error: float
    converged: bool


def factorize_group(weights: ArrayLike, factors_count: int = 2) -> Joint:
    """Return common factors of the expanded weights of a group of units (Voss et al. 2021).

    ``max(0, w)`` and ``max(0, -w)`` are stacked along the units, so the channels of a factor are not negative; the
    maps of the two halves are then subtracted. A factor is a direction that all units of the group read; the sign of a
    unit's map says where it excites the unit and where it inhibits it.

    Parameters
    ----------
    weights
        (n, h, w, C), signed, unit by unit; see `units_first`.
    factors_count
        k, at least 1.

    Returns
    -------
    Joint
        Identical in every run. Permuting units or channels permutes the result, to 1e-12 of the largest entry
        (measured: 1e-14).

    Raises
    ------
    FactorizationError
        The weights have another number of dimensions, are all zero or not finite.
    """
    w = _checked(weights)
    units, height, width = w.shape[:3]
    found = factorize(stacked_halves(w), factors_count)
    halves = found.scores.reshape(2, units, height, width, factors_count)
    maps = np.moveaxis(halves[0] - halves[1], -1, 1)
    rebuilt = np.einsum("ukhw,kc->uhwc", maps, found.factors)
    return Joint(
        maps=maps,
        directions=found.factors,
        shares=found.shares,
        explained_variance=found.explained_variance,
        error=float(np.linalg.norm(w - rebuilt) / np.linalg.norm(w)),
        converged=found.converged,
    )


def group_explained_variances(weights: ArrayLike, most_factors_count: int = 5) -> Array:
    """Return the explained variance of 1, 2, ... common factors of a group.

    Parameters
    ----------
    weights
        (n, h, w, C), as for `factorize_group`.
    most_factors_count
        The largest number of factors.

    Returns
    -------
    ndarray
        (most_factors_count,), `Joint.explained_variance` of each.

    Raises
    ------
    FactorizationError
        As for `factorize_group`.
    """
    return explained_variances(stacked_halves(weights), most_factors_count)


def units_first(weights: ArrayLike, units: ArrayLike) -> np.ndarray:
    """Return the expanded weights of some units, in the layout of `factorize_group`.

    Parameters
    ----------
    weights
        (h, w, C, all units).
    units
        (n,) numbers of units.

    Returns
    -------
    ndarray
        (n, h, w, C).

    Raises
    ------
    FactorizationError
        A unit does not exist, or is named twice.
    """
    w, numbers = np.asarray(weights), np.asarray(units, dtype=np.int64).ravel()
    if w.ndim != 4:
        raise FactorizationError(f"expanded weights have shape (height, width, channels, units), not {w.shape}")
    outside = numbers[(numbers < 0) | (numbers >= w.shape[3])]
    if outside.size:
        raise FactorizationError(f"there is no unit {outside[0]}; the target layer has units 0 to {w.shape[3] - 1}")
    if len(set(numbers.tolist())) != len(numbers):
        raise FactorizationError(f"a group names each unit once, not {numbers.tolist()}")
    return np.moveaxis(w[..., numbers], -1, 0)


def stacked_halves(weights: ArrayLike) -> np.ndarray:
    """Return the matrix that is factorized: the positive parts of all units, then the negative ones.

    Parameters
    ----------
    weights
        (n, h, w, C), signed.

    Returns
    -------
    ndarray
        (2 n h w, C), not negative.
    """
    w = _checked(weights)
    return np.concatenate([np.maximum(w, 0), np.maximum(-w, 0)]).reshape(-1, w.shape[3])


def _checked(weights: ArrayLike) -> np.ndarray:
    w = np.asarray(weights)
    if w.ndim != 4 or not w.size:
        raise FactorizationError(f"the weights of a group have shape (units, height, width, channels), not {w.shape}")
    return w
