"""Factors of one unit: signed directions, maps, permuted channels."""

import numpy as np
import pytest

from netlens.weights.factors.nmf import FactorizationError
from netlens.weights.factors.one_sided import factorize_unit, spread_units, unit_explained_variances


def planted(seed, window=5, channels=12):
    """Draw maps and signed directions of which each has a place and channels of its own: one factorization only."""
    rng = np.random.default_rng(seed)
    maps = rng.random((3, window, window)) * np.array([4.0, 2.0, 1.0])[:, None, None]
    for index in range(3):
        maps[index, [row for row in range(3) if row != index]] = 0
    directions = np.zeros((3, channels))
    for index in range(3):
        directions[index, index * 4 : index * 4 + 4] = rng.standard_normal(4)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return maps, directions, np.einsum("khw,kc->hwc", maps, directions)


@pytest.mark.parametrize("seed", range(4))
def test_planted_maps_and_signed_directions_are_found(seed):
    maps, directions, weights = planted(seed)
    found = factorize_unit(weights, 3)
    order = [int(np.argmax(np.abs(found.directions @ direction))) for direction in directions]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(found.directions[order], directions, atol=1e-6)
    np.testing.assert_allclose(found.maps[order], maps, atol=1e-5)
    energies = np.sum(maps**2, axis=(1, 2))
    np.testing.assert_allclose(found.shares[order], energies / energies.sum(), atol=1e-6)
    assert found.error < 1e-6
    assert found.explained_variance == pytest.approx(1, abs=1e-10)


def test_shapes_and_how_the_parts_belong_together():
    weights = np.random.default_rng(0).standard_normal((5, 7, 9)).astype(np.float32)
    found = factorize_unit(weights, 4)
    assert found.maps.shape == (4, 5, 7)
    assert found.channel_weights.shape == (4, 18)
    np.testing.assert_array_equal(found.directions, found.channel_weights[:, :9] - found.channel_weights[:, 9:])
    rebuilt = np.einsum("khw,kc->hwc", found.maps, found.directions)
    assert found.error == pytest.approx(np.linalg.norm(weights - rebuilt) / np.linalg.norm(weights), rel=1e-6)
    halves = np.concatenate([np.maximum(weights, 0), np.maximum(-weights, 0)], axis=2)
    residual = halves - np.einsum("khw,kc->hwc", found.maps, found.channel_weights)
    assert found.explained_variance == pytest.approx(1 - np.sum(residual**2) / np.sum(halves**2), rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_permuted_channels_give_the_same_maps(seed):
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((5, 5, 24)).astype(np.float32)
    order = rng.permutation(24)
    plain, permuted = factorize_unit(weights, 3), factorize_unit(weights[..., order], 3)
    assert plain.converged
    np.testing.assert_allclose(permuted.maps, plain.maps, atol=1e-12 * plain.maps.max())
    np.testing.assert_allclose(permuted.directions, plain.directions[:, order], atol=1e-12)


def test_turning_the_sign_of_the_weights_turns_the_directions():
    weights = np.random.default_rng(1).standard_normal((5, 5, 8))
    plain, turned = factorize_unit(weights, 3), factorize_unit(-weights, 3)
    np.testing.assert_allclose(turned.directions, -plain.directions, atol=1e-12)


def test_explained_variance_of_one_to_five():
    _, _, weights = planted(0)
    found = unit_explained_variances(weights, 5)
    assert found[1] < 0.99
    np.testing.assert_allclose(found[2:], 1, atol=1e-8)
    assert found[0] == pytest.approx(factorize_unit(weights, 1).explained_variance, abs=1e-12)


def test_units_are_spread_over_those_that_have_weights():
    layer = np.ones((1, 1, 2, 8))
    layer[..., [0, 3]] = 0
    assert spread_units(layer, 3) == [1, 4, 6]
    assert spread_units(layer, 20) == [1, 2, 4, 5, 6, 7]
    with pytest.raises(FactorizationError, match="all weights are zero"):
        spread_units(np.zeros((1, 1, 2, 3)), 2)
    with pytest.raises(FactorizationError, match="channels, units"):
        spread_units(layer[0], 2)


def test_units_that_hold_too_few_factors_are_passed_over():
    layer = np.random.default_rng(3).standard_normal((3, 3, 8, 6)).astype(np.float32)
    layer[..., 1] = layer[1:2, 1:2, :, 1]  # the same everywhere, as below an average pooling
    layer[:, :, :, 4] = 0
    layer[1, 1, :, 4] = 1
    assert spread_units(layer, 6) == [0, 2, 3, 5]


def test_weights_of_zero_and_wrong_shapes_are_told():
    with pytest.raises(FactorizationError, match="all weights are zero"):
        factorize_unit(np.zeros((3, 3, 4)), 3)
    with pytest.raises(FactorizationError, match=r"\(height, width, channels\), not \(3, 4\)"):
        factorize_unit(np.ones((3, 4)), 3)
