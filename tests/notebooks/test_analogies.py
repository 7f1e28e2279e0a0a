"""Analogies through the real rules: a network, and a copy of it whose channels are in another order."""

import numpy as np
import pytest
import yaml
from PIL import Image

from netlens.files.arrays import load_arrays
from netlens.model_comparison.results import AnalogyVisualizations, UnitAnalogies

pytestmark = pytest.mark.slow

SIZE = 16
CHANNELS = {"first": 4, "second": 6}


@pytest.fixture(scope="module")
def orders():
    """For each convolution of the copy, the channel of the original that each of its channels is."""
    rng = np.random.default_rng(0)
    return {name: rng.permutation(count) for name, count in CHANNELS.items()}


@pytest.fixture(scope="module")
def results(empty_project, snakemake, orders):
    """Folder of what the rules made of a study with the network and its copy."""
    write_images(empty_project / "images")
    write_networks(empty_project, orders)
    network = {"kind": "file", "images": "noise", "preprocessing": "tf", "class_names": ["flat", "rough"]}
    study = {
        "study": "own",
        "title": "A study of a test",
        "images_are": "noise",
        "seed": 3,
        "images": {"noise": {"kind": "folder", "folder": "images", "size_px": [SIZE, SIZE], "heldout_fraction": 0.3}},
        "networks": {name: {**network, "file": f"{name}.h5"} for name in ("original", "copy")},
        "data": {"images": "noise"},
        "models": {"network": "original"},
        "pattern_attribution": {"network": "original"},
        "model_comparison": {
            "networks": ["original", "copy"],
            "layers": {"copy": ["copy_out", "copy_second", "copy_first"]},
            "picture_px": 16,
            "picture_steps_count": 2,
        },
    }
    (empty_project / "config" / "own.yaml").write_text(yaml.safe_dump(study))
    targets = ["analogies_first", "analogies_second", "analogyUnit", "analogyMeanRSquared"]
    done = snakemake(empty_project, targets)
    assert done.returncode == 0, done.stderr[-3000:]
    return empty_project


def write_images(folder):
    rng = np.random.default_rng(5)
    for name in ("flat", "rough"):
        (folder / name).mkdir(parents=True)
        for index in range(60):
            noise = rng.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
            Image.fromarray(noise).save(folder / name / f"{index:02}.png")


def write_networks(folder, orders):
    from netlens.models.backend import keras

    layers = keras.layers

    def model(name):
        image = keras.Input((SIZE, SIZE, 3))
        first = layers.Conv2D(CHANNELS["first"], 3, activation="relu", name=f"{name}_first")(image)
        second = layers.Conv2D(CHANNELS["second"], 3, strides=2, activation="relu", name=f"{name}_second")(first)
        logits = layers.Dense(2, name=f"{name}_out")(layers.GlobalAveragePooling2D()(second))
        return keras.Model(image, layers.Softmax()(logits))

    keras.utils.set_random_seed(1)
    original, copy = model("original"), model("copy")
    first, second, out = (original.get_layer(f"original_{name}").get_weights() for name in ("first", "second", "out"))
    biases = [np.linspace(0.1, 0.3, count) for count in CHANNELS.values()]
    original.get_layer("original_first").set_weights([first[0], biases[0]])
    original.get_layer("original_second").set_weights([second[0], biases[1]])
    one, two = orders["first"], orders["second"]
    copy.get_layer("copy_first").set_weights([first[0][..., one], biases[0][one]])
    copy.get_layer("copy_second").set_weights([second[0][:, :, one][..., two], biases[1][two]])
    copy.get_layer("copy_out").set_weights([out[0][two], out[1]])
    for name, made in (("original", original), ("copy", copy)):
        made.save(folder / f"{name}.h5")


def test_the_permuted_unit_is_found_in_its_layer(results, orders):
    loaded = UnitAnalogies.load(results / "results/own/model_comparison/analogies.npz")
    found = loaded.analogies
    assert list(found) == ["original", "copy"]
    # In the order of the network, whatever the order of the study.
    assert list(found["copy"]) == ["copy_first", "copy_second", "copy_out"]
    # The middle third of three layers is the second.
    assert loaded.unit.layer == "original_second"
    unit = loaded.unit.channel
    there = found["copy"]["copy_second"]
    np.testing.assert_allclose(there.direction, orders["second"] == unit, atol=1e-6)
    assert there.r2 == pytest.approx(1, abs=1e-9)
    assert there.ceiling == pytest.approx(1, abs=1e-9)
    own = found["original"]["original_second"]
    np.testing.assert_allclose(own.direction, np.arange(6) == unit, atol=1e-9)
    assert max(found["copy"]["copy_first"].r2, found["copy"]["copy_out"].r2) < 0.99


def test_pictures_are_made_by_layer_and_the_units_own_in_its_network_only(results):
    folder = results / "results/own/model_comparison/analogies"
    original, copy = (AnalogyVisualizations.load(folder / f"{name}.npz") for name in ("original", "copy"))
    assert list(original.by_layer) == ["original_first", "original_second", "original_out"]
    assert list(copy.by_layer) == ["copy_first", "copy_second", "copy_out"]
    # The direction in its own layer is the unit itself.
    np.testing.assert_array_equal(original.by_layer["original_second"], original.unit)
    assert copy.unit is None
    sheets = [
        load_arrays(results / f"figures/own/model_comparison/analogies_{place}.npz") for place in ("first", "second")
    ]
    for sheet, made in zip(sheets, (original, copy), strict=True):
        assert sheet["layers"].tolist() == list(made.by_layer)
        np.testing.assert_array_equal(sheet["picture_1"], list(made.by_layer.values())[1])
        np.testing.assert_array_equal(sheet["unit_picture"], original.unit)


def test_numbers_of_the_text(results):
    found = UnitAnalogies.load(results / "results/own/model_comparison/analogies.npz")
    macros = results / "export_defs/own"
    assert (macros / "analogyUnit.tex").read_text() == (
        rf"\newcommand{{\analogyUnit}}{{original\_second:{found.unit.channel}}}%" + "\n"
    )
    mean = np.mean([analogy.r2 for analogy in found.analogies["copy"].values()])
    assert f"{{{mean:.2f}}}%" in (macros / "analogyMeanRSquared.tex").read_text()
