"""What all tests share: they run from the repository's root, wherever they are started."""

import fcntl
import os
import random
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings

# Workers fill the cores, so each computes with one thread: numpy's threads would spin while they wait for a core. This
# has to be set before numpy is imported.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes on a busy machine says nothing of the code. What CI runs is the same each time.
settings.register_profile("netlens", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("netlens")

ROOT = Path(__file__).parents[1]

#: Files that take more than about 8 seconds of a core, the longest first. They are run first, since a worker that
#: begins one of them when the others have nothing left is waited for.
LONG = (
    "cli/test_build.py", "notebooks/test_own_study.py", "cli/test_faults.py", "models/pretrained/test_registry.py",
    "pattern_attribution/analyzers/test_pattern_analyzers.py", "pages/test_model_comparison.py",
    "workflow/test_paper.py", "models/architectures/test_inception_v2.py",
    "pattern_attribution/patterns/test_accumulation.py", "feature_visualization/test_inversion.py",
    "feature_visualization/test_rendering.py", "notebooks/test_own_image.py", "models/test_loading.py",
    "pages/test_supplement.py", "review/test_verdicts.py", "pages/test_signal_distractor.py",
    "pages/test_spatial_attribution.py", "explanation_checks/test_backward.py", "models/keras/test_folding.py",
    "workflow/test_runner.py", "setup/test_install.py", "workflow/test_documented_studies.py",
    "notebooks/test_interactive.py", "models/frozen/test_frozen_network.py", "workflow/test_any_network.py",
    "feature_visualization/test_adapter.py", "publish/test_figure.py", "notebooks/test_model_comparison.py",
    "spatial_attribution/test_scores.py", "cli/test_site.py",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup():
    """Let networks begin with the same weights in each run: Keras draws the seeds of initial weights from `random`."""
    random.seed(0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call():
    """Begin with the same weights, also where a test builds its network itself."""
    random.seed(0)


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Give a function that makes a folder once for the tests of all workers, who then only read it: (name, make).

    ``make`` fills the empty folder that it is given; other workers wait meanwhile.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent

    def folder_of(name, make):
        folder, made = base / name, base / f"{name}.made"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                made.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def with_known_networks(made_once):
    """Give a function that lets a project know what is known of networks in the projects of all tests and workers.

    What a study has depends on its networks, and TensorFlow takes seconds to build those that are not known yet. What
    is known lies under hashes of the networks and of the code that inspects them.
    """
    known = made_once("inspected", lambda folder: None)

    def share(project):
        (project / "results").mkdir(exist_ok=True)
        (project / "results" / ".inspected").symlink_to(known)
        return project

    return share


@pytest.fixture(scope="module", autouse=True)
def graph_of_the_module():
    """Start each module with an empty graph: what others left in theirs would slow down every session."""
    if "tf_keras" in sys.modules:
        sys.modules["tf_keras"].backend.clear_session()


@pytest.fixture
def own_graph():
    """Give a test a graph and a session of its own, so that names and weights do not pile up."""
    from netlens.models.backend import keras

    keras.backend.clear_session()
    yield
    keras.backend.clear_session()


@pytest.fixture(scope="session")
def inception():
    """Give the small Inception network without softmax, untrained and frozen: three classes, 64 x 64 pixels."""
    from netlens.models.architectures.inception import small_inception
    from netlens.models.backend import keras
    from netlens.models.frozen.frozen_network import freeze
    from netlens.models.network import Network
    from netlens.models.preprocessing import preprocessing_from

    model = small_inception(input_shape=(64, 64, 3), classes=3, seed=0)
    logits = keras.Model(model.input, model.get_layer("softmax2_pre_activation").output)
    return freeze(Network("small", logits, preprocessing_from("none"), ("a", "b", "c"), (64, 64, 3), ""))


@pytest.fixture(scope="session")
def network_builders():
    """Functions from an image tensor to the output of a network that no analysis was written for, by kind."""
    from netlens.models.backend import keras

    layers = keras.layers

    def dense_net(image):
        hidden = layers.Dense(5, activation="relu", name="hidden")(layers.Flatten()(image))
        return layers.Dense(4, activation="softmax", name="out")(hidden)

    def residual_net(image):
        values = layers.Conv2D(6, 3, strides=2, padding="same", name="stem")(image)
        for block in (1, 2):
            inside = layers.Conv2D(6, 3, padding="same", use_bias=False, name=f"block{block}_conv")(values)
            inside = layers.ReLU(name=f"block{block}_relu")(
                layers.BatchNormalization(name=f"block{block}_norm")(inside)
            )
            values = layers.Add(name=f"block{block}_add")([values, inside])
        return layers.Dense(4, name="out")(layers.GlobalAveragePooling2D(name="pool")(values))

    def mobile_net(image):
        values = layers.Conv2D(4, 3, strides=2, padding="same", name="stem")(image)
        values = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(layers.ReLU(6.0, name="relu6")(values))
        values = layers.Conv2D(8, 1, name="project")(values)
        return layers.GlobalAveragePooling2D(name="features")(layers.ReLU(6.0, name="last")(values))

    def two_branches(image):
        left = layers.Conv2D(3, 3, strides=4, activation="relu", name="left")(image)
        right = layers.Conv2D(5, 5, strides=4, padding="same", activation="relu", name="right")(image)
        joined = layers.Concatenate(name="joined")([layers.Flatten(name="f")(left), layers.Flatten(name="g")(right)])
        return layers.Dense(7, activation="relu", name="embedding")(joined)

    def nested(image):
        inside = keras.Sequential([layers.Conv2D(4, 3, activation="relu", name="a"), layers.MaxPooling2D(name="pool")])
        return layers.Dense(4, activation="softmax", name="out")(layers.Flatten(name="flat")(inside(image)))

    def inception(image):
        values = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="conv1")(image)
        values = layers.MaxPooling2D(name="pool1")(values)
        for block in ("mixed1", "mixed2", "mixed3"):
            small = layers.Conv2D(4, 1, activation="relu", name=f"{block}_1x1")(values)
            large = layers.Conv2D(4, 3, padding="same", activation="relu", name=f"{block}_3x3")(values)
            values = layers.Concatenate(name=block)([small, large])
        return layers.Dense(4, activation="softmax", name="out")(layers.GlobalAveragePooling2D(name="gap")(values))

    def layer_norm_net(image):
        values = layers.Conv2D(4, 3, strides=2, activation="relu", name="stem")(image)
        values = layers.LayerNormalization(name="norm")(values)
        values = layers.Conv2D(4, 3, activation="relu", name="conv")(values)
        return layers.Dense(4, activation="softmax", name="out")(layers.GlobalAveragePooling2D(name="pool")(values))

    kinds = (dense_net, residual_net, mobile_net, two_branches, inception, nested, layer_norm_net)
    return {kind.__name__: kind for kind in kinds}


@pytest.fixture(scope="session")
def layer_graphs():
    """Graphs of small networks, as plain data: a chain, a fire module, two residual blocks, dense connections."""
    from netlens.models.keras.layer_graph import LayerGraph, LayerNode

    def graph(*nodes, outputs=None, channels=3):
        """Make a graph of (name, kind, sources); the sources are names in one string."""
        made = tuple(LayerNode(name, kind, tuple(sources.split()), *rest) for name, kind, sources, *rest in nodes)
        return LayerGraph(made, tuple(outputs or [made[-1].name]), channels)

    return SimpleNamespace(
        graph=graph,
        chain=graph(
            ("image", "InputLayer", ""),
            ("conv1", "Conv2D", "image"),
            ("relu", "ReLU", "conv1"),
            ("pool", "MaxPooling2D", "relu"),
            ("conv2", "Conv2D", "pool"),
            ("flatten", "Flatten", "conv2"),
            ("fc1", "Dense", "flatten"),
            ("dropout", "Dropout", "fc1"),
            ("logits", "Dense", "dropout"),
        ),
        fire=graph(
            ("image", "InputLayer", ""),
            ("conv1", "Conv2D", "image"),
            ("fire/squeeze", "Conv2D", "conv1"),
            ("fire/expand1", "Conv2D", "fire/squeeze"),
            ("fire/expand3", "Conv2D", "fire/squeeze"),
            ("fire/concat", "Concatenate", "fire/expand1 fire/expand3"),
            ("pool", "MaxPooling2D", "fire/concat"),
            ("conv10", "Conv2D", "pool"),
            ("mean", "GlobalAveragePooling2D", "conv10"),
        ),
        residual=graph(
            ("image", "InputLayer", ""),
            ("stem", "Conv2D", "image"),
            ("b1/a", "Conv2D", "stem"),
            ("b1/b", "Conv2D", "b1/a"),
            ("b1/shortcut", "Conv2D", "stem"),
            ("b1/add", "Add", "b1/shortcut b1/b"),
            ("b1/relu", "Activation", "b1/add"),
            ("b2/a", "Conv2D", "b1/relu"),
            ("b2/b", "Conv2D", "b2/a"),
            ("b2/add", "AddV2", "b1/relu b2/b"),
            ("mean", "GlobalAveragePooling2D", "b2/add"),
            ("logits", "Dense", "mean"),
        ),
        dense=graph(
            ("image", "InputLayer", ""),
            ("stem", "Conv2D", "image"),
            ("a", "Conv2D", "stem"),
            ("join1", "Concatenate", "stem a"),
            ("b", "Conv2D", "join1"),
            ("join2", "Concatenate", "stem a b"),
            ("transition", "Conv2D", "join2"),
            ("logits", "Dense", "transition"),
        ),
    )


#: An executed notebook: text with a formula and HTML, and a cell that prints and shows a table.
EXECUTED = {
    "cells": [
        {"cell_type": "markdown", "source": ["# What is drawn\n", "\n", "The angle $\\alpha$ of <i>each</i> line."]},
        {
            "cell_type": "code",
            "source": "print('a')",
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["a < b\n"]},
                {
                    "output_type": "execute_result",
                    "data": {"text/html": ["<table><tr><th>a</th></tr><tr><td>3</td></tr></table>"]},
                },
            ],
        },
    ]
}


