"""lucid on today's TensorFlow, and nobody else disturbed."""

import builtins
import importlib
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

from netlens.feature_visualization import adapter
from netlens.feature_visualization.adapter import AdapterError
from netlens.feature_visualization.lucid_model import lucid_model
from netlens.models.backend import keras, tf, tf1

# isort: split
import lucid.modelzoo.vision_base as vision_base
import lucid.optvis.param as param
from lucid.scratch.parameter_editor import ParameterEditor
from lucid.scratch.pretty_graphs.format_graph import complete_render_model_graph

pytestmark = pytest.mark.slow


def test_only_modules_of_lucid_see_tensorflow_1():
    assert vision_base.tf is adapter._TENSORFLOW
    assert vision_base.tf.placeholder is tf1.placeholder
    import tensorflow

    assert tensorflow is tf is sys.modules["tensorflow"]
    assert not hasattr(tensorflow, "contrib")
    assert not hasattr(tensorflow, "placeholder")
    assert not hasattr(tf1, "contrib")
    assert vision_base.__builtins__["__import__"] is adapter._import
    assert builtins.__import__ is not adapter._import


def test_installing_again_changes_nothing():
    before = list(sys.meta_path)
    adapter.install()
    assert sys.meta_path == before


def test_specs_of_other_packages_are_none_of_its_business():
    (finder,) = [finder for finder in sys.meta_path if adapter._is_ours(finder)]
    assert finder.find_spec("tensorflow", None) is None
    assert finder.find_spec("lucidity", None) is None
    assert finder.find_spec("lucid.nothing_of_that_name", []) is None


def test_what_tensorflow_does_not_have_is_told():
    with pytest.raises(AdapterError, match=r"lucid imports tensorflow.contrib.nothing, which TensorFlow 2\.\S+ does"):
        adapter._import("tensorflow.contrib.nothing", fromlist=("x",))


def test_too_late_is_told(in_new_process):
    code = (
        "import lucid.misc.iter_nd_utils\n"
        "try:\n"
        "    import netlens.feature_visualization.adapter\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    assert in_new_process(code).strip() == (
        "lucid.misc was imported before netlens.feature_visualization.adapter; "
        "import netlens.feature_visualization.adapter first"
    )


ALL_MODULES = """
import importlib, os, pkgutil, sys
# A module of lucid imports umap, whose functions numba would compile for longer than all other imports take.
os.environ["NUMBA_DISABLE_JIT"] = "1"
import netlens.feature_visualization.adapter
before = list(sys.meta_path)
importlib.reload(netlens.feature_visualization.adapter)
print("RELOADED", sys.meta_path == before)

import lucid
names = ["lucid", *(found.name for found in pkgutil.walk_packages(lucid.__path__, "lucid.", onerror=print))]
failed = []
for name in names:
    try:
        importlib.import_module(name)
    except Exception:
        failed.append(name)
print("MODULES", len(names), *failed)

# lucid's CPPN uses slim, which TensorFlow 2 does not have, within a function.
from lucid.optvis.param.cppn import cppn
from netlens.models.backend import tf1
with tf1.Graph().as_default(), tf1.Session() as session:
    image = cppn(8)
    session.run(tf1.global_variables_initializer())
    print("CPPN", *session.run(image).shape)
"""


def test_all_of_lucid_imports_but_what_needs_other_software(in_new_process):
    told = dict(line.split(" ", 1) for line in in_new_process(ALL_MODULES).splitlines() if line[:1].isupper())
    assert told["RELOADED"] == "True"
    # One needs an OpenGL library, one the magic commands of a notebook.
    assert told["MODULES"].split() == ["101", "lucid.misc.gl.glcontext", "lucid.scratch.web.svelte"]
    assert told["CPPN"] == "1 8 8 3"


def test_innvestigate_works_beside_lucid():
    import innvestigate

    keras.backend.clear_session()
    L = keras.layers
    layers = [keras.Input((8, 8, 3)), L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(2)]
    model = keras.Sequential(layers)
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    relevance = innvestigate.create_analyzer("gradient", model).analyze(images)
    gradient = keras.backend.gradients(keras.backend.max(model.output, axis=1), model.input)
    (expected,) = keras.backend.function([model.input], gradient)([images])
    assert np.array_equal(relevance, expected)
    assert np.any(expected)
    assert not hasattr(innvestigate.backend.tf, "contrib")


@pytest.mark.parametrize("quarter_turns", [0, 1, 2, 3])
def test_rotation_is_counter_clockwise_about_the_centre(quarter_turns):
    images = np.random.default_rng(0).random((2, 7, 7, 3)).astype(np.float32)
    with tf1.Graph().as_default(), tf1.Session() as session:
        rotated = session.run(adapter.rotate(images, quarter_turns * np.pi / 2))
    assert np.array_equal(rotated, np.rot90(images, quarter_turns, axes=(1, 2)))


