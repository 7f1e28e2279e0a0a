import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netlens.pattern_attribution.spectra.decomposition import (
    inter_layer_item,
    inter_layer_values,
    normalized,
    rotation,
    rounding_noise,
    singular_ratio,
    sorted_norms,
    svd,
    within_rank,
)
from netlens.pattern_attribution.spectra.matrices import SpectraError

matrices = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=8),
    elements=st.floats(-10, 10, allow_subnormal=False).map(lambda x: x if abs(x) > 1e-6 else 0.0),
)


def frozen(seed, *shape):
    array = np.random.default_rng(seed).standard_normal(shape)
    array.flags.writeable = False
    return array


@pytest.mark.slow
@given(matrices, st.booleans())
def test_the_parts_multiply_to_the_matrix_and_are_orthonormal(matrix, thin):
    matrix.flags.writeable = False
    before = matrix.copy()
    parts = svd(matrix, thin=thin)
    rank = len(parts.s)
    np.testing.assert_allclose((parts.U[:, :rank] * parts.s) @ parts.Vh[:rank], matrix, atol=1e-13 * max(1, parts.s[0]))
    np.testing.assert_allclose(parts.U.T @ parts.U, np.eye(parts.U.shape[1]), atol=1e-13)
    np.testing.assert_allclose(parts.Vh @ parts.Vh.T, np.eye(len(parts.Vh)), atol=1e-13)
    np.testing.assert_allclose(parts.s, np.linalg.svd(matrix, compute_uv=False), atol=1e-13 * max(1, parts.s[0]))
    np.testing.assert_array_equal(matrix, before)
    assert parts.U.shape[1] == (rank if thin else len(matrix))


def test_signs_do_not_depend_on_lapack():
    matrix = frozen(0, 6, 9)
    parts = svd(matrix)
    largest = np.abs(parts.U).argmax(axis=0)
    assert (parts.U[largest, np.arange(6)] > 0).all()
    beyond = parts.Vh[6:]
    assert (beyond[np.arange(3), np.abs(beyond).argmax(axis=1)] > 0).all()
    # A matrix and its negative have the same U then, and opposite Vh.
    np.testing.assert_allclose(svd(-matrix).U, parts.U, atol=1e-12)


def test_what_belongs_to_no_singular_value_is_left_out():
    matrix = frozen(8, 4, 7).copy()
    matrix[:, 2] = 0
    matrix[3] = matrix[0]  # of rank 3
    parts = svd(matrix)
    known = within_rank(parts)
    np.testing.assert_array_equal(known.U, parts.U[:, :3])
    np.testing.assert_array_equal(known.s, parts.s[:3])
    np.testing.assert_array_equal(known.Vh, parts.Vh[:3])
    following = svd(frozen(9, 7, 5))
    np.testing.assert_allclose(inter_layer_item(known, following), inter_layer_item(parts, following)[:3], atol=1e-7)
    assert within_rank(svd(np.zeros((2, 3)))).s.tolist() == [0]


def test_the_ratio():
    assert singular_ratio([6.0, 2.0, 1.0]) == 3
    assert singular_ratio([6.0, 0.0]) == np.inf
    assert singular_ratio([6.0]) == np.inf
    assert singular_ratio([0.0, 0.0]) == np.inf
    assert singular_ratio([1.0, 1e-17]) == 1e17
    assert singular_ratio([1.0, 1e-17], noise=rounding_noise((3, 4))) == np.inf
    assert singular_ratio([1e300, 1e-300]) == np.inf


def test_a_matrix_of_rank_one_has_an_infinite_ratio_only_beside_the_noise():
    s = np.linalg.svd(np.outer(frozen(1, 30), frozen(2, 40)), compute_uv=False)
    assert np.isfinite(singular_ratio(s))
    assert singular_ratio(s, noise=rounding_noise((30, 40))) == np.inf


