"""Facts about networks: of several kinds, saved by either version of Keras, and from configurations written by hand."""

import json
import sys
import zipfile
from pathlib import Path

import h5py
import pytest

from netlens.models.backend import keras
from netlens.models.errors import CheckpointError, NetworkError, UnsupportedLayerError
from netlens.models.inspection import facts_from_json, facts_of_config, inspect_keras_file, segments_count, trunk_of
from netlens.models.keras.layer_graph import layer_graph
from netlens.models.keras.segments import chain_obstacle
from netlens.models.loading import load_network
from netlens.models.network import without_softmax
from netlens.models.network_files import read_model
from netlens.models.preparation import prepare
from netlens.pattern_attribution.analyzers import PatternNet
from netlens.pattern_attribution.patterns.network_graph import network_graph

LAYERS = keras.layers


# name: (outputs, ending, kernel layers, segments, convolutions, joins, trunk maps, max, average, layers with positions)
EXPECTED = {
    "dense_net": (4, "softmax", 2, 2, 0, 0, 0, 0, 0, 0),
    "residual_net": (4, "dense", 4, 4, 3, 2, 3, 0, 1, 9),
    "mobile_net": (8, "features", 3, 3, 3, 0, 3, 0, 1, 5),
    "two_branches": (7, "features", 3, 2, 1, 0, 0, 0, 0, 2),
    "inception": (4, "softmax", 8, 5, 4, 3, 4, 1, 1, 11),
    "nested": (4, "softmax", 2, 2, 1, 0, 1, 1, 0, 2),
}


@pytest.fixture(autouse=True)
def in_own_graph(own_graph):
    """Run every test in a graph of its own."""


def summary(facts):
    return (
        facts.outputs_count, facts.ending, facts.kernel_layers_count, facts.segments_count, facts.convolutions_count,
        facts.joins_count, facts.trunk_maps_count, facts.max_poolings_count, facts.average_poolings_count,
        facts.layers_with_positions_count,
    )  # fmt: skip


def saved(tmp_path, build):
    image = keras.Input((16, 16, 3), name="image")
    path = tmp_path / "net.h5"
    keras.Model(image, build(image)).save(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("kind", EXPECTED)
def test_facts_of_kinds_of_networks(tmp_path, network_builders, kind):
    facts = inspect_keras_file(saved(tmp_path, network_builders[kind]))
    assert summary(facts) == EXPECTED[kind]
    assert (facts.size_px, facts.is_keras, facts.unsupported) == ((16, 16), True, ())
    assert facts_from_json(json.loads(json.dumps(facts.as_json()))) == facts


def test_the_sizes_of_maps_are_those_that_keras_has(tmp_path):
    def build(image):
        values = LAYERS.ZeroPadding2D(((1, 2), (0, 3)), name="padded")(image)
        values = LAYERS.Conv2D(4, (3, 2), strides=2, dilation_rate=1, name="valid")(values)
        values = LAYERS.MaxPooling2D(3, strides=2, padding="same", name="pooled")(values)
        values = LAYERS.Conv2D(6, 3, dilation_rate=2, padding="same", name="dilated")(values)
        values = LAYERS.Reshape((-1, 6), name="rows")(LAYERS.Cropping2D(1, name="cropped")(values))
        return LAYERS.Dense(3, name="out")(LAYERS.Flatten(name="flat")(values))

    image = keras.Input((17, 20, 3), name="image")
    model = keras.Model(image, build(image))
    model.save(tmp_path / "net.h5")
    facts = inspect_keras_file(tmp_path / "net.h5")
    maps = {layer.name: (*layer.size, layer.channels) for layer in facts.layers if layer.size}
    expected = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers if len(layer.output.shape) == 4}
    assert maps == expected
    assert facts.outputs_count == 3


@pytest.mark.parametrize("kind", ["residual_net", "nested"])
def test_a_legacy_archive_has_the_same_facts(tmp_path, network_builders, kind):
    # The legacy Keras itself writes archives with eager execution only.
    image = keras.Input((16, 16, 3), name="image")
    path = archive(tmp_path, "2.15.0", json.loads(keras.Model(image, network_builders[kind](image)).to_json()))
    assert summary(inspect_keras_file(path)) == EXPECTED[kind]


