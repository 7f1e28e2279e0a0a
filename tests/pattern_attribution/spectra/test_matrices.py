import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.models.keras.kernel_layers import KernelLayer
from netlens.pattern_attribution.spectra.matrices import (
    KINDS,
    SpectraError,
    full_blocks,
    full_view,
    layer_matrices,
    layer_matrix,
    tap_view,
)


def arrays(seed, *shapes):
    generator = np.random.default_rng(seed)
    return [generator.standard_normal(shape).astype(np.float32) for shape in shapes]


def frozen(array):
    array.flags.writeable = False
    return array


def test_the_full_view_acts_on_flattened_patches_and_is_no_copy():
    kernel, patches = arrays(0, (3, 2, 4, 5), (7, 3, 2, 4))
    view = full_view(frozen(kernel))
    expected = np.einsum("nhwc,hwco->no", patches.astype(float), kernel.astype(float))
    np.testing.assert_allclose(
        patches.reshape(7, -1).astype(float) @ view.astype(float), expected, rtol=1e-13, atol=1e-13
    )
    assert np.shares_memory(view, kernel)
    assert view.dtype == np.float32


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 3), (2, 4), (5, 1)])
def test_the_tap_is_the_one_that_numpy_indexes(height, width):
    (kernel,) = arrays(1, (height, width, 3, 4))
    tap = tap_view(frozen(kernel))
    assert tap.dtype == np.float64
    np.testing.assert_array_equal(tap, kernel[height // 2, width // 2])


def test_a_dense_kernel_is_its_own_tap_and_view():
    (kernel,) = arrays(2, (4, 6))
    np.testing.assert_array_equal(tap_view(frozen(kernel)), kernel)
    np.testing.assert_array_equal(full_view(kernel), kernel)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 5))
def test_behind_a_flatten_the_tap_is_what_the_centre_position_contributes(height, width, channels):
    (kernel,) = arrays(3, (height * width * channels, 4))
    image = np.zeros((height, width, channels))
    image[height // 2, width // 2] = np.arange(1, channels + 1)
    expected = image.reshape(-1) @ kernel.astype(float)
    tap = tap_view(kernel, (height, width, channels))
    np.testing.assert_allclose(np.arange(1, channels + 1) @ tap, expected, rtol=1e-12, atol=1e-12)


def test_of_vgg_16_the_first_dense_layer_has_its_tap_at_3_3():
    kernel = np.zeros((7 * 7 * 512, 2), dtype=np.float32)
    kernel.reshape(7, 7, 512, 2)[3, 3] = 1
    assert tap_view(kernel, (7, 7, 512)).sum() == 2 * 512


def test_the_three_kinds():
    weight, pattern = map(frozen, arrays(4, (3, 3, 4, 5), (3, 3, 4, 5)))
    w, a, p = (layer_matrix(kind, weight, pattern) for kind in KINDS)
    np.testing.assert_array_equal(w, weight[1, 1])
    np.testing.assert_array_equal(a, pattern[1, 1])
    np.testing.assert_array_equal(p, weight[1, 1].astype(float) * pattern[1, 1])


def test_a_products_matrix_is_a_new_array_even_of_float64_kernels():
    weight, pattern = np.ones((4, 5)), np.full((4, 5), 2.0)
    layer_matrix("pattern_attribution", weight, pattern)[:] = 7
    assert weight.max() == 1
    assert pattern.max() == 2


def layer(name, shape, *, flatten_shape=None, groups=1):
    return KernelLayer(name, name, "conv2d", shape, None, None, None, flatten_shape, groups)


@pytest.mark.parametrize("groups", [2, 4])
def test_groups_are_blocks_on_the_diagonal(groups):
    kernel = arrays(6, (3, 2, 4 // groups, 8))[0]
    tap = tap_view(frozen(kernel), groups=groups)
    assert tap.shape == (4, 8)
    for channel in range(4):
        for unit in range(8):
            same = channel // (4 // groups) == unit // (8 // groups)
            assert tap[channel, unit] == (kernel[1, 1, channel % (4 // groups), unit] if same else 0)


def test_the_blocks_of_the_full_view_have_its_singular_values():
    kernel = arrays(7, (3, 2, 2, 6))[0]
    whole = np.zeros((3, 2, 4, 6))
    whole[:, :, :2, :3], whole[:, :, 2:, 3:] = kernel[..., :3], kernel[..., 3:]
    blocks = full_blocks(frozen(kernel), 2)
    values = np.concatenate([np.linalg.svd(block, compute_uv=False) for block in blocks])
    expected = np.linalg.svd(whole.reshape(-1, 6), compute_uv=False)
    np.testing.assert_allclose(np.sort(values)[::-1], expected, rtol=1e-6)
    np.testing.assert_array_equal(full_blocks(kernel)[0], full_view(kernel))


def test_layer_matrices_keep_the_order_and_take_the_flattened_layers_tap():
    conv, dense = arrays(5, (3, 3, 2, 4), (2 * 3 * 4, 5))
    kernels, patterns = {"b": conv, "a": dense}, {"b": conv, "a": dense}
    matrices = layer_matrices(
        "patterns", kernels, patterns, [layer("b", conv.shape), layer("a", dense.shape, flatten_shape=(2, 3, 4))]
    )
    assert list(matrices) == ["b", "a"]
    np.testing.assert_array_equal(matrices["a"], dense.reshape(2, 3, 4, 5)[1, 1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tap_view(np.zeros(3)), "is not a kernel"),
        (lambda: tap_view(np.zeros((2, 3, 4))), "is not a kernel"),
        (lambda: tap_view(np.zeros((2, 3), dtype=int)), "is not a kernel"),
        (lambda: full_view(np.zeros((0, 3))), "is not a kernel"),
        (lambda: tap_view(np.zeros((12, 3)), (2, 3, 4)), r"2 x 3 x 4 does not fit a kernel of shape \(12, 3\)"),
        (lambda: tap_view(np.zeros((1, 1, 24, 3)), (2, 3, 4)), "does not fit"),
        (lambda: layer_matrix("gradients", np.zeros((2, 3))), "choose one of weights, patterns, pattern_attribution"),
        (lambda: layer_matrix("patterns", np.zeros((2, 3))), "needs the layer's pattern"),
        (lambda: layer_matrix("patterns", np.zeros((2, 3)), np.zeros((3, 2))), r"\(3, 2\) is not one of a kernel"),
        (
            lambda: layer_matrices(
                "patterns", {"one": np.zeros((2, 3))}, {"two": np.zeros((2, 3))}, [layer("one", (2, 3))]
            ),
            "layer one has no pattern; the patterns are of two",
        ),
        (lambda: layer_matrices("weights", {}, {}, [layer("one", (2, 3))]), "layer one has no kernel; .* of no layer"),
        (lambda: tap_view(np.zeros((1, 1, 2, 5)), groups=2), "a kernel with 5 outputs cannot have 2 groups"),
        (lambda: full_blocks(np.zeros((1, 1, 2, 5)), 3), "5 outputs cannot have 3 groups"),
        (
            lambda: layer_matrices("weights", {"one": np.zeros(3)}, {}, [layer("one", (3,))]),
            "layer one: an array of shape",
        ),
    ],
)
def test_what_does_not_fit_is_said(call, words):
    with pytest.raises(SpectraError, match=words):
        call()
