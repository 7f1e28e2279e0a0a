"""Messages about networks are one short line, whatever the network holds."""

import importlib
import json
import zipfile

import numpy as np
import pytest

from netlens.models.backend import keras, tf, tf1
from netlens.models.errors import CheckpointError, NetworkError, first_line, listed
from netlens.models.examples import ExampleError, first_examples
from netlens.models.frozen.graph_files import read_frozen
from netlens.models.inspection import inspect_keras_file
from netlens.models.keras.graph import graph_of
from netlens.models.network import network_of
from netlens.models.network_files import read_model
from netlens.models.preprocessing import Preprocessing
from netlens.pattern_attribution.analyzers import PatternAttribution

L = keras.layers
LONGEST = 300


@pytest.fixture(autouse=True)
def in_own_graph(own_graph):
    """Run every test in a graph of its own."""


def test_lists_are_cut_and_say_how_many_are_left():
    assert listed("abc") == "a, b, c"
    assert listed("abcde") == "a, b, c, d, e"
    assert listed(range(216)) == "0, 1, 2, 3 and 212 more"
    assert listed([(3, 3), "x" * 99, 1], separator="; ", most=1, longest=10) == "(3, 3) and 2 more"
    assert listed(["x" * 99], longest=10) == "xxxxxxx..."
    assert listed([]) == ""


def test_first_lines_are_short():
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(ValueError("a" * 500)) == "a" * 157 + "..."
    assert first_line(KeyError()) == "KeyError"


def model_of(body, name="mine"):
    image = keras.Input((8, 8, 3), name="image")
    return keras.Model(image, body(image), name=name)


def saved(path, body):
    model_of(body).save(path)
    return path


def savedmodel_folder(folder):
    (folder / "variables").mkdir()
    (folder / "saved_model.pb").write_bytes(b"\x08\x01\x12")
    return folder


def weights_only(path):
    model_of(lambda x: L.Dense(2)(L.Flatten()(x))).save_weights(path)
    return path


def graph_file(path, build):
    with tf.Graph().as_default() as graph:
        build(tf1.placeholder(tf.float32, (None, 8, 8, 3), name="picture"))
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def archive(path, config):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("metadata.json", json.dumps({"keras_version": "3.4.0"}))
        file.writestr("config.json", json.dumps(config))
    return path


def many(x):
    joined = L.Concatenate()([L.Activation("linear", name=f"layer_{index}_{'y' * 80}")(x) for index in range(60)])
    return L.Conv2D(2, 3)(joined)


def several_images(x):
    others = [tf1.placeholder(tf.float32, (None, 8, 8, 3), name=f"other_{index}") for index in range(90)]
    return tf.matmul(tf.reduce_mean(tf.add_n([x, *others]), [1, 2]), tf.ones((3, 2)))


BAD = {
    "a SavedModel": (savedmodel_folder, "a SavedModel, which is not read"),
    "saved_model.pb": (
        lambda path: savedmodel_folder(path) / "saved_model.pb",
        "a SavedModel, not a frozen graph; load it where it was made",
    ),
    "a map": (lambda path: saved(path / "map.h5", many), r"outputs \(6, 6, 2\); it must output one value per class"),
    "a module": (
        lambda path: archive(
            path / "a.keras",
            {"module": "evil" * 90, "class_name": "Functional", "config": {"name": "a", "layers": []}},
        ),
        r"comes from the module 'evilevil.*\.\.\., which is not imported",
    ),
    "a subclassed model": (
        lambda path: archive(
            path / "a.keras",
            {"module": "project.nets", "class_name": "Own", "registered_name": "Own", "config": {"width": 3}},
        ),
        "holds a subclassed model .*, whose structure is Python code",
    ),
    "an unbuilt model": (
        lambda path: archive(
            path / "a.keras",
            {
                "module": "keras",
                "class_name": "Sequential",
                "config": {
                    "name": "a",
                    "layers": [
                        {
                            "module": "keras.layers",
                            "class_name": "Flatten",
                            "config": {"name": "flat", "data_format": "channels_last"},
                        }
                    ],
                },
            },
        ),
        "was saved without an input shape; begin it with an Input layer",
    ),
    "weights": (lambda path: weights_only(path / "w.h5"), "holds weights without an architecture"),
    "90 images": (lambda path: graph_file(path / "a.pb", several_images), "must have one placeholder.* and 87 more"),
    "another file": (lambda path: saved(path / "a.h5", many).rename(path / "a.onnx"), "not a network file"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_told_in_one_short_line(tmp_path, kind):
    make, message = BAD[kind]
    path = make(tmp_path)
    reads = [read_frozen] if path.suffix == ".pb" else [read_model, inspect_keras_file]
    if kind == "a map":  # which is a network nevertheless, for whom it serves
        reads = [inspect_keras_file]
    if kind == "another file":
        reads = [read_model]
    if kind == "an unbuilt model":  # this one has no weights in it
        reads = [inspect_keras_file]
    for read in reads:
        with pytest.raises(NetworkError, match=message) as caught:
            read(path)
        said = str(caught.value)
        assert said.startswith(f"{path}: ")
        assert "\n" not in said
        assert len(said.removeprefix(f"{path}: ")) < LONGEST


def test_damaged_weights_of_many_shapes_are_told_in_one_short_line(tmp_path):
    path = saved(tmp_path / "a.h5", lambda x: L.Dense(2)(L.Flatten()(x)))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(CheckpointError, match="truncated or damaged") as caught:
        read_model(path)
    assert len(str(caught.value).removeprefix(f"{path}: ")) < LONGEST


def test_classes_of_a_large_image_set_are_not_all_told():
    names = [f"class {index}" for index in range(1000)]
    with pytest.raises(ExampleError, match="it has class 0, class 1, class 2, class 3 and 996 more"):
        first_examples(np.ones(3, bool), np.arange(3), names, ["cat"])


def test_a_model_that_outputs_a_map_is_no_classifier():
    with pytest.raises(NetworkError, match=r"^network 'mine' outputs 6 x 6 x 2 values; a classifier outputs one per"):
        network_of("a", model_of(many), preprocessing=Preprocessing(), classes=None, sha256="")


@pytest.mark.slow
def test_a_model_of_keras_3_is_refused_in_one_line_by_the_python_interface():
    keras3 = importlib.import_module("keras")
    assert keras3.__version__.startswith("3")
    model = keras3.Sequential([keras3.layers.Input((4, 4, 3)), keras3.layers.Flatten()], name="mine")
    for use in (graph_of, PatternAttribution):
        with pytest.raises(
            NetworkError, match=r"^network 'mine' was built with Keras 3 \(import keras\); save it"
        ) as caught:
            use(model)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < LONGEST


def test_a_subclassed_model_is_refused_in_one_line():
    class Own(keras.Model):
        pass

    with pytest.raises(NetworkError, match=r"^network 'own' has no layer graph") as caught:
        graph_of(Own(name="own"))
    assert len(str(caught.value)) < LONGEST
