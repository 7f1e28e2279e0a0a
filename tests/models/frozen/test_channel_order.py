"""Frozen graphs with channels first are refused by name; transposes that change nothing of the maps are not."""

import numpy as np
import pytest

from netlens.models.backend import tf, tf1
from netlens.models.errors import NetworkError
from netlens.models.frozen.graph_files import frozen_from_graph

FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def kernel(*shape):
    return tf.constant(np.random.default_rng(0).normal(size=shape).astype(np.float32))


def head(x, channels=4):
    return tf.matmul(tf.reshape(x, [-1, channels]), kernel(channels, 3), name="logits")


def all_first(x):
    # TensorFlow builds this on a machine without a GPU, but cannot run it there.
    x = tf.nn.relu(tf.nn.conv2d(x, kernel(3, 3, 3, 4), 1, "SAME", data_format="NCHW", name="conv"))
    return head(tf.reduce_mean(x, [2, 3]))


def begins_with_a_transpose(x):
    return all_first(tf.transpose(x, FIRST, name="turned"))


def image_first(x):
    x = tf.nn.relu(tf.nn.conv2d(tf.transpose(x, LAST, name="turned"), kernel(3, 3, 3, 4), 1, "SAME", name="conv"))
    return head(tf.reduce_mean(x, [1, 2]))


def turned_around_every_kernel(x):
    x = tf.transpose(tf.nn.conv2d(x, kernel(3, 3, 3, 4), 1, "SAME", name="conv"), FIRST)
    x = tf.transpose(tf.nn.relu(x, name="rectified"), LAST)
    return head(tf.reduce_mean(x, [1, 2]))


def flattened_first(x):
    x = tf.nn.relu(tf.nn.conv2d(x, kernel(6, 6, 3, 4), 1, "VALID", name="conv"))
    return head(tf.transpose(x, FIRST))


def graph_of(build, shape):
    with tf.Graph().as_default() as graph:
        build(tf1.placeholder(tf.float32, shape, name="picture"))
    return graph.as_graph_def()


@pytest.mark.parametrize(
    ("build", "shape", "message"),
    [
        (all_first, (None, 3, 6, 6), r"'conv' \(Conv2D\) takes maps with channels first \(NCHW\)"),
        (begins_with_a_transpose, (None, 6, 6, 3), r"'conv' \(Conv2D\) takes maps with channels first \(NCHW\)"),
        (image_first, (None, 3, 6, 6), "it takes images with channels first, which 'turned' transposes"),
        (image_first, None, "it takes images with channels first, which 'turned' transposes"),
        (turned_around_every_kernel, (None, 6, 6, 3), r"'rectified' \(Relu\) takes maps with channels first"),
        (lambda x: head(tf.reduce_mean(x, [2, 3]), 3), (None, 3, 6, 6), "images with channels first at 'picture'"),
    ],
)  # fmt: skip
def test_graphs_with_channels_first_are_refused_by_name(build, shape, message):
    with pytest.raises(NetworkError, match=f"^network 'mine'.* {message}.*; convert the graph to channels last"):
        frozen_from_graph(graph_of(build, shape), name="mine", size_px=6)


def test_a_transpose_before_a_flatten_is_read():
    frozen = frozen_from_graph(graph_of(flattened_first, (None, 6, 6, 3)), name="mine")
    assert [layer.name for layer in frozen.layers] == ["input", "Relu", "logits"]
    assert (frozen.layer("Relu").channels, frozen.layer("Relu").height) == (4, 1)
