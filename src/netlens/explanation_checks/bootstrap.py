"""Intervals of statistics of samples, by bootstrap, and of paired comparisons."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.explanation_checks.choices import CheckError

Float = NDArray[np.float64]
#: A statistic of the last axis.
Statistic = Callable[..., Float]


@dataclass(frozen=True)
class Interval:
    """A statistic of a sample with its bootstrap interval.

    Attributes
    ----------
    value
        The statistic of the sample.
    low, high
        Ends of the interval.
    count
        Size of the sample.
    """

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are computed: percentiles of the statistic of resampled samples (Efron 1979).

    Attributes
    ----------
    level
        Level of the interval, in 0..1.
    resamples_count
        Number of bootstrap samples.
    seed
        Seed of the resampling.
    """

    level: float = 0.95
    resamples_count: int = 2000
    seed: int = 0

    def __call__(self, sample: ArrayLike, statistic: Statistic = np.mean) -> Interval:
        """Estimate a statistic of a sample, such as ``np.median``, and its interval; NaN is ignored.

        Raises
        ------
        CheckError
            The sample is empty.
        """
        known = np.asarray(sample, np.float64)
        known = known[np.isfinite(known)]
        if not known.size:
            raise CheckError("there is no value to compute an interval of")
        draws = np.random.default_rng(self.seed).integers(len(known), size=(self.resamples_count, len(known)))
        low, high = np.quantile(statistic(known[draws], axis=1), [(1 - self.level) / 2, (1 + self.level) / 2])
        return Interval(float(statistic(known, axis=0)), float(low), float(high), len(known))

    def rank_correlation(self, first: ArrayLike, second: ArrayLike, groups: ArrayLike) -> Interval:
        """Estimate Spearman's correlation of points that come in groups, which are resampled whole.

        Parameters
        ----------
        first, second
            (n,) each.
        groups
            (n,), which group each point belongs to.

        Raises
        ------
        CheckError
            There are fewer than three points, or all of one coordinate are the same.
        """
        from scipy.stats import spearmanr

        x, y, group = np.asarray(first, np.float64), np.asarray(second, np.float64), np.asarray(groups)
        if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
            raise CheckError(f"{len(x)} points have no rank correlation")
        names = np.unique(group)
        members = [np.flatnonzero(group == name) for name in names]
        rng = np.random.default_rng(self.seed)
        found = []
        for _ in range(self.resamples_count):
            chosen = np.concatenate([members[index] for index in rng.integers(len(names), size=len(names))])
            if np.ptp(x[chosen]) and np.ptp(y[chosen]):
                found.append(float(spearmanr(x[chosen], y[chosen]).statistic))
        low, high = np.quantile(found, [(1 - self.level) / 2, (1 + self.level) / 2])
        return Interval(float(spearmanr(x, y).statistic), float(low), float(high), len(x))
