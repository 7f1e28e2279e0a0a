"""Spatial attribution of an image of one's own, through the real rules and notebooks, and what can be wrong with it."""

import json
import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from netlens.files.hashing import sha256_of

pytestmark = pytest.mark.slow

HEIGHT, WIDTH = 16, 24
CLASSES = ["sea", "apple", "leaf"]
COLOURS = {"sea": (40, 60, 200), "apple": (210, 50, 40), "leaf": (40, 190, 60)}


@pytest.fixture(scope="module")
def project(empty_project):
    """A folder with our workflow, a network that knows colours, and images without scenes of their own."""
    folder = empty_project
    rng = np.random.default_rng(5)
    for name, colour in COLOURS.items():
        (folder / "images" / name).mkdir(parents=True)
        for index in range(6):
            pixels = np.clip(np.array(colour) + rng.normal(0, 30, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "images" / name / f"{index}.png")
    both = np.zeros((2 * HEIGHT, 2 * WIDTH, 3), np.uint8)
    both[:, :WIDTH], both[:, WIDTH:] = COLOURS["leaf"], COLOURS["sea"]
    Image.fromarray(both).save(folder / "mine.png")
    (folder / "broken.png").write_bytes(b"no picture")
    save_network(folder / "network.h5")
    write_study(folder, {})
    return folder


def save_network(path):
    """Save a network whose logits are the means of blue, red and green."""
    script = f"""
import numpy as np
from netlens.models.backend import keras
layers = keras.layers
image = keras.Input(({HEIGHT}, {WIDTH}, 3))
first = layers.Conv2D(3, 1, activation="relu", use_bias=False, name="first")(image)
second = layers.Conv2D(3, 1, activation="relu", use_bias=False, name="second")(layers.MaxPooling2D(2)(first))
model = keras.Model(image, layers.Dense(3, use_bias=False, name="out")(layers.GlobalAveragePooling2D()(second)))
model.get_layer("first").set_weights([np.eye(3)[None, None]])
model.get_layer("second").set_weights([np.eye(3)[None, None]])
model.get_layer("out").set_weights([np.eye(3)[[1, 2, 0]]])
model.save({str(path)!r})
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def write_study(folder, spatial):
    study = {
        "study": "own",
        "title": "A study of a test",
        "images_are": "plain colours",
        "seed": 3,
        "images": {"colours": {"kind": "folder", "folder": "images", "size_px": [HEIGHT, WIDTH]}},
        "networks": {"tiny": {"kind": "file", "file": "network.h5", "images": "colours", "class_names": CLASSES}},
        "data": {"images": "colours"},
        "models": {"network": "tiny"},
        "pattern_attribution": {"network": "tiny", "batch_size_count": 4},
        "spatial_attribution": {"image": "mine.png", "composed_count": 6, "scenes_count": 2, **spatial},
    }
    (folder / "config" / "own.yaml").write_text(yaml.safe_dump(study))


@pytest.mark.timeout(600)
def test_the_image_is_explained_for_the_classes_that_are_named_in_the_labels_own_order(project, netlens):
    write_study(project, {"image_classes": ["sea", "leaf"]})
    made = netlens(project, "run", "class_attribution_layers", "attribution_scores", "spatialBestShare",
                   "spatial_attribution")  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    drawn = np.load(project / "figures/own/spatial_attribution/class_attribution_layers.npz")
    assert drawn["class_names"].tolist() == ["sea", "leaf"]
    assert drawn["image"].shape == (HEIGHT, WIDTH, 3)
    sea, leaf = drawn["layer.0"]
    middle = sea.shape[1] // 2
    # The sea is on the right; each of the two colours holds something of the other's.
    assert sea[:, middle:].sum() > 2 * sea[:, :middle].sum()
    assert leaf[:, :middle].sum() > 2 * leaf[:, middle:].sum()
    page = (project / "site/own/spatial_attribution.html").read_text(encoding="utf-8")
    assert (
        f"mine.png, is none of them but an image file that the study names (SHA-256 {sha256_of(project / 'mine.png')}"
        in page
    )
    # The set has no scenes of its own: they are composed of its held-out images.
    assert json.loads((project / "export_defs/own/spatialBestShare.json").read_text())["value"] > 0.6


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("spatial", "message"),
    [
        ({"image": "gone.png"}, "spatial_attribution.image: gone.png: no such file"),
        ({"image": "broken.png"}, "broken.png: cannot be read as an image"),
        ({"image_classes": ["sea", "appel"]}, "has no class 'appel'; its 3 classes include apple"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(project, netlens, spatial, message):
    write_study(project, spatial)
    failed = netlens(project, "run", "class_attribution_layers")
    assert failed.returncode in {1, 2}
    errors = [line for line in failed.stderr.splitlines() if line.startswith("netlens: error: ")]
    assert len(errors) == 1, failed.stderr
    assert message in errors[0]
    assert "Traceback" not in failed.stderr
