from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.pattern_attribution.spectra import modulus
from netlens.pattern_attribution.spectra.decomposition import inter_layer_values, singular_ratio, sorted_norms, svd
from netlens.pattern_attribution.spectra.leading import top_singular_values
from netlens.pattern_attribution.spectra.matrices import SpectraError
from netlens.pattern_attribution.spectra.modulus import gram_svd, inter_layer_top_values, leading_ratios

# Rounding in items of well-conditioned layers.
ROUNDING = 1e-11


@pytest.fixture(autouse=True)
def _wide_from_40(monkeypatch):
    """Take the way of wide layers for matrices that a test can afford."""
    monkeypatch.setattr(modulus, "WHOLE", 40)


def frozen(seed, *shape):
    array = np.random.default_rng(seed).standard_normal(shape)
    array.flags.writeable = False
    return array


def with_values(s, rows, columns, seed=0):
    generator = np.random.default_rng(seed)
    left = np.linalg.qr(generator.standard_normal((rows, len(s))))[0]
    right = np.linalg.qr(generator.standard_normal((columns, len(s))))[0]
    return (left * s) @ right.T


def expected_values(before, after):
    return inter_layer_values(svd(before, thin=True), svd(after, thin=True))[:2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param((30, 120), (120, 120), id="small, wide"),
        pytest.param((120, 120), (120, 30), id="wide, small"),
        pytest.param((120, 150), (150, 90), id="wide, wide"),
        pytest.param((90, 150), (150, 120), id="wide, wider"),
        pytest.param((200, 60), (60, 130), id="bottleneck"),
        pytest.param((20, 30), (30, 25), id="small, small"),
        pytest.param((1, 120), (120, 120), id="one row"),
        pytest.param((2, 120), (120, 120), id="two rows"),
    ],
)
def test_items_without_whole_decompositions(before, after):
    before, after = frozen(0, *before), frozen(1, *after)
    expected = expected_values(before, after)
    found = inter_layer_top_values(before, after)
    assert found.shape == (2,)
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=ROUNDING)
    assert not found[len(expected) :].any()


@pytest.mark.slow
@pytest.mark.parametrize("decades", [2, 4, 6, 8, 12])
@pytest.mark.parametrize("wide_first", [True, False])
def test_ill_conditioned_wide_layers(decades, wide_first):
    # Where the Gram matrix does not resolve enough, the layers must have been decomposed whole.
    wide = with_values(np.logspace(0, -decades, 100), 100, 100)
    before, after = (wide, frozen(2, 100, 30)) if wide_first else (frozen(2, 30, 100), wide)
    np.testing.assert_allclose(inter_layer_top_values(before, after), expected_values(before, after), rtol=2e-7)


@pytest.mark.slow
@pytest.mark.parametrize("wide_first", [True, False])
def test_layers_of_low_rank_and_with_dead_units(wide_first):
    low_rank = with_values(np.linspace(2, 1, 60), 100, 100)
    dead = frozen(3, 100, 100).copy()
    dead[:, 10:40] = 0
    dead[50:60] = 0
    for wide in (low_rank, dead):
        before, after = (wide, frozen(4, 100, 30)) if wide_first else (frozen(4, 30, 100), wide)
        np.testing.assert_allclose(inter_layer_top_values(before, after), expected_values(before, after), rtol=2e-7)


def test_dead_units_do_not_need_a_whole_decomposition(monkeypatch):
    dead = frozen(3, 100, 100).copy()
    dead[:, 10:40] = 0
    small = frozen(5, 30, 100)
    expected = expected_values(small, dead)
    monkeypatch.setattr(modulus, "WHOLE", 20)
    monkeypatch.setattr(modulus, "svd", lambda *_, **__: pytest.fail("decomposed whole"))
    np.testing.assert_allclose(inter_layer_top_values(small, dead), expected, rtol=ROUNDING)


@pytest.mark.parametrize("ratio", [1e2, 1e4, 1e7, 1e10])
def test_large_ratios(ratio):
    wide = with_values(np.r_[ratio, np.linspace(1, 0.5, 99)], 100, 100)
    small = with_values(np.r_[ratio, np.linspace(1, 0.5, 29)], 30, 100, seed=1)
    found, expected = leading_ratios([small, wide]), expected_values(small, wide)
    assert found.layers == pytest.approx((ratio, ratio), rel=1e-6)
    assert found.items == pytest.approx((expected[0] / expected[1],), rel=1e-6)


def test_ratios_along_a_chain_agree_with_numpy():
    shapes = [(3, 20), (20, 60), (60, 60), (60, 12)]
    chain = [frozen(i, *shape) for i, shape in enumerate(shapes)]
    parts = [svd(matrix, thin=True) for matrix in chain]
    found = leading_ratios(matrix.astype(np.float32) for matrix in chain)
    np.testing.assert_allclose(found.layers, [singular_ratio(part.s) for part in parts], rtol=1e-5)
    found = leading_ratios(iter(chain))
    np.testing.assert_allclose(found.layers, [singular_ratio(part.s) for part in parts], rtol=1e-9)
    items = [singular_ratio(inter_layer_values(a, b)) for a, b in pairwise(parts)]
    np.testing.assert_allclose(found.items, items, rtol=ROUNDING)