def archive(tmp_path, version, config):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as members:
        members.writestr("metadata.json", json.dumps({"keras_version": version}))
        members.writestr("config.json", json.dumps(config))
    return path


def keras3_archive(tmp_path, layers, inputs, outputs):
    config = {"name": "net", "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return archive(tmp_path, "3.4.1", {"class_name": "Functional", "config": config})


def keras3_layer(kind, name, sources=(), **options):
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"shape": [None], "dtype": "float32", "keras_history": [s, 0, 0]}}
        for s in sources
    ]
    arguments = [tensors] if len(tensors) > 1 else tensors
    nodes = [{"args": arguments, "kwargs": {}}] if tensors else []
    return {"module": "keras.layers", "class_name": kind, "config": {"name": name, **options}, "inbound_nodes": nodes,
            "registered_name": None, "name": name}  # fmt: skip


def test_an_archive_of_keras_3_is_read_whatever_the_order_of_its_layers(tmp_path):
    layers = [
        keras3_layer("Dense", "out", ["pool"], units=3, activation="softmax"),
        keras3_layer("Add", "add", ["stem", "inside"]),
        keras3_layer("InputLayer", "image", batch_shape=[None, None, None, 3]),
        keras3_layer("Conv2D", "stem", ["image"], filters=4, kernel_size=[3, 3], strides=[2, 2], padding="same"),
        keras3_layer("Conv2D", "inside", ["stem"], filters=4, kernel_size=[3, 3], strides=[1, 1], padding="same"),
        keras3_layer("GlobalMaxPooling2D", "pool", ["add"], keepdims=False),
    ]
    facts = inspect_keras_file(keras3_archive(tmp_path, layers, ["image", 0, 0], ["out", 0, 0]))
    assert summary(facts)[:9] == (3, "softmax", 3, 3, 2, 1, 2, 1, 0)
    assert facts.size_px == (None, None)


