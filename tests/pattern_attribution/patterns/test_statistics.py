"""Merging, saving and loading sums: plain arrays, no network."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.files.arrays import ArrayFileError, save_arrays
from netlens.pattern_attribution.patterns.statistics import (
    ESTIMATORS,
    LayerSums,
    PatternSums,
    PatternSumsError,
    estimator_names,
    load_sums,
    matrices_for,
    merge,
    save_sums,
)


def layer_sums(X, W, bias, kernel_shape=None, estimators=ESTIMATORS):
    Y = X @ W
    m = Y + bias > 0
    made = {"x_active": X.T @ m, "xy_active": X.T @ (Y * m), "xy_inactive": X.T @ (Y * ~m), "xy": X.T @ Y}
    kept = {name: made[name] for name in matrices_for(estimator_names(estimators))}
    return LayerSums(kernel_shape or W.shape, len(X), X.sum(axis=0), Y.sum(axis=0), m.sum(axis=0), **kept)


def shards_of(parts, images=12, seed=0, **options):
    """Sums of random data, three samples an image, in shards."""
    rng = np.random.default_rng(seed)
    layers = {"conv": (rng.normal(size=(images, 3, 8)), rng.normal(size=(8, 2)), (2, 2, 2, 2))}
    layers["fc"] = (rng.normal(size=(images, 1, 5)), rng.normal(size=(5, 4)), (5, 4))
    edges = [images * part // parts for part in range(parts + 1)]
    made = []
    for part in range(parts):
        rows = slice(edges[part], edges[part + 1])
        sums = {
            name: layer_sums(x[rows].reshape(-1, w.shape[0]), w, 0.1, shape, **options)
            for name, (x, w, shape) in layers.items()
        }
        count = edges[part + 1] - edges[part]
        made.append(PatternSums(sums, count, images, parts, (part + 1,), 4, "float32", "abc"))
    return made


def assert_same(a, b, rtol=0.0):
    for field in ("images", "total_images", "batch_size", "precision", "network"):
        assert getattr(a, field) == getattr(b, field)
    assert list(a.layers) == list(b.layers)
    for name, layer in a.layers.items():
        other = b.layers[name]
        assert (layer.kernel_shape, layer.samples) == (other.kernel_shape, other.samples)
        np.testing.assert_array_equal(layer.active, other.active)
        assert layer.active.dtype == np.int64
        for field in ("x", "y", "x_active", "xy_active", "xy_inactive", "xy"):
            mine, theirs = getattr(layer, field), getattr(other, field)
            assert (mine is None) == (theirs is None)
            if mine is not None:
                assert mine.dtype == np.float64
                np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=rtol)


@pytest.mark.slow
@settings(deadline=None)
@given(order=st.permutations(range(5)), seed=st.integers(0, 1000))
def test_merging_is_adding_in_any_order_and_grouping(order, seed):
    parts = shards_of(5, seed=seed)
    whole = shards_of(1, seed=seed)[0]
    at_once = merge([parts[index] for index in order])
    in_groups = merge([merge([parts[index] for index in order[:2]]), merge([parts[index] for index in order[2:]])])
    assert at_once.shards == in_groups.shards == (1, 2, 3, 4, 5)
    assert_same(at_once, whole, rtol=1e-12)
    assert_same(in_groups, whole, rtol=1e-12)


def test_merging_leaves_the_parts_alone():
    parts, again = shards_of(2), shards_of(2)
    merge(parts)
    for part, before in zip(parts, again, strict=True):
        assert_same(part, before)


@pytest.mark.parametrize("estimators", ["linear", "relu", "two_component"])
def test_saved_sums_are_loaded_again(tmp_path, estimators):
    first, second = shards_of(2, estimators=estimators)
    save_sums(tmp_path / "1of2.npz", first)
    loaded = load_sums(tmp_path / "1of2.npz")
    assert_same(loaded, first)
    assert loaded.shards == (1,)
    assert loaded.missing_shards == (2,)
    assert merge([loaded, second]).missing_shards == ()
    save_sums(tmp_path / "again.npz", loaded)
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "1of2.npz").read_bytes()


def test_a_layer_may_have_any_name(tmp_path):
    sums = shards_of(1)[0]
    sums = replace(sums, layers={"netlens": sums.layers["fc"], "a.x": sums.layers["conv"]})
    save_sums(tmp_path / "sums.npz", sums)
    assert_same(load_sums(tmp_path / "sums.npz"), sums)


def test_files_of_something_else_are_refused(tmp_path):
    save_arrays(tmp_path / "other.npz", {"images": np.zeros(3)})
    with pytest.raises(ArrayFileError, match="not a file of pattern sums"):
        load_sums(tmp_path / "other.npz")
    with pytest.raises(FileNotFoundError, match="absent"):
        load_sums(tmp_path / "absent.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda part: replace(part, network="def"), "of different networks"),
        (lambda part: replace(part, total_images=13), "of different images"),
        (lambda part: replace(part, shard_count=3), "different numbers of shards"),
        (lambda part: replace(part, batch_size=2), "different batch sizes"),
        (lambda part: replace(part, precision="float64"), "different precisions"),
        (lambda part: replace(part, shards=(1,)), "shard 1 of 2 appears twice"),
        (lambda part: replace(part, layers={"fc": part.layers["fc"]}), "different layers"),
        (lambda _: shards_of(2, estimators="linear")[1], "layer 'conv' was summed for different estimators"),
    ],
)
def test_what_does_not_fit_is_not_merged(change, message):
    first, second = shards_of(2)
    with pytest.raises(PatternSumsError, match=message):
        merge([first, change(second)])


def test_nothing_to_merge():
    with pytest.raises(PatternSumsError, match="no sums to merge"):
        merge([])


@pytest.mark.parametrize(
    ("names", "resolved", "matrices"),
    [
        ("linear", ("linear",), ("xy",)),
        ("relu.positive", ("relu",), ("x_active", "xy_active")),
        (["relu.negative"], ("relu.negative",), ("x_active", "xy_inactive")),
        ("two_component", ("relu", "relu.negative"), ("x_active", "xy_active", "xy_inactive")),
        (["relu", "linear"], ("linear", "relu"), ("x_active", "xy_active", "xy_inactive")),
        (ESTIMATORS, ESTIMATORS, ("x_active", "xy_active", "xy_inactive")),
    ],
)
def test_estimators_and_what_they_need(names, resolved, matrices):
    assert estimator_names(names) == resolved
    assert matrices_for(resolved) == matrices


@pytest.mark.parametrize(
    ("names", "message"), [("sigmoid", "unknown pattern estimator 'sigmoid'"), ([], "none|no pattern")]
)
def test_unknown_estimators_are_refused(names, message):
    with pytest.raises(PatternSumsError, match=message):
        estimator_names(names)
