import numpy as np
import pytest

from netlens.models.architectures.inception_v1 import inception_v1, inception_v1_graph
from netlens.models.backend import tf, tf1
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import imported

BRANCHES = ["1x1", "3x3_bottleneck", "3x3", "5x5_bottleneck", "5x5", "pool", "pool_reduce"]


@pytest.fixture(scope="module")
def full():
    return inception_v1()


@pytest.mark.slow
def test_full_size_has_googlenets_layers(full):
    mixed = ["mixed3a", "mixed3b", "mixed4a", "mixed4b", "mixed4c", "mixed4d", "mixed4e", "mixed5a", "mixed5b"]
    trunk = ["input", "conv2d0", "maxpool0", "localresponsenorm0", "conv2d1", "conv2d2", "localresponsenorm1"]
    trunk += ["maxpool1", "maxpool4", "maxpool10", "avgpool0", "softmax2_pre_activation"]
    parts = [f"{name}_{branch}" for name in mixed for branch in BRANCHES]
    assert {layer.name for layer in full.layers} == {*trunk, *mixed, *parts}
    assert all(layer.name == layer.node for layer in full.layers)
    # Szegedy et al. 2014, table 1; mixed4a has 4 channels fewer in lucid's network.
    table = [256, 480, 508, 512, 512, 528, 832, 832, 1024]
    assert [full.layer(name).channels for name in mixed] == table
    assert [full.layer(name).height for name in mixed] == [28, 28, 14, 14, 14, 14, 14, 7, 7]
    assert full.layer("conv2d0").height == 112 and full.layer("maxpool1").height == 28
    assert full.output_node == "softmax2_pre_activation" and len(full.class_names) == 1008
    kinds = {layer.name: layer.kind for layer in full.layers}
    assert kinds["conv2d0"] == "conv" and kinds["mixed3a_pool"] == "pool" and kinds["mixed3a"] == "concat"
    assert kinds["localresponsenorm0"] == "norm" and kinds["softmax2_pre_activation"] == "dense"


def test_full_size_has_lucids_operations(full):
    names = {node.name for node in full.graph_def.node}
    assert {"conv2d0_w", "conv2d0_b", "conv2d0_pre_relu/conv", "conv2d0_pre_relu", "conv2d0"} <= names
    assert {"mixed4e_5x5_bottleneck_w", "mixed4e_5x5_bottleneck_pre_relu", "mixed4e_5x5_bottleneck"} <= names
    assert {"avgpool0/reshape", "softmax2_w", "softmax2_pre_activation/matmul"} <= names
    assert not [name for name in names if name.endswith("_1")], "no operation was renamed"


@pytest.mark.slow
def test_full_size_computes(full):
    x = np.random.default_rng(0).normal(scale=50, size=(1, 224, 224, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = imported(full)
        first, joined, logits = session.run(
            [tensors["mixed3a_1x1"], tensors["mixed3a"], tensors["softmax2_pre_activation"]], {tensors["input"]: x}
        )
    np.testing.assert_array_equal(joined[..., :64], first)
    assert np.all(np.isfinite(logits)) and logits.std() > 0


@pytest.mark.slow
def test_full_size_is_the_same_for_the_same_seed():
    options = {"input_shape": (32, 32, 3), "classes": 4}
    digests = [inception_v1(**options, seed=seed).sha256 for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]
    assert [node.name for node in inception_v1_graph(**options).node][-1] == "softmax2"


def test_too_small():
    with pytest.raises(NetworkError, match="at least 32 x 32 pixels, not"):
        inception_v1(input_shape=(31, 64, 3))
