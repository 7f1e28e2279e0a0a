"""The brute-force oracle of benchmarks/, and small networks that have what networks can have."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def brute_force():
    spec = importlib.util.spec_from_file_location("_patch_matrix", BENCHMARKS / "_patch_matrix.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["_patch_matrix"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def in_own_graph(own_graph):
    """Run every test of these modules in a graph of its own."""


def _plain(L):
    """VGG's kinds of layers; `fc1` has a unit that is never active and one that always is."""
    yield L.Conv2D(4, 3, padding="same", activation="relu", name="conv1")
    yield L.Conv2D(5, 3, strides=2, padding="valid", activation="relu", name="conv2")
    yield L.MaxPooling2D(2, name="pool")
    yield L.Flatten(name="flatten")
    yield L.Dense(6, activation="relu", name="fc1")
    yield L.Dropout(0.5, name="dropout")
    yield L.Dense(3, name="logits")


def _strides(L):
    yield L.Conv2D(4, (2, 3), strides=2, padding="same", activation="relu", name="even")
    yield L.Conv2D(4, (4, 1), strides=(2, 2), padding="same", use_bias=False, activation="relu", name="no_bias")
    yield L.Conv2D(3, 1, strides=2, padding="valid", activation="relu", name="pointwise")
    yield L.Dense(3, activation="relu", name="dense_on_maps")
    yield L.GlobalAveragePooling2D(name="mean")
    yield L.Dense(3, name="logits")


def _dilation(L):
    yield L.Conv2D(4, 3, dilation_rate=2, padding="same", activation="relu", name="same")
    yield L.Conv2D(5, (3, 2), dilation_rate=(2, 3), padding="valid", name="valid")
    yield L.Dropout(0.5, name="dropout")
    yield L.ReLU(name="relu")
    yield L.AveragePooling2D(2, name="pool")
    yield L.Flatten(name="flatten")
    yield L.Dense(3, activation="tanh", name="logits")


def _activations(L):
    yield L.Conv2D(4, 3, name="threshold")
    yield L.ReLU(threshold=0.4, name="relu")
    yield L.Conv2D(4, 3, activation="relu6", name="clipped")
    yield L.Conv2D(4, 3, name="leaky")
    yield L.LeakyReLU(0.3, name="leaky_relu")
    yield L.Flatten(name="flatten")
    yield L.Dense(4, name="before_reshape")
    yield L.Reshape((2, 2), name="reshape")
    yield L.ThresholdedReLU(0.2, name="thresholded_relu")
    yield L.Flatten(name="flatten2")
    yield L.Dense(3, name="logits")


def _grouped(L):
    """Units that see some of the channels: depthwise and grouped convolutions, and separable ones as they are split."""
    yield L.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2, activation="relu6", name="depthwise")
    yield L.DepthwiseConv2D((2, 3), padding="valid", use_bias=False, name="separable_depthwise")
    yield L.Conv2D(6, 1, activation="relu", name="separable_pointwise")
    yield L.Conv2D(6, (3, 2), groups=3, padding="same", activation=L.LeakyReLU(0.2), name="groups")
    yield L.DepthwiseConv2D(2, dilation_rate=2, name="dilated_depthwise")
    yield L.PReLU(name="prelu")
    yield L.DepthwiseConv2D(1, name="affine")
    yield L.Conv2D(4, 2, groups=2, dilation_rate=2, padding="same", name="dilated_groups")
    yield L.ReLU(6.0, name="relu6")
    yield L.Flatten(name="flatten")
    yield L.Dense(3, name="logits")


SEQUENTIAL = {
    "plain": _plain,
    "strides": _strides,
    "dilation": _dilation,
    "activations": _activations,
    "grouped": _grouped,
}
SHAPE = (13, 11, 3)


def _branches(keras):
    """Addition and concatenation; the ReLU of `before_add` stands behind the addition, so it is not the unit's."""
    L = keras.layers
    image = keras.Input(SHAPE, name="image")
    stem = L.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    left = L.Conv2D(4, 3, padding="same", name="before_add")(stem)
    joined = L.Activation("relu", name="relu")(L.Add(name="add")([left, stem]))
    right = L.Conv2D(3, 1, activation="relu", name="right")(joined)
    wide = L.Concatenate(name="concatenate")([right, joined])
    outputs = L.Dense(3, name="logits")(L.Flatten(name="flatten")(L.MaxPooling2D(3, name="pool")(wide)))
    return keras.Model(image, outputs)


@pytest.fixture
def make_network():
    """Make a network by name, with random weights and biases, that computes in float32 or float64."""
    from netlens.models.backend import keras

    def make(name, seed=0, precision="float32"):
        keras.backend.set_floatx(precision)
        rng = np.random.default_rng(seed)
        if name == "branches":
            model = _branches(keras)
        else:
            model = keras.Sequential([keras.Input(SHAPE, name="image"), *SEQUENTIAL[name](keras.layers)])
        for layer in model.layers:
            values = layer.get_weights()
            if values:
                fan_in = values[0].size / values[0].shape[-1]
                if type(layer).__name__ == "DepthwiseConv2D":
                    fan_in = values[0].shape[0] * values[0].shape[1]
                values[0] = rng.normal(0, np.sqrt(2 / fan_in), values[0].shape)
                if len(values) > 1:
                    values[1] = rng.normal(0, 0.2, values[1].shape)
                if layer.name == "fc1":
                    values[1][:2] = (-100, 8)
                layer.set_weights(values)
        return model

    yield make
    keras.backend.set_floatx("float32")


@pytest.fixture
def images():
    return np.random.default_rng(1).normal(0.3, 1, (37, *SHAPE)).astype(np.float32)
