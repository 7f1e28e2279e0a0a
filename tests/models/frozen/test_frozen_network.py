import dataclasses
import hashlib
import json
import warnings

import numpy as np
import pytest

from netlens.models.architectures.registry import build
from netlens.models.backend import keras, tf, tf1
from netlens.models.errors import CheckpointError, NetworkError
from netlens.models.frozen.frozen_network import freeze, imported, load_frozen, replace_identities, save_frozen
from netlens.models.network import Network, without_softmax
from netlens.models.preprocessing import preprocessing_from

L = keras.layers


def network(model, name="mine"):
    logits = without_softmax(model)
    classes = tuple(f"class_{index}" for index in range(logits.output_shape[-1]))
    return Network(name, logits, preprocessing_from("tf"), classes, tuple(logits.input_shape[1:]), "")


def branching():
    """Every kind of layer, batch normalization with moments of its own, a model inside, a layer used twice."""
    rng = np.random.default_rng(0)
    image = keras.Input((12, 10, 3), name="picture")
    inner = keras.Sequential([L.Input((12, 10, 4)), L.Conv2D(4, 3, padding="same", name="deep")], name="inner")
    x = L.BatchNormalization(name="bn")(L.Conv2D(4, 3, padding="same", name="conv")(image))
    x = L.Dropout(0.5, name="drop")(L.Activation("relu", name="act")(x))
    shared = L.Conv2D(4, 1, activation="relu", name="shared")
    y = shared(shared(inner(x)))
    x = L.Concatenate(name="cat")([L.Add(name="sum")([x, y]), L.MaxPooling2D(3, 1, padding="same", name="pool")(x)])
    x = L.GlobalAveragePooling2D(name="mean")(L.ZeroPadding2D(name="pad")(x))
    model = keras.Model(image, L.Dense(5, activation="softmax", name="head")(x), name="branching")
    for layer in model.layers:
        values = [rng.normal(size=value.shape) for value in layer.get_weights()]
        layer.set_weights([*values[:-1], np.abs(values[-1]) + 0.5] if layer.name == "bn" else values)
    return model


def images(shape, n=4):
    return np.random.default_rng(1).normal(size=(n, *shape)).astype(np.float32)


def outputs(frozen, x):
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = imported(frozen)
        return session.run(dict(tensors), {tensors["input"]: x})


def test_a_grouped_convolution_is_an_operation_and_not_a_call_of_a_function():
    image = keras.Input((8, 8, 4), name="picture")
    grouped = L.Conv2D(6, 3, groups=2, strides=2, name="grouped")(image)
    model = keras.Model(image, L.Flatten(name="flat")(L.Conv2D(6, 3, groups=2, use_bias=False, name="last")(grouped)))
    subject = Network("grouped", model, preprocessing_from("none"), tuple("abcdef"), (8, 8, 4), "")
    frozen = freeze(subject)
    assert [node.op for node in frozen.graph_def.node].count("Conv2D") == 2
    assert not frozen.graph_def.library.function
    x = images((8, 8, 4))
    np.testing.assert_allclose(
        outputs(frozen, x)["last"].reshape(len(x), -1), model.predict_on_batch(x), rtol=1e-5, atol=1e-6
    )


def test_a_dense_layer_on_maps_is_a_convolution_and_one_on_vectors_is_not():
    image = keras.Input((8, 6, 4), name="picture")
    mixed = L.Dense(5, activation="relu", name="mixed")(L.Conv2D(3, 3, name="conv")(image))
    mean = L.GlobalAveragePooling2D(name="mean")(L.Dense(7, use_bias=False, name="last")(mixed))
    model = keras.Model(image, L.Dense(2, name="logits")(mean))
    frozen = freeze(Network("mixer", model, preprocessing_from("none"), ("a", "b"), (8, 6, 4), ""))
    assert [(layer.name, layer.kind, layer.height, layer.width) for layer in frozen.layers][1:] == [
        ("conv", "conv", 6, 4), ("mixed", "conv", 6, 4), ("last", "conv", 6, 4), ("mean", "pool", None, None),
        ("logits", "dense", None, None),
    ]  # fmt: skip
    x = images((8, 6, 4))
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = imported(frozen)
        assert tensors["last"].shape.as_list()[1:] == [6, 4, 7], "known without an image"
        found = session.run(tensors["logits"], {tensors["input"]: x})
    np.testing.assert_allclose(found, model.predict_on_batch(x), rtol=1e-5, atol=1e-6)


