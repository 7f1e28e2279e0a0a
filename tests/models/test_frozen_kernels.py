"""Kernels read from a frozen graph."""

import numpy as np
import pytest

from netlens.models.backend import keras
from netlens.models.frozen import freeze
from netlens.models.frozen_kernels import convolution_kernel
from netlens.models.graph import NetworkError
from netlens.models.loading import Network
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


@pytest.mark.parametrize(
    ("layer", "found"), [("pool", "Mean"), ("depthwise", "DepthwiseConv2dNative"), ("logits", "MatMul")]
)
def test_what_is_no_ordinary_convolution_is_told(network, layer, found):
    with pytest.raises(NetworkError, match=f"layer '{layer}' of network 'mixed' is no ordinary convolution.*{found}"):
        convolution_kernel(freeze(network), layer)


def test_an_unknown_layer_is_told_with_the_nearest(network):
    with pytest.raises(NetworkError, match=r"no layer 'plane'; the nearest are plain"):
        convolution_kernel(freeze(network), "plane")
