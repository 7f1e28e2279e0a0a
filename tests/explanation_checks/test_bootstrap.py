"""Bootstrap intervals."""

import numpy as np
import pytest

from netlens.explanation_checks.bootstrap import Bootstrap
from netlens.explanation_checks.choices import CheckError


def test_intervals_cover_at_their_nominal_level():
    rng = np.random.default_rng(0)
    bootstrap = Bootstrap(0.9, 200)
    covered = {np.mean: 0, np.median: 0}
    for _ in range(300):
        sample = rng.standard_normal(40)
        for statistic in covered:
            found = bootstrap(sample, statistic)
            covered[statistic] += found.low <= 0 <= found.high
    # 300 trials at 90 %: the standard error is 1.7 %; the percentile interval is known to be slightly too short.
    assert covered[np.mean] / 300 == pytest.approx(0.88, abs=0.05)
    assert covered[np.median] / 300 == pytest.approx(0.9, abs=0.06)


def test_missing_values_are_ignored_and_none_is_refused():
    found = Bootstrap()([1.0, np.nan, 1.0])
    assert (found.value, found.low, found.high, found.count) == (1, 1, 1, 2)
    with pytest.raises(CheckError, match="no value"):
        Bootstrap()([np.nan])


def test_groups_are_resampled_whole():
    x = np.repeat(np.arange(4.0), 25)
    noise = np.random.default_rng(0).normal(size=100) * 0.01
    bootstrap = Bootstrap(0.95, 200)
    alone = bootstrap.rank_correlation(x, x + noise, np.arange(100))
    grouped = bootstrap.rank_correlation(x, np.array([0, 2, 1, 3])[x.astype(int)] + noise, x)
    assert alone.value > 0.95
    assert grouped.high - grouped.low > alone.high - alone.low
    with pytest.raises(CheckError, match="no rank correlation"):
        bootstrap.rank_correlation([1, 2], [1, 2], [0, 1])
