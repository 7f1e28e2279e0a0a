"""Intervals of macros that were estimated from samples."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from netlens.publish.macro import Interval, MacroError


def bootstrap(
    sample: ArrayLike,
    statistic: Callable[..., Any] = np.mean,
    *,
    level: float = 0.95,
    resamples_count: int = 2000,
    seed: int = 0,
) -> Interval:
    """Estimate the interval of a statistic by percentiles over resampled samples (Efron 1979).

    Parameters
    ----------
    sample
        (n,), one value for each image, scene or layer; NaN is ignored.
    statistic
        Function of an array and an ``axis``, such as ``np.mean``.
    level
        Level of the interval, in 0..1.
    resamples_count
        Number of bootstrap samples.
    seed
        Seed of the resampling.

    Raises
    ------
    MacroError
        There is no value.
    """
    known = np.asarray(sample, np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        raise MacroError("there is no value to compute an interval of")
    rng = np.random.default_rng(seed)
    draws = known[rng.integers(len(known), size=(resamples_count, len(known)))]
    low, high = np.quantile(statistic(draws, axis=1), [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level, len(known))


def wilson(share: float, count: int, *, level: float = 0.95) -> Interval:
    """Return the interval of a share of independent draws, which is not empty where the share is 0 or 1 (Wilson 1927).

    Parameters
    ----------
    share
        The share, in 0..1.
    count
        Number of draws.
    level
        Level of the interval, in 0..1.

    Raises
    ------
    MacroError
        There are no draws, or the share is outside of 0..1.
    """
    if count < 1 or not 0 <= share <= 1:
        raise MacroError(f"a share of {share} among {count} draws has no interval")
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    return Interval(max(0.0, middle - reach), min(1.0, middle + reach), level, count)
