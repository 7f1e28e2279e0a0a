from itertools import pairwise

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.pattern_attribution.spectra import chain
from netlens.pattern_attribution.spectra.chain import ChainSpectrum, chain_spectrum
from netlens.pattern_attribution.spectra.matrices import SpectraError


def frozen(generator, *shape):
    array = generator.standard_normal(shape)
    array.flags.writeable = False
    return array


def with_values(generator, s, rows, columns):
    left = np.linalg.qr(generator.standard_normal((rows, len(s))))[0]
    right = np.linalg.qr(generator.standard_normal((columns, len(s))))[0]
    return (left * s) @ right.T


def exact_log10(matrices, digits=160):
    """Multiply out and decompose with `digits` digits; minus infinity below what they resolve."""
    with mpmath.workdps(digits):
        product = mpmath.matrix(matrices[0].tolist())
        for matrix in matrices[1:]:
            product = product * mpmath.matrix(matrix.tolist())
        values = sorted((abs(value) for value in mpmath.svd_r(product, compute_uv=False)), reverse=True)
        floor = values[0] * mpmath.mpf(10) ** (20 - digits)
        return np.array([float(mpmath.log10(value)) if value > floor else -np.inf for value in values])


def check(spectrum, expected):
    """Every value is as far from the exact one as stated, at most; an exact 0 is found, or counts as lost."""
    assert spectrum.log10_values.shape == spectrum.log10_errors.shape == expected.shape
    for value, error, exact in zip(spectrum.log10_values, spectrum.log10_errors, expected, strict=True):
        if np.isneginf(exact):
            assert np.isneginf(value) or error > chain.LOST
        else:
            assert abs(value - exact) <= error or error > chain.LOST


@pytest.mark.parametrize("decades", [3, 8, 12])
def test_ill_conditioned_chains_against_higher_precision(decades):
    # Eight layers of nine units, each spanning so many decades; the product spans up to 90.
    generator = np.random.default_rng(decades)
    matrices = [with_values(generator, np.logspace(0, -decades, 9), 9, 9) for _ in range(8)]
    spectrum, expected = chain_spectrum(matrices), exact_log10(matrices)
    check(spectrum, expected)
    assert expected[0] - expected[-1] > 5 * decades
    # The two values of the macros are known to eleven digits, where float64 products know none of the last: the error
    # was 9e-13 to 2.2e-12 with OpenBLAS's kernels for Nehalem, Sandy Bridge, Haswell and Zen.
    assert np.abs(spectrum.log10_values[:2] - expected[:2]).max() < 5e-12
    assert spectrum.log10_ratio_error < 1e-10
    assert spectrum.resolved == 9
    product = np.linalg.multi_dot(matrices)
    naive = np.log10(np.linalg.svd(product, compute_uv=False))
    assert abs(naive[-1] - expected[-1]) > {3: 0.01, 8: 5, 12: 5}[decades]
    assert np.abs(spectrum.log10_values - expected).max() < {3: 1e-12, 8: 1e-7, 12: 1e-3}[decades]


def test_twenty_random_layers_against_higher_precision():
    generator = np.random.default_rng(0)
    matrices = [frozen(generator, 10, 10) for _ in range(20)]
    spectrum, expected = chain_spectrum(matrices), exact_log10(matrices)
    check(spectrum, expected)
    assert np.abs(spectrum.log10_values - expected).max() < 1e-12
    # An error that says nothing would be no statement: it is not far above the true one.
    assert spectrum.log10_errors.max() < 1e-11


