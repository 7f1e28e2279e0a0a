"""Sampled inputs are rows of the patch matrix, at positions that depend on the seed alone."""

import numpy as np
import pytest

from netlens.images.batches import BatchError
from netlens.models.errors import UnsupportedLayerError
from netlens.models.keras.kernel_layers import describe_kernel, kernel_of
from netlens.pattern_attribution.patterns.samples import input_samples
from netlens.pattern_attribution.patterns.statistics import PatternSumsError


def sampled(*args, **options):
    defaults = {"positions_per_image": 5, "seed": 0, "progress": False}
    return {layer.name: layer for layer in input_samples(*args, **{**defaults, **options})}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "strides", "dilation", "grouped"])
def test_samples_are_rows_of_the_patch_matrix(brute_force, make_network, images, name):
    from netlens.models.backend import keras, tf

    model, images = make_network(name), images[:4]
    for layer_name, found in sampled(model, images).items():
        layer = model.get_layer(layer_name)
        (x,) = keras.backend.function(model.inputs, [tf.identity(layer.input)])([images])
        oracle = brute_force.Layer(
            x=x,
            kernel=kernel_of(layer),
            active=np.zeros((1, layer.output.shape[-1]), bool),
            strides=getattr(layer, "strides", (1, 1)),
            padding=getattr(layer, "padding", "valid"),
            dilation=getattr(layer, "dilation_rate", (1, 1)),
            groups=describe_kernel(layer).groups,
        )
        groups = np.stack([brute_force.patch_matrix(group) for group in oracle.split()], axis=1)
        assert found.x.shape[1:] == (groups.shape[1:] if oracle.groups > 1 else groups.shape[2:])
        by_image = groups.reshape(len(images), -1, groups[0].size)
        per_image = min(5, by_image.shape[1])
        assert found.x.dtype == np.float32
        np.testing.assert_array_equal(found.image, np.repeat(np.arange(len(images)), per_image))
        for index, rows in enumerate(by_image):
            mine = found.x[found.image == index].reshape(-1, rows.shape[1])
            same = np.abs(mine[:, None] - rows[None]).max(axis=2) < 1e-6
            assert same.any(axis=1).all(), layer_name
            assert same.any(axis=0).sum() >= min(per_image, len(np.unique(rows, axis=0)))  # without replacement


@pytest.mark.slow
def test_positions_depend_on_the_seed_alone(make_network, images):
    model = make_network("plain")
    first = sampled(model, images, batch_size=4)
    # Two layers in one run of the network, or one; large batches or small ones.
    second = sampled(model, images, batch_size=7, memory_gb=1e-6)
    other = sampled(model, images, seed=1)
    assert list(first) == list(second) == ["conv1", "conv2", "fc1", "logits"]
    for name, layer in first.items():
        np.testing.assert_allclose(second[name].x, layer.x, atol=1e-5)
    assert np.abs(other["conv1"].x - first["conv1"].x).max() > 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [({"positions_per_image": 0}, "positions_per_image is 0"), ({"batch_size": 0}, "batch_size")],
)
def test_bad_arguments_are_refused(make_network, images, options, message):
    with pytest.raises((PatternSumsError, BatchError), match=message):
        sampled(make_network("plain"), images, **options)


def test_networks_without_patterns_are_refused_by_name():
    from netlens.models.backend import keras

    model = keras.Sequential([keras.Input((9, 8, 4)), keras.layers.Conv2DTranspose(3, 3, name="transposed")])
    with pytest.raises(UnsupportedLayerError, match="'transposed'"):
        sampled(model, np.zeros((2, 9, 8, 4), np.float32))