def test_swish_has_the_gradient_of_its_mathematics_in_every_process():
    image = keras.Input((4, 4, 3), name="picture")
    model = keras.Model(image, L.Flatten(name="flat")(L.Activation("swish", name="act")(image)))
    frozen = freeze(Network("swish", model, preprocessing_from("none"), tuple(map(str, range(48))), (4, 4, 3), ""))
    # What is attached to an IdentityN exists only where the graph was made.
    assert all(node.op != "IdentityN" and "_gradient_op_type" not in node.attr for node in frozen.graph_def.node)
    x = images((4, 4, 3)).astype(np.float64)
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = imported(frozen)
        value, (gradient,) = tensors["act"], tf1.gradients(tensors["act"], tensors["input"])
        found, slope = session.run([value, gradient], {tensors["input"]: x})
    share = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(found, x * share, atol=1e-6)
    np.testing.assert_allclose(slope, share + x * share * (1 - share), atol=1e-6)


def test_further_outputs_of_an_identity_are_read_from_their_sources():
    with tf.Graph().as_default() as graph:
        first, second = tf1.placeholder(tf.float32, (2,), name="a"), tf1.placeholder(tf.float32, (2,), name="b")
        once = tf1.identity_n([first, second], name="once")
        twice = tf1.identity_n([once[1], once[0]], name="twice")
        tf1.subtract(twice[0], 2 * twice[1], name="result")
    graph_def = graph.as_graph_def()
    replace_identities(graph_def)
    assert all(node.op != "IdentityN" for node in graph_def.node)
    with tf.Graph().as_default(), tf1.Session() as session:
        tf1.import_graph_def(graph_def, name="")
        assert session.run("result:0", {"a:0": [1, 2], "b:0": [5, 5]}).tolist() == [3, 1]


@pytest.mark.slow
def test_outputs_of_every_layer_are_those_of_keras():
    subject = network(branching())
    frozen = freeze(subject)
    found = outputs(frozen, images((12, 10, 3)))
    named = {
        layer.name: layer.output for layer in subject.model.layers if layer.name in found and layer.name != "shared"
    }
    expected = keras.Model(subject.model.inputs, list(named.values())).predict_on_batch(images((12, 10, 3)))
    assert set(named) == {"act", "deep", "sum", "pool", "cat", "mean", "head"}
    for name, value in zip(named, expected, strict=True):
        np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-6 * np.abs(value).max(), err_msg=name)


@pytest.mark.slow
def test_layers_are_named_and_described():
    frozen = freeze(network(branching()))
    assert [(layer.name, layer.node, layer.kind, layer.channels) for layer in frozen.layers] == [
        ("input", "input", "input", 3),
        ("act", "act/Relu", "conv", 4),
        ("deep", "deep/BiasAdd", "conv", 4),
        ("shared", "shared/Relu", "conv", 4),
        ("shared_1", "shared_1/Relu", "conv", 4),
        ("sum", "sum/add", "add", 4),
        ("pool", "pool/MaxPool", "pool", 4),
        ("cat", "cat/concat", "concat", 8),
        ("mean", "mean/Mean", "pool", 8),
        ("head", "head/BiasAdd", "dense", 5),
    ]
    assert [(layer.height, layer.width) for layer in frozen.layers] == [(12, 10)] * 8 + [(None, None)] * 2
    assert frozen.input_node == "input" and frozen.output_node == "head/BiasAdd"
    assert frozen.input_shape == (12, 10, 3) and frozen.name == "mine"


def described(*made):
    """Freeze a network of these layers, one behind the other, and give its layers' names and kinds."""
    x = image = keras.Input((12, 10, 3), name="picture")
    for layer in made:
        x = layer(x)
    model = keras.Model(image, L.Dense(2, name="head")(L.GlobalAveragePooling2D(name="mean")(x)))
    kinds = {layer.name: layer.kind for layer in freeze(network(model)).layers}
    assert [kinds.pop("input"), kinds.pop("mean"), kinds.pop("head")] == ["input", "pool", "dense"]
    return kinds


@pytest.mark.slow
@pytest.mark.parametrize("activation", [L.ReLU, L.LeakyReLU, L.PReLU, lambda name: L.Activation("tanh", name=name)])
def test_a_kernel_its_normalization_and_its_activation_are_one_layer(activation):
    convolution, normalization = L.Conv2D(4, 3, name="conv"), L.BatchNormalization(name="norm")
    assert described(convolution, normalization, activation(name="act")) == {"act": "conv"}


