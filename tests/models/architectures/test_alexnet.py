from itertools import pairwise

import numpy as np
import pytest

from netlens.models.architectures.alexnet import small_alexnet
from netlens.models.frozen.frozen_network import freeze
from netlens.models.frozen.structure import layer_edges, trunk
from netlens.models.network import Network, without_softmax
from netlens.models.preprocessing import Preprocessing


def test_layers():
    model = small_alexnet(input_shape=(64, 64, 3), classes=16, seed=0)
    assert {layer.name: layer.output_shape[1:] for layer in model.layers[1:]} == {
        "conv1": (32, 32, 32), "pool1": (16, 16, 32), "conv2": (16, 16, 64), "pool2": (8, 8, 64),
        "conv3": (8, 8, 96), "conv4": (8, 8, 96), "conv5": (8, 8, 64), "pool5": (4, 4, 64), "flatten": (1024,),
        "fc6": (128,), "fc7": (128,), "fc8": (16,), "prob": (16,),
    }  # fmt: skip
    assert model.get_layer("pool1").pool_size > model.get_layer("pool1").strides, "poolings overlap"
    assert [model.get_layer(name).activation.__name__ for name in ("conv5", "fc7", "fc8")] == ["relu", "relu", "linear"]
    assert 390_000 < model.count_params() < 410_000


@pytest.mark.slow
def test_same_seed_same_weights():
    one, two, other = (small_alexnet(input_shape=(16, 16, 3), classes=4, seed=s).get_weights() for s in (7, 7, 8))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one[0], other[0])
    # He et al. 2015: variance 2 / fan in.
    assert np.std(one[2]) == pytest.approx(np.sqrt(2 / (25 * 32)), rel=0.02)


@pytest.mark.slow
def test_frozen_it_is_one_path():
    model = without_softmax(small_alexnet(input_shape=(64, 64, 3), classes=3, seed=0))
    frozen = freeze(Network("small", model, Preprocessing(), ("a", "b", "c"), (64, 64, 3), ""))
    kinds = {layer.name: layer.kind for layer in frozen.layers}
    assert kinds == {
        "input": "input", "conv1": "conv", "pool1": "pool", "conv2": "conv", "pool2": "pool", "conv3": "conv",
        "conv4": "conv", "conv5": "conv", "pool5": "pool", "fc6": "dense", "fc7": "dense", "fc8": "dense",
    }  # fmt: skip
    names = list(kinds)
    assert [layer.name for layer in trunk(frozen)] == names
    assert layer_edges(frozen) == list(pairwise(names))
    assert frozen.output_node == frozen.layer("fc8").node
