"""Networks whose answers to the checks are known."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def small_convnet():
    """Give a network with a pooling, an addition and no bias: 3 logits, 8 x 8 pixels, random weights."""
    from netlens.models.backend import keras

    # Tests of other modules leave the graph in which an earlier network would be.
    keras.backend.clear_session()
    layers = keras.layers
    image = keras.Input((8, 8, 3), name="image")
    options = {"padding": "same", "use_bias": False, "activation": "relu"}
    first = layers.Conv2D(5, 3, name="first", kernel_initializer=keras.initializers.GlorotUniform(1), **options)(image)
    pooled = layers.MaxPooling2D(name="pool")(first)
    second = layers.Conv2D(5, 3, name="second", kernel_initializer=keras.initializers.GlorotUniform(2), **options)(
        pooled
    )
    added = layers.Add(name="add")([pooled, second])
    flat = layers.Flatten(name="flat")(added)
    logits = layers.Dense(3, use_bias=False, name="logits", kernel_initializer=keras.initializers.GlorotUniform(3))(
        flat
    )
    return keras.Model(image, logits)


@pytest.fixture(scope="session")
def small_images():
    """Two images for it."""
    return np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
