"""Similarities of several networks: every pair by every measure, what they know of layers, and their file."""

import numpy as np
import pytest

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.measures import SVCCA, LinearCKA, Whitened, prepared, similarity_matrix
from netlens.model_comparison.second_moments import second_moments
from netlens.model_comparison.similarity import MEASURES, Similarities, similarities

CHANNELS = {"a": {"conv/x": 5, "conv/y": 4}, "b": {"one": 6, "two": 3, "three": 2}, "c": {"only": 4}}
PAIRS = [("a", "a"), ("b", "b"), ("c", "c"), ("a", "b"), ("a", "c"), ("b", "c")]


def activations(count=200, seed=0):
    """Give rectified activations by network; unit 0 of layer conv/y is dead."""
    rng = np.random.default_rng(seed)
    shared = rng.standard_normal((count, 3))
    made = {
        network: {
            layer: np.maximum(shared @ rng.standard_normal((3, size)) + rng.standard_normal((count, size)), 0)
            for layer, size in layers.items()
        }
        for network, layers in CHANNELS.items()
    }
    made["a"]["conv/y"][:, 0] = 0
    return made


@pytest.fixture(scope="module")
def sums():
    networks = activations()
    return {(one, other): second_moments(networks[one], networks[other]) for one, other in PAIRS}


def compared(sums, pairs=PAIRS, **parameters):
    return similarities(pairs, lambda one, other: sums[one, other], **parameters)


@pytest.mark.slow
def test_every_pair_is_compared_by_every_measure_with_its_parameters(sums):
    found = compared(sums, centred=True, ridge=1e-3, svcca_variance=0.9)
    measures = {"whitened": Whitened(True, 1e-3), "cka": LinearCKA(), "svcca": SVCCA(0.9)}
    assert list(measures) == list(MEASURES)
    for one, other in PAIRS:
        for name, measure in measures.items():
            ready = [prepared(measure, sums[network, network]) for network in (one, other)]
            expected = similarity_matrix(measure, sums[one, other], *ready)
            np.testing.assert_allclose(found.matrix(one, other, name), expected, atol=1e-14)
    assert (found.count, found.centred, found.ridge, found.svcca_variance) == (200, True, 1e-3, 0.9)
    assert found.pairs == tuple(PAIRS)
    assert len(found.matrices) == len(PAIRS) * 3


def test_what_is_known_of_layers(sums):
    table = compared(sums).networks["a"]
    assert table.layers == ("conv/x", "conv/y")
    np.testing.assert_array_equal(table.channels, [5, 4])
    np.testing.assert_array_equal(table.ranks, [5, 3])
    # Where a unit is dead, and nowhere else, there is a ridge: a millionth of the mean eigenvalue.
    covariance = sums["a", "a"].covariance("conv/y", "conv/y")
    np.testing.assert_allclose(table.ridges, [0, 1e-6 * np.trace(covariance) / 4], rtol=1e-10)
    assert (table.svcca_counts <= table.ranks).all()


def test_a_pair_can_be_asked_for_in_either_order(sums):
    found = compared(sums)
    np.testing.assert_array_equal(found.matrix("b", "a", "cka"), found.matrix("a", "b", "cka").T)
    assert found.matrix("a", "b").shape == (2, 3)
    with pytest.raises(ComparisonError, match="a and d were not compared by 'cka'; there are a--a"):
        found.matrix("a", "d", "cka")
    with pytest.raises(ComparisonError, match="not compared by 'pearson'"):
        found.matrix("a", "b", "pearson")


@pytest.mark.slow
def test_the_order_of_pairs_and_repeated_ones_do_not_matter(sums):
    found, turned = compared(sums), compared(sums, [*PAIRS[::-1], *PAIRS])
    for key, values in found.matrices.items():
        np.testing.assert_array_equal(values, turned.matrices[key])


@pytest.mark.slow
def test_sums_of_shards_give_the_similarities_of_all_images(sums):
    networks = activations()
    parts = [
        {name: {layer: values[rows] for layer, values in side.items()} for name, side in networks.items()}
        for rows in (slice(0, 70), slice(70, 200))
    ]
    merged = {
        (one, other): second_moments(parts[0][one], parts[0][other]) + second_moments(parts[1][one], parts[1][other])
        for one, other in PAIRS
    }
    whole, sharded = compared(sums), compared(merged)
    for key, values in whole.matrices.items():
        np.testing.assert_allclose(sharded.matrices[key], values, atol=1e-12)


@pytest.mark.slow
def test_file_holds_everything_and_the_same_bytes_every_time(sums, tmp_path):
    found = compared(sums)
    for name in ("once.npz", "again.npz"):
        compared(sums).save(tmp_path / name)
    assert (tmp_path / "once.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    read = Similarities.load(tmp_path / "once.npz")
    assert (read.count, read.centred, read.ridge, read.svcca_variance) == (200, False, 1e-6, 0.99)
    assert (read.pairs, list(read.networks)) == (found.pairs, list(found.networks))
    for name, table in found.networks.items():
        assert read.networks[name].layers == table.layers
        for part in ("channels", "ranks", "ridges", "svcca_counts"):
            np.testing.assert_array_equal(getattr(read.networks[name], part), getattr(table, part))
    assert list(read.matrices) == list(found.matrices)
    for key, values in found.matrices.items():
        np.testing.assert_array_equal(read.matrices[key], values)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a--b.cka": None}, r"array 'a--b\.cka' is missing"),
        ({"a--b.cka": np.zeros((3, 2))}, r"array 'a--b\.cka' has shape \(3, 2\), where 3 should be 2"),
        ({"b.ranks": np.zeros(3)}, r"array 'b\.ranks' is of type float64"),
        ({"a--a.pearson": np.zeros((2, 2))}, r"array 'a--a\.pearson' does not belong in it"),
        ({"pairs": np.array([["a", "z"]])}, "names the network 'z'"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(sums, tmp_path, change, message):
    compared(sums).save(tmp_path / "s.npz")
    arrays = load_arrays(tmp_path / "s.npz") | change
    save_arrays(tmp_path / "s.npz", {name: values for name, values in arrays.items() if values is not None})
    with pytest.raises(ArrayFileError, match=rf"s\.npz: .*{message}"):
        Similarities.load(tmp_path / "s.npz")


def test_a_network_that_is_not_compared_with_itself_is_named(sums):
    with pytest.raises(ComparisonError, match="b is compared with others but not with itself"):
        compared(sums, [("a", "a"), ("a", "b")])
    with pytest.raises(ComparisonError, match="no networks"):
        compared(sums, [])


@pytest.mark.slow
def test_sums_over_other_images_or_layers_are_refused(sums):
    few = activations(count=100)
    with pytest.raises(ComparisonError, match="different images: a with a over 200 images, a with b over 100 images"):
        compared({**sums, ("a", "b"): second_moments(few["a"], few["b"])}, [("a", "a"), ("b", "b"), ("a", "b")])
    networks = activations()
    other = {"one": networks["b"]["one"]}
    with pytest.raises(ComparisonError, match="other layers of b"):
        compared({**sums, ("a", "b"): second_moments(networks["a"], other)}, [("a", "a"), ("b", "b"), ("a", "b")])
