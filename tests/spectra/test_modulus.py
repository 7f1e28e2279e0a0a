from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.spectra import band, modulus
from netlens.spectra.decomposition import inter_layer_values, singular_ratio, svd
from netlens.spectra.matrices import SpectraError
from netlens.spectra.modulus import BandedGram, inter_layer_top_values, leading_ratios

# What the sum over poles leaves in items; measured: 2e-9.
SUM_ERROR = 4e-9


@pytest.fixture(autouse=True)
def _wide_from_40(monkeypatch):
    """Take the way of wide layers for matrices that a test can afford."""
    monkeypatch.setattr(modulus, "WHOLE", 40)
    monkeypatch.setattr(modulus, "DIRECT", 4)
    monkeypatch.setattr(modulus, "_COLUMNS", 16)
    monkeypatch.setattr(band, "_PANEL", 8)
    monkeypatch.setattr(band, "_ROWS", 16)
    monkeypatch.setattr(band, "_COLUMNS", 24)


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


def direct(matrix, side):
    gram = matrix @ matrix.T if side == "left" else matrix.T @ matrix
    values, vectors = np.linalg.eigh(gram)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


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
    np.testing.assert_allclose(found[: len(expected)], expected, rtol=SUM_ERROR)
    assert not found[len(expected) :].any()


@pytest.mark.parametrize("decades", [2, 4, 6, 8, 12])
@pytest.mark.parametrize("wide_first", [True, False])
def test_ill_conditioned_wide_layers(decades, wide_first):
    # Where the Gram matrix does not resolve enough, the layers must have been decomposed whole.
    wide = with_values(np.logspace(0, -decades, 100), 100, 100)
    before, after = (wide, frozen(2, 100, 30)) if wide_first else (frozen(2, 30, 100), wide)
    np.testing.assert_allclose(inter_layer_top_values(before, after), expected_values(before, after), rtol=2e-7)


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
    monkeypatch.setattr(modulus, "inter_layer_values", lambda *_: pytest.fail("decomposed whole"))
    np.testing.assert_allclose(inter_layer_top_values(small, dead), expected, rtol=SUM_ERROR)


@pytest.mark.parametrize("ratio", [1e2, 1e4, 1e7, 1e10])
def test_large_ratios(ratio):
    wide = with_values(np.r_[ratio, np.linspace(1, 0.5, 99)], 100, 100)
    small = with_values(np.r_[ratio, np.linspace(1, 0.5, 29)], 30, 100, seed=1)
    found, expected = leading_ratios([small, wide]), expected_values(small, wide)
    assert found.layers == pytest.approx((ratio, ratio), rel=1e-6)
    assert found.items == pytest.approx((expected[0] / expected[1],), rel=1e-6)


@given(st.integers(41, 70), st.integers(41, 70), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=15, deadline=None)
def test_the_modulus_form_is_that_of_the_definition_within_its_bound(rows, columns, seed, left):
    generator = np.random.default_rng(seed)
    matrix = generator.standard_normal((rows, columns))
    vectors = generator.standard_normal((rows if left else columns, 5))
    side = "left" if left else "right"
    form, error = BandedGram(matrix).modulus_form(vectors, side)
    expected = vectors.T @ direct(matrix, side) @ vectors
    scale = np.linalg.norm(expected, 2)
    # The oracle goes through a Gram matrix too, which has null directions where ours has not: root of eps.
    assert np.linalg.norm(form - expected, 2) <= error + 2e-8 * scale
    assert error < 1e-6 * scale


def test_the_sum_over_poles_is_the_inverse_root():
    for smallest in (0.5, 1e-4, 1e-13):
        x = np.geomspace(smallest, 1, 500)
        shifts, weights = modulus._poles(smallest)
        assert np.abs((weights[:, None] / (x + shifts[:, None])).sum(axis=0) * np.sqrt(x) - 1).max() < 4e-8
        assert (shifts > 0).all()
        assert (weights > 0).all()


