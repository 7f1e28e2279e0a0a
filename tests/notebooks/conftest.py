"""A study of the tests' own, with the real rules and notebooks: made once for all of them, and copied to be changed."""

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from PIL import Image

ROOT = Path(__file__).parents[2]

SIZE = 16
WIDE = (16, 24)
COLOURS = {
    "images": {"blue": (40, 60, 200), "green": (40, 190, 60), "red": (210, 50, 40)},
    "wide": {"sea": (40, 60, 200), "apple": (210, 50, 40), "leaf": (40, 190, 60)},
}
#: Channels of the two convolutions of `original` and of its copy.
CHANNELS = {"first": 4, "second": 6}
NOISE = {"kind": "file", "images": "noise", "preprocessing": "tf", "class_names": ["flat", "rough"]}
STUDY = {
    "study": "own",
    "title": "A study of a test",
    "images_are": "plain colours",
    "seed": 3,
    "images": {
        "colours": {"kind": "folder", "folder": "images", "size_px": [SIZE, SIZE], "heldout_fraction": 0.4},
        "wide": {"kind": "folder", "folder": "wide", "size_px": list(WIDE)},
        "noise": {"kind": "folder", "folder": "noise", "size_px": [SIZE, SIZE], "heldout_fraction": 0.2},
    },
    "networks": {
        "tiny": {
            "kind": "file",
            "file": "network.keras",
            "images": "colours",
            "preprocessing": "tf",
            "class_names": sorted(COLOURS["images"]),
        },
        "eyes": {"kind": "file", "file": "eyes.h5", "images": "wide", "class_names": list(COLOURS["wide"])},
        "original": {**NOISE, "file": "original.h5"},
        "copy": {**NOISE, "file": "copy.h5"},
        "large": {**NOISE, "file": "large.h5"},
    },
    "data": {"images": "colours"},
    "models": {"network": "tiny"},
    "pattern_attribution": {"network": "tiny", "shards_count": 3, "batch_size_count": 4},
    "model_comparison": {
        "networks": ["original", "copy", "large"],
        "images": "noise",
        "layers": {"copy": ["copy_out", "copy_second", "copy_first"]},
        "images_count": 40,
        "shards_count": 2,
        "picture_px": 16,
        "picture_steps_count": 2,
    },
    "weights": {"strongest_count": 3, "row_units_count": 2, "picture_px": 16, "picture_steps_count": 2},
    "spatial_attribution": {
        "network": "eyes",
        "image": "mine.png",
        "image_classes": ["sea", "leaf"],
        "composed_count": 6,
        "scenes_count": 2,
    },
}
#: What is made of the study.
TARGETS = (
    "per_layer", "pattern_quality", "attribution_example", "signalQualityLinear", "weightChainRatio",
    "first_layer_expanded", "connection", "strongest_uses", "spatial_positions", "edited_circuit", "joint_nmf_first",
    "firstLayerDifference", "weightsUnit",
    "class_attribution_layers", "attribution_scores", "spatialBestShare", "spatialPatternNetwork",
    "spatial_attribution",
    "analogies_first", "analogies_second", "analogyUnit", "analogyMeanRSquared",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    for item in items:
        # Whichever test is the first waits until the study is made, by this process or another.
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(900))


