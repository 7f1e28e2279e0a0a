"""Networks as Keras writes them, frozen."""

import numpy as np
import pytest

from netlens.models.architectures.inception import small_inception
from netlens.models.backend import keras, tf, tf1
from netlens.models.frozen.frozen_network import freeze, imported
from netlens.models.network import Network, without_softmax
from netlens.models.preprocessing import preprocessing_from
from netlens.weights.expanded.composition import expanded_weights
from netlens.weights.expanded.jacobian import expanded_weights_by_gradient

L = keras.layers


pytestmark = pytest.mark.usefixtures("own_graph")


def frozen(model):
    logits = without_softmax(model)
    classes = tuple(map(str, range(logits.output_shape[-1])))
    return freeze(Network("mine", logits, preprocessing_from("none"), classes, tuple(logits.input_shape[1:]), ""))


def linear_network():
    """Nothing in it is not linear, so its expanded weights are its answers to impulses."""
    rng = np.random.default_rng(0)
    image = keras.Input((40, 41, 3), name="picture")
    x = L.Conv2D(4, 3, strides=2, padding="same", name="conv")(image)
    x = L.BatchNormalization(name="bn")(x)
    x = L.Conv2D(4, 3, dilation_rate=2, padding="same", name="dilated")(x)
    y = L.SeparableConv2D(4, 3, padding="same", name="separable", depth_multiplier=2)(x)
    y = L.DepthwiseConv2D(3, padding="same", dilation_rate=2, name="deep")(y)
    x = L.Add(name="sum")([x, L.Dropout(0.5)(y)])
    x = L.ZeroPadding2D(((1, 0), (0, 1)), name="zeros")(x)
    x = L.Concatenate(name="cat")([L.AveragePooling2D(2, 1, name="pool")(x), L.Conv2D(3, 2, name="small")(x)])
    x = L.Conv2D(5, 3, strides=2, padding="same", name="last")(L.Cropping2D(((1, 2), (0, 1)), name="cropped")(x))
    model = keras.Model(image, L.Dense(2, name="head")(L.GlobalAveragePooling2D(name="mean")(x)))
    for layer in model.layers:
        values = [rng.normal(size=value.shape) for value in layer.get_weights()]
        layer.set_weights([*values[:-1], np.abs(values[-1]) + 0.5] if layer.name == "bn" else values)
    return frozen(model)


def answers(network, target, size):
    """Give the central unit's answers to an impulse at every pixel of the rows and columns around it."""
    (height, width, channels), middle = network.input_shape, [side // 2 for side in network.input_shape[:2]]
    first = [centre - size // 2 for centre in middle]
    impulses = np.zeros((size, size, channels, height, width, channels), np.float32)
    for row, column, channel in np.ndindex(size, size, channels):
        impulses[row, column, channel, first[0] + row, first[1] + column, channel] = 1
    impulses = impulses.reshape(-1, height, width, channels)
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = imported(network)
        y = tensors[target]
        centre = y[:, int(y.shape[1]) // 2, int(y.shape[2]) // 2]
        at_rest = session.run(centre, {tensors["input"]: impulses[:1] * 0})
        return (session.run(centre, {tensors["input"]: impulses}) - at_rest).reshape(size, size, channels, -1)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["bn", "dilated", "deep", "cat", "last"])
def test_a_linear_networks_answers_to_impulses(target):
    network = linear_network()
    found = expanded_weights(network, "input", target)
    side, size = len(found.weights), 36
    expected = answers(network, target, size)
    largest = np.abs(expected).max()
    # Where in the picture the window lies is left open; what it holds, and that nothing lies outside, is not.
    used = np.abs(expected).max((2, 3)) > 1e-5 * largest
    rows, columns = np.flatnonzero(used.any(1)), np.flatnonzero(used.any(0))
    assert (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1) == (found.receptive_field,) * 2
    held = expected[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    extra = side - found.receptive_field
    assert extra == (found.stride > 1)
    np.testing.assert_allclose(found.weights[extra:, extra:], held, rtol=0, atol=3e-6 * largest)
    assert not found.weights[:extra].any()
    derived = expanded_weights_by_gradient(network, "input", target)
    np.testing.assert_allclose(derived.weights, found.weights, rtol=0, atol=1e-6 * largest)


@pytest.mark.slow
def test_the_small_inception():
    network = frozen(small_inception(input_shape=(32, 32, 3), classes=4, seed=0))
    kernels = {node.name: tf.make_ndarray(node.attr["value"].tensor) for node in network.graph_def.node
               if node.op == "Const"}  # fmt: skip
    first = expanded_weights(network, "input", "conv2d0")
    np.testing.assert_array_equal(first.weights, kernels["conv2d0/kernel"])
    for source, target, shape in (
        ("input", "conv2d2", (14, 14, 3, 48)),
        ("maxpool1", "mixed3a", (5, 5, 48, 80)),
        ("mixed3a", "mixed3b", (5, 5, 80, 112)),
        ("mixed3b", "mixed4a", (12, 12, 112, 144)),
    ):
        composed, derived = (way(network, source, target) for way in (expanded_weights, expanded_weights_by_gradient))
        assert composed.weights.shape == shape
        largest = np.abs(composed.weights).max()
        np.testing.assert_allclose(derived.weights, composed.weights, rtol=0, atol=1e-6 * largest)
