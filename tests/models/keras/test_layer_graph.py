"""The connections of a network as plain data are those of the model."""

import json

import pytest

from netlens.models.errors import NetworkError
from netlens.models.keras.layer_graph import LayerGraph, LayerNode, layer_graph, read_layer_graph, saved_layer_graph
from netlens.models.keras.saved_graph import saved_graph


def _branched(keras):
    L = keras.layers
    image = keras.Input((9, 9, 4), name="image")
    inner_image = keras.Input((9, 9, 4), name="inner_image")
    inner = keras.Model(inner_image, L.Conv2D(4, 3, padding="same", name="inside")(inner_image), name="inner")
    relu = L.ReLU(name="relu")
    x = relu(inner(image))
    y = relu(L.DepthwiseConv2D(3, padding="same", name="depthwise")(x))
    x = L.Concatenate(name="joined")([y, x])
    x = keras.activations.relu(x + 1.0)
    L.Dense(2, name="unused")(x)
    return keras.Model(image, L.Dense(3, name="logits")(L.GlobalAveragePooling2D(name="mean")(x)))


@pytest.fixture
def branched(own_graph):
    from netlens.models.backend import keras

    return _branched(keras)


def test_a_model_and_its_file_have_the_same_graph(branched):
    graph = layer_graph(branched)
    assert graph.channels == 4
    assert graph.outputs == ("logits",)
    assert graph.inputs == ("image",)
    by_name = {node.name: node for node in graph.nodes}
    assert by_name["inside"] == LayerNode("inside", "Conv2D", ("image",))
    assert by_name["joined"].sources == ("relu:1", "relu")
    assert by_name["depthwise"].kind == "DepthwiseConv2D"
    assert [node.kind for node in graph.nodes][-4:] == ["AddV2", "Relu", "GlobalAveragePooling2D", "Dense"]
    assert "unused" not in by_name
    entry = {"class_name": "Functional", "config": json.loads(branched.to_json())["config"]}
    assert saved_layer_graph(saved_graph(entry)) == graph


def test_it_survives_json(branched, tmp_path):
    graph = layer_graph(branched)
    path = tmp_path / "network.json"
    path.write_text(json.dumps({"graph": graph.as_json()}))
    assert read_layer_graph(path) == graph


def test_what_is_not_a_graph_is_refused(tmp_path):
    path = tmp_path / "network.json"
    with pytest.raises(FileNotFoundError, match="no such description of a network"):
        read_layer_graph(path)
    for text in ("{}", '{"graph": []}', '{"graph": {"nodes": [{"name": "a"}], "outputs": [], "channels": 3}}'):
        path.write_text(text)
        with pytest.raises(NetworkError, match="does not describe a network's graph"):
            read_layer_graph(path)


def test_reading_starts_no_tensorflow(tmp_path):
    import subprocess
    import sys

    path = tmp_path / "network.json"
    path.write_text(json.dumps({"graph": LayerGraph((LayerNode("a", "InputLayer", ()),), ("a",), 3).as_json()}))
    code = (
        "import sys; from netlens.models.keras.layer_graph import read_layer_graph;"
        f"assert read_layer_graph({str(path)!r}).channels == 3; assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
