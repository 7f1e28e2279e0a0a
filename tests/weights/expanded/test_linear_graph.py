import numpy as np
import pytest

from netlens.models.errors import UnsupportedLayerError
from netlens.models.frozen.frozen_network import FrozenLayer, FrozenNetwork
from netlens.models.preprocessing import Preprocessing
from netlens.weights.expanded.composition import expanded_weights
from netlens.weights.expanded.linear_graph import linear_graph
from netlens.weights.expanded.window import receptive_field


def network_by(build, shape=(8, 8, 3)):
    """Make a network whose layers are the input and what `build` gives for it, named ``end``."""
    from netlens.models.backend import tf, tf1

    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, (None, *shape), name="input")
        end = build(tf, x)
    sides = end.shape.as_list()[1:-1] if end.shape.rank == 4 else [None, None]
    layers = (
        FrozenLayer("input", "input", "input", shape[2], *shape[:2]),
        FrozenLayer("end", end.op.name, "other", int(end.shape[-1]), *sides),
    )
    return FrozenNetwork("odd", graph.as_graph_def(), "input", "end", layers, shape, (), Preprocessing(), "")


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda tf, x: tf.tanh(x, name="bend"), r"operation 'bend' \(Tanh\) has no linear map"),
        (lambda tf, x: tf.nn.softmax(x, name="soft"), r"'soft' \(Softmax\)"),
        (lambda tf, x: tf.multiply(x, tf.sigmoid(x), name="gate"), r"'\w+' \(Sigmoid\)"),
        (lambda tf, x: tf.multiply(x, tf.nn.relu(x), name="gate"), r"'gate' \(Mul\) multiplies two activations"),
        (lambda tf, x: tf.divide(1.0, x, name="upside"), r"'\w+' \(RealDiv\) divides by an activation"),
        (lambda tf, x: tf.multiply(x, np.ones((8, 8, 1), np.float32), name="mask"), r"'mask' \(Mul\) has a factor of"),
        (lambda tf, x: tf.reduce_mean(x, 3, keepdims=True, name="gray"), r"'gray' \(Mean\) is a mean over axes"),
        (lambda tf, x: tf.reshape(x, [-1, 4, 4, 12], name="shuffle"), r"'shuffle' \(Reshape\) rearranges a map of 8"),
        (lambda tf, x: tf.concat([x, x], 1, name="tall"), r"'tall' \(ConcatV2\) does not join channels"),
        (lambda tf, x: x[:, ::2], r"\(StridedSlice\) does more than crop"),
        (lambda tf, x: x[:, :5], r"\(StridedSlice\) does more than crop"),
        (lambda tf, x: x[:, 0], r"\(StridedSlice\) does more than crop"),
        (lambda tf, x: x[..., :-1], r"\(StridedSlice\) does more than crop"),
        (lambda tf, x: x[:-1, 1:], r"\(StridedSlice\) crops images or channels"),
        (lambda tf, x: tf.pad(x, [[0, 0], [0, 0], [0, 0], [1, 0]], name="deep"), r"'deep' \(Pad\) pads images"),
        (
            lambda tf, x: tf.nn.max_pool2d(x, [1, 1, 1, 3], [1, 1, 1, 3], "VALID", name="maxout"),
            r"'maxout' \(MaxPool\)",
        ),
        (lambda tf, x: tf.add(x, tf.reduce_mean(x, [1, 2], keepdims=True), name="shift"), r"'shift' .*they must agree"),
        (
            lambda tf, x: tf.nn.conv2d(x, tf.reshape(tf.reduce_mean(x, 0), [8, 8, 3, 1]), 1, "SAME", name="own"),
            r"\((Mean|Reshape|Conv2D)\) ",
        ),
        (
            lambda tf, x: tf.raw_ops.FusedBatchNormV3(
                x=x, scale=[1.0] * 3, offset=[0.0] * 3, mean=[], variance=[], is_training=True, name="batch"
            )[0],
            r"'batch' \(FusedBatchNormV3\) normalizes by the batch",
        ),
    ],
)
def test_what_has_no_linear_map_is_refused_by_name(build, words):
    with pytest.raises(UnsupportedLayerError, match=words) as told:
        linear_graph(network_by(build), "input", "end")
    assert "'odd'" in str(told.value)
    assert "\n" not in str(told.value)


