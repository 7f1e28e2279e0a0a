"""Kernels of the first layer: their order, their colors, their place in a larger window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from netlens.weights.selection.first_layer import embedded, kernels_as_colors, order_by_use
from netlens.weights.selection.strongest import WeightsError

SEEDS = st.integers(0, 2**32 - 1)


def test_a_planted_order_is_found():
    rng = np.random.default_rng(1)
    amount = rng.permutation(6).astype(float)
    loadings = np.array([1.0, 3.0, 2.0])
    kernel = amount[:, None] * loadings * rng.choice([-1, 1], (2, 2, 6, 3))
    assert amount[order_by_use(kernel)].tolist() == [5, 4, 3, 2, 1, 0]


@settings(deadline=None)
@given(SEEDS)
def test_the_order_agrees_with_scikit_learn_and_does_not_depend_on_signs_or_on_the_order_given(seed):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(3, 3, 7, 9))
    pca = PCA(1, svd_solver="full").fit(np.abs(kernel).sum(axis=(0, 1)))
    loadings = pca.components_[0]
    scores = pca.transform(np.abs(kernel).sum(axis=(0, 1)))[:, 0] * np.sign(loadings[np.abs(loadings).argmax()])
    order = order_by_use(kernel)
    assert scores[order] == pytest.approx(np.sort(scores)[::-1], abs=1e-12)
    assert np.array_equal(order, order_by_use(-kernel))
    shuffled = rng.permutation(7)
    assert np.array_equal(shuffled[order_by_use(kernel[:, :, shuffled])], order)


@settings(deadline=None)
@given(SEEDS)
def test_colors_follow_the_formula(seed):
    kernels = np.random.default_rng(seed).normal(size=(3, 2, 3, 4)).astype(np.float32)
    colors = kernels_as_colors(kernels)
    largest = np.abs(kernels).max()
    for unit in range(4):
        w = kernels[..., unit].astype(np.float64)
        expected = 0.5 + 0.05 * w / np.abs(w).max() + 0.45 * w / largest
        assert colors[unit] == pytest.approx(expected, abs=1e-12)
    assert colors.min() >= 0
    assert colors.max() <= 1
    assert np.array_equal(kernels_as_colors(kernels, channel_order="bgr"), colors[..., ::-1])


def test_a_kernel_of_zeros_is_grey():
    kernels = np.zeros((2, 2, 3, 2))
    kernels[..., 1] = 1
    colors = kernels_as_colors(kernels)
    assert np.all(colors[0] == 0.5)
    assert np.all(colors[1] == 1.0)


@settings(deadline=None)
@given(SEEDS, st.integers(0, 1), st.integers(0, 2))
def test_a_kernel_is_laid_where_it_fits(seed, top, left):
    kernel = np.random.default_rng(seed).normal(size=(3, 2, 3, 4))
    window = np.zeros((4, 4, 3, 4))
    window[top : top + 3, left : left + 2] = kernel
    assert np.array_equal(embedded(kernel, window), window)
    assert np.array_equal(embedded(kernel, window + 1e-6), window)


def test_bad_input_is_told():
    with pytest.raises(WeightsError, match="does not fit"):
        embedded(np.ones((5, 5, 3, 2)), np.ones((4, 4, 3, 2)))
    with pytest.raises(WeightsError, match="does not fit"):
        embedded(np.ones((3, 3, 1, 2)), np.ones((4, 4, 3, 2)))
    with pytest.raises(WeightsError, match="zero everywhere"):
        kernels_as_colors(np.zeros((2, 2, 3, 1)))
    with pytest.raises(WeightsError, match="3, units"):
        kernels_as_colors(np.ones((2, 2, 4, 1)))
    with pytest.raises(WeightsError, match="a kernel has shape"):
        order_by_use(np.ones((2, 2)))
