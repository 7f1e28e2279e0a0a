"""Factors of a group: common directions, signed maps, permuted units."""

import numpy as np
import pytest

from netlens.weights.factors.joint import factorize_group, group_explained_variances, stacked_halves, units_first
from netlens.weights.factors.nmf import FactorizationError


def planted(seed, units=5, window=5, channels=10):
    """Draw signed maps and two directions that share no channel but one each of their own."""
    rng = np.random.default_rng(seed)
    maps = rng.standard_normal((units, 2, window, window)) * np.array([2.0, 1.0])[:, None, None]
    # Where only one factor is present, its direction shows: that makes the factorization unique.
    maps[:, 0, 0], maps[:, 1, 1] = 0, 0
    directions = rng.random((2, channels))
    directions[0, 0] = directions[1, 1] = 0
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    # Both factors have the same sign at a place, or the halves of the weights do not split as the factors do.
    maps[:, 1] = np.abs(maps[:, 1]) * np.sign(np.where(maps[:, 0] == 0, maps[:, 1], maps[:, 0]))
    return maps, directions, np.einsum("ukhw,kc->uhwc", maps, directions)


@pytest.mark.parametrize("seed", range(4))
def test_planted_directions_and_signed_maps_are_found(seed):
    maps, directions, weights = planted(seed)
    found = factorize_group(weights, 2)
    np.testing.assert_allclose(found.directions, directions, atol=1e-5)
    np.testing.assert_allclose(found.maps, maps, atol=1e-4)
    assert found.error < 1e-5
    assert found.explained_variance == pytest.approx(1, abs=1e-9)


def test_shapes_and_how_the_parts_belong_together():
    weights = np.random.default_rng(0).standard_normal((4, 3, 5, 7)).astype(np.float32)
    found = factorize_group(weights, 2)
    assert found.maps.shape == (4, 2, 3, 5)
    assert found.directions.shape == (2, 7)
    assert (found.directions >= 0).all()
    assert found.maps.min() < 0 < found.maps.max()
    rebuilt = np.einsum("ukhw,kc->uhwc", found.maps, found.directions)
    assert found.error == pytest.approx(np.linalg.norm(weights - rebuilt) / np.linalg.norm(weights), rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_permuted_units_and_channels_give_the_same(seed):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((6, 5, 5, 20)).astype(np.float32)
    units, channels = rng.permutation(6), rng.permutation(20)
    plain, permuted = factorize_group(weights), factorize_group(weights[units][..., channels])
    assert plain.converged
    np.testing.assert_allclose(permuted.maps, plain.maps[units], atol=1e-12 * np.abs(plain.maps).max())
    np.testing.assert_allclose(permuted.directions, plain.directions[:, channels], atol=1e-12)
    np.testing.assert_allclose(permuted.shares, plain.shares, atol=1e-12)


def test_turning_the_sign_of_a_unit_turns_its_maps_and_no_more():
    weights = np.random.default_rng(2).standard_normal((3, 4, 4, 6))
    turned = weights.copy()
    turned[1] *= -1
    plain, found = factorize_group(weights), factorize_group(turned)
    np.testing.assert_allclose(found.directions, plain.directions, atol=1e-12)
    np.testing.assert_allclose(found.maps[1], -plain.maps[1], atol=1e-12)
    np.testing.assert_allclose(found.maps[[0, 2]], plain.maps[[0, 2]], atol=1e-12)


def test_explained_variance_of_one_to_five():
    _, _, weights = planted(1)
    found = group_explained_variances(weights, 5)
    assert found.shape == (5,)
    assert found[0] < 0.95
    np.testing.assert_allclose(found[1:], 1, atol=1e-8)
    assert found[1] == pytest.approx(factorize_group(weights, 2).explained_variance, abs=1e-12)


def test_halves_are_stacked_along_the_units():
    weights = np.array([[[[1.0, -2.0]]], [[[-3.0, 0.0]]]])
    np.testing.assert_array_equal(stacked_halves(weights), [[1, 0], [0, 0], [0, 2], [3, 0]])


def test_units_are_taken_out_in_the_order_they_are_named():
    weights = np.arange(2 * 2 * 3 * 4).reshape(2, 2, 3, 4)
    np.testing.assert_array_equal(units_first(weights, [3, 0]), [weights[..., 3], weights[..., 0]])
    with pytest.raises(FactorizationError, match="no unit 4; the target layer has units 0 to 3"):
        units_first(weights, [0, 4])
    with pytest.raises(FactorizationError, match="each unit once"):
        units_first(weights, [1, 1])
    with pytest.raises(FactorizationError, match="channels, units"):
        units_first(weights[0], [0])


def test_weights_of_zero_and_wrong_shapes_are_told():
    with pytest.raises(FactorizationError, match="all weights are zero"):
        factorize_group(np.zeros((2, 3, 3, 4)))
    with pytest.raises(FactorizationError, match=r"not \(3, 3, 4\)"):
        factorize_group(np.ones((3, 3, 4)))
