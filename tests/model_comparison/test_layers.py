"""Which layers are compared: chosen from the graph, or named."""

import pytest

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.layers import compared_layers
from netlens.models.architectures.inception import small_inception
from netlens.models.backend import keras
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import freeze
from netlens.models.network import Network
from netlens.models.preprocessing import preprocessing_from

layers = keras.layers


pytestmark = pytest.mark.usefixtures("own_graph")


def frozen(image, logits):
    classes = tuple("abcdefgh"[: logits.shape[-1]])
    model = keras.Model(image, logits)
    return freeze(Network("tiny", model, preprocessing_from("none"), classes, tuple(image.shape[1:]), ""))


def test_the_main_layers_of_an_inception_network():
    model = small_inception(input_shape=(64, 64, 3), classes=3, seed=0)
    logits = model.get_layer("softmax2_pre_activation").output
    assert compared_layers(frozen(model.input, logits)) == [
        "conv2d0", "conv2d1", "conv2d2", "mixed3a", "mixed3b", "mixed4a", "mixed4b", "softmax2_pre_activation",
    ]  # fmt: skip


def test_with_batch_normalization_the_activation_counts():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="one")(image)
    x = layers.BatchNormalization(name="one_norm")(x)
    x = layers.Activation("relu", name="one_relu")(x)
    x = layers.Conv2D(4, 3, activation="relu", name="two")(x)
    x = layers.BatchNormalization(name="two_norm")(x)
    x = layers.Conv2D(4, 1, name="three")(x)
    x = layers.ReLU(name="three_relu")(x)
    x = layers.Conv2D(5, 1, name="four")(x)
    x = layers.BatchNormalization(name="four_norm")(x)
    logits = layers.Dense(2, name="logits")(layers.Flatten()(x))
    # Normalization behind an activation, or without one, adds nothing of its own.
    assert compared_layers(frozen(image, logits)) == ["one_relu", "two", "three_relu", "four", "logits"]


def test_an_activation_counts_only_if_it_sees_nothing_but_its_layer():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    inner = layers.Conv2D(4, 3, padding="same", name="inner")(x)
    joined = layers.Add(name="joined")([x, inner])
    x = layers.Activation("relu", name="joined_relu")(joined)
    gate = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(x)
    x = layers.Multiply(name="gated")([x, gate])
    linear = layers.Conv2D(4, 1, name="linear")(x)
    squeezed = layers.Conv2D(4, 1, activation="sigmoid", name="squeezed")(linear)
    x = layers.Multiply(name="excited")([linear, squeezed])
    logits = layers.Dense(2, name="logits")(layers.GlobalAveragePooling2D(name="mean")(x))
    assert compared_layers(frozen(image, logits)) == ["stem", "joined_relu", "linear", "logits"]


def test_named_layers_are_checked_and_put_in_network_order():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="first")(image)
    x = layers.MaxPooling2D(name="pool")(x)
    network = frozen(image, layers.Dense(2, name="logits")(layers.Flatten()(x)))
    assert compared_layers(network, ["logits", "pool", "input"]) == ["input", "pool", "logits"]
    with pytest.raises(NetworkError, match=r"no layer 'frist'; the nearest are first"):
        compared_layers(network, ["frist"])
    with pytest.raises(ComparisonError, match="named twice: pool, first, pool"):
        compared_layers(network, ["pool", "first", "pool"])


def test_a_network_without_such_layers_is_told_so():
    image = keras.Input((8, 8, 3))
    network = frozen(image, layers.GlobalAveragePooling2D(name="mean")(image))
    with pytest.raises(ComparisonError, match="model_comparison"):
        compared_layers(network)