@pytest.mark.slow
def test_which_layers_are_one():
    conv = lambda **given: L.Conv2D(4, 3, name="conv", **given)  # noqa: E731
    norm = lambda name="norm": L.BatchNormalization(name=name)  # noqa: E731
    act = lambda: L.ReLU(name="act")  # noqa: E731
    assert described(conv(), act()) == {"act": "conv"}
    assert described(conv(), norm(), L.Dropout(0.5), norm("second"), act()) == {"act": "conv"}
    assert described(L.DepthwiseConv2D(3, name="deep"), norm(), act()) == {"act": "conv"}
    assert described(L.Dense(4, name="plane"), norm(), act()) == {"act": "conv"}, "on a map it is a convolution"
    # Behind an activation, or where one of the three is missing or something else stands between, none are.
    assert described(conv(activation="relu"), norm(), act()) == {"conv": "conv", "norm": "norm", "act": "other"}
    assert described(conv(), norm()) == {"conv": "conv", "norm": "norm"}
    assert described(norm(), act()) == {"norm": "norm", "act": "other"}
    assert described(conv(), L.MaxPooling2D(name="pool"), act()) == {"conv": "conv", "pool": "pool", "act": "other"}
    assert described(conv(), L.Activation("softmax", name="soft")) == {"conv": "conv", "soft": "other"}


@pytest.mark.slow
def test_what_stands_between_stays_a_layer_where_something_else_takes_it():
    image = keras.Input((12, 10, 3), name="picture")
    normal = L.BatchNormalization(name="norm")(L.Conv2D(4, 3, name="conv")(image))
    joined = L.Add(name="sum")([normal, L.ReLU(name="act")(normal)])
    model = keras.Model(image, L.Dense(2, name="head")(L.GlobalAveragePooling2D(name="mean")(joined)))
    kinds = [(layer.name, layer.kind) for layer in freeze(network(model)).layers]
    assert kinds[1:5] == [("conv", "conv"), ("norm", "norm"), ("act", "other"), ("sum", "add")]