def test_channels_first_are_refused():
    network = network_by(lambda tf, x: tf.nn.bias_add(tf.nn.max_pool2d(x, 2, 2, "SAME", name="pool"), [1.0, 2.0, 3.0]))
    for node in network.graph_def.node:
        if node.name == "pool":
            node.attr["data_format"].s = b"NCHW"
    with pytest.raises(UnsupportedLayerError, match=r"'pool' \(MaxPool\) has its channels first"):
        linear_graph(network, "input", "end")


def test_only_what_lies_between_is_looked_at():
    def build(tf, x):
        before = tf.nn.relu(tf.tanh(x), name="source")
        return tf.nn.relu(before, name="end")

    network = network_by(build)
    layers = (*network.layers, FrozenLayer("source", "source", "other", 3, 8, 8))
    network = FrozenNetwork(**{**vars(network), "layers": layers})
    graph = linear_graph(network, "source", "end")
    assert [tensor.name for tensor in graph.tensors] == ["source", "end"]
    assert graph.outside == {}


def test_normalization_that_the_graph_spells_out():
    """As frozen graphs of batch normalization without fusion have it: factors computed from constants."""
    rng = np.random.default_rng(0)
    gamma, mean, variance = (rng.uniform(1, 2, 3).astype(np.float32) for _ in range(3))

    def build(tf, x):
        factor = tf.multiply(tf.math.rsqrt(tf.add(tf.constant(variance), 1e-3)), gamma)
        return tf.add(tf.multiply(x, factor), tf.subtract(0.5, tf.multiply(tf.constant(mean), factor)))

    found = expanded_weights(network_by(build), "input", "end").weights[0, 0]
    np.testing.assert_allclose(found, np.diag(gamma / np.sqrt(variance + 1e-3)), rtol=1e-6)


def test_a_deviation_that_is_kept_from_0_is_a_constant():
    """As Keras' Normalization computes it, from a cast variance."""

    def build(tf, x):
        variance = tf.cast(tf.constant([4.0, 0.0, 0.25], tf.float64), tf.float32)
        deviation = tf.maximum(tf.sqrt(variance), tf.constant(0.1))
        return tf.divide(x - 3.0, tf.minimum(deviation, tf.constant(1.0)), name="end")

    found = expanded_weights(network_by(build), "input", "end").weights[0, 0]
    np.testing.assert_allclose(found, np.diag([1, 10, 2]), rtol=1e-6)


def test_the_older_concatenation_and_a_subtraction_from_a_constant():
    def build(tf, x):
        turned = tf.subtract(1.0, x)
        return tf.raw_ops.Concat(concat_dim=3, values=[turned, x], name="end")

    found = expanded_weights(network_by(build), "input", "end").weights[0, 0]
    np.testing.assert_array_equal(found, np.hstack([-np.eye(3), np.eye(3)]))


def test_the_receptive_field_of_a_stack_of_convolutions_is_the_known_one(tools):
    """VGG-16: 2, 2, 3 and 3 convolutions with poolings of 2 between, Simonyan and Zisserman 2014."""
    ops, channels, last = [], 3, "input"
    for block, count in enumerate([2, 2, 3, 3], 1):
        for number in range(count):
            name = f"conv{block}_{number + 1}"
            ops.append(tools.convolution(name, last, np.ones((3, 3, channels, 2), np.float32)))
            channels, last = 2, name
        ops.append(tools.pooling(f"pool{block}", last, 2, stride=2))
        last = f"pool{block}"
    network = tools.network_of(ops, (32, 32, 3))
    fields = [receptive_field(network, "input", name) for name in ("conv1_2", "conv2_2", "conv3_3", "conv4_3", "pool4")]
    assert fields == [5, 14, 40, 92, 100]


def test_an_input_of_unknown_size_counts_as_a_multiple_of_the_strides(tools):
    ops = [tools.convolution("conv", "input", tools.random_kernel(0, 3, 3, 3, 2), stride=2)]
    network = tools.network_of(ops)
    unknown = FrozenNetwork(
        **{**vars(network), "layers": (FrozenLayer("input", "input", "input", 3, None, None), *network.layers[1:])}
    )
    for one in (network, unknown):
        extent = linear_graph(one, "input", "conv").extents()["conv"]
        assert (extent.offset, extent.size, extent.stride) == ((0, 0), (3, 3), (2, 2))
