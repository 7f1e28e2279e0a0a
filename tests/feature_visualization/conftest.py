"""Small networks to make pictures of, frozen, and Python processes that start from nothing."""

import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture
def in_new_process():
    """Run Python code in a process of its own; gives what it prints."""

    def run(code, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


def _branches(keras):
    """Two branches that are concatenated, then a global pooling: takes images of any size."""
    L = keras.layers
    image = keras.Input((32, 32, 3), name="image")
    stem = L.Conv2D(8, 5, padding="same", activation="relu", name="stem")(image)
    pooled = L.MaxPooling2D(3, strides=2, padding="same", name="pool")(stem)
    left = L.Conv2D(5, 1, activation="relu", name="mixed_1x1")(pooled)
    right = L.Conv2D(6, 3, padding="same", activation="relu", name="mixed_3x3")(pooled)
    mixed = L.Concatenate(name="mixed")([left, right])
    outputs = L.Dense(3, name="logits")(L.GlobalAveragePooling2D(name="mean")(mixed))
    return keras.Model(image, outputs)


def _flat(keras):
    """Dense layers on a flattened map: takes images of one size only."""
    L = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 32, 3), name="image"),
            L.Conv2D(6, 3, strides=2, activation="relu", name="conv"),
            L.Flatten(name="flatten"),
            L.Dense(7, activation="relu", name="hidden"),
            L.Dense(3, name="logits"),
        ]
    )


def _residual(keras):
    """Two residual joins, the second over a strided shortcut; batch normalization, which adds constants."""
    L = keras.layers
    image = keras.Input((32, 32, 3), name="image")
    stem = L.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    inner = L.Conv2D(4, 3, padding="same", activation="relu", name="inner")(stem)
    inner = L.Conv2D(4, 3, padding="same", name="before_join")(inner)
    joined = L.ReLU(name="after_join")(L.Add(name="join")([inner, stem]))
    wide = L.BatchNormalization(name="norm")(L.Conv2D(6, 3, strides=2, padding="same", name="wide")(joined))
    short = L.Conv2D(6, 1, strides=2, padding="same", name="shortcut")(joined)
    second = L.ReLU(name="after_second_join")(L.Add(name="second_join")([wide, short]))
    outputs = L.Dense(3, name="logits")(L.GlobalAveragePooling2D(name="mean")(second))
    return keras.Model(image, outputs)


NETWORKS = {"branches": _branches, "flat": _flat, "residual": _residual}


@pytest.fixture(scope="session")
def frozen():
    """Make a frozen network by name, with random weights."""
    from netlens.models.backend import keras
    from netlens.models.frozen.frozen_network import freeze
    from netlens.models.network import Network
    from netlens.models.preprocessing import preprocessing_from

    made = {}

    def make(name, preprocessing="tf"):
        if (name, preprocessing) not in made:
            keras.backend.clear_session()
            model = NETWORKS[name](keras)
            rng = np.random.default_rng(0)
            for layer in model.layers:
                values = layer.get_weights()
                if values and layer.name != "norm":
                    fan_in = values[0].size / values[0].shape[-1]
                    values[0] = rng.normal(0, np.sqrt(2 / fan_in), values[0].shape)
                    layer.set_weights(values)
            network = Network(
                name=name,
                model=model,
                preprocessing=preprocessing_from(
                    preprocessing if isinstance(preprocessing, str) else dict(preprocessing)
                ),
                class_names=("a", "b", "c"),
                input_shape=(32, 32, 3),
                sha256="",
            )
            made[name, preprocessing] = freeze(network)
        return made[name, preprocessing]

    return make
