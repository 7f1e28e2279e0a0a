import re

import numpy as np
import pytest

from netlens.files.hashing import sha256_of
from netlens.models.architectures.inception import small_inception
from netlens.models.architectures.inception_v1 import inception_v1_graph
from netlens.models.backend import keras, tf, tf1
from netlens.models.errors import CheckpointError, NetworkError
from netlens.models.frozen.frozen_network import freeze, imported, load_frozen, save_frozen, serialized
from netlens.models.frozen.graph_files import frozen_from_graph, frozen_network, read_frozen
from netlens.models.label_space import label_space
from netlens.models.loading import load_network
from netlens.models.network import Network, without_softmax
from netlens.models.preprocessing import preprocessing_from

L = keras.layers
SIZE = 16


def small(classes=3):
    model = small_inception(input_shape=(SIZE, SIZE, 3), classes=classes, seed=0)
    names = tuple(f"class_{index}" for index in range(classes))
    return Network("small", without_softmax(model), preprocessing_from("none"), names, (SIZE, SIZE, 3), "")


@pytest.fixture(scope="module")
def frozen():
    return freeze(small())


def written(path, graph_def):
    path.write_bytes(serialized(graph_def))
    return path


def graph_of(build, *, shape=(None, SIZE, SIZE, 3), dtype="float32"):
    """Give the graph that `build` makes of a placeholder ``picture``."""
    with tf.Graph().as_default() as graph:
        build(tf1.placeholder(dtype, shape, name="picture"))
        return graph.as_graph_def()


def kernel(*shape):
    return tf.constant(np.random.default_rng(0).normal(size=shape).astype(np.float32))


def classify(x, name="logits"):
    flat = tf.reshape(x, [-1, int(np.prod(x.shape[1:]))])
    return tf.nn.bias_add(tf.matmul(flat, kernel(int(flat.shape[1]), 4)), kernel(4), name=name)


def outputs(frozen, x):
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = imported(frozen)
        return session.run(dict(tensors), {tensors["input"]: x})


@pytest.mark.slow
def test_layers_found_in_a_frozen_keras_network_are_its_layers(tmp_path, frozen):
    read = read_frozen(written(tmp_path / "small.pb", frozen.graph_def))
    assert [(layer.name, layer.node) for layer in read.layers] == [(layer.name, layer.node) for layer in frozen.layers]
    assert set(read.layers) == set(frozen.layers)
    assert (read.name, read.input_shape, read.class_names) == ("small", frozen.input_shape, frozen.class_names)
    x = np.random.default_rng(0).normal(size=(2, SIZE, SIZE, 3)).astype(np.float32)
    found, expected = outputs(read, x), outputs(frozen, x)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.slow
def test_residual_network_with_normalization(tmp_path):
    image = keras.Input((SIZE, SIZE, 3))
    x = L.ReLU(name="relu1")(L.BatchNormalization(name="bn1")(L.Conv2D(4, 3, use_bias=False, name="conv1")(image)))
    y = L.Conv2D(4, 3, padding="same", activation="relu", name="conv2")(x)
    y = L.Conv2D(4, 1, name="conv3")(y)
    x = L.GlobalAveragePooling2D(name="mean")(L.ReLU(name="out")(L.Add(name="sum")([x, y])))
    model = keras.Model(image, L.Dense(2, activation="softmax", name="head")(x))
    frozen = freeze(Network("res", without_softmax(model), preprocessing_from("none"), ("a", "b"), (SIZE, SIZE, 3), ""))
    read = read_frozen(written(tmp_path / "res.pb", frozen.graph_def))
    assert [(layer.name, layer.kind) for layer in read.layers] == [
        ("input", "input"),
        ("relu1", "conv"),
        ("conv2", "conv"),
        ("conv3", "conv"),
        ("sum", "add"),
        ("out", "other"),
        ("mean", "pool"),
        ("head", "dense"),
    ]
    assert set(read.layers) == set(frozen.layers)


