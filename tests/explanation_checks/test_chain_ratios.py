"""Ratios of what lies behind each tensor of a chain."""

import numpy as np

from netlens.explanation_checks.chain_ratios import ratios_to_end


def test_the_ratio_is_that_of_the_product_of_all_matrices_behind():
    rng = np.random.default_rng(0)
    matrices = [rng.normal(size=shape) for shape in ((5, 8), (8, 6), (6, 7))]
    after = np.linalg.svd(matrices[1] @ matrices[2], compute_uv=False)
    np.testing.assert_allclose(ratios_to_end(matrices)[0], np.log10(after[0] / after[1]), atol=1e-9)
    assert np.isnan(ratios_to_end(matrices)[-1])
