"""Measures of similarity: against oracles from the samples, what they do not depend on, singular layers."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.measures import SVCCA, LinearCKA, Whitened, nuclear_norm, prepared, similarity_matrix
from netlens.model_comparison.second_moments import second_moments

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
EXACT = Whitened(ridge=0.0)


@pytest.fixture(scope="module")
def pairwise_similarity():
    spec = importlib.util.spec_from_file_location("_pairwise_similarity", BENCHMARKS / "_pairwise_similarity.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pairwise_similarity


def network(seed, channels, count=400, dtype=np.float64):
    """Give rectified activations whose layers have something in common, whatever the seed."""
    shared = np.random.default_rng(99).standard_normal((count, 4))
    rng = np.random.default_rng(seed)
    return {
        name: np.maximum(shared @ rng.standard_normal((4, size)) + rng.standard_normal((count, size)) + 0.3, 0).astype(
            dtype
        )
        for name, size in channels.items()
    }


FIRST = {"conv": 5, "mixed/a": 9, "logits": 3}
SECOND = {"one": 7, "two": 4}


def matrix_of(measure, first, second):
    sums = second_moments(first, first), second_moments(second, second)
    ready = [prepared(measure, own) for own in sums]
    return similarity_matrix(measure, second_moments(first, second), *ready)


def value_of(measure, a, b):
    return float(matrix_of(measure, {"a": a}, {"b": b})[0, 0])


def own_matrix(measure, side):
    own = second_moments(side, side)
    ready = prepared(measure, own)
    return similarity_matrix(measure, own, ready, ready)


def cka_of_samples(a, b):
    """Linear CKA as kernels of images, (n, n), by the definition of HSIC."""
    centring = np.eye(len(a)) - 1 / len(a)
    kernels = [centring @ (x @ x.T) @ centring for x in (a, b)]
    return np.sum(kernels[0] * kernels[1]) / np.sqrt(np.sum(kernels[0] ** 2) * np.sum(kernels[1] ** 2))


def svcca_of_samples(a, b, variance):
    """SVCCA by singular value decompositions of the samples and orthonormal bases."""
    bases = []
    for x in (a - a.mean(axis=0), b - b.mean(axis=0)):
        u, s, _ = np.linalg.svd(x, full_matrices=False)
        kept = np.searchsorted(np.cumsum(s**2) / np.sum(s**2), variance) + 1
        bases.append(u[:, : min(kept, len(s))])
    return np.linalg.svd(bases[0].T @ bases[1], compute_uv=False).mean()


# ---- the definitions


def test_whitened_agrees_with_everything_anew_for_each_pair(pairwise_similarity):
    first, second = network(1, FIRST, dtype=np.float32), network(2, SECOND, dtype=np.float32)
    found = matrix_of(Whitened(), first, second)
    for i, a in enumerate(FIRST):
        for j, b in enumerate(SECOND):
            assert abs(found[i, j] - pairwise_similarity(first[a], second[b])) < 1e-13


def test_centred_whitened_is_that_of_centred_samples(pairwise_similarity):
    first, second = network(1, FIRST), network(2, SECOND)
    found = matrix_of(Whitened(centred=True), first, second)
    for i, a in enumerate(FIRST):
        for j, b in enumerate(SECOND):
            expected = pairwise_similarity(first[a] - first[a].mean(axis=0), second[b] - second[b].mean(axis=0))
            assert abs(found[i, j] - expected) < 1e-13
    assert np.abs(found - matrix_of(Whitened(), first, second)).max() > 0.01


def test_any_root_of_the_inverse_gives_the_same_sum_of_singular_values():
    first, second = network(1, {"a": 6})["a"], network(2, {"b": 8})["b"]
    covariances = [x.T @ x / len(x) for x in (first, second)]
    between = first.T @ second / len(first)

    def symmetric(inverse):
        values, vectors = np.linalg.eigh(inverse)
        return vectors * np.sqrt(values) @ vectors.T

    inverses = [np.linalg.inv(covariance) for covariance in covariances]
    sums = [
        np.linalg.svd(root(inverses[0]).T @ between @ other(inverses[1]), compute_uv=False).sum() / 8
        for root in (np.linalg.cholesky, symmetric)
        for other in (np.linalg.cholesky, symmetric)
    ]
    assert np.ptp(sums) < 1e-14
    assert value_of(Whitened(), first, second) == pytest.approx(sums[0], abs=1e-14)


def test_cka_agrees_with_kernels_of_images():
    first, second = network(1, FIRST), network(2, SECOND)
    found = matrix_of(LinearCKA(), first, second)
    expected = [[cka_of_samples(a, b) for b in second.values()] for a in first.values()]
    np.testing.assert_allclose(found, expected, atol=1e-13)


@pytest.mark.parametrize("variance", [0.5, 0.9, 0.99, 1.0])
def test_svcca_agrees_with_decompositions_of_the_samples(variance):
    first, second = network(1, FIRST), network(2, SECOND)
    found = matrix_of(SVCCA(variance), first, second)
    expected = [[svcca_of_samples(a, b, variance) for b in second.values()] for a in first.values()]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_svcca_by_hand():
    # Two columns that agree in the direction with nearly all of the variance, and in nothing else.
    samples = np.random.default_rng(4).standard_normal((50, 3))
    a, b, c = np.linalg.qr(samples - samples.mean(axis=0))[0].T
    first, second = np.stack([10 * a, b], axis=1), np.stack([10 * a, c], axis=1)
    assert value_of(SVCCA(0.9), first, second) == pytest.approx(1, abs=1e-13)
    assert value_of(SVCCA(1.0), first, second) == pytest.approx(0.5, abs=1e-13)
    assert value_of(Whitened(), first, second) == pytest.approx(0.5, abs=1e-13)
    assert value_of(LinearCKA(), first, second) == pytest.approx(1e4 / (1e4 + 1), rel=1e-13)


# ---- a layer with itself


@pytest.mark.parametrize("measure", [Whitened(), Whitened(centred=True), LinearCKA(), SVCCA()])
def test_a_layer_of_full_rank_is_similar_to_itself_by_one(measure):
    for name, values in network(1, FIRST).items():
        assert value_of(measure, values, values) == pytest.approx(1, abs=1e-13), name


def test_a_layer_of_rank_r_is_similar_to_itself_by_r_over_its_channels():
    rng = np.random.default_rng(5)
    values = rng.standard_normal((300, 4)) @ rng.standard_normal((4, 10))
    assert value_of(EXACT, values, values) == pytest.approx(4 / 10, abs=1e-13)
    ready = prepared(EXACT, second_moments({"a": values}, {"a": values}))["a"]
    assert ready.rank == 4
    assert ready.self_similarity == pytest.approx(4 / 10, abs=1e-13)


def test_what_the_ridge_does_to_a_singular_layer_is_what_whitening_says():
    rng = np.random.default_rng(6)
    values = rng.standard_normal((300, 4)) @ rng.standard_normal((4, 10))
    for ridge in (1e-6, 1e-3, 0.1):
        measure = Whitened(ridge=ridge)
        own = second_moments({"a": values}, {"a": values})
        told = prepared(measure, own)["a"]
        found = value_of(measure, values, values)
        assert told.ridge > 0
        assert found == pytest.approx(told.self_similarity, abs=1e-12)
        eigenvalues = np.linalg.eigvalsh(values.T @ values / 300)[-4:]
        added = ridge * eigenvalues.sum() / 10
        assert found == pytest.approx(np.sum(eigenvalues / (eigenvalues + added)) / 10, abs=1e-11)
        assert found < 0.4


def test_dead_units_count_in_the_denominator_only():
    values, other = network(1, {"a": 6})["a"], network(2, {"b": 5})["b"]
    dead = np.concatenate([values, np.zeros((len(values), 2))], axis=1)
    assert value_of(EXACT, dead, other) == pytest.approx(value_of(EXACT, values, other) * 6 / 8, abs=1e-13)
    for measure in (LinearCKA(), SVCCA()):
        assert value_of(measure, dead, other) == pytest.approx(value_of(measure, values, other), abs=1e-13)


def test_with_fewer_images_than_channels_two_layers_agree_in_all_that_they_say():
    # n images, more channels than images in both: both span everything there is, so n canonical correlations are 1.
    rng = np.random.default_rng(7)
    a, b = rng.standard_normal((8, 20)), rng.standard_normal((8, 30))
    assert value_of(EXACT, a, b) == pytest.approx(8 / 30, abs=1e-12)
    assert value_of(SVCCA(1.0), a, b) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("measure", [Whitened(), Whitened(centred=True), LinearCKA(), SVCCA()])
@pytest.mark.parametrize("constant", [0.0, 1000 / 3])
def test_a_layer_in_which_nothing_varies_is_similar_to_nothing(measure, constant):
    still, other = np.full((60, 4), constant), network(1, {"a": 5}, count=60)["a"]
    values = [value_of(measure, still, other), value_of(measure, other, still), value_of(measure, still, still)]
    if isinstance(measure, Whitened) and not measure.centred and constant:
        # Not centred, a constant is one direction like any other.
        assert values[2] == pytest.approx(1 / 4, abs=1e-5)
        assert 0 < values[0] < 1 / 5
    else:
        assert values == [0, 0, 0]


# ---- what they do not depend on


def invertible(rng, size):
    """Give an invertible map of condition number 100."""
    left, right = (np.linalg.qr(rng.standard_normal((size, size)))[0] for _ in range(2))
    return left * np.geomspace(1, 100, size) @ right


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(2, 8))
@settings(max_examples=15, deadline=None)
def test_invertible_maps_change_neither_whitened_nor_whole_svcca(seed, first_size, second_size):
    rng = np.random.default_rng(seed)
    a, b = network(seed, {"a": first_size})["a"], network(seed + 1, {"b": second_size})["b"]
    for measure in (EXACT, Whitened(centred=True, ridge=0), SVCCA(1.0)):
        plain = value_of(measure, a, b)
        mapped = value_of(measure, a @ invertible(rng, first_size), b @ invertible(rng, second_size))
        assert abs(plain - mapped) < 1e-10


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
@settings(max_examples=15, deadline=None)
def test_rotations_and_one_scale_change_nothing(seed, scale):
    rng = np.random.default_rng(seed)
    a, b = network(seed, {"a": 6})["a"], network(seed + 1, {"b": 4})["b"]
    turned = [x @ np.linalg.qr(rng.standard_normal((x.shape[1],) * 2))[0] for x in (a, b)]
    for measure in (Whitened(), LinearCKA(), SVCCA(0.9)):
        assert abs(value_of(measure, a, b) - value_of(measure, scale * turned[0], turned[1] / scale)) < 1e-11


def test_invertible_maps_do_change_cka_and_svcca_of_a_part_of_the_variance():
    rng = np.random.default_rng(8)
    a, b = network(1, {"a": 8})["a"], network(2, {"b": 8})["b"]
    mapped = a @ invertible(rng, 8)
    for measure in (LinearCKA(), SVCCA(0.9)):
        assert abs(value_of(measure, a, b) - value_of(measure, mapped, b)) > 0.01


def test_centred_measures_do_not_see_what_is_added_to_all_images():
    a, b = network(1, {"a": 6})["a"], network(2, {"b": 4})["b"]
    for measure in (Whitened(centred=True), LinearCKA(), SVCCA()):
        assert abs(value_of(measure, a, b) - value_of(measure, a + 3, b - 5)) < 1e-12
    assert abs(value_of(Whitened(), a, b) - value_of(Whitened(), a + 3, b)) > 1e-4


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.integers(2, 30))
@settings(max_examples=25, deadline=None)
def test_values_lie_in_0_to_1_and_do_not_depend_on_which_layer_comes_first(seed, first_size, second_size, count):
    a = network(seed, {"a": first_size}, count=count)["a"]
    b = network(seed + 1, {"b": second_size}, count=count)["b"]
    for measure in (Whitened(), Whitened(centred=True), EXACT, LinearCKA(), SVCCA(), SVCCA(1.0)):
        value = value_of(measure, a, b)
        # With few images covariances can have any condition number, and rounding is that times eps.
        assert -1e-12 <= value <= 1 + 1e-8
        assert value == pytest.approx(value_of(measure, b, a), abs=1e-8)
        if isinstance(measure, Whitened):
            assert value <= min(first_size, second_size, count) / max(first_size, second_size) + 1e-8


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("measure", [Whitened(), LinearCKA(), SVCCA()])
def test_very_large_and_very_small_activations(measure, scale):
    a, b = network(1, {"a": 6})["a"], network(2, {"b": 4})["b"]
    assert value_of(measure, scale * a, b) == pytest.approx(value_of(measure, a, b), abs=1e-13)
    assert value_of(measure, scale * a, scale * b) == pytest.approx(value_of(measure, a, b), abs=1e-13)


# ---- matrices of networks


@pytest.mark.parametrize("measure", [Whitened(), LinearCKA(), SVCCA()])
def test_a_network_with_itself_is_symmetric_and_half_of_it_is_computed(measure):
    side = network(1, FIRST)
    half = own_matrix(measure, side)
    np.testing.assert_array_equal(half, half.T)
    other = {name: values.copy() for name, values in side.items()}
    np.testing.assert_allclose(half, matrix_of(measure, side, other), atol=1e-13)
    np.testing.assert_allclose(np.diagonal(half), 1, atol=1e-13)


def test_a_permuted_copy_is_the_network_itself():
    side = network(1, FIRST)
    rng = np.random.default_rng(9)
    copy = {name: values[:, rng.permutation(values.shape[1])] for name, values in side.items()}
    for measure in (Whitened(), LinearCKA(), SVCCA()):
        np.testing.assert_allclose(matrix_of(measure, side, copy), own_matrix(measure, side), atol=1e-12)


def test_matrices_are_the_same_every_time():
    first, second = network(1, FIRST), network(2, SECOND)
    for measure in (Whitened(), LinearCKA(), SVCCA()):
        np.testing.assert_array_equal(matrix_of(measure, first, second), matrix_of(measure, first, second))


def test_layers_that_were_not_prepared_are_named():
    first, second = network(1, FIRST), network(2, SECOND)
    ready = prepared(EXACT, second_moments(first, first))
    with pytest.raises(ComparisonError, match="second network: layer 'one' was not prepared"):
        similarity_matrix(EXACT, second_moments(first, second), ready, ready)


def test_layers_prepared_from_others_are_refused():
    first = network(1, FIRST)
    wrong = prepared(EXACT, second_moments(*[network(1, {"conv": 6, "mixed/a": 9, "logits": 3})] * 2))
    with pytest.raises(ComparisonError, match=r"is not that of layers with 6 and \d channels"):
        similarity_matrix(EXACT, second_moments(first, first), wrong, wrong)


def test_a_parameter_that_cannot_be_names_the_layer():
    own = second_moments(*[network(1, FIRST)] * 2)
    with pytest.raises(ComparisonError, match="layer 'conv': share of variance 2"):
        prepared(SVCCA(2), own)


# ---- sums of singular values


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_nuclear_norms_agree_with_singular_values(rows, columns, seed):
    matrix = np.random.default_rng(seed).standard_normal((rows, columns))
    values = np.linalg.svd(matrix, compute_uv=False)
    assert abs(nuclear_norm(matrix) - values.sum()) < 1e-11 * values.sum()


@pytest.mark.parametrize(
    "s",
    [
        pytest.param(np.ones(30), id="all equal"),
        pytest.param(np.geomspace(1, 1e-3, 30), id="squares are good enough"),
        pytest.param(np.geomspace(1, 1e-12, 30), id="squares would lose the small ones"),
        pytest.param(np.r_[1.0, np.full(29, 3e-9)], id="one large, many below the root of rounding"),
        pytest.param(np.r_[np.ones(10), np.zeros(20)], id="a third of the rank"),
        pytest.param(1e-150 * np.ones(30), id="tiny"),
        pytest.param(1e150 * np.ones(30), id="huge"),
    ],
)
def test_small_singular_values_are_not_lost_in_squares(s):
    rng = np.random.default_rng(10)
    left, right = np.linalg.qr(rng.standard_normal((50, 30)))[0], np.linalg.qr(rng.standard_normal((30, 30)))[0]
    matrix = left * s @ right.T
    for given_matrix in (matrix, matrix.T):
        assert abs(nuclear_norm(given_matrix) - s.sum()) <= 1e-10 * s[0] * len(s)


def test_nothing_has_no_singular_values():
    assert nuclear_norm(np.zeros((0, 3))) == 0
    assert nuclear_norm(np.zeros((4, 3))) == 0
