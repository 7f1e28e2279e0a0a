"""Intervals of macros that were estimated from samples."""

from collections.abc import Callable
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
