"""Networks with random weights of the same architecture."""

import numpy as np

from netlens.model_comparison.random_weights import with_random_weights
from netlens.models.backend import tf


def kernels(network):
    return {
        node.name: tf.make_ndarray(node.attr["value"].tensor)
        for node in network.graph_def.node
        if node.op == "Const" and len(node.attr["value"].tensor.tensor_shape.dim) >= 2
    }


def test_kernels_keep_their_values_in_another_order(inception):
    random = with_random_weights(inception, 1)
    before, after, again = kernels(inception), kernels(random), kernels(with_random_weights(inception, 1))
    name = max(before, key=lambda each: before[each].size)
    assert random.name == "small, random weights"
    assert random.layers == inception.layers
    assert not np.array_equal(before[name], after[name])
    np.testing.assert_array_equal(np.sort(before[name].ravel()), np.sort(after[name].ravel()))
    np.testing.assert_array_equal(after[name], again[name])
