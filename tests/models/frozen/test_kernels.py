"""Kernels read from a frozen graph."""

import numpy as np
import pytest

from netlens.models.backend import keras, tf, tf1
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import freeze
from netlens.models.frozen.graph_files import frozen_from_graph
from netlens.models.frozen.kernels import convolution_kernel
from netlens.models.keras.folding import fold_batch_normalization
from netlens.models.network import Network
from netlens.models.preprocessing import Preprocessing


@pytest.fixture
def network():
    layers = keras.layers
    image = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="plain")(image)
    x = layers.Conv2D(5, (3, 1), use_bias=False, strides=2, padding="same", name="bare")(x)
    x = layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="elu", name="wide")(x)
    x = layers.DepthwiseConv2D(3, name="depthwise")(x)
    output = layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x))
    model = keras.Model(image, output, name="mixed_kernels")
    return Network("mixed", model, Preprocessing(), ("a", "b", "c"), (12, 12, 3), "")


@pytest.mark.parametrize("layer", ["plain", "bare", "wide"])
def test_the_kernel_is_the_layers_own(network, layer):
    kernel = convolution_kernel(freeze(network), layer)
    assert kernel.dtype == np.float32
    assert np.array_equal(kernel, network.model.get_layer(layer).get_weights()[0])


@pytest.mark.slow
@pytest.mark.parametrize("scaled", [True, False])
def test_the_kernel_of_a_normalized_layer_is_the_folded_one(scaled):
    layers, rng = keras.layers, np.random.default_rng(0)
    image = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(image)
    x = layers.ReLU(name="act")(layers.BatchNormalization(scale=scaled, epsilon=0.1, name="norm")(x))
    model = keras.Model(image, layers.Dense(3, name="logits")(layers.GlobalAveragePooling2D(name="pool")(x)))
    norm = model.get_layer("norm")
    norm.set_weights([rng.uniform(0.5, 2, 4) for _ in norm.get_weights()])
    network = Network("normalized", model, Preprocessing(), ("a", "b", "c"), (12, 12, 3), "")
    kernel = convolution_kernel(freeze(network), "act")
    folded = fold_batch_normalization(model).get_layer("conv").get_weights()[0]
    assert kernel.dtype == np.float32
    np.testing.assert_allclose(kernel, folded, rtol=3e-7, atol=0)
    assert not np.allclose(kernel, model.get_layer("conv").get_weights()[0], rtol=0.01)


@pytest.mark.parametrize(
    ("before", "scale"),
    [
        (lambda x: x / 255, [1 / 255] * 3),
        (lambda x: (x - [1.0, 2.0, 3.0]) * [2.0, 4.0, 8.0], [2, 4, 8]),
        (lambda x: 2.0 + [2.0, 4.0, 8.0] * tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]) / 2, [1, 2, 4]),
        (lambda x: 1.0 - x / 2, [-0.5] * 3),
        # A sum of two tensors is no scale, nor is another order of channels; they end the walk.
        (lambda x: 3 * (x + 2 * x), [3, 3, 3]),
        (lambda x: 3 * (2 * x)[..., ::-1], [3, 3, 3]),
        (lambda x: x, [1, 1, 1]),
    ],
)
def test_the_kernel_behind_operations_that_scale_is_that_of_the_input(before, scale):
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 4)).astype(np.float32)
    with tf.Graph().as_default() as graph:
        image = tf1.placeholder(tf.float32, (None, 12, 12, 3), name="image")
        x = tf.nn.relu(tf.nn.conv2d(before(image), kernel, 1, "VALID"), name="conv")
        tf.matmul(tf.reduce_mean(x, [1, 2], name="pool"), np.ones((4, 2), np.float32), name="logits")
    network = frozen_from_graph(graph.as_graph_def(), name="scaled")
    found = convolution_kernel(network, "conv", source=network.layers[0].name)
    np.testing.assert_allclose(found, kernel * np.asarray(scale)[:, None], rtol=2e-7)
    assert np.array_equal(convolution_kernel(network, "conv"), kernel)


@pytest.mark.parametrize(
    ("layer", "found"), [("pool", "Mean"), ("depthwise", "DepthwiseConv2dNative"), ("logits", "MatMul")]
)
def test_what_is_no_ordinary_convolution_is_told(network, layer, found):
    with pytest.raises(
        NetworkError, match=f"layer '{layer}' of network 'mixed' is not an ordinary convolution, but.*{found}"
    ):
        convolution_kernel(freeze(network), layer)


def test_an_unknown_layer_is_told_with_the_nearest(network):
    with pytest.raises(NetworkError, match=r"no layer 'plane'; the nearest are plain"):
        convolution_kernel(freeze(network), "plane")