def test_infinite_ratios_come_out_as_such():
    rank_one = np.outer(np.arange(1.0, 61), np.ones(60))
    found = leading_ratios([frozen(0, 30, 60), rank_one, frozen(1, 60, 50), np.zeros((50, 4)), np.ones((4, 1))])
    assert np.isfinite(found.layers[0])
    assert found.layers[1] == np.inf
    assert np.isfinite(found.layers[2])
    assert found.layers[3:] == (np.inf, np.inf)
    assert found.items == (np.inf,) * 4


def test_a_network_of_one_layer_has_no_items():
    assert leading_ratios([np.diag([3.0, 1.0])]) == modulus.LeadingRatios((pytest.approx(3),), ())


def moduli(parts):
    return (parts.U * parts.s) @ parts.U.T, (parts.Vh.T * parts.s) @ parts.Vh


@pytest.mark.parametrize("shape", [(20, 90), (90, 20), (30, 45), (50, 50), (1, 9)])
def test_the_gram_matrix_gives_the_moduli_within_their_bound(shape):
    matrix = frozen(6, *shape)
    parts, error = gram_svd(matrix)
    for found, expected in zip(moduli(parts), moduli(svd(matrix, thin=True)), strict=True):
        assert np.linalg.norm(found - expected, 2) <= error
    assert error < 1e-10 * parts.s[0]
    np.testing.assert_allclose((parts.U * parts.s) @ parts.Vh, matrix, atol=1e-13 * parts.s[0])


@pytest.mark.parametrize("condition", [1.0, 30.0, 3e3, 1e5, 3e6, 1e7, 1e9, 1e17])
def test_the_bound_holds_for_ill_conditioned_matrices_and_singular_ones_have_none(condition):
    matrix = with_values(np.geomspace(condition, 1, 20), 90, 20)
    found = gram_svd(matrix)
    assert (found is None) == (condition > 6e6)
    if found is not None:
        for modulus_found, expected in zip(moduli(found[0]), moduli(svd(matrix, thin=True)), strict=True):
            assert np.linalg.norm(modulus_found - expected, 2) <= found[1]


def test_dead_units_are_zero_in_the_decomposition():
    dead = frozen(3, 40, 30).copy()
    dead[:, 10:14] = 0
    dead[5] = 0
    parts, _ = gram_svd(dead)
    assert (parts.U.shape, parts.s.shape, parts.Vh.shape) == ((40, 26), (26,), (26, 30))
    assert not parts.U[5].any()
    assert not parts.Vh[:, 10:14].any()
    assert gram_svd(np.zeros((3, 4))) is None


SCALES = [1e-310, 1e-307, 1e-160, 1e-20, 1.0, 1e20, 1e160, 1e300]


@pytest.mark.slow
@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40)),
    st.sampled_from(SCALES),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 512]),
)
@settings(max_examples=80, deadline=None)
def test_any_size_and_scale(sizes, scale, seed, whole):
    generator = np.random.default_rng(seed)
    before, after = generator.standard_normal(sizes[:2]), generator.standard_normal(sizes[1:])
    expected, item = np.linalg.svd(before, compute_uv=False), expected_values(before, after)
    # Numbers of 1e-310 have 46 binary digits, not 53; by the way of wide layers, items have an accuracy of 1e-7.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modulus, "WHOLE", whole)
        found = inter_layer_top_values(before * scale, after * scale)[: len(item)] / scale
        ratios = leading_ratios([before * scale, after * scale])
    np.testing.assert_allclose(found, item, rtol=1e-7, atol=1e-7 * item[0])
    np.testing.assert_allclose(top_singular_values(before * scale)[: len(expected)] / scale, expected[:2], rtol=1e-9)
    np.testing.assert_allclose(svd(before * scale).s / scale, expected, atol=1e-11 * expected[0])
    np.testing.assert_allclose(sorted_norms(before * scale, 0) / scale, sorted_norms(before, 0), rtol=1e-9)
    assert ratios.layers[0] == pytest.approx(singular_ratio(expected), rel=1e-7)
    assert ratios.items == (pytest.approx(singular_ratio(item), rel=1e-6),)


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [(1e-140, 1.0), (1.0, 1e140), (1e-120, 1e-130), (1e150, 1e120)])
@pytest.mark.parametrize("shapes", [((120, 120), (120, 30)), ((30, 120), (120, 120)), ((20, 30), (30, 90))])
def test_badly_scaled_layers(shapes, first, second):
    before, after = frozen(7, *shapes[0]), frozen(8, *shapes[1])
    expected = expected_values(before, after) * np.sqrt(first) * np.sqrt(second)
    np.testing.assert_allclose(inter_layer_top_values(before * first, after * second), expected, rtol=ROUNDING)
    found, plain = leading_ratios([before * first, after * second]), leading_ratios([before, after])
    np.testing.assert_allclose(found.layers + found.items, plain.layers + plain.items, rtol=ROUNDING)


@pytest.mark.parametrize(
    ("matrices", "words"),
    [
        ([np.zeros((3, 3, 2, 2))], "is not a matrix"),
        ([np.ones((2, 3)), np.ones((4, 2))], "3 outputs cannot stand before one with 4 inputs"),
        ([np.full((2, 3), np.nan)], "6 of the matrix's 6 entries"),
        ([np.full((50, 60), np.nan)], "3000 of the matrix's 3000 entries"),
        ([np.full((50, 60), np.nan), np.ones((60, 2))], "NaN or infinite"),
    ],
)
def test_bad_input_is_named(matrices, words):
    with pytest.raises(SpectraError, match=words):
        leading_ratios(matrices)
