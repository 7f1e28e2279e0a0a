"""The studies that README and ADDING.md show can be loaded and planned as they stand there, once their files exist."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import load_catalogue
from netlens.workflow.study import load_study

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BASE = {
    "study": "mine",
    "title": "t",
    "images_are": "i",
    "images": {"cats": {"kind": "photos"}},
    "networks": {
        name: {"kind": "named", "architecture": "small_vgg", "images": "cats"} for name in ("mine", "theirs", "small")
    },
}


def examples(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return [(text.count("\n", 0, found.start()) + 1, yaml.safe_load(found[1])) for found in FENCE.finditer(text)]


@pytest.mark.parametrize("name", ["README.md", "docs/ADDING.md"])
def test_every_example_is_valid(name, tmp_path):
    found = examples(name)
    assert found
    for line, example in found:
        path = tmp_path / f"line{line}.yaml"
        # A fragment adds to a study; its networks and images are added to those that it refers to.
        joined = {**BASE, **example, "study": f"line{line}"}
        for key in ("images", "networks"):
            joined[key] = {**BASE[key], **example.get(key, {})}
        path.write_text(yaml.safe_dump(joined))
        assert load_study(str(path))["study"] == f"line{line}"


def test_a_study_needs_no_section(tmp_path):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(BASE))
    config = load_study(str(tmp_path / "mine.yaml"))
    assert config["data"]["images"] == "cats" and config["seed"] == 1
    sections = ("models", "pattern_attribution", "weights", "spatial_attribution")
    assert {config[section]["network"] for section in sections} == {"mine"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, linked_checkout):
    """A folder like the repository's, with the files that the examples name."""
    folder = linked_checkout(tmp_path_factory.mktemp("documented"))
    files = folder / "path" / "to"
    rng = np.random.default_rng(0)
    for name in ("cat", "dog", "owl"):
        (files / "images" / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 255, (32, 32, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(files / "images" / name / f"{number}.png")
    shutil.copy(files / "images" / "cat" / "0.png", files / "picture.jpg")
    for name in ("train.zip", "test.zip"):
        with zipfile.ZipFile(files / name, "w") as archive:
            for path in (files / "images").glob("*/*.png"):
                archive.write(path, path.relative_to(files / "images"))
    (files / "names.txt").write_text("cat\ndog\nowl\n")
    write_networks(files)
    return folder


def write_networks(folder):
    """Write networks with the layers that the examples name, a Keras file and a frozen graph, as their user would."""
    script = f"""
import keras
import numpy as np
import tensorflow as tf
layers = keras.layers
names = ("block2", "mixed3b", "block4", "mixed4d")
model = keras.Sequential([
    layers.Input((224, 224, 3)),
    *(layers.Conv2D(4, 3, strides=2, activation="relu", name=name) for name in names),
    layers.GlobalAveragePooling2D(name="mean"),
    layers.Dense(3, activation="softmax", name="out"),
])
model.save({str(folder / "network.keras")!r})
with tf.Graph().as_default() as graph:
    values = tf.compat.v1.placeholder(tf.float32, (None, 224, 224, 3), name="input")
    for name, count in (("first", 3), ("second", 4)):
        values = tf.nn.relu(tf.nn.conv2d(values, np.ones((3, 3, count, 4), np.float32), 4, "SAME"), name=name)
    values = tf.matmul(tf.reduce_mean(values, [1, 2]), np.ones((4, 3), np.float32))
    tf.nn.bias_add(values, np.zeros(3, np.float32), name="softmax2_pre_activation")
open({str(folder / "inceptionv1.pb")!r}, "wb").write(graph.as_graph_def().SerializeToString())
"""
    subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, env={**os.environ, "TF_USE_LEGACY_KERAS": "0"}
    )


def planned(checkout, planned_jobs, study):
    """Load and plan a study; gives the items that it lacks, and the rules that are to run."""
    with contextlib.chdir(checkout):
        (checkout / "config" / f"{study['study']}.yaml").write_text(yaml.safe_dump(study))
        catalogue = load_catalogue()
        absent = absent_items(load_study(study["study"]), catalogue)
    jobs = planned_jobs(checkout, study["study"])
    assert catalogue.keys() & jobs == catalogue.keys() - absent.keys()
    return absent, jobs


@pytest.mark.slow
def test_the_study_of_the_readme_is_listed_and_planned_with_files_of_its_user(checkout, planned_jobs):
    (study,) = (example for _, example in examples("README.md") if "study" in example)
    absent, jobs = planned(checkout, planned_jobs, study)
    assert {"per_layer", "connection", "edited_circuit"} <= jobs
    listed = subprocess.run(
        [sys.executable, "-m", "netlens", "list", "--json", "--study", study["study"]],
        cwd=checkout, capture_output=True, text=True, check=False, env={**os.environ, "NETLENS_DEVICE": "cpu"},
    )  # fmt: skip
    assert listed.returncode == 0, listed.stderr
    assert not listed.stderr
    told = {item["name"]: item for item in json.loads(listed.stdout)}
    assert told["per_layer"]["state"] == "missing"
    assert {name: item["detail"] for name, item in told.items() if item["state"] == "absent"} == absent


@pytest.mark.slow
def test_all_examples_of_adding_together_are_planned_with_files_of_their_user(checkout, planned_jobs):
    named = {"kind": "file", "file": "path/to/network.keras", "images": "cats"}
    study = {"study": "adding", "title": "t", "images_are": "i", "images": {}, "networks": {}}
    for _, example in examples("docs/ADDING.md"):
        for key, value in example.items():
            study[key] = {**study[key], **value} if isinstance(study.get(key), dict) else value
    study["networks"] |= {"theirs": named, "small": named}
    absent, jobs = planned(checkout, planned_jobs, study)
    assert {"weights", "chain_spectrum"} <= set(study["leave_out"])
    assert {"similarity_pairs", "analogies_second", "caricatures", "layer_graph"} <= jobs
    assert {"class_attribution_layers", "position_to_position"} <= jobs
    # Three convolutions between the layers of the example are no max-pooling.
    assert "max-pooling" in absent["pooling_gradients"]