@pytest.mark.parametrize("bias", [False, True])
def test_normalization_behind_a_kernel_is_a_layer_where_no_activation_follows_alone(bias):
    def normalized(x, name):
        ones = tf.ones(int(x.shape[-1]))
        x, *_ = tf.raw_ops.FusedBatchNormV3(
            x=x, scale=ones, offset=ones, mean=ones, variance=ones, is_training=False, name=name
        )
        return x

    def convolution(x, name):
        x = tf.nn.conv2d(x, kernel(3, 3, int(x.shape[-1]), 5), 1, "SAME", name=name)
        return tf.nn.bias_add(x, kernel(5), name=f"{name}_bias") if bias else x

    def build(x):
        x = tf.nn.relu(normalized(convolution(x, "one"), "one_norm"), name="one_act")
        both = normalized(convolution(x, "two"), "two_norm")
        x = tf.add(both, tf.nn.relu(both, name="two_act"), name="sum")
        x = normalized(convolution(x, "three"), "three_norm")
        x = normalized(tf.nn.relu(x, name="three_act"), "last_norm")
        classify(x)

    frozen = frozen_from_graph(graph_of(build), name="mine")
    end = "_bias" if bias else ""
    assert [(layer.name, layer.kind) for layer in frozen.layers] == [
        ("input", "input"),
        ("one_act", "conv"),
        (f"two{end}", "conv"),
        ("two_norm", "norm"),
        ("two_act", "other"),
        ("sum", "add"),
        ("three_act", "conv"),
        ("last_norm", "norm"),
        ("logits", "dense"),
    ]


def test_auxiliary_classifier_and_endings_are_left_out():
    def build(x):
        x = tf.nn.relu(tf.nn.conv2d(x, kernel(3, 3, 3, 5), 1, "SAME"), name="first")
        tf.nn.softmax(classify(x, "early"), name="softmax0")
        x = tf.nn.avg_pool2d(tf.nn.relu(tf.nn.conv2d(x, kernel(3, 3, 5, 5), 2, "SAME"), name="second"), 2, 2, "VALID")
        tf.identity(tf.squeeze(tf.reshape(tf.nn.softmax(classify(x)), [1, -1, 4]), 0), name="output")

    frozen = frozen_from_graph(graph_of(build), name="mine", classes=label_space(["a", "b", "c", "d"]))
    assert frozen.output_node == "logits" and frozen.class_names == ("a", "b", "c", "d")
    assert [layer.name for layer in frozen.layers] == ["input", "first", "second", "AvgPool2D", "logits"]
    assert not {"early", "softmax0", "output"} & {node.name for node in frozen.graph_def.node}
    early = frozen_from_graph(graph_of(build), name="mine", output_node="early")
    assert [layer.name for layer in early.layers] == ["input", "first", "early"]
    with pytest.raises(NetworkError, match="'mine' has no operation 'late'"):
        frozen_from_graph(graph_of(build), name="mine", output_node="late")
    with pytest.raises(NetworkError, match="'first' does not output one value per class"):
        frozen_from_graph(graph_of(build), name="mine", output_node="first")
    with pytest.raises(NetworkError, match="has 4 outputs, but 2 class names are given"):
        frozen_from_graph(graph_of(build), name="mine", classes=label_space(["a", "b"]))


def test_names_that_would_collide_stay_whole():
    def build(x):
        y = tf.nn.relu(tf.nn.conv2d(x, kernel(1, 1, 3, 2), 1, "SAME"), name="block/Relu")
        z = tf.nn.relu(tf.nn.conv2d(y, kernel(1, 1, 2, 2), 1, "SAME"), name="block/Relu_1")
        x = tf.concat([y, z], 3, name="join/concat")
        classify(tf.nn.max_pool2d(x, 2, 2, "SAME", name="input/MaxPool"))

    layers = frozen_from_graph(graph_of(build), name="mine").layers
    assert [layer.name for layer in layers] == [
        "input",
        "block/Relu",
        "block/Relu_1",
        "join",
        "input/MaxPool",
        "logits",
    ]


def test_input_of_any_size_is_given_one():
    def build(x):
        x = tf.nn.relu(tf.nn.conv2d(x, kernel(3, 3, 3, 5), 2, "SAME"), name="first")
        tf.matmul(tf.reduce_mean(x, [1, 2]), kernel(5, 4), name="logits")

    for shape in (None, (None, None, None, 3), (1, None, None, None)):
        frozen = frozen_from_graph(graph_of(build, shape=shape and (None, *shape[1:3], 3)), name="a", size_px=[10, 8])
        assert frozen.input_shape == (10, 8, 3)
        assert (frozen.layer("first").height, frozen.layer("first").width) == (5, 4)
    with pytest.raises(NetworkError, match=r"'a' takes images of any size; set size_px"):
        frozen_from_graph(graph_of(build, shape=(None, None, None, 3)), name="a")
    with pytest.raises(NetworkError, match="'a' takes 16 x 16 pixels, not 8 x 16"):
        frozen_from_graph(graph_of(build), name="a", size_px=[8, 16])
    assert frozen_from_graph(graph_of(build, shape=(1, SIZE, SIZE, 3)), name="a", size_px=16).input_shape[0] == 16