@pytest.mark.slow
def test_graph_is_constant_and_in_inference_mode():
    frozen = freeze(network(branching()))
    operations = {node.op for node in frozen.graph_def.node}
    assert not operations & {"VarHandleOp", "ReadVariableOp", "Switch", "If", "StatelessIf", "PlaceholderWithDefault"}
    assert [node.name for node in frozen.graph_def.node if node.op == "Placeholder"] == ["input"]
    assert not any(source.startswith("^") for node in frozen.graph_def.node for source in node.input)
    # In training mode, the moments of a batch of one differ from those of its batch.
    x = images((12, 10, 3))
    np.testing.assert_allclose(outputs(frozen, x[:1])["head"], outputs(frozen, x)["head"][:1], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_kernels_are_constants_of_the_layers_names():
    subject = network(branching())
    nodes = {node.name: node for node in freeze(subject).graph_def.node}
    kernel = tf.make_ndarray(nodes["conv/kernel"].attr["value"].tensor)
    np.testing.assert_array_equal(kernel, subject.model.get_layer("conv").get_weights()[0])
    assert list(nodes["conv/Conv2D"].input) == ["input", "conv/kernel"]


def test_same_network_gives_the_same_bytes(tmp_path):
    model = branching()
    digests = []
    for folder in ("a", "b"):
        save_frozen(freeze(network(model)), tmp_path / folder / "frozen.pb")
        digests.append(
            [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((tmp_path / folder).iterdir())]
        )
        L.Conv2D(2, 3, name="conv")(keras.Input((9, 9, 3), name="picture"))  # names are taken in the default graph now
    assert digests[0] == digests[1]
    assert json.loads((tmp_path / "a" / "frozen.json").read_text())["graph_sha256"] == digests[0][1]


@pytest.mark.slow
def test_freezing_leaves_the_process_as_it_was():
    model = branching()
    graph, before = tf1.get_default_graph(), len(tf1.get_default_graph().get_operations())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        freeze(network(model))
    assert tf1.get_default_graph() is graph
    added = [operation.type for operation in graph.get_operations()[before:]]
    assert "Conv2D" in added, "network() copies the model here"
    freezing = len(graph.get_operations())
    subject = network(model)
    made = len(graph.get_operations()) - freezing
    freeze(subject)
    assert len(graph.get_operations()) - freezing == made


@pytest.mark.slow
def test_saved_network_is_the_same(tmp_path):
    frozen = freeze(network(branching()))
    save_frozen(frozen, tmp_path / "frozen.pb")
    assert load_frozen(tmp_path / "frozen.pb") == frozen
    pixels = np.random.default_rng(0).integers(0, 256, (2, 12, 10, 3), np.uint8)
    np.testing.assert_array_equal(frozen.preprocess(pixels), preprocessing_from("tf")(pixels))
    with pytest.raises(NetworkError, match="'mine' takes images of 12 x 10 x 3, not 10 x 12 x 3"):
        frozen.preprocess(pixels.transpose(0, 2, 1, 3))


@pytest.mark.slow
def test_layers_are_replaced_by_given_tensors():
    frozen = freeze(network(branching()))
    x = images((12, 10, 3))
    expected = outputs(frozen, x)
    with tf.Graph().as_default(), tf1.Session() as session:
        middle = tf.constant(expected["sum"])
        tensors = imported(frozen, {"sum": middle, "act": tf.constant(expected["act"])}, name="half")
        assert tensors["sum"] is middle
        assert tensors["head"].op.name == "half/head/BiasAdd"
        # The images are not needed any more, and what comes before stands beside.
        np.testing.assert_allclose(session.run(tensors["head"]), expected["head"], rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(session.run(tensors["pool"]), expected["pool"])
        before = tf1.get_default_graph().get_tensor_by_name("half/act/Relu:0")
        np.testing.assert_array_equal(session.run(before, {tensors["input"]: x}), expected["act"])


@pytest.mark.slow
def test_unknown_layer_tells_the_nearest():
    frozen = freeze(network(build("small_inception", input_shape=(16, 16, 3), classes=3, seed=0)))
    for ask in (frozen.layer, lambda name: imported(frozen, {name: None}), lambda name: imported(frozen)[name]):
        with (
            tf.Graph().as_default(),
            pytest.raises(NetworkError, match="no layer 'mixed3c'; the nearest are mixed3b, mixed3a") as caught,
        ):
            ask("mixed3c")
        assert "\n" not in str(caught.value)
    with pytest.raises(NetworkError, match="no layer 'qqq'; there are input, conv2d0"):
        frozen.layer("qqq")


@pytest.mark.slow
@pytest.mark.parametrize("kept", [0, 1, 1000, -1])
def test_truncated_graph_is_one_line(tmp_path, kept):
    save_frozen(freeze(network(branching())), tmp_path / "frozen.pb")
    data = (tmp_path / "frozen.pb").read_bytes()
    (tmp_path / "frozen.pb").write_bytes(data[:kept])
    with pytest.raises(
        CheckpointError, match=r"frozen\.pb: truncated or changed: its sha256 is [0-9a-f]{64} instead of"
    ) as caught:
        load_frozen(tmp_path / "frozen.pb")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_missing_or_damaged_description(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"frozen\.pb: no such file; run the rule frozen"):
        load_frozen(tmp_path / "frozen.pb")
    save_frozen(freeze(network(branching())), tmp_path / "frozen.pb")
    for text in ("", "{}", "[]", '{"input_shape": 3}'):
        (tmp_path / "frozen.json").write_text(text)
        with pytest.raises(NetworkError, match=r"frozen\.json: does not describe a frozen network"):
            load_frozen(tmp_path / "frozen.pb")
    (tmp_path / "frozen.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"frozen\.json: no such file"):
        load_frozen(tmp_path / "frozen.pb")


@pytest.mark.slow
def test_networks_that_cannot_be_frozen():
    image, other = keras.Input((9, 8, 3)), keras.Input((9, 8, 3))
    two = keras.Model([image, other], L.Dense(2)(L.Flatten()(L.Add()([image, other]))))
    subject = dataclasses.replace(network(branching()), model=two, input_shape=(9, 8, 3))
    with pytest.raises(NetworkError, match="has 2 inputs and 1 outputs"):
        freeze(subject)

    class Plain(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(NetworkError, match="no layer graph"):
        freeze(dataclasses.replace(subject, model=Plain()))
    x = image = keras.Input((9, 8, 3))
    x = L.Conv2D(2, 3, name="input")(x)
    taken = keras.Model(image, L.Dense(2)(L.Flatten()(x)))
    layers = freeze(network(taken)).layers
    assert [layer.name for layer in layers[:2]] == ["input", "input_1"]
