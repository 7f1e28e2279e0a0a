"""Ratios without a group of images are those of patterns from the other groups."""

from dataclasses import replace

import numpy as np
import pytest

from netlens.files.arrays import ArrayFileError
from netlens.models.backend import keras
from netlens.models.keras.kernel_layers import kernel_layers, kernel_of
from netlens.models.keras.layer_graph import layer_graph
from netlens.pattern_attribution.patterns.accumulation import sums_by_shard
from netlens.pattern_attribution.patterns.estimators import estimate
from netlens.pattern_attribution.patterns.statistics import merge
from netlens.pattern_attribution.spectra.left_out import LayerTaps, TapSums, joined_taps, left_out_ratios, tap_sums
from netlens.pattern_attribution.spectra.matrices import SpectraError, layer_matrices
from netlens.pattern_attribution.spectra.network_ratios import network_ratios
from netlens.pattern_attribution.spectra.segments import segment_matrices

GROUPS = 4


def _network():
    L = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            L.Conv2D(6, 3, padding="same", activation="relu", name="first"),
            L.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise"),
            L.Conv2D(8, 1, activation="relu", groups=2, name="grouped"),
            L.MaxPooling2D(2, name="pool"),
            L.Flatten(name="flatten"),
            L.Dense(10, activation="relu", name="hidden"),
            L.Dense(5, name="logits"),
        ]
    )
    rng = np.random.default_rng(3)
    for layer in model.layers:
        layer.set_weights([rng.normal(0.05, 0.3, value.shape) for value in layer.get_weights()])
    return model


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["linear", "relu", "relu.negative"])
def test_they_are_those_of_patterns_from_the_other_groups(estimator, tmp_path):
    model = _network()
    images = np.random.default_rng(0).normal(size=(22, 8, 8, 3)).astype(np.float32)
    layers, graph = kernel_layers(model), layer_graph(model)
    W = {layer.name: kernel_of(model.get_layer(layer.name)) for layer in layers}
    groups = list(sums_by_shard(model, images, range(1, GROUPS + 1), GROUPS, batch_size=2, precision="float64"))
    A = estimate(merge(groups), W, estimator)
    parts = [tap_sums(group, W, layers) for group in groups]
    joined_taps(parts).save(tmp_path / "taps.npz")
    found = left_out_ratios(TapSums.load(tmp_path / "taps.npz"), W, A, layers, graph, estimator=estimator)
    assert found.images.tolist() == [group.images for group in groups]
    assert found.images.sum() == 22
    for row, group in zip(found.log10, groups, strict=True):
        others = merge(other for other in groups if other is not group)
        complete = replace(others, shards=tuple(range(1, GROUPS + 1)))
        matrices = layer_matrices("pattern_attribution", W, estimate(complete, W, estimator), layers)
        expected = network_ratios(matrices, segment_matrices(graph, matrices), seed=0, with_chain=True)
        wanted = [
            np.log10(expected.layer).sum(), np.log10(expected.inter_layer).sum(), expected.chain.log10_ratio,
        ]  # fmt: skip
        # Sums at the taps are kept in single precision.
        np.testing.assert_allclose(row, wanted, atol=2e-5)


def test_units_that_only_one_group_sees_active_are_dead_without_it():
    def layer(active):
        active = np.array(active)
        groups, units = active.shape
        products = [np.zeros((groups, 1, units), np.float32)] * 4
        gains = [np.zeros((groups, units))] * 3
        return LayerTaps(np.full(groups, 9), active, np.zeros((groups, units)), *products, *gains)

    # Of the first layer, unit 1 is active in group 0 only, and unit 2 nowhere; unit 0 of the second never varies.
    taps = TapSums(np.array([5, 5, 4]), {"a": layer([[1, 3, 0], [0, 0, 0], [2, 0, 0]]), "b": layer([[9], [9], [9]])})
    dead = {"a": np.array([False, False, True]), "b": np.array([True])}
    assert taps.dead_without(dead).tolist() == [3, 2, 2]
    dead["b"][0] = False
    assert taps.dead_without(dead).tolist() == [2, 1, 1]


def test_groups_of_different_layers_and_files_of_something_else_are_refused(tmp_path):
    with pytest.raises(SpectraError, match="or of none"):
        joined_taps([])
    np.savez(tmp_path / "other.npz", images=np.ones(3, np.int64))
    with pytest.raises(ArrayFileError, match="'layers' is missing"):
        TapSums.load(tmp_path / "other.npz")
