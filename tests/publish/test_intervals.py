"""Bootstrap intervals of macros."""

import numpy as np
import pytest

from netlens.publish.intervals import bootstrap, wilson
from netlens.publish.macro import MacroError


def test_intervals_of_a_mean_cover_it_at_their_level():
    rng = np.random.default_rng(0)
    found = [bootstrap(rng.standard_normal(50), level=0.9, resamples_count=200) for _ in range(300)]
    # 300 trials at 90 %: the standard error is 1.7 %.
    assert np.mean([each.low <= 0 <= each.high for each in found]) == pytest.approx(0.89, abs=0.045)


def test_missing_values_are_ignored_and_none_is_refused():
    found = bootstrap([1.0, np.nan, 1.0])
    assert (found.low, found.high, found.count) == (1, 1, 2)
    with pytest.raises(MacroError, match="no value"):
        bootstrap([np.nan])


def test_intervals_of_a_share_cover_it_and_are_not_empty_at_its_ends():
    rng = np.random.default_rng(0)
    shares = rng.binomial(40, 0.9, size=2000) / 40
    found = [wilson(share, 40) for share in shares]
    # 2000 trials at 95 %: the standard error is 0.5 %; shares of 40 are coarse.
    assert np.mean([each.low <= 0.9 <= each.high for each in found]) == pytest.approx(0.95, abs=0.02)
    assert wilson(1.0, 20).low < 0.9
    with pytest.raises(MacroError, match="has no interval"):
        wilson(0.5, 0)