def _netlens(project, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "netlens", *arguments, "--study", "own"],
        cwd=project,
        # With as many threads for each, all jobs are forked from the same templates.
        env={**os.environ, "NETLENS_DEVICE": "cpu", "NETLENS_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def _snakemake(project, targets, *options):
    command = [sys.executable, "-m", "snakemake", *targets, "--cores", "2", "--config", "study=own", "--nocolor"]
    environment = {**os.environ, "NETLENS_DEVICE": "cpu"}
    return subprocess.run(
        [*command, *options], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session")
def netlens():
    """Give a function that runs the command in a project, for its study `own`."""
    return _netlens


@pytest.fixture(scope="session")
def snakemake():
    """Give a function that runs plain Snakemake in a project, for its study `own`."""
    return _snakemake


@pytest.fixture(scope="session")
def permutations():
    """For each convolution of the network `copy`, the channel of `original` that each of its channels is."""
    rng = np.random.default_rng(0)
    return {name: rng.permutation(count) for name, count in CHANNELS.items()}


@pytest.fixture(scope="session")
def made_study(made_once, permutations):
    """The folder of the study when `TARGETS` are made, and what they are; tests of all workers only read it.

    `tiny` was trained and saved by today's Keras; the logits of `eyes` are the means of blue, red and green; `copy` is
    `original` with its channels in another order; `large` takes larger images.
    """

    def make(folder):
        _begin(folder, permutations)
        run = _netlens(folder, "run", *TARGETS)
        assert run.returncode == 0, run.stdout + run.stderr

    return SimpleNamespace(folder=made_once("own_study", make), targets=TARGETS)


@pytest.fixture
def copied_study(made_study, tmp_path):
    """Give a function that copies the study to change it: sections with other fields, with or without what is made."""

    def copied(*, with_results=True, **sections):
        project = tmp_path / "copy"
        left_out = () if with_results else ("results", "figures", "export_defs", "site", ".snakemake")
        shutil.copytree(made_study.folder, project, symlinks=True, ignore=shutil.ignore_patterns(*left_out))
        if not with_results:
            # TensorFlow takes seconds to build networks that are not known yet.
            shutil.copytree(made_study.folder / "results/.inspected", project / "results/.inspected")
        changed = {name: {**STUDY[name], **fields} for name, fields in sections.items()}
        (project / "config/own.yaml").write_text(yaml.safe_dump({**STUDY, **changed}))
        return project

    return copied


def _begin(folder, permutations):
    for name in ("Snakefile", "rules", "notebooks", "src", "requirements", "profiles", "paper"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "config").mkdir()
    (folder / "config" / "schema.yaml").symlink_to(ROOT / "config" / "schema.yaml")
    (folder / "config" / "own.yaml").write_text(yaml.safe_dump(STUDY))
    _write_images(folder)
    _train_tiny(folder / "images", folder / "network.keras")
    _save_networks(folder, permutations)


def _write_images(folder):
    rng = np.random.default_rng(5)

    def write(path, pixels):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)

    for index in range(27):
        for name, colour in COLOURS["images"].items():
            write(folder / f"images/{name}/{index:02}.png", np.array(colour) + rng.normal(0, 40, (SIZE, SIZE, 3)))
    for index in range(6):
        for name, colour in COLOURS["wide"].items():
            write(folder / f"wide/{name}/{index}.png", np.array(colour) + rng.normal(0, 30, (*WIDE, 3)))
    for index in range(30):
        for name in NOISE["class_names"]:
            write(folder / f"noise/{name}/{index:02}.png", rng.integers(0, 256, (SIZE, SIZE, 3)))
    height, width = WIDE
    both = np.zeros((2 * height, 2 * width, 3))
    both[:, :width], both[:, width:] = COLOURS["wide"]["leaf"], COLOURS["wide"]["sea"]
    write(folder / "mine.png", both)


def _train_tiny(images, path):
    """Train and save with today's Keras, as a user would, in a process that knows nothing of netlens."""
    script = f"""
import numpy as np
from pathlib import Path
from PIL import Image
import keras
keras.utils.set_random_seed(1)
x, y = [], []
for label, name in enumerate({sorted(COLOURS["images"])!r}):
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


def _save_networks(folder, permutations):
    from netlens.models.backend import keras, tf

    layers = keras.layers
    # The networks' layers have the names that they have here, whatever other tests have built.
    with tf.Graph().as_default(), warnings.catch_warnings(action="ignore"):  # HDF5 is an old format
        keras.utils.set_random_seed(1)
        image = keras.Input((*WIDE, 3))
        first = layers.Conv2D(3, 1, activation="relu", use_bias=False, name="first")(image)
        second = layers.Conv2D(3, 1, activation="relu", use_bias=False, name="second")(layers.MaxPooling2D(2)(first))
        mean = layers.GlobalAveragePooling2D()(second)
        eyes = keras.Model(image, layers.Dense(3, use_bias=False, name="out")(mean))
        eyes.get_layer("first").set_weights([np.eye(3)[None, None]])
        eyes.get_layer("second").set_weights([np.eye(3)[None, None]])
        eyes.get_layer("out").set_weights([np.eye(3)[[1, 2, 0]]])
        eyes.save(folder / "eyes.h5")

        def model(name, size):
            image = keras.Input((size, size, 3))
            first = layers.Conv2D(CHANNELS["first"], 3, activation="relu", name=f"{name}_first")(image)
            second = layers.Conv2D(CHANNELS["second"], 3, strides=2, activation="relu", name=f"{name}_second")(first)
            logits = layers.Dense(2, name=f"{name}_out")(layers.GlobalAveragePooling2D()(second))
            return keras.Model(image, layers.Softmax()(logits))

        original, copy, large = model("original", SIZE), model("copy", SIZE), model("large", 2 * SIZE)
        kept = (original.get_layer(f"original_{name}").get_weights() for name in ("first", "second", "out"))
        first, second, out = kept
        biases = [np.linspace(0.1, 0.3, count) for count in CHANNELS.values()]
        original.get_layer("original_first").set_weights([first[0], biases[0]])
        original.get_layer("original_second").set_weights([second[0], biases[1]])
        one, two = permutations["first"], permutations["second"]
        copy.get_layer("copy_first").set_weights([first[0][..., one], biases[0][one]])
        copy.get_layer("copy_second").set_weights([second[0][:, :, one][..., two], biases[1][two]])
        copy.get_layer("copy_out").set_weights([out[0][two], out[1]])
        for name, made in (("original", original), ("copy", copy), ("large", large)):
            made.save(folder / f"{name}.h5")