@pytest.mark.parametrize("values", [[], [1.0, 2.0], [1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_what_are_no_singular_values_is_refused(values):
    with pytest.raises(SpectraError, match="singular values must be finite"):
        singular_ratio(values)


def test_rotation_is_orthogonal_and_item_is_built_as_defined():
    first, second = svd(frozen(3, 5, 7)), svd(frozen(4, 7, 4))
    turn = rotation(first, second)
    np.testing.assert_allclose(turn @ turn.T, np.eye(7), atol=1e-13)
    left, right = np.zeros((7, 7)), np.zeros((7, 7))
    left[:5, :5], right[:4, :4] = np.diag(np.sqrt(first.s)), np.diag(np.sqrt(second.s))
    np.testing.assert_allclose(inter_layer_item(first, second), left @ first.Vh @ second.U @ right, atol=1e-13)


@pytest.mark.slow
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7), st.integers(0, 99))
def test_padding_adds_zeros_to_the_items_values_and_nothing_else(a, b, c, seed):
    first, second = frozen(seed, a, b), frozen(seed + 1, b, c)
    padded = np.linalg.svd(inter_layer_item(svd(first), svd(second)), compute_uv=False)
    thin = np.linalg.svd(inter_layer_item(svd(first, thin=True), svd(second, thin=True)), compute_uv=False)
    size = min(a, b, c)
    np.testing.assert_allclose(padded[:size], thin[:size], atol=1e-12 * padded[0])
    np.testing.assert_allclose(padded[size:], 0, atol=1e-12 * padded[0])
    for whole in (False, True):
        values = inter_layer_values(svd(first, thin=whole), svd(second, thin=whole))
        np.testing.assert_allclose(values, thin, atol=1e-12 * padded[0])


@given(st.integers(0, 99))
def test_the_items_squares_are_the_eigenvalues_of_the_moduli(seed):
    first, second = frozen(seed, 4, 6), frozen(seed + 1, 6, 5)

    def modulus(gram):
        values, vectors = np.linalg.eigh(gram)
        return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T

    product = modulus(first.T @ first) @ modulus(second @ second.T)
    expected = np.sort(np.linalg.eigvals(product).real)[::-1][:4]
    # The oracle's roots of Gram matrices know small values to the root of eps only.
    squares = inter_layer_values(svd(first), svd(second))[:4] ** 2
    np.testing.assert_allclose(squares, expected, atol=1e-7 * expected[0])


def test_a_product_of_ratios_is_no_ratio_of_the_product():
    # Two layers that stretch across each other: each has ratio 10, the product has 1, the item too.
    first, second = np.diag([10.0, 1.0]), np.diag([1.0, 10.0])
    ratios = [singular_ratio(svd(matrix).s) for matrix in (first, second)]
    assert np.prod(ratios) == pytest.approx(100)
    assert singular_ratio(svd(first @ second).s) == pytest.approx(1)
    assert singular_ratio(inter_layer_values(svd(first), svd(second))) == pytest.approx(1)


def test_items_leave_their_layers_alone():
    parts = svd(frozen(5, 4, 4)), svd(frozen(6, 4, 4))
    for part in parts:
        for array in (part.U, part.s, part.Vh):
            array.flags.writeable = False
    kept = [part.s.copy() for part in parts]
    inter_layer_item(*parts)
    inter_layer_values(*parts)
    normalized(parts[0].s)
    for part, s in zip(parts, kept, strict=True):
        np.testing.assert_array_equal(part.s, s)


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(SpectraError, match="5 outputs cannot stand before one with 4 inputs"):
        rotation(svd(frozen(0, 3, 5)), svd(frozen(0, 4, 2)))


def test_normalized_values():
    np.testing.assert_array_equal(normalized([4.0, 2.0, 0.0]), [1, 0.5, 0])
    np.testing.assert_array_equal(normalized([0.0, 0.0]), [0, 0])


def test_norms_are_sorted_and_carry_the_energy():
    matrix = frozen(7, 5, 9)
    for axis in (0, 1):
        norms = sorted_norms(matrix, axis)
        np.testing.assert_allclose(norms, sorted(np.sqrt((matrix**2).sum(axis=axis)), reverse=True), rtol=1e-14)
        assert np.sum(norms**2) == pytest.approx(np.sum(svd(matrix).s ** 2), rel=1e-13)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.zeros(3), "is not a matrix"),
        (np.zeros((3, 0)), "is not a matrix"),
        (np.zeros((2, 2), dtype=complex), "cannot be decomposed"),
        (np.array([[np.nan, 1.0], [np.inf, 0.0]]), "2 of the matrix's 4 entries are NaN or infinite"),
    ],
)
def test_bad_input_is_named(matrix, words):
    for function in (svd, lambda m: sorted_norms(m, 0)):
        with pytest.raises(SpectraError, match=words):
            function(matrix)
