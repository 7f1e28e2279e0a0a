"""The gradient of slices is TensorFlow's own, value for value, however they are taken."""

import numpy as np
import pytest

from netlens.feature_visualization.slice_gradients import padding_gradients
from netlens.models.backend import tf, tf1

SLICES = {
    "first": lambda x: x[0],
    "last": lambda x: x[-1],
    "middle": lambda x: x[1],
    "range": lambda x: x[1:3],
    "steps": lambda x: x[::2],
    "two axes": lambda x: x[1, :, 2],
    "second axis": lambda x: x[:, 1],
    "new axis": lambda x: x[None, 1],
    "computed": lambda x: x[tf1.argmax(x[:, 0, 0])],
    "twice": lambda x: tf.complex(x[0], x[2]),
}


@pytest.mark.parametrize("kind", SLICES)
def test_the_gradient_is_tensorflows_own(kind):
    values = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)

    def gradient():
        x = tf1.placeholder(tf.float32, (3, 4, 5))
        taken = SLICES[kind](x)
        return x, tf1.gradients(tf1.abs(taken) ** 3, x)[0]

    with tf.Graph().as_default() as graph, tf1.Session(graph=graph) as session:
        x, own = gradient()
        with padding_gradients():
            replaced_x, replaced = gradient()
        expected, found = session.run([own, replaced], {x: values, replaced_x: values})
    np.testing.assert_array_equal(found, expected)
    used = {node.op for node in graph.as_graph_def().node}
    assert "Pad" in used if kind in {"first", "last", "middle", "twice"} else "Pad" not in used


def test_a_length_that_is_not_known_has_tensorflows_gradient():
    with tf.Graph().as_default() as graph, tf1.Session(graph=graph) as session, padding_gradients():
        x = tf1.placeholder(tf.float32, (None, 2))
        found = session.run(tf1.gradients(x[1] ** 2, x)[0], {x: [[1.0, 2.0], [3.0, 4.0]]})
    np.testing.assert_array_equal(found, [[0, 0], [6, 8]])
