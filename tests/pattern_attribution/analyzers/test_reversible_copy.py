"""Copies for the reverse engine: layers that Keras names get names that the model does not have."""

import pytest

from netlens.models.backend import keras, tf1
from netlens.pattern_attribution.analyzers.reversible_copy import count_past_names_of

layers = keras.layers


@pytest.mark.parametrize(("taken", "then"), [("add", "add_1"), ("add_3", "add_4"), ("add_20240101", "add_20240102")])
def test_keras_counts_on_behind_names_that_are_taken(taken: str, then: str) -> None:
    with tf1.Graph().as_default():
        image = keras.Input((4,), name="re_lu")
        model = keras.Model(image, layers.Add(name=taken)([image, image]))
        count_past_names_of(model)
        assert [layers.Add().name, layers.ReLU().name, layers.Dense(1).name] == [then, "re_lu_1", "dense"]


def test_numbers_that_keras_has_passed_do_not_come_again() -> None:
    with tf1.Graph().as_default():
        image = keras.Input((4,), name="image")
        model = keras.Model(image, layers.Add(name="add_1")([image, image]))
        passed = [layers.Add().name for _ in range(5)]
        count_past_names_of(model)
        assert layers.Add().name == "add_5" not in passed
