"""The strength of connections, and which of them to show.

A connection is the W x W map of weights from a source unit to a target unit (Voss et al. 2021, "Visualizing Weights").
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class WeightsError(ValueError):
    """Weights that are all zero or of the wrong shape, or a unit that does not exist."""


def connection_norms(weights: NDArray[Any]) -> NDArray[np.float64]:
    """Return the strength of every connection.

    Parameters
    ----------
    weights
        (W, W, source units, target units).

    Returns
    -------
    ndarray
        float64, (source units, target units): the Frobenius norm of each W x W map.

    Raises
    ------
    WeightsError
        The array is not four-dimensional, or is zero everywhere.
    """
    values = _checked(weights)
    norms: NDArray[np.float64] = np.sqrt(np.einsum("yxab,yxab->ab", values, values))
    return norms


def strongest_inputs(weights: NDArray[Any], unit: int, count: int) -> NDArray[np.int64]:
    """Return the source units with the strongest connections into a target unit, strongest first.

    Parameters
    ----------
    weights
        (W, W, source units, target units).
    unit
        Target unit.
    count
        Number of source units, at most. Of equally strong ones, the lower number comes first.

    Returns
    -------
    ndarray
        int64, (at most count,): source units.

    Raises
    ------
    WeightsError
        There is no such unit, or the weights are zero everywhere.
    """
    norms = connection_norms(weights)
    return _strongest(norms[:, existing_unit(unit, norms.shape[1], "target")], count)


def strongest_uses(weights: NDArray[Any], unit: int, count: int) -> NDArray[np.int64]:
    """Return the target units that use a source unit most: `strongest_inputs` from the other side."""
    norms = connection_norms(weights)
    return _strongest(norms[existing_unit(unit, norms.shape[0], "source")], count)


def middling_inputs(weights: NDArray[Any], unit: int, without: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the source units whose connections into a target unit are of middle strength.

    Parameters
    ----------
    weights
        (W, W, source units, target units).
    unit
        Target unit.
    without
        Source units that are left out.
    count
        Number of source units, at most.

    Returns
    -------
    ndarray
        int64, (at most count,): the middle ones among all others with a connection that is not zero, strongest first.
        Empty where there are no others.

    Raises
    ------
    WeightsError
        There is no such unit, or the weights are zero everywhere.
    """
    norms = connection_norms(weights)[:, unit]
    order = strongest_inputs(weights, unit, len(norms))
    others = order[(norms[order] > 0) & ~np.isin(order, without)]
    first = max(len(others) - count, 0) // 2
    return others[first : first + count]


def inputs_share(weights: NDArray[Any], unit: int, inputs: NDArray[np.int64]) -> float:
    """Return the share of the squared weights into a target unit that come from some source units.

    Parameters
    ----------
    weights
        (W, W, source units, target units).
    unit
        Target unit.
    inputs
        (n,) distinct source units, as `strongest_inputs` returns them.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    WeightsError
        There is no such unit, or no weight into it differs from zero.
    """
    norms = connection_norms(weights)
    squares = norms[:, existing_unit(unit, norms.shape[1], "target")] ** 2
    if not squares.any():
        raise WeightsError(f"the expanded weights into unit {unit} are zero everywhere; choose another unit")
    return float(squares[inputs].sum() / squares.sum())


def opposed_strength(weights: NDArray[Any]) -> NDArray[np.float64]:
    """Return how strongly each connection both excites and inhibits.

    Parameters
    ----------
    weights
        (W, W, source units, target units).

    Returns
    -------
    ndarray
        float64, (source units, target units): the smaller of the Frobenius norms of the positive and of the negative
        part of each map. It is zero where all weights of a connection have one sign, as in a 1 x 1 kernel.
    """
    values = _checked(weights)
    positive, negative = (np.clip(sign * values, 0, None) for sign in (1, -1))
    smaller = np.minimum(*(np.einsum("yxab,yxab->ab", part, part) for part in (positive, negative)))
    strength: NDArray[np.float64] = np.sqrt(smaller)
    return strength


def telling_connection(weights: NDArray[Any], *, source_unit: int = -1, unit: int = -1) -> tuple[int, int]:
    """Return the connection with the most telling shape: where excitation and inhibition are strongest together.

    It maximizes `opposed_strength` over all connections, or over those of the given units. Where every connection has
    one sign, it is the strongest one.

    Parameters
    ----------
    weights
        (W, W, source units, target units).
    source_unit, unit
        Given units; -1: chosen.

    Returns
    -------
    source_unit, unit
        Source unit and target unit.

    Raises
    ------
    WeightsError
        There is no such unit, or the weights are zero everywhere.
    """
    strength = opposed_strength(weights)
    if source_unit >= 0:
        source_unit = existing_unit(source_unit, strength.shape[0], "source")
    if unit >= 0:
        unit = existing_unit(unit, strength.shape[1], "target")
    allowed = np.zeros(strength.shape, bool)
    allowed[
        slice(None) if source_unit < 0 else source_unit,
        slice(None) if unit < 0 else unit,
    ] = True
    if not strength[allowed].any():
        strength = connection_norms(weights)
    place = int(np.argmax(np.where(allowed, strength, -1.0)))
    row, column = np.unravel_index(place, strength.shape)
    return int(row), int(column)


def _checked(weights: NDArray[Any]) -> NDArray[np.float64]:
    values = np.asarray(weights, np.float64)
    if values.ndim != 4:
        raise WeightsError(f"expanded weights have shape (W, W, source units, target units), not {values.shape}")
    if not np.any(values):
        raise WeightsError(
            "the expanded weights are zero everywhere: no path of nonzero weights joins the two layers; name others in "
            "the study (weights.source and weights.target), or leave the section out (leave_out: [weights])"
        )
    return values


def existing_unit(unit: int, count: int, side: str) -> int:
    """Return `unit`, checked against a layer of `count` units; `side` names the layer in the error."""
    if not 0 <= unit < count:
        raise WeightsError(f"there is no {side} unit {unit}; the layer has units 0 to {count - 1}")
    return unit


def _strongest(norms: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    return np.argsort(-norms, kind="stable")[:count].astype(np.int64)