def variable(x):
    classify(tf1.nn.relu(x * tf1.Variable(1.0, name="scale", use_resource=False)))


def called(x):
    classify(tf.function(tf.nn.relu)(x))


def summed(x):
    classify(x + tf1.placeholder(tf.float32, (None, SIZE, SIZE, 3), name="other"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "options", "message"),
    [
        (variable, {}, "has the variable 'scale': the graph must be frozen"),
        (called, {}, "calls a function; save the graph without functions"),
        (summed, {}, "must have one placeholder, for images; it has picture, other"),
        (lambda x: classify(tf.zeros((1, 2))), {}, "must have one placeholder, for images; it has none"),
        (
            lambda x: classify(tf.cast(x, tf.float32)),
            {"dtype": "uint8"},
            "takes uint8 at 'picture'; it must take float32",
        ),
        (classify, {"shape": (None, 16, 16, 1)}, r"takes \[16, 16, 1\] at 'picture', not images"),
        (lambda x: tf.nn.sigmoid(classify(x), name="end"), {}, "ends in a sigmoid at 'end'"),
        (lambda x: tf.nn.relu(x, name="map"), {}, r"'map' does not output one value per class, but \(16, 16, 3\)"),
    ],
)
def test_graphs_that_are_no_frozen_classifiers(tmp_path, build, options, message):
    path = written(tmp_path / "odd.pb", graph_of(build, **options))
    with pytest.raises(NetworkError, match=message) as caught:
        read_frozen(path)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(f"{path}: ")


def test_invalid_operation_is_one_line(tmp_path):
    graph_def = graph_of(classify)
    next(node for node in graph_def.node if node.op == "MatMul").op = "NoSuchOperation"
    with pytest.raises(NetworkError, match="is the operation 'NoSuchOperation'") as caught:
        read_frozen(written(tmp_path / "odd.pb", graph_def))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_truncated_at_any_place_is_one_line(tmp_path, frozen):
    data = serialized(frozen.graph_def)
    path = tmp_path / "cut.pb"
    for kept in (0, 1, 10, *np.linspace(50, len(data) - 1, 12).astype(int)):
        path.write_bytes(data[:kept])
        with pytest.raises(
            CheckpointError, match=r"cut\.pb: truncated, damaged or not a frozen graph \(sha256"
        ) as caught:
            read_frozen(path)
        assert "\n" not in str(caught.value)


def test_other_files(tmp_path, frozen):
    with pytest.raises(FileNotFoundError, match="no such frozen graph"):
        read_frozen(tmp_path / "none.pb")
    path = written(tmp_path / "small.pb", frozen.graph_def)
    assert read_frozen(path, sha256=sha256_of(path)).name == "small"
    with pytest.raises(
        CheckpointError, match=f"truncated or changed: its sha256 is {sha256_of(path)} instead of {'0' * 64}"
    ):
        read_frozen(path, sha256="0" * 64)
    # The end of a file between two operations: every input of what is left is there or not.
    graph_def = tf1.GraphDef.FromString(serialized(frozen.graph_def))
    del graph_def.node[0]
    with pytest.raises(CheckpointError, match="operation 'conv2d0/Conv2D' takes 'input', which is missing"):
        read_frozen(written(tmp_path / "short.pb", graph_def))


@pytest.mark.slow
def test_what_is_read_can_be_saved_and_loaded(tmp_path):
    spec = {
        "kind": "file",
        "file": str(written(tmp_path / "given.pb", inception_v1_graph(input_shape=(32, 32, 3), classes=4))),
        "preprocessing": {"mean": [117.0]},
        "class_names": ["a", "b", "c", "d"],
    }
    frozen = frozen_network(spec, name="mine")
    assert frozen.name == "mine" and frozen.class_names == ("a", "b", "c", "d")
    assert frozen.preprocess(np.full((1, 32, 32, 3), 118, np.uint8)).max() == 1.0
    save_frozen(frozen, tmp_path / "frozen.pb")
    assert load_frozen(tmp_path / "frozen.pb") == frozen
    with pytest.raises(
        NetworkError, match=re.escape("'mine' is a frozen graph (") + ".*it needs a Keras model"
    ) as caught:
        load_network(spec, name="mine")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_keras_networks_of_a_study_are_frozen(frozen):
    spec = {"kind": "named", "architecture": "small_inception", "size_px": [16, 16], "classes_count": 3, "seed": 0}
    found = frozen_network(spec, name="mine")
    assert (found.layers, found.sha256, found.name) == (frozen.layers, frozen.sha256, "mine")
