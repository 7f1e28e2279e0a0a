"""Intervals of what was estimated from samples: by bootstrap, by the jackknife over groups, and of shares."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.float64]


class IntervalError(ValueError):
    """A sample has no interval; the message says why."""


@dataclass(frozen=True)
class Interval:
    """An estimate, and where the true value may lie.

    Attributes
    ----------
    value
        The statistic of the sample.
    low, high
        Ends of the interval, in the value's unit.
    level
        Its level, in 0..1: the share of samples whose intervals would hold the true value.
    count
        Size of the sample: images, scenes, draws, layers or seeds.
    """

    value: float
    low: float
    high: float
    level: float
    count: int


@dataclass(frozen=True)
class Bootstrap:
    """Intervals from percentiles of a statistic over resampled samples (Efron 1979).

    The plain percentiles are too narrow for small samples, by the factor sqrt((n - 1) / n) and for want of the wider
    tails of Student's distribution, so they are taken further out to make up for both (Hesterberg 2015, "What Teachers
    Should Know About the Bootstrap", section 5.1). No resampling reaches beyond the sample: intervals of fewer than
    eight values hold the truth less often than they say, and that of a single value is the value.

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

    def __call__(self, sample: ArrayLike, statistic: Callable[..., Any] = np.mean) -> Interval:
        """Estimate a statistic of a sample and its interval.

        Parameters
        ----------
        sample
            (n,), one value for each image, scene or layer, which must not depend on each other; NaN is ignored.
        statistic
            Function of an array and an ``axis``, such as ``np.mean`` or ``np.median``.

        Raises
        ------
        IntervalError
            There is no value.
        """
        known = np.asarray(sample, np.float64)
        known = known[np.isfinite(known)]
        if not known.size:
            raise IntervalError("there is no value to compute an interval of")
        draws = np.random.default_rng(self.seed).integers(len(known), size=(self.resamples_count, len(known)))
        low, high = self._ends(statistic(known[draws], axis=1), len(known))
        return Interval(float(statistic(known, axis=0)), low, high, self.level, len(known))

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
        IntervalError
            There are fewer than three points, or all of one coordinate are the same.
        """
        from scipy.stats import spearmanr

        x, y, group = np.asarray(first, np.float64), np.asarray(second, np.float64), np.asarray(groups)
        if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
            raise IntervalError(f"{len(x)} points have no rank correlation")
        names = np.unique(group)
        members = [np.flatnonzero(group == name) for name in names]
        rng = np.random.default_rng(self.seed)
        found = []
        for _ in range(self.resamples_count):
            chosen = np.concatenate([members[index] for index in rng.integers(len(names), size=len(names))])
            if np.ptp(x[chosen]) and np.ptp(y[chosen]):
                found.append(float(spearmanr(x[chosen], y[chosen]).statistic))
        low, high = self._ends(np.array(found), len(names))
        return Interval(float(spearmanr(x, y).statistic), low, high, self.level, len(x))

    def _ends(self, resampled: Float, count: int) -> tuple[float, float]:
        """Return the ends of the interval of a statistic of a sample of `count`, from its resampled values."""
        from scipy.stats import t

        tail = (1 - self.level) / 2
        if count > 1:
            tail = NormalDist().cdf(math.sqrt(count / (count - 1)) * float(t.ppf(tail, count - 1)))
        low, high = np.quantile(resampled, [tail, 1 - tail])
        return float(low), float(high)


def jackknife(
    value: float,
    left_out: ArrayLike,
    sizes: ArrayLike,
    *,
    level: float = 0.95,
    within: tuple[float, float] = (-math.inf, math.inf),
) -> Interval:
    """Return the interval of a statistic of a sample from its values without each of g groups of the sample.

    For statistics of sums, which are cheap to take without a group and for which resampled samples, in which images
    repeat, would not do: ranks, whitened similarities, singular values of what was estimated. The ends are
    ``value -+ t * s`` with the quantile t of Student's distribution with g - 1 degrees of freedom and the standard
    deviation s of the delete-m(j) jackknife, whose groups need not be of one size (Busing, Meijer and van der Leeden
    1999, "Delete-m Jackknife for Unequal m", equation 8).

    Parameters
    ----------
    value
        The statistic of the whole sample, on a scale on which it is about normal, such as the logarithm of a ratio.
    left_out
        (g,), the statistic of the sample without each group.
    sizes
        (g,), number of images in each group; groups without any are ignored.
    level
        Level of the interval, in 0..1.
    within
        The smallest and the largest value that the statistic can take; the interval ends there.

    Raises
    ------
    IntervalError
        There are fewer than two groups, or a value is not finite.
    """
    from scipy.stats import t

    counts = np.asarray(sizes, np.float64)
    without = np.asarray(left_out, np.float64)[counts > 0]
    counts = counts[counts > 0]
    if len(counts) < 2:
        raise IntervalError(f"{len(counts)} group of images has no interval; use two or more")
    if not (math.isfinite(value) and np.isfinite(without).all()):
        raise IntervalError("a value that is not finite has no interval")
    weights = counts.sum() / counts
    # What each group says of the statistic; of equal groups, n times the value less n - 1 times that without the group.
    pseudo = weights * value - (weights - 1) * without
    center = len(counts) * value - float(np.sum((1 - 1 / weights) * without))
    variance = float(np.mean((pseudo - center) ** 2 / (weights - 1)))
    reach = float(t.ppf((1 + level) / 2, len(counts) - 1)) * math.sqrt(variance)
    return Interval(value, max(within[0], value - reach), min(within[1], value + reach), level, int(counts.sum()))


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
    IntervalError
        There are no draws, or the share is outside of 0..1.
    """
    if count < 1 or not 0 <= share <= 1:
        raise IntervalError(f"a share of {share} among {count} draws has no interval")
    z = NormalDist().inv_cdf((1 + level) / 2)
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    return Interval(share, max(0.0, middle - reach), min(1.0, middle + reach), level, count)
