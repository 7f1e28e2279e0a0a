"""Chains of matrices and how parallel they make random rows."""

import numpy as np
import pytest

from netlens.explanation_checks.choices import CheckError
from netlens.explanation_checks.random_chains import (
    RANDOM_CHAINS,
    learned_convergence,
    mean_cosine,
    random_convergence,
)


def test_positive_chains_converge_and_orthogonal_ones_do_not():
    shapes = [(30, 40)] * 1 + [(40, 40)] * 5
    positive = random_convergence("absolute", shapes, chains_count=3)
    assert len(positive) == 7
    assert positive[-1] > 0.9999
    turns = [np.linalg.qr(np.random.default_rng(seed).normal(size=(40, 40)))[0] for seed in range(6)]
    kept = learned_convergence(turns, chains_count=3)
    np.testing.assert_allclose(kept, kept[0], rtol=1e-9)


@pytest.mark.parametrize("kind", RANDOM_CHAINS)
def test_every_kind_keeps_cosines(kind):
    found = random_convergence(kind, [(6, 8), (8, 4)], rows_count=8, chains_count=2)
    assert ((found >= 0) & (found <= 1)).all()


def test_rank_one_and_rows_of_zeros():
    assert learned_convergence([np.ones((3, 4))], chains_count=1)[-1] == pytest.approx(1)
    assert np.isnan(mean_cosine(np.zeros((4, 3))))
    with pytest.raises(CheckError, match="form no chain"):
        random_convergence("gaussian", [(3, 4), (5, 6)])