def test_ratios_along_a_chain_agree_with_numpy():
    shapes = [(3, 20), (20, 60), (60, 60), (60, 12)]
    chain = [frozen(i, *shape) for i, shape in enumerate(shapes)]
    parts = [svd(matrix, thin=True) for matrix in chain]
    found = leading_ratios(matrix.astype(np.float32) for matrix in chain)
    np.testing.assert_allclose(found.layers, [singular_ratio(part.s) for part in parts], rtol=1e-5)
    found = leading_ratios(iter(chain))
    np.testing.assert_allclose(found.layers, [singular_ratio(part.s) for part in parts], rtol=1e-9)
    items = [singular_ratio(inter_layer_values(a, b)) for a, b in pairwise(parts)]
    np.testing.assert_allclose(found.items, items, rtol=SUM_ERROR)


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


def modulus_of(matrix, side):
    U, s, Vh = np.linalg.svd(matrix, full_matrices=False)
    return (U * s) @ U.T if side == "left" else (Vh.T * s) @ Vh


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("shape", [(20, 90), (90, 20), (30, 45)])
def test_roots_of_small_layers_without_a_decomposition(shape, side):
    layer = modulus._Layer(frozen(6, *shape))
    expected = modulus_of(layer.matrix, side)
    root = layer.root(side)
    assert layer.short is not None
    np.testing.assert_allclose(root @ root.T, expected, atol=1e-12 * np.linalg.norm(expected, 2))
    np.testing.assert_allclose(layer.top_values(), np.linalg.svd(layer.matrix, compute_uv=False)[:2], rtol=1e-13)
    assert "whole" not in vars(layer)


@pytest.mark.parametrize("condition", [1.0, 30.0, 300.0, 3e3, 1e6, 1e17])
def test_roots_of_small_layers_are_accurate_or_decomposed(condition):
    # Relative to the modulus itself, in every direction: what the item's values are wrong by.
    layer = modulus._Layer(with_values(np.geomspace(condition, 1, 20), 90, 20))
    U, s, _ = np.linalg.svd(layer.matrix, full_matrices=False)
    half = (U.T @ layer.root("left")) / np.sqrt(s)[:, None]
    if condition < 1e6:
        assert np.abs(half @ half.T - np.eye(20)).max() < modulus._ROOT_ACCURACY / 2
    assert (layer.short is None) == (condition > 840)


@pytest.mark.parametrize(("first", "second"), [(1e-140, 1.0), (1.0, 1e140), (1e-120, 1e-130), (1e150, 1e120)])
@pytest.mark.parametrize("shapes", [((120, 120), (120, 30)), ((30, 120), (120, 120)), ((20, 30), (30, 90))])
def test_badly_scaled_layers(shapes, first, second):
    before, after = frozen(7, *shapes[0]), frozen(8, *shapes[1])
    expected = expected_values(before, after) * np.sqrt(first) * np.sqrt(second)
    np.testing.assert_allclose(inter_layer_top_values(before * first, after * second), expected, rtol=SUM_ERROR)
    found, plain = leading_ratios([before * first, after * second]), leading_ratios([before, after])
    np.testing.assert_allclose(found.layers + found.items, plain.layers + plain.items, rtol=SUM_ERROR)


def test_top_values_of_the_band_where_the_iteration_does_not_converge(monkeypatch):
    wide = frozen(9, 100, 80)
    monkeypatch.setattr(modulus, "krylov", lambda *_, **__: None)
    gram = BandedGram(wide)
    np.testing.assert_allclose(gram.top_values(), np.linalg.svd(wide, compute_uv=False)[:2], rtol=1e-10)
    # Without an estimate of the smallest eigenvalue there are more poles.
    form, _ = gram.modulus_form(np.eye(80), "right")
    np.testing.assert_allclose(form, direct(wide, "right"), atol=1e-7)


@pytest.mark.parametrize(
    ("matrices", "words"),
    [
        ([np.zeros((3, 3, 2, 2))], "give 1x1 views"),
        ([np.ones((2, 3)), np.ones((4, 2))], "3 outputs cannot stand before one with 4 inputs"),
        ([np.full((2, 3), np.nan)], "6 of the matrix's 6 entries"),
        ([np.full((50, 60), np.nan)], "NaN or infinite"),
        ([np.full((50, 60), np.nan), np.ones((60, 2))], "NaN or infinite"),
    ],
)
def test_bad_input_is_named(matrices, words):
    with pytest.raises(SpectraError, match=words):
        leading_ratios(matrices)
