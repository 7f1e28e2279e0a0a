"""A network's ratios: layers keep their own, and a chain's segments are its layers."""

import numpy as np
import pytest

from netlens.pattern_attribution.spectra.chain import chain_spectrum
from netlens.pattern_attribution.spectra.modulus import leading_ratios
from netlens.pattern_attribution.spectra.network_ratios import full_ratio, network_ratios

RNG = np.random.default_rng(11)


def test_of_a_chain_they_are_those_of_its_matrices_to_the_last_bit():
    matrices = {"a": RNG.normal(size=(3, 5)), "b": RNG.normal(size=(5, 4)), "c": RNG.normal(size=(4, 6))}
    found, expected = network_ratios(matrices, matrices, seed=1, with_chain=True), leading_ratios(matrices.values())
    np.testing.assert_array_equal(found.layer, expected.layers)
    np.testing.assert_array_equal(found.segment, expected.layers)
    np.testing.assert_array_equal(found.inter_layer, expected.items)
    np.testing.assert_array_equal(
        found.chain.log10_values, chain_spectrum([matrices["b"], matrices["c"]], seed=1).log10_values
    )
    assert network_ratios(matrices, matrices, seed=1, with_chain=False).chain is None


def test_of_branches_each_layer_keeps_its_own_ratio():
    layers = {"a": RNG.normal(size=(3, 4)), "b1": np.diag([4.0, 2, 1, 1]), "b2": np.diag([9.0, 3, 1, 1])}
    segments = {"a": layers["a"], "b": layers["b1"] + layers["b2"], "c": RNG.normal(size=(4, 2))}
    found = network_ratios({**layers, "c": segments["c"]}, segments, seed=0, with_chain=True)
    np.testing.assert_allclose(found.layer[1:3], [2, 3], rtol=1e-14)
    np.testing.assert_allclose(found.segment[1], 13 / 5, rtol=1e-14)
    assert (len(found.layer), len(found.segment), len(found.inter_layer)) == (4, 3, 2)


def test_without_segments_there_are_the_layers_ratios():
    found = network_ratios({"a": np.diag([4.0, 2])}, {}, seed=0, with_chain=True)
    np.testing.assert_allclose(found.layer, [2])
    assert (found.segment.size, found.inter_layer.size, found.chain) == (0, 0, None)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_the_full_ratio_of_groups_is_that_of_the_ungrouped_kernel(groups):
    kernel = RNG.normal(size=(3, 3, 4 // groups, 8)).astype(np.float32)
    whole = np.zeros((3, 3, 4, 8))
    for group in range(groups):
        inputs, units = (
            slice(group * 4 // groups, (group + 1) * 4 // groups),
            slice(group * 8 // groups, (group + 1) * 8 // groups),
        )
        whole[:, :, inputs, units] = kernel[..., units]
    s = np.linalg.svd(whole.reshape(-1, 8), compute_uv=False)
    assert full_ratio(kernel, groups) == pytest.approx(s[0] / s[1], rel=1e-6)
