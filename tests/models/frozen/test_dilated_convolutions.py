"""Dilated convolutions of frozen graphs, which TensorFlow writes for one size of the map."""

import numpy as np
import pytest

from netlens.models.backend import keras, tf, tf1
from netlens.models.frozen.dilated_convolutions import replace_dilated
from netlens.models.frozen.frozen_network import freeze, imported
from netlens.models.frozen.graph_files import frozen_from_graph
from netlens.models.network import Network
from netlens.models.preprocessing import preprocessing_from

L = keras.layers


def dilated(shape, padding, rate):
    image = keras.Input(shape, name="picture")
    x = L.Conv2D(4, (3, 2), padding=padding, dilation_rate=rate, activation="relu", name="dilated")(image)
    return keras.Model(image, L.Conv2D(3, 3, padding=padding, dilation_rate=2, name="last")(x))


@pytest.mark.slow
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("rate", [2, (2, 3)])
def test_outputs_are_those_of_keras_at_every_size(padding, rate):
    model = dilated((13, 12, 3), padding, rate)
    ended = keras.Model(model.input, L.GlobalAveragePooling2D(name="mean")(model.output))
    network = Network("dilated", ended, preprocessing_from("none"), tuple("abc"), (13, 12, 3), "")
    frozen = freeze(network)
    assert not {node.op for node in frozen.graph_def.node} & {"SpaceToBatchND", "BatchToSpaceND"}
    weights = model.get_weights()
    for size in ((13, 12), (16, 19)):
        x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype(np.float32)
        with tf.Graph().as_default(), tf1.Session() as session:
            image = tf1.placeholder(tf.float32, (None, *size, 3))
            found = session.run(imported(frozen, {"input": image})["last"], {image: x})
        other = dilated((*size, 3), padding, rate)
        other.set_weights(weights)
        np.testing.assert_allclose(found, other.predict_on_batch(x), rtol=1e-5, atol=1e-6)


def test_graphs_from_files_have_single_operations_too():
    rng = np.random.default_rng(0)
    with tf.Graph().as_default() as graph:
        image = tf1.placeholder(tf.float32, (None, 13, 12, 3), name="image")
        kernel = tf.constant(rng.normal(size=(3, 3, 3, 4)).astype(np.float32))
        x = tf.nn.relu(tf.nn.convolution(image, kernel, padding="SAME", dilations=2), name="dilated")
        logits = tf.reduce_mean(x, axis=(1, 2), name="logits")
    x = rng.normal(size=(2, 13, 12, 3)).astype(np.float32)
    with tf1.Session(graph=graph) as session:
        expected = session.run(logits, {image: x})
    assert "BatchToSpaceND" in {node.op for node in graph.as_graph_def().node}
    frozen = frozen_from_graph(graph.as_graph_def(), name="dilated")
    assert "BatchToSpaceND" not in {node.op for node in frozen.graph_def.node}
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = imported(frozen)
        np.testing.assert_allclose(session.run(tensors["logits"], {tensors["input"]: x}), expected, rtol=1e-5)


def test_what_is_no_padding_of_a_convolution_or_is_read_elsewhere_stays():
    def graph_of(pads, crops, *, read=False):
        with tf.Graph().as_default() as graph:
            image = tf1.placeholder(tf.float32, (1, 8, 8, 2), name="image")
            parted = tf.space_to_batch(image, [2, 2], pads, name="parted")
            kernel = tf.constant(np.ones((3, 3, 2, 2), np.float32))
            x = tf.nn.conv2d(parted, kernel, 1, "VALID", name="convolution")
            tf.batch_to_space(x, [2, 2], crops, name="joined")
            if read:
                tf.identity(x, name="reader")
        return graph.as_graph_def()

    even, none = [[2, 2], [2, 2]], [[0, 0], [0, 0]]
    kept = [graph_of([[2, 0], [2, 2]], none), graph_of(even, [[0, 2], [0, 0]]), graph_of(even, none, read=True)]
    for graph_def in kept:
        before = graph_def.SerializeToString(deterministic=True)
        replace_dilated(graph_def)
        assert graph_def.SerializeToString(deterministic=True) == before
    replaced = graph_of(even, none)
    replace_dilated(replaced)
    assert sorted(node.op for node in replaced.node) == ["Const", "Conv2D", "Placeholder"]
