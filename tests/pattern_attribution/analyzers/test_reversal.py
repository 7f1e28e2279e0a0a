from typing import Any

import numpy as np
import pytest

from netlens.models.backend import keras, tf
from netlens.models.keras import layer_kinds
from netlens.models.keras.kernel_layers import kernel_of
from netlens.models.keras.layer_kinds import IDENTITY_LAYERS
from netlens.pattern_attribution.analyzers.reversal import (
    LINEAR,
    KernelReversal,
    Rectifier,
    is_one_of,
    rectifier_of,
    set_kernels,
    why_undefined,
)

layers = keras.layers


@pytest.mark.parametrize(
    "names", [layer_kinds.KERNEL_LAYERS, IDENTITY_LAYERS, layer_kinds.ROUTING_LAYERS, layer_kinds.UNSPOKEN_LAYERS]
)
def test_the_lists_name_layers_of_keras(names: tuple[str, ...]) -> None:
    for name in names:
        assert issubclass(getattr(layers, name), layers.Layer)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: layers.Dense(2), LINEAR),
        (lambda: layers.Dense(2, activation="linear"), LINEAR),
        (lambda: layers.Dense(2, activation="relu"), Rectifier()),
        (lambda: layers.Conv2D(2, 3, activation=tf.nn.relu), Rectifier()),
        (lambda: layers.Conv2D(2, 3, activation=layers.ReLU()), Rectifier()),
        (lambda: layers.Activation("relu"), Rectifier()),
        (layers.ReLU, Rectifier()),
        (lambda: layers.Activation("relu6"), Rectifier(cap=6)),
        (lambda: layers.Dense(2, activation=tf.nn.relu6), Rectifier(cap=6)),
        (lambda: layers.DepthwiseConv2D(2, activation=layers.ReLU(6.0)), Rectifier(cap=6)),
        (lambda: layers.ReLU(5.0, negative_slope=0.5), Rectifier(slope=0.5, cap=5)),
        (lambda: layers.LeakyReLU(0.25), Rectifier(slope=0.25)),
        (lambda: layers.Dense(2, activation=layers.LeakyReLU(0.25)), Rectifier(slope=0.25)),
        (lambda: layers.Dense(2, activation="leaky_relu"), Rectifier(slope=0.2)),
        (lambda: layers.ReLU(threshold=1.0), None),
        (lambda: layers.LeakyReLU(-0.1), None),
        (lambda: layers.Dense(2, activation="tanh"), None),
        (lambda: layers.Dense(2, activation=lambda x: x), None),
    ],
)
def test_rectifiers(make: Any, expected: Rectifier | None) -> None:
    assert rectifier_of(make()) == expected


def test_a_derived_class_is_another_layer() -> None:
    class Derived(layers.Dropout):  # type: ignore[misc]
        pass

    assert is_one_of(layers.Dropout(0.5), IDENTITY_LAYERS)
    assert not is_one_of(Derived(0.5), IDENTITY_LAYERS)
    assert why_undefined(Derived(0.5)) == "the methods define no rule for it"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "make"),
    [
        ((7,), lambda: layers.Dense(3)),
        ((4, 7), lambda: layers.Dense(3, activation="relu")),
        ((2, 4, 7), lambda: layers.Dense(3)),
        ((9, 8, 2), lambda: layers.Conv2D(3, (3, 2), strides=(2, 3), activation="relu")),
        ((9, 8, 2), lambda: layers.Conv2D(3, (4, 3), strides=(3, 2), padding="same")),
        ((9, 8, 2), lambda: layers.Conv2D(3, (2, 3), dilation_rate=(3, 2), padding="same", activation="relu")),
        ((9, 8, 2), lambda: layers.Conv2D(3, 3, dilation_rate=2)),
        ((9, 8, 2), lambda: layers.Conv2D(3, 3, activation="relu6")),
        ((9, 8, 2), lambda: layers.Conv2D(3, 3, activation=layers.LeakyReLU(0.3))),
        ((9, 8, 2), lambda: layers.DepthwiseConv2D((2, 3), strides=2, padding="same", depth_multiplier=3)),
        ((9, 8, 2), lambda: layers.DepthwiseConv2D(3, activation=layers.ReLU(2.0, negative_slope=0.2))),
        ((9, 8, 2), lambda: layers.DepthwiseConv2D((3, 2), dilation_rate=2, padding="same", activation="relu")),
    ],
)
def test_with_the_layer_s_own_kernel_it_is_the_gradient(shape: tuple[int, ...], make: Any) -> None:
    image = layers.Input(shape)
    layer = make()
    output = layer(image)
    step = KernelReversal(layer)
    set_kernels([(step, kernel_of(layer))])
    relevance = layers.Input(output.shape[1:])
    rng = np.random.default_rng(0)
    feed = [rng.normal(0, 5, size=(3, *shape)), rng.normal(size=(3, *output.shape[1:]))]
    gradient = tf.gradients(output, image, relevance)[0]
    back = step([image, output, relevance])
    assert back.shape.as_list() == [None, *shape]
    actual, expected = keras.backend.function([image, relevance], [back, gradient])(feed)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
