"""Second moments: compared with exact sums, combined from shards, saved, and what is refused."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.model_comparison import second_moments as module
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.second_moments import SecondMoments, second_moments, summed_second_moments

FIRST = {"conv/a": 3, "conv/b": 5}
SECOND = {"one": 4, "two": 2, "three": 1}


def activations(seed, channels, count=50, dtype=np.float32):
    rng = np.random.default_rng(seed)
    return {
        name: np.maximum(rng.standard_normal((count, size)) + 1, 0).astype(dtype) for name, size in channels.items()
    }


def parts(side, cuts):
    """Cut all layers at the same images."""
    edges = [0, *cuts, len(next(iter(side.values())))]
    return [{name: values[start:stop] for name, values in side.items()} for start, stop in pairwise(edges)]


def relative(got, expected):
    return np.abs(got - expected).max() / np.abs(expected).max()


def test_small_integers_are_summed_exactly():
    first = {"a": np.array([[1, 2], [3, 4], [0, 1]], np.float32)}
    second = {"b": np.array([[1], [-1], [2]], np.float32)}
    found = second_moments(first, second)
    assert found.count == 3
    assert (found.first_layers, found.second_layers) == (("a",), ("b",))
    np.testing.assert_array_equal(found.first_sums[0], [4, 7])
    np.testing.assert_array_equal(found.second_sums[0], [2])
    np.testing.assert_array_equal(found.products["a", "b"], [[-2], [0]])
    np.testing.assert_array_equal(found.covariance("a", "b"), np.array([[-2], [0]]) / 3)
    np.testing.assert_allclose(found.covariance("a", "b", centred=True), [[-2 / 3 - 8 / 9], [0 - 14 / 9]], rtol=1e-15)
    assert found.products["a", "b"].dtype == np.float64


def test_float32_samples_lose_nothing_in_the_sum():
    # In float32 the sum of 4,000 squares of about 1,000 is wrong by 1e-5 or so of itself.
    side = {name: values + np.float32(1000) for name, values in activations(0, FIRST, 4000).items()}
    found = second_moments(side, side)
    for a in FIRST:
        for b in FIRST:
            exact = side[a].astype(np.longdouble).T @ side[b].astype(np.longdouble)
            assert relative(found.products[a, b], exact) < 1e-14


def test_centred_is_the_covariance_of_numpy():
    first, second = activations(1, FIRST), activations(2, SECOND)
    found = second_moments(first, second)
    for a in FIRST:
        for b in SECOND:
            joint = np.cov(first[a].astype(float), second[b].astype(float), rowvar=False, bias=True)
            np.testing.assert_allclose(
                found.covariance(a, b, centred=True), joint[: FIRST[a], FIRST[a] :], atol=1e-15, rtol=0
            )


@given(st.lists(st.integers(0, 50), max_size=4).map(sorted), st.booleans())
@settings(max_examples=30, deadline=None)
def test_any_shards_give_the_same_sums(cuts, itself):
    first = activations(3, FIRST)
    second = first if itself else activations(4, SECOND)
    whole = second_moments(first, second)
    pieces = parts(first, cuts)
    pairs = [(piece, piece) for piece in pieces] if itself else list(zip(pieces, parts(second, cuts), strict=True))
    together = summed_second_moments(pairs)
    filled = [second_moments(*pair) for pair in pairs if len(pair[0]["conv/a"])]
    added = sum(filled[1:], start=filled[0])
    for merged in (together, added):
        assert merged.count == whole.count
        assert merged.symmetric == itself
        assert set(merged.products) == set(whole.products)
        for pair, expected in whole.products.items():
            assert relative(merged.products[pair], expected) < 1e-14
        for side in ("first_sums", "second_sums"):
            for got, expected in zip(getattr(merged, side), getattr(whole, side), strict=True):
                assert relative(got, expected) < 1e-14


def test_a_network_with_itself_gives_what_two_copies_give():
    side = activations(5, FIRST)
    copy = {name: values.copy() for name, values in side.items()}
    itself, copies = second_moments(side, side), second_moments(side, copy)
    assert (itself.symmetric, copies.symmetric) == (True, False)
    assert set(itself.products) == set(copies.products)
    for (a, b), expected in copies.products.items():
        assert relative(itself.products[a, b], expected) < 1e-14
        np.testing.assert_array_equal(itself.products[a, b], itself.products[b, a].T)
    added = itself + copies
    assert not added.symmetric
    # Not the same bits: OpenBLAS may add in another order where it multiplies the transposes.
    assert relative(added.products["conv/b", "conv/a"], 2 * copies.products["conv/b", "conv/a"]) < 1e-14


@pytest.mark.slow
def test_blocks_of_rows_keep_memory_at_the_result_and_a_block():
    count, channels = 40_000, {f"layer{index}": 100 for index in range(4)}
    first, second = activations(8, channels, count), activations(9, channels, count)
    result = 8 * 400 * 400
    tracemalloc.start()
    found = second_moments(first, second)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All rows of both in float64 would be 256e6: there are two blocks.
    assert peak < result + module._BLOCK_BYTES * 1.05
    for (a, b), got in found.products.items():
        assert relative(got, first[a].astype(np.float64).T @ second[b].astype(np.float64)) < 1e-14


@pytest.mark.parametrize("itself", [True, False])
def test_a_file_keeps_everything_and_half_of_what_is_symmetric(tmp_path, itself):
    first = activations(10, FIRST)
    second = first if itself else activations(11, SECOND)
    found = second_moments(first, second)
    found.save(tmp_path / "p.npz")
    assert ("product_1_0" in load_arrays(tmp_path / "p.npz")) != itself
    back = SecondMoments.load(tmp_path / "p.npz")
    assert (back.count, back.symmetric) == (found.count, found.symmetric)
    assert (back.first_layers, back.second_layers) == (found.first_layers, found.second_layers)
    assert list(back.products) == list(found.products)
    for pair, values in found.products.items():
        np.testing.assert_array_equal(back.products[pair], values)
        np.testing.assert_array_equal(
            back.covariance(*pair, centred=True), found.covariance(*pair, centred=True), strict=True
        )


def test_covariance_is_a_new_array():
    side = activations(12, FIRST)
    found = second_moments(side, side)
    before = found.products["conv/a", "conv/b"].copy()
    found.covariance("conv/a", "conv/b")[:] = 0
    found.covariance("conv/b", "conv/a", centred=True)[:] = 0
    np.testing.assert_array_equal(found.products["conv/a", "conv/b"], before)


def test_what_does_not_fit_is_refused_in_one_line():
    first, second = activations(13, FIRST), activations(14, SECOND)
    short = {**second, "two": second["two"][:-1]}
    broken = {**second, "one": second["one"].copy()}
    broken["one"][31, 2] = np.nan
    cases = [
        (first, short, "layer 'two' of the second network has 49"),
        (first, broken, "layer 'one': activation nan of unit 2 at image 31"),
        ({}, second, "first network: no layers"),
        (
            first,
            {"maps": np.zeros((50, 2, 2, 3))},
            r"second network, layer 'maps': activations are float64 \(50, 2, 2, 3\)",
        ),
        (first, {"c": np.zeros((50, 2), complex)}, "complex128"),
        ({"a": np.zeros((0, 2))}, {"b": np.zeros((0, 2))}, "at least one image"),
    ]
    for one, other, words in cases:
        with pytest.raises(ComparisonError, match=words) as raised:
            second_moments(one, other)
        assert "\n" not in str(raised.value)


def test_shards_that_do_not_fit_are_refused():
    first, second = activations(15, FIRST), activations(16, SECOND)
    with pytest.raises(ComparisonError, match="at least one image"):
        summed_second_moments([])
    with pytest.raises(ComparisonError, match="second network: one shard has layers"):
        summed_second_moments([(first, second), (first, activations(17, {**SECOND, "two": 7}))])
    with pytest.raises(ComparisonError, match="a network with itself"):
        summed_second_moments([(first, first), (first, second)])
    with pytest.raises(ComparisonError, match="different layers"):
        second_moments(first, second) + second_moments(first, first)
    with pytest.raises(ComparisonError, match=r"\(3, 4\).*\(3, 9\)"):
        second_moments(first, second) + second_moments(first, activations(18, {**SECOND, "one": 9}))


def test_an_unknown_layer_is_refused():
    found = second_moments(activations(19, FIRST), activations(20, SECOND))
    with pytest.raises(ComparisonError, match=r"second network: no layer 'conv/a'.* one, two, three"):
        found.covariance("conv/a", "conv/a")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"product_0_1": None}, "array 'product_0_1' is missing"),
        ({"product_0_1": np.zeros((2, 2))}, r"array 'product_0_1' has shape \(2, 2\), where 2 should be 3"),
        ({"product_0_1": np.zeros((3, 2), int)}, "array 'product_0_1' is of type int64"),
        ({"product_9_9": np.zeros((3, 2))}, "array 'product_9_9' does not belong in it"),
        ({"count": np.array(0)}, "it counts 0 images"),
        ({"symmetric": np.array(True)}, "does not belong in it"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(tmp_path, change, message):
    second_moments(activations(19, FIRST), activations(20, SECOND)).save(tmp_path / "p.npz")
    arrays = load_arrays(tmp_path / "p.npz") | change
    save_arrays(tmp_path / "p.npz", {name: values for name, values in arrays.items() if values is not None})
    with pytest.raises(ArrayFileError, match=rf"p\.npz: .*{message}") as raised:
        SecondMoments.load(tmp_path / "p.npz")
    assert "\n" not in str(raised.value)
