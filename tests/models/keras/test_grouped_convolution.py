"""Grouped convolutions that are read from files have gradients at any time, and are saved as Keras' own."""

import json

import numpy as np
import pytest

from netlens.models.backend import keras
from netlens.models.keras.files import load_legacy_h5
from netlens.models.keras.grouped_convolution import Conv2D, keras_class

L = keras.layers


@pytest.fixture
def files(tmp_path, own_graph):
    """A network with a plain and a grouped convolution in a file, its input and its output there."""
    image = keras.Input((7, 6, 4), name="picture")
    x = L.Conv2D(6, 3, padding="same", activation="relu", name="plain")(image)
    x = L.Conv2D(9, 3, strides=2, groups=3, name="grouped")(x)
    model = keras.Model(image, L.GlobalAveragePooling2D(name="mean")(x))
    x = np.random.default_rng(0).normal(size=(2, 7, 6, 4)).astype(np.float32)
    model.save(tmp_path / "network.h5")
    expected = model.predict_on_batch(x)
    keras.backend.clear_session()
    return tmp_path, x, expected


@pytest.mark.slow
def test_gradients_are_there_after_the_graph_was_run(files):
    folder, x, expected = files
    model = load_legacy_h5(folder / "network.h5")
    # Run twice with another gradient between, as analyses do.
    for unit in (0, 5):
        np.testing.assert_allclose(model.predict_on_batch(x), expected, rtol=1e-5, atol=1e-6)
        (gradient,) = keras.backend.gradients(model.output[:, unit], model.inputs)
        (slope,) = keras.backend.function(model.inputs, [gradient])([x])
        direction = np.random.default_rng(unit).normal(size=x.shape).astype(np.float32)
        before, after = (model.predict_on_batch(x + step * direction)[:, unit] for step in (-1e-3, 1e-3))
        np.testing.assert_allclose((slope * direction).sum(axis=(1, 2, 3)), (after - before) / 2e-3, atol=5e-3)


@pytest.mark.slow
def test_only_grouped_convolutions_are_of_another_class_and_files_say_keras_own(files):
    folder, x, expected = files
    model = load_legacy_h5(folder / "network.h5")
    assert type(model.get_layer("plain")) is L.Conv2D
    grouped = model.get_layer("grouped")
    assert isinstance(grouped, Conv2D)
    assert keras_class(grouped) is L.Conv2D
    assert keras_class(model.get_layer("mean")) is L.GlobalAveragePooling2D
    model.save(folder / "again.h5")
    entries = json.loads(model.to_json())["config"]["layers"]
    assert [entry["class_name"] for entry in entries].count("Conv2D") == 2
    keras.backend.clear_session()
    np.testing.assert_allclose(load_legacy_h5(folder / "again.h5").predict_on_batch(x), expected, rtol=1e-5, atol=1e-6)