def test_layers_for_which_no_analysis_of_kernels_is_defined_are_named(tmp_path):
    def build(image):
        grown = LAYERS.Conv2DTranspose(3, 3, name="grown")(image)
        return LAYERS.Dense(4, name="out")(LAYERS.GlobalAveragePooling2D(name="pool")(grown))

    assert inspect_keras_file(saved(tmp_path, build)).unsupported == ("layer 'grown' (Conv2DTranspose)",)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([("InputLayer", {"batch_shape": [None, 8, 8, 1]}), ("Flatten", {})], r"takes \(8, 8, 1\); it must take one"),
        ([("InputLayer", {"batch_shape": [None, 8, 8, 3]}), ("ReLU", {})], r"outputs \(8, 8, 3\); it must output one"),
        (
            [("InputLayer", {"batch_shape": [None, 8, 8, 3]}), ("Flatten", {}),
             ("Dense", {"units": 1, "activation": "sigmoid"})],
            "ends in a sigmoid at layer 'layer2'",
        ),
    ],
)  # fmt: skip
def test_what_is_not_a_network_for_color_images_is_refused_in_one_line(tmp_path, layers, message):
    made = [
        keras3_layer(kind, f"layer{number}", [f"layer{number - 1}"] if number else [], **options)
        for number, (kind, options) in enumerate(layers)
    ]
    path = keras3_archive(tmp_path, made, [["layer0", 0, 0]], [[f"layer{len(layers) - 1}", 0, 0]])
    with pytest.raises(NetworkError, match=message) as caught:
        inspect_keras_file(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_foreign_layers_are_refused_before_anything_is_built(tmp_path):
    layers = [
        keras3_layer("InputLayer", "image", batch_shape=[None, 8, 8, 3]),
        keras3_layer("Lambda", "code", ["image"]),
    ]
    with pytest.raises(UnsupportedLayerError, match="contains a Lambda layer"):
        inspect_keras_file(keras3_archive(tmp_path, layers, ["image", 0, 0], ["code", 0, 0]))


def test_files_without_a_network_are_told_apart(tmp_path):
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as file:
        file["kernel"] = [1.0]
    with pytest.raises(NetworkError, match="holds weights without an architecture"):
        inspect_keras_file(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CheckpointError, match=r"weights\.h5: truncated or damaged"):
        inspect_keras_file(path)
    with pytest.raises(FileNotFoundError, match=r"nothing\.keras: no such network file"):
        inspect_keras_file(tmp_path / "nothing.keras")


def test_the_trunk_of_a_graph_with_branches():
    #      0 -> 1 -> 2 -> 4 -> 5, with 1 -> 3 -> 4 beside
    sources = [[], [0], [1], [1], [2, 3], [4]]
    assert trunk_of(sources, 5) == {0, 1, 4, 5}
    assert segments_count(sources, 5, [1, 2, 3, 5]) == 3
    assert segments_count(sources, 5, [2, 3]) == 1
    assert segments_count(sources, 5, []) == 0


@pytest.mark.slow
def test_inspection_does_not_start_tensorflow():
    import subprocess

    code = (
        "import sys; from netlens.models.inspection import inspect_keras_file;"
        "inspect_keras_file('models/demo/small_vgg.h5'); assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_a_network_whose_maps_are_multiplied_is_not_a_chain():
    def entry(name, kind, *sources, **options):
        calls = [[[source, 0, 0, {}] for source in sources]] if sources else []
        return {"class_name": kind, "name": name, "config": {"name": name, **options}, "inbound_nodes": calls}

    convolution = {"filters": 3, "kernel_size": [1, 1], "strides": [1, 1]}
    layers = [
        entry("image", "InputLayer", batch_input_shape=[None, 8, 8, 3]),
        entry("one", "Conv2D", "image", **convolution),
        entry("gate", "Conv2D", "one", **convolution, activation="sigmoid"),
        entry("gated", "Multiply", "one", "gate"),
        entry("two", "Conv2D", "gated", **convolution),
        entry("mean", "GlobalAveragePooling2D", "two"),
    ]
    config = {"name": "net", "layers": layers, "input_layers": [["image", 0, 0]], "output_layers": [["mean", 0, 0]]}
    facts = facts_of_config({"class_name": "Functional", "config": config})
    assert facts.segments_count == 3
    assert facts.chain_obstacle == "layer 'gated' (Multiply) is not a matrix even where all rectifiers let pass"
    layers[3]["class_name"] = "Add"
    assert facts_of_config({"class_name": "Functional", "config": config}).chain_obstacle == ""


def one(layer, *args, **kwargs):
    """A function that makes the layer only when it is called, in the graph of its test."""

    def build(x):
        return layer(*args, **kwargs)(x)

    return build


OBSTACLES = {
    "relu": (lambda x: LAYERS.ReLU(6.0)(LAYERS.Conv2D(3, 1, activation="relu6")(x)), ""),
    "prepared": (lambda x: LAYERS.SeparableConv2D(3, 3, activation=LAYERS.PReLU())(LAYERS.Rescaling(2.0)(x)), ""),
    "normalized": (lambda x: LAYERS.LeakyReLU()(LAYERS.BatchNormalization()(LAYERS.Conv2D(3, 1)(x))), ""),
    "shortcut": (lambda x: LAYERS.AveragePooling2D()(LAYERS.Add()([x, LAYERS.Conv2D(3, 1)(x)])), ""),
    "gate": (lambda x: LAYERS.Multiply(name="gate")([x, LAYERS.Conv2D(3, 1)(x)]), "layer 'gate' (Multiply)"),
    "swish": (
        one(LAYERS.Conv2D, 3, 1, activation="swish", name="conv"),
        "layer 'conv' (Conv2D with the activation swish)",
    ),
    "sigmoid": (
        one(LAYERS.Activation, "sigmoid", name="act"),
        "layer 'act' (Activation with the activation sigmoid)",
    ),
    "operation": (lambda x: x * 2.0, "layer 'tf_op_layer_mul' (Mul)"),
    "layer normalization": (one(LAYERS.LayerNormalization, name="norm"), "layer 'norm' (LayerNormalization)"),
}


@pytest.mark.parametrize("kind", OBSTACLES)
def test_what_pattern_net_and_pattern_attribution_refuse_is_known_before_anything_runs(tmp_path, kind):
    build, obstacle = OBSTACLES[kind]

    def network(image):
        return LAYERS.Dense(3, activation="softmax", name="out")(LAYERS.Flatten(name="flat")(build(image)))

    path = saved(tmp_path, network)
    facts = inspect_keras_file(path)
    assert facts.backward_obstacle == obstacle
    # The analyzers themselves say the same of the network.
    model = without_softmax(read_model(path))
    if obstacle:
        # Keras puts its prefix before the name of an operation again.
        with pytest.raises(UnsupportedLayerError, match=obstacle.split("'")[1] + "'"):
            PatternNet(model)
    else:
        PatternNet(model)


def test_a_network_that_normalizes_layers_is_prepared_but_has_no_patterns(tmp_path):
    def network(image):
        values = LAYERS.LayerNormalization(name="norm")(LAYERS.Conv2D(4, 3, activation="relu")(image))
        return LAYERS.Dense(3, name="out")(LAYERS.Flatten()(LAYERS.Conv2D(4, 3)(values)))

    facts = inspect_keras_file(saved(tmp_path, network))
    assert facts.without_patterns == ("layer 'norm' (LayerNormalization)",)
    assert facts.unsupported == () and "'norm'" in facts.chain_obstacle
    assert facts_from_json(json.loads(json.dumps(facts.as_json()))) == facts
    model = prepare(load_network({"kind": "file", "file": str(tmp_path / "net.h5")})).network.model
    with pytest.raises(UnsupportedLayerError, match="'norm'"), network_graph(model):
        pass


@pytest.mark.parametrize(
    ("build", "unsupported"),
    [
        (one(LAYERS.BatchNormalization, axis=1, name="norm"), "layer 'norm' (BatchNormalization of axis [1])"),
        (lambda x: twice(LAYERS.Conv2D(3, 1, name="conv"), x), "layer 'conv' (Conv2D, used 2 times)"),
    ],
)
def test_what_the_preparation_of_kernels_or_patterns_refuses_is_known_before_anything_runs(
    tmp_path, build, unsupported
):
    def network(image):
        return LAYERS.Dense(3, name="out")(LAYERS.Flatten()(LAYERS.Conv2D(3, 1, activation="relu")(build(image))))

    path = saved(tmp_path, network)
    assert inspect_keras_file(path).unsupported == (unsupported,)
    with pytest.raises(UnsupportedLayerError, match=unsupported.split(" (")[0]):
        model = prepare(load_network({"kind": "file", "file": str(path)})).network.model
        with network_graph(model):
            pass


def twice(layer, x):
    return layer(layer(x))


def test_a_concatenation_along_another_axis_is_no_segment_of_a_chain(tmp_path):
    def network(axis):
        def build(image):
            x = LAYERS.Conv2D(4, 1, name="a")(image)
            x = LAYERS.Concatenate(axis, name="join")([x, LAYERS.Conv2D(4, 1, name="b")(x)])
            for name in "cd":
                x = LAYERS.Conv2D(4, 1, name=name)(x)
            return LAYERS.Dense(2, name="out")(LAYERS.Flatten(name="flat")(x))

        return build

    assert inspect_keras_file(saved(tmp_path, network(-1))).chain_obstacle == ""
    assert inspect_keras_file(saved(tmp_path, network(3))).chain_obstacle == ""
    path = saved(tmp_path, network(1))
    what = "(Concatenate along another axis than the channels)"
    expected = f"layer 'join' {what} is not a matrix even where all rectifiers let pass"
    assert inspect_keras_file(path).chain_obstacle == expected
    assert chain_obstacle(layer_graph(read_model(path))) == expected