@pytest.fixture(scope="session")
def make_supplement():
    """Give a function that makes the files of a few items in a folder, and the supplement that shows them.

    It has a figure with a table, one with arrays, a number, a page, and what has not been made or cannot be.
    """
    return _supplement


def _supplement(folder, **changes):
    import json

    import numpy as np
    from PIL import Image

    from netlens.files.arrays import save_arrays
    from netlens.publish.supplement import ShownClaim, ShownItem, Supplement

    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    for name in ("curves", "maps"):
        Image.fromarray(rng.integers(0, 256, (300, 700, 3), np.uint8)).save(figures / f"{name}.png")
        (figures / f"{name}.pdf").write_bytes(b"%PDF-")
    (figures / "curves.csv").write_text("angle,weight <w>\n" + "".join(f"{row},{row / 7}\n" for row in range(90)))
    save_arrays(figures / "maps.npz", {"maps": rng.normal(size=(4, 5, 6)), "names": np.array(["one", "two"])})
    records = {
        "curves": {"notebook": {"path": "notebooks/part/curves.ipynb"}, "inputs": {"results/a.npz": "ab12"}},
        "maps": {"git": {"commit": "c0ffee", "clean": False}},
        "curveCount": {"value": 0.934, "text": r"93.4\,\%", "rounding": "percentage, 1 decimals", "unit": ""},
        "turning": {"title": "Turning"},
    }
    for name, record in records.items():
        (figures / f"{name}.json").write_text(json.dumps(record))

    def files(name, *kinds):
        return {kind: figures / f"{name}.{kind}" for kind in kinds}

    def item(name, kind, shows, **fields):
        record = records.get(name, {})
        return ShownItem(name, fields.pop("section", "part"), kind, shows, record=record, **fields)

    caption = r"Lines at $\sigma_1/\sigma_2$, \curveCount{} of \missingCount{} of them \& more."
    items = (
        item("curves", "figure", "angles of two lines", state="made", caption=caption, notebook=EXECUTED,
             files=files("curves", "pdf", "png", "csv", "json")),
        item("maps", "figure", "maps of a layer", state="stale", detail="a.py has changed", caption="Maps.",
             section="other", files=files("maps", "pdf", "png", "npz", "json")),
        item("curveCount", "macro", "share of lines", state="made", files=files("curveCount", "tex", "json")),
        item("missingCount", "macro", "number of lines", state="missing", detail="no file"),
        item("turning", "page", "lines that turn", state="made", files=files("turning", "html", "json")),
        item("pooled", "figure", "maps after pooling", state="absent", detail="needs a max-pooling"),
    )  # fmt: skip
    claims = (
        ShownClaim("Lines <turn>.", "holds", "largest angle", 2.5, 2.4, ("curves",), "netlens run curves"),
        ShownClaim("There are many.", "cannot be told", "how many", None, None, ("missingCount",), "netlens run x"),
    )
    fields = {
        "study": "tests",
        "title": "Looking inside: a test",
        "authors": ("A. One", "B. Two"),
        "images_are": "noise",
        "sections": {"part": "The part", "other": "Another", "empty": "Nothing"},
        "items": items,
        "claims": claims,
        "paper": "../../paper/tests.pdf",
        "citation": {"title": "netlens: a tool", "version": "1.0", "authors": [{"name": "The authors"}]},
        "license_name": "MIT",
        "source": "notebooks/site/index.ipynb",
    }
    return Supplement(**{**fields, **changes})
