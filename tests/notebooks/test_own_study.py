"""A study of the test's own, through the real rules and notebooks: a network from a file, images from a folder."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

pytestmark = pytest.mark.slow

SIZE = 16
COLOURS = {"blue": (40, 60, 200), "green": (40, 190, 60), "red": (210, 50, 40)}
TARGETS = [
    "per_layer", "pattern_quality", "attribution_example", "signalQualityLinear", "weightChainRatio",
    "first_layer_expanded", "connection", "strongest_uses", "spatial_positions", "edited_circuit", "joint_nmf_first",
    "firstLayerDifference", "weightsUnit",
]  # fmt: skip


@pytest.fixture(scope="module")
def project(empty_project):
    """A folder with our workflow, and a network and images that it has never seen."""
    folder = empty_project
    write_images(folder / "images")
    train_network(folder / "images", folder / "network.keras")
    study = {
        "study": "own",
        "title": "A study of a test",
        "images_are": "plain colours",
        "seed": 3,
        "images": {"colours": {"kind": "folder", "folder": "images", "size_px": [SIZE, SIZE], "heldout_fraction": 0.4}},
        "networks": {"tiny": {"kind": "file", "file": "network.keras", "images": "colours", "preprocessing": "tf"}},
        "data": {"images": "colours"},
        "models": {"network": "tiny"},
        "pattern_attribution": {"network": "tiny", "shards_count": 3, "batch_size_count": 4},
        "weights": {"strongest_count": 3, "row_units_count": 2, "picture_px": 16, "picture_steps_count": 2},
    }
    study["networks"]["tiny"]["class_names"] = sorted(COLOURS)
    (folder / "config" / "own.yaml").write_text(yaml.safe_dump(study))
    return folder


def write_images(folder):
    rng = np.random.default_rng(5)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for index in range(27):
            pixels = np.clip(np.array(colour) + rng.normal(0, 40, (SIZE, SIZE, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index:02}.png")


def train_network(images, path):
    """Train and save with today's Keras, as a user would, in a process that knows nothing of netlens."""
    script = f"""
import numpy as np
from pathlib import Path
from PIL import Image
import keras
keras.utils.set_random_seed(1)
x, y = [], []
for label, name in enumerate({sorted(COLOURS)!r}):
    for file in sorted(Path({str(images)!r}, name).iterdir()):
        x.append(np.asarray(Image.open(file), np.float32) / 127.5 - 1)
        y.append(label)
layers = keras.layers
model = keras.Sequential([
    layers.Input(({SIZE}, {SIZE}, 3)),
    layers.Conv2D(6, 3, padding="same", activation="relu", name="first"),
    layers.MaxPooling2D(),
    layers.Conv2D(8, 3, strides=2, activation="relu", name="second"),
    layers.Flatten(),
    layers.Dense(10, activation="relu", name="hidden"),
    layers.Dense(3, activation="softmax", name="out"),
])
model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(np.array(x), np.array(y), epochs=20, batch_size=12, verbose=0)
assert history.history["accuracy"][-1] > 0.95
model.save({str(path)!r})
"""
    subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, env={**os.environ, "TF_USE_LEGACY_KERAS": "0"}
    )


@pytest.mark.timeout(900)
def test_a_network_of_ones_own_needs_a_configuration_and_nothing_else(project, netlens):
    made = netlens(project, "run", *TARGETS)
    assert made.returncode == 0, made.stdout + made.stderr
    records = {path.stem: json.loads(path.read_text()) for path in project.glob("figures/own/**/*.json")}
    records |= {path.stem: json.loads(path.read_text()) for path in project.glob("export_defs/own/*.json")}
    assert set(records) == set(TARGETS)
    # What draws or prints starts no TensorFlow; what computes does.
    assert not any(record["tensorflow_started"] for record in records.values())
    computed = json.loads((project / "results/own/patterns/tiny/sums/1of3.json").read_text())
    assert computed["tensorflow_started"]
    # What a process imported of ours is what its outputs are said to depend on.
    for record in (*records.values(), computed):
        ours = {name.replace(".", "/") for name in record["imported"]}
        known = {path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__") for path in record["code"]}
        # The record itself hashes files, whatever the notebook does.
        assert {name for name in ours if "/workflow" not in name} <= known | {"netlens/files/hashing"}
    assert 0.2 < records["signalQualityLinear"]["value"] <= 1.05
    # Layers and units of the weights' figures are chosen where the study names none.
    assert records["weightsUnit"]["value"].startswith("second:")
    assert records["firstLayerDifference"]["value"] < 1e-6
    with np.load(project / "figures/own/weights/connection.npz") as connection:
        assert connection["weights"].shape[0] == connection["weights"].shape[1] > 3  # a pooling lies between
        assert connection["weights"].any()

    again = netlens(project, "run", *TARGETS)
    assert again.stdout.splitlines()[0] == "nothing to be done: everything is up to date"


def test_an_image_that_cannot_be_read_is_named_and_stops_the_run(project, netlens):
    broken = project / "images" / "red" / "99.png"
    broken.write_bytes(b"no picture")
    try:
        failed = netlens(project, "run", "image_set")
    finally:
        broken.unlink()
    assert failed.returncode == 1
    assert "99.png" in failed.stderr
    assert "Traceback" not in failed.stderr
    errors = [line for line in failed.stderr.splitlines() if line.startswith("netlens: error: ")]
    assert len(errors) == 1
