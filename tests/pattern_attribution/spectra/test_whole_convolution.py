"""Singular values of whole convolutions, against the matrix of the convolution itself."""

import numpy as np
import pytest

from netlens.models.keras.kernel_layers import KernelLayer
from netlens.pattern_attribution.spectra.matrices import SpectraError
from netlens.pattern_attribution.spectra.whole_convolution import (
    center_share,
    center_tap_share,
    frequency_matrices,
    frequency_ratios,
    whole_convolution,
    whole_convolutions,
)


def on_a_torus(kernel, grid):
    """Matrix of the convolution on a torus, built entry by entry."""
    height, width, inputs, outputs = kernel.shape
    matrix = np.zeros((grid, grid, inputs, grid, grid, outputs))
    for row in range(grid):
        for column in range(grid):
            for i in range(height):
                for j in range(width):
                    matrix[(row + i) % grid, (column + j) % grid, :, row, column, :] += kernel[i, j]
    return matrix.reshape(grid * grid * inputs, -1)


@pytest.mark.parametrize("grid", [4, 5])
def test_all_values_are_those_of_the_convolution(grid):
    kernel = np.random.default_rng(0).normal(size=(3, 2, 3, 4))
    matrices = frequency_matrices(kernel, grid)[:, 0]
    values = np.linalg.svd(matrices, compute_uv=False).reshape(grid, -1, 3)
    # Frequencies of the left out half of the plane have the same values.
    half = values[:, 1 : (grid + 1) // 2]
    found = np.sort(np.concatenate([values.ravel(), half.ravel()]))[::-1]
    expected = np.linalg.svd(on_a_torus(kernel, grid), compute_uv=False)[: grid * grid * 3]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_kernel_of_one_tap_is_its_1x1_view_at_every_frequency():
    kernel = np.random.default_rng(1).normal(size=(1, 1, 5, 3))
    values = np.linalg.svd(kernel[0, 0], compute_uv=False)
    np.testing.assert_allclose(frequency_ratios(kernel, 4), values[0] / values[1], rtol=1e-9)
    assert center_tap_share(kernel) == 1


def test_groups_are_blocks():
    kernel = np.random.default_rng(2).normal(size=(3, 3, 1, 4))
    gains = np.abs(np.fft.fft2(kernel[:, :, 0, :], s=(4, 4), axes=(0, 1)))[0, 0]
    largest = np.sort(gains)[::-1]
    np.testing.assert_allclose(frequency_ratios(kernel, 4, groups=4)[0], largest[0] / largest[1], rtol=1e-9)


def test_rank_one_is_infinite_and_the_summary_orders_percentiles():
    kernel = np.ones((3, 3, 4, 4))
    assert np.isinf(frequency_ratios(kernel, 4)[0])
    found = whole_convolution("a", "gradient", np.random.default_rng(3).normal(size=(3, 3, 6, 6)), tap=1.5)
    assert 1 <= found.low <= found.median <= found.high
    assert found.share == pytest.approx(1 / 9, abs=0.06)


def test_layers_of_a_network_are_compared_and_dense_ones_left_out():
    rng = np.random.default_rng(4)
    arrays = {"a": rng.normal(size=(3, 3, 4, 6)), "b": rng.normal(size=(1, 1, 6, 5)), "c": rng.normal(size=(5, 2))}
    layers = [
        KernelLayer(name, name, "dense" if name == "c" else "conv2d", array.shape, None, None, None, None)
        for name, array in arrays.items()
    ]
    found = whole_convolutions(layers, arrays, arrays)
    assert [(each.layer, each.matrix) for each in found] == [
        ("a", "gradient"), ("b", "gradient"), ("a", "pattern_attribution"), ("b", "pattern_attribution"),
    ]  # fmt: skip
    assert found[1].tap == pytest.approx(found[1].median, rel=1e-6)
    assert center_share(layers, arrays) == center_tap_share(arrays["a"])
    assert center_share(layers[1:], arrays) == 1


@pytest.mark.parametrize("power", [-1030, -600, 600])
def test_the_scale_of_a_kernel_does_no_harm(power):
    kernel = np.random.default_rng(0).integers(-9, 10, (3, 3, 4, 5)).astype(np.float64)
    scaled = np.ldexp(kernel, power)
    np.testing.assert_allclose(frequency_ratios(scaled, 5), frequency_ratios(kernel, 5), rtol=1e-12)
    assert center_tap_share(scaled) == pytest.approx(center_tap_share(kernel), rel=1e-14)


def test_what_is_no_kernel_is_refused():
    with pytest.raises(SpectraError, match="no kernel of a convolution"):
        frequency_matrices(np.ones((3, 3)), 4)
    with pytest.raises(SpectraError, match="does not fit a grid of 4"):
        frequency_matrices(np.ones((5, 5, 1, 1)), 4)
    with pytest.raises(SpectraError, match="cannot have 3 groups"):
        frequency_matrices(np.ones((3, 3, 1, 4)), 4, 3)
