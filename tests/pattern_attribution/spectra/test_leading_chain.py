"""The ratio of a product of matrices."""

import numpy as np
import pytest

from netlens.pattern_attribution.spectra.chain import chain_spectrum
from netlens.pattern_attribution.spectra.leading_chain import leading_ratio


def test_the_ratio_is_that_of_the_product():
    rng = np.random.default_rng(0)
    matrices = [rng.normal(size=shape) for shape in ((5, 8), (8, 6), (6, 7))]
    values = np.linalg.svd(matrices[0] @ matrices[1] @ matrices[2], compute_uv=False)
    np.testing.assert_allclose(leading_ratio(matrices), np.log10(values[0] / values[1]), atol=1e-9)


@pytest.mark.slow
def test_ratios_beyond_double_precision_are_those_of_the_chain():
    rng = np.random.default_rng(1)
    matrices = [np.abs(rng.normal(size=(12, 12))) for _ in range(40)]
    found = leading_ratio(matrices)
    assert found > 20
    np.testing.assert_allclose(found, chain_spectrum(matrices).log10_ratio, rtol=1e-6)


def test_products_of_rank_one_and_zero():
    assert np.isinf(leading_ratio([np.ones((3, 1))]))
    assert np.isnan(leading_ratio([np.zeros((3, 3))]))
