"""Small networks with seeded random weights, frozen."""

import numpy as np
import pytest

from netlens.models.backend import keras
from netlens.models.frozen.frozen_network import freeze
from netlens.models.network import Network
from netlens.models.preprocessing import preprocessing_from


@pytest.fixture(scope="session")
def frozen():
    """Function that freezes a Keras model with seeded biases."""

    def make(model):
        generator = np.random.default_rng(7)
        for layer in model.layers:
            if layer.weights:
                shapes = [weight.shape for weight in layer.get_weights()]
                layer.set_weights([generator.normal(0, 0.4, shape) for shape in shapes])
        classes = int(model.output_shape[-1])
        names = tuple(f"class_{index}" for index in range(classes))
        network = Network("tiny", model, preprocessing_from("none"), names, tuple(model.input_shape[1:]), "")
        return freeze(network)

    return make


@pytest.fixture(scope="session")
def tiny(frozen):
    """Network on 12 x 16 pixels: convolutions, a max-pooling, branches, a dense end."""
    layers = keras.layers
    image = keras.Input((12, 16, 3), name="input")
    early = layers.Conv2D(5, 3, padding="same", activation="relu", name="early")(image)
    pooled = layers.MaxPooling2D(3, 2, padding="same", name="pool")(early)
    left = layers.Conv2D(4, 1, activation="relu", name="left")(pooled)
    right = layers.Conv2D(3, 3, padding="same", activation="relu", name="right")(pooled)
    mixed = layers.Concatenate(name="mixed")([left, right])
    late = layers.Conv2D(6, 3, padding="same", activation="relu", name="late")(mixed)
    logits = layers.Dense(4, name="logits")(layers.Flatten(name="flatten")(late))
    return frozen(keras.Model(image, logits))


@pytest.fixture(scope="session")
def images():
    """Three images of 12 x 16 pixels."""
    return np.random.default_rng(3).standard_normal((3, 12, 16, 3)).astype(np.float32)


def _with_frozen(model, frozen):
    network = frozen(model)
    return model, network


# Keras networks belong to the graph of their module; frozen ones to none.


@pytest.fixture(scope="module")
def tiny_model(frozen):
    """Keras network of 12 x 16 pixels and four classes, and the same frozen."""
    layers = keras.layers
    image = keras.Input((12, 16, 3))
    early = layers.Conv2D(5, 3, padding="same", activation="relu", name="early")(image)
    pooled = layers.MaxPooling2D(2, name="pool")(early)
    left = layers.Conv2D(4, 1, activation="relu", name="left")(pooled)
    right = layers.Conv2D(3, 3, padding="same", activation="relu", name="right")(pooled)
    mixed = layers.Concatenate(name="mixed")([left, right])
    logits = layers.Dense(4, name="logits")(layers.GlobalAveragePooling2D(name="mean")(mixed))
    return _with_frozen(keras.Model(image, logits), frozen)


@pytest.fixture(scope="module")
def tiny_chain(frozen):
    """Keras network without branches, and the same frozen."""
    layers = keras.layers
    image = keras.Input((12, 16, 3))
    early = layers.Conv2D(5, 3, activation="relu", name="early")(image)
    pooled = layers.MaxPooling2D(2, name="pool")(early)
    logits = layers.Dense(3, name="logits")(layers.Flatten(name="flatten")(pooled))
    return _with_frozen(keras.Model(image, logits), frozen)