@given(
    st.lists(st.integers(1, 7), min_size=2, max_size=6),
    st.lists(st.integers(0, 14), min_size=5, max_size=5),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_the_stated_error_holds_for_chains_of_any_shape_and_condition(sizes, decades, seed):
    generator = np.random.default_rng(seed)
    matrices = [
        with_values(generator, np.logspace(0, -spread, min(rows, columns)), rows, columns)
        for rows, columns, spread in zip(sizes[:-1], sizes[1:], decades, strict=False)
    ]
    check(chain_spectrum(matrices), exact_log10(matrices))


@pytest.mark.slow
@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_tame_chains_agree_with_numpy(sizes, seed):
    generator = np.random.default_rng(seed)
    matrices = [frozen(generator, *shape) for shape in pairwise(sizes)]
    product = np.linalg.multi_dot(matrices) if len(matrices) > 1 else matrices[0]
    expected = np.linalg.svd(product, compute_uv=False)
    scale = np.prod([np.linalg.norm(matrix, 2) for matrix in matrices])
    np.testing.assert_allclose(10 ** chain_spectrum(matrices).log10_values, expected, atol=1e-13 * scale)


@pytest.mark.slow
def test_layers_as_wide_as_a_networks():
    generator = np.random.default_rng(1)
    sizes = [24, 48, 96, 128, 160, 160, 16]
    matrices = [frozen(generator, *shape) for shape in pairwise(sizes)]
    spectrum = chain_spectrum(matrices)
    expected = np.log10(np.linalg.svd(np.linalg.multi_dot(matrices), compute_uv=False))
    np.testing.assert_allclose(spectrum.log10_values, expected, atol=1e-12)
    assert spectrum.log10_errors.max() < 1e-12


@pytest.mark.parametrize("power", [-1000, 990])
def test_scale_stays_out(power):
    # 2^990 five times over: no float holds the product, nor its smallest value.
    matrices = [frozen(np.random.default_rng(i), 6, 6) for i in range(5)]
    plain = chain_spectrum(matrices)
    scaled = chain_spectrum([np.ldexp(matrix, power) for matrix in matrices])
    shift = 5 * power * np.log10(2)
    np.testing.assert_allclose(scaled.log10_values, plain.log10_values + shift, rtol=1e-15)
    assert scaled.log10_ratio == pytest.approx(plain.log10_ratio, abs=1e-11)


def test_diagonal_chains_are_exact_however_far_apart():
    generator = np.random.default_rng(2)
    exponents = generator.permutation(np.linspace(-450, 450, 7).astype(int))
    values = chain_spectrum([np.diag(np.ldexp(1.0, exponents))] * 4).log10_values
    np.testing.assert_allclose(values, np.sort(4 * exponents * np.log10(2))[::-1], rtol=1e-14)


def test_a_chain_and_its_transpose_have_the_same_values():
    generator = np.random.default_rng(3)
    matrices = [frozen(generator, *shape) for shape in ((5, 8), (8, 3), (3, 7))]
    one = chain_spectrum(matrices)
    other = chain_spectrum([matrix.T for matrix in reversed(matrices)])
    assert np.isneginf(one.log10_values[3:]).all()
    np.testing.assert_allclose(one.log10_values[:3], other.log10_values[:3], atol=1e-14)


def test_orthogonal_factors_change_nothing():
    generator = np.random.default_rng(4)
    turns = [np.linalg.qr(generator.standard_normal((6, 6)))[0] for _ in range(4)]
    stretch = np.diag([3.0, 3.0, 1.0, 1.0, 1e-3, 1e-9])
    values = chain_spectrum([turns[0], stretch, turns[1], turns[2], stretch, turns[3]]).log10_values
    # The two stretches meet through a turn, so only the product of all values is known without computing it.
    assert values.sum() == pytest.approx(2 * np.log10(np.diag(stretch)).sum(), abs=1e-7)
    values = chain_spectrum([turns[0], stretch, turns[1]]).log10_values
    np.testing.assert_allclose(values[:5], np.log10(np.diag(stretch))[:5], atol=1e-12)


def test_the_product_of_ratios_is_not_the_ratio_of_the_product():
    matrices = [np.diag([10.0, 1.0]), np.diag([1.0, 10.0])]
    assert chain_spectrum(matrices).log10_ratio == pytest.approx(0, abs=1e-14)


def test_what_no_path_leads_through_is_exactly_zero():
    generator = np.random.default_rng(5)
    matrices = [generator.standard_normal((6, 6)) for _ in range(4)]
    matrices[1][:, 2] = 0  # a unit that is off
    matrices[2][4] = 0  # one that nobody reads
    spectrum = chain_spectrum(matrices)
    assert np.isneginf(spectrum.log10_values[4:]).all()
    assert not spectrum.log10_errors[4:].any()
    assert spectrum.resolved == 6
    check(spectrum, exact_log10(matrices))


def test_dead_links_are_followed_both_ways():
    forwards = [np.diag([1.0, 0.0]), np.eye(2), np.ones((2, 2))]
    assert [factor.shape for factor in chain._without_dead_links(forwards)[0]] == [(1, 1), (1, 1), (1, 2)]
    backwards = [np.ones((2, 2)), np.eye(2), np.diag([1.0, 0.0])]
    assert [factor.shape for factor in chain._without_dead_links(backwards)[0]] == [(2, 1), (1, 1), (1, 1)]


def test_layers_of_low_rank_have_their_rest_lost_not_made_up():
    generator = np.random.default_rng(6)
    matrices = [with_values(generator, np.array([3.0, 2.0, 1.0]), 8, 8), frozen(generator, 8, 8)]
    spectrum = chain_spectrum(matrices)
    assert spectrum.resolved == 3
    assert (spectrum.log10_errors[3:] > chain.LOST).all()


def test_a_second_value_of_zero_has_an_infinite_ratio():
    rank_one = np.zeros((3, 3))
    rank_one[0, 1] = 2.0
    assert chain_spectrum([np.eye(3), rank_one, np.eye(3)]).log10_ratio == np.inf
    assert chain_spectrum([np.ones((1, 3)), np.ones((3, 4))]).log10_ratio == np.inf
    assert np.isneginf(chain_spectrum([np.eye(3), np.zeros((3, 2))]).log10_values).all()


def test_exactly_dependent_rows():
    spectrum = chain_spectrum([np.ones((4, 4)), np.ones((4, 4))])
    assert spectrum.log10_values[0] == pytest.approx(np.log10(16), abs=1e-14)
    assert spectrum.resolved <= 1 or np.isneginf(spectrum.log10_values[1])


def test_inputs_stay_as_they_are():
    matrices = [frozen(np.random.default_rng(i), 5, 5) for i in range(3)]
    before = [matrix.copy() for matrix in matrices]
    chain_spectrum(matrices)
    for matrix, copy in zip(matrices, before, strict=True):
        np.testing.assert_array_equal(matrix, copy)


def test_the_same_seed_states_the_same_error():
    matrices = [frozen(np.random.default_rng(i), 5, 5) for i in range(3)]
    one, two, other = (chain_spectrum(matrices, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.log10_errors, two.log10_errors)
    np.testing.assert_array_equal(one.log10_values, other.log10_values)


def test_what_counts_as_lost():
    spectrum = ChainSpectrum(np.array([2.0, 1.0, -20.0]), np.array([1e-14, 1e-13, 3.0]))
    assert spectrum.resolved == 2
    assert spectrum.log10_ratio == 1
    assert spectrum.log10_ratio_error == pytest.approx(1.1e-13)


@pytest.mark.parametrize(
    ("matrices", "words"),
    [
        ([], "at least one matrix"),
        ([np.ones((2, 3)), np.ones((2, 3))], r"\(2, 3\) cannot stand before one of shape \(2, 3\)"),
        ([np.ones(3)], "is not a matrix"),
        ([np.ones((2, 2)), np.full((2, 2), np.nan)], "NaN or infinite"),
    ],
)
def test_bad_input_is_named(matrices, words):
    with pytest.raises(SpectraError, match=words):
        chain_spectrum(matrices)


@pytest.mark.slow
@given(st.lists(st.integers(1, 8), min_size=2, max_size=6), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_vectors_are_those_of_the_product(sizes, seed):
    generator = np.random.default_rng(seed)
    matrices = [frozen(generator, *shape) for shape in pairwise(sizes)]
    product = np.linalg.multi_dot(matrices) if len(matrices) > 1 else matrices[0]
    count = min(sizes)
    U, Vh = chain.chain_vectors(matrices, count)
    values = 10.0 ** chain_spectrum(matrices).log10_values[:count]
    np.testing.assert_allclose(U.T @ U, np.eye(count), atol=1e-13)
    np.testing.assert_allclose(Vh @ Vh.T, np.eye(count), atol=1e-13)
    np.testing.assert_allclose((U * values) @ Vh, product, atol=1e-12 * values[0])
    assert (U[np.abs(U).argmax(axis=0), np.arange(count)] > 0).all()


@pytest.mark.parametrize("shape", [(12, 9), (9, 12)])
def test_vectors_of_values_far_below_the_first_are_as_good_as_the_first(shape):
    # Neighboring factors share a basis, so the product's vectors are known while its values span 60 decades.
    generator = np.random.default_rng(5)
    bases = [np.linalg.qr(generator.standard_normal((size, 9)))[0] for size in (shape[0], 9, 9, 9, 9, shape[1])]
    values = np.logspace(0, -12, 9)
    matrices = [(before * values) @ after.T for before, after in pairwise(bases)]
    U, Vh = chain.chain_vectors(matrices, 9)
    for found, basis in ((U, bases[0]), (Vh.T, bases[-1])):
        # Known up to their sign, each as accurately as the factors hold them: the last factor's eps over its value.
        np.testing.assert_allclose(np.abs(found.T @ basis)[:4, :4], np.eye(4), atol=1e-9)
    naive = np.linalg.svd(np.linalg.multi_dot(matrices))[0]
    assert np.abs(naive[:, 3] @ bases[0][:, 3]) < 0.999
    np.testing.assert_allclose(U.T @ U, np.eye(9), atol=1e-13)


def test_vectors_of_units_that_nothing_flows_through_are_zero_there():
    generator = np.random.default_rng(6)
    first, second = generator.standard_normal((5, 4)), generator.standard_normal((4, 6))
    first[2], second[:, 3] = 0, 0
    U, Vh = chain.chain_vectors([first, second], 4)
    assert not U[2].any()
    assert not Vh[:, 3].any()
    np.testing.assert_allclose(U @ (U.T @ first @ second @ Vh.T) @ Vh, first @ second, atol=1e-13)


def test_more_vectors_than_there_are_values_are_refused():
    with pytest.raises(SpectraError, match="3 singular vectors of a chain with at most 2 values above 0"):
        chain.chain_vectors([np.ones((2, 5))], 3)
    with pytest.raises(SpectraError, match="5 singular vectors of a chain with at most 2 values above 0"):
        chain.chain_vectors([np.ones((5, 2)), np.ones((2, 5))], 5)
    U, Vh = chain.chain_vectors([np.zeros((2, 5))], 0)
    assert (U.shape, Vh.shape) == ((2, 0), (0, 5))