def test_rotation_takes_an_angle_an_image_and_leaves_0_outside():
    images = np.ones((2, 9, 9, 1), np.float32)
    with tf1.Graph().as_default(), tf1.Session() as session:
        kept, turned = session.run(adapter.rotate(images, [0.0, np.pi / 4]))
    assert np.array_equal(kept, images[0])
    assert turned[0, 0, 0] == 0
    assert turned[4, 4, 0] == 1


class Elements(HTMLParser):
    """What is drawn; lucid leaves numbers unquoted, as only HTML allows."""

    def __init__(self, svg):
        super().__init__()
        self.all = []
        self.feed(svg)

    def handle_starttag(self, tag, attrs):
        self.all.append({"tag": tag, **dict(attrs)})

    def of_class(self, name):
        return [element for element in self.all if element.get("class") == name]


def test_residual_joins_are_shown(frozen):
    network = frozen("residual")
    operations = [node.op for node in network.graph_def.node]
    assert operations.count("AddV2") >= 2
    rendered = complete_render_model_graph(lucid_model(network))
    drawn = Elements(rendered["svg_inner"])
    joins = {network.layer(name).node for name in ("join", "second_join")}
    added = [node for node in drawn.of_class("node") if node["data-tf-op"] == "Add"]
    assert {node["data-tf-name"] for node in added} == joins
    assert {node["tag"] for node in added} == {"circle"}
    ends = [edge["data-dest-tf-name"] for edge in drawn.of_class("edge")]
    assert [ends.count(join) for join in joins] == [2, 2]
    assert {group["data-group-tf-name"] for group in drawn.of_class("background")} == joins


def test_additions_of_constants_are_not_joins():
    with tf1.Graph().as_default() as graph:
        image = tf1.placeholder(tf1.float32, (None, 4, 4, 3), name="input")
        shifted = image + tf1.constant(1.0)
        tf1.nn.relu(shifted + 2 * image, name="relu")
    from lucid.scratch.pretty_graphs.graph import Graph

    operations = [node.op for node in Graph.from_graphdef(graph.as_graph_def()).nodes]
    assert operations.count("AddV2") == 1
    assert operations.count("Add") == 1


def test_a_graph_with_branches_is_a_static_picture(frozen):
    network = frozen("branches")
    rendered = complete_render_model_graph(lucid_model(network))
    drawn = Elements(rendered["svg_inner"])
    shown = {node["data-tf-name"] for node in drawn.of_class("node")}
    assert shown >= {network.layer(name).node for name in ("stem", "pool", "mixed_1x1", "mixed_3x3", "mixed")}
    assert {element["tag"] for element in drawn.all} <= {"g", "rect", "polygon", "circle", "path"}
    assert min(rendered["shape"]) > 0


def test_parameters_can_be_edited():
    with tf1.Graph().as_default() as graph:
        tf1.constant(np.arange(6, dtype=np.float32).reshape(2, 3), name="kernel")
        tf1.constant(np.float32([5]), name="bias")
    graph_def = graph.as_graph_def()
    editor = ParameterEditor(graph_def)
    editor["kernel", :, 0] *= -1
    editor["bias"] = np.float32([7])
    assert np.array_equal(editor["kernel"], [[0, 1, 2], [-3, 4, 5]])
    with pytest.raises(ValueError, match=r"kernel has the shape \(2, 3\), but the new value has \(3,\)"):
        editor["kernel"] = np.ones(3)
    with tf1.Graph().as_default(), tf1.Session() as session:
        tf1.import_graph_def(graph_def, name="")
        kernel, bias = session.run(["kernel:0", "bias:0"])
    assert np.array_equal(kernel, [[0, 1, 2], [-3, 4, 5]])
    assert np.array_equal(bias, [7])


@pytest.mark.parametrize("name", [
    "lucid.optvis.objectives", "lucid.optvis.overrides", "lucid.optvis.param", "lucid.optvis.render",
    "lucid.optvis.transform", "lucid.misc.channel_reducer", "lucid.misc.gradient_override", "lucid.misc.io",
    "lucid.recipes.caricature", "lucid.scratch.pretty_graphs.visualizations",
])  # fmt: skip
def test_what_is_used_of_lucid_imports(name):
    assert importlib.import_module(name).__loader__.__class__.__module__ == adapter.__name__


def test_lucids_images_are_made():
    with tf1.Graph().as_default(), tf1.Session() as session:
        image = param.image(16, batch=2)
        session.run(tf1.global_variables_initializer())
        values = session.run(image)
    assert values.shape == (2, 16, 16, 3)
    assert 0 < values.min() < values.max() < 1
