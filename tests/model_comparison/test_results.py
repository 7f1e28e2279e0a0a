"""Analogies and caricatures survive a file; files that do not fit are refused in one line."""

from dataclasses import replace

import numpy as np
import pytest

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.model_comparison.analogies import Analogy, Unit
from netlens.model_comparison.results import AnalogyVisualizations, CaricatureImage, Caricatures, UnitAnalogies

RNG = np.random.default_rng(36)
ANALOGIES = UnitAnalogies(
    unit=Unit("c", 4),
    heldout_count=7,
    analogies={
        "one": {
            "a/b": Analogy(RNG.standard_normal(3), 0.5, 0.75, (0.4, 0.6), (0.5, 0.8)),
            "c": Analogy(RNG.standard_normal(5), 1.0, 1.0),
        },
        "two": {"c": Analogy(RNG.standard_normal(2), 0.25, 0.3), "d": Analogy(np.zeros(2), 0.0, 0.5)},
    },
)
PICTURES = RNG.integers(0, 256, (2, 3, 8, 8, 3), np.uint8)
VISUALIZATIONS = AnalogyVisualizations("one", {"a/b": PICTURES[0, 0], "c": PICTURES[0, 1]}, PICTURES[1, 0])
CARICATURES = Caricatures(
    "one", "coffee", PICTURES[0, 0], ("a", "b", "c"), ("a", "c"), {0: PICTURES[0], 1: PICTURES[1]}
)
IMAGE = CaricatureImage(PICTURES[0, 0], 12, "coffee", "first of its class")


def changed(path, result, change):
    """Save a result, then change the file: None leaves an array out."""
    result.save(path)
    arrays = load_arrays(path) | change
    save_arrays(path, {name: values for name, values in arrays.items() if values is not None})


def test_a_file_keeps_analogies_by_network_and_layer(tmp_path):
    ANALOGIES.save(tmp_path / "a.npz")
    back = UnitAnalogies.load(tmp_path / "a.npz")
    assert (back.networks, back.unit, back.heldout_count) == (("one", "two"), ANALOGIES.unit, 7)
    assert [(name, list(layers)) for name, layers in back.analogies.items()] == [
        ("one", ["a/b", "c"]), ("two", ["c", "d"]),
    ]  # fmt: skip
    for name, layers in ANALOGIES.analogies.items():
        for layer, analogy in layers.items():
            found = back.analogies[name][layer]
            np.testing.assert_array_equal(found.direction, analogy.direction, strict=True)
            assert (found.r2, found.ceiling) == (analogy.r2, analogy.ceiling)
            np.testing.assert_array_equal(found.r2_ends, analogy.r2_ends)
            np.testing.assert_array_equal(found.ceiling_ends, analogy.ceiling_ends)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"analogy_1_ceiling": None}, "array 'analogy_1_ceiling' is missing"),
        ({"analogy_0_r2": np.zeros(1)}, r"array 'analogy_0_r2' has shape \(1,\), where 1 should be 2"),
        ({"analogy_0_directions": np.zeros(9)}, "array 'analogy_0_directions' has shape"),
        ({"unit": np.array(5)}, "network 'one' has no unit c:5 in it"),
        ({"unit_layer": np.array("d")}, "network 'one' has no unit d:4 in it"),
        ({"networks": np.array(["one", "two", "three"])}, "array 'analogy_2_layers' is missing"),
        ({"networks": np.array([], np.str_)}, "it holds no network"),
        ({"more": np.zeros(1)}, "array 'more' does not belong in it"),
    ],
)
def test_a_file_of_analogies_that_does_not_fit_is_refused(tmp_path, change, message):
    changed(tmp_path / "a.npz", ANALOGIES, change)
    with pytest.raises(ArrayFileError, match=rf"a\.npz: .*{message}.*; delete the file and run the rule") as raised:
        UnitAnalogies.load(tmp_path / "a.npz")
    assert "\n" not in str(raised.value)


def test_the_units_own_layer_is_no_match():
    assert ANALOGIES.best_layer("one") == "a/b"
    # Another network may have a layer of the same name.
    assert list(ANALOGIES.elsewhere("two")) == ["c", "d"]
    assert ANALOGIES.best_layer("two") == "c"
    assert ANALOGIES.other_networks == ["two"]
    alone = replace(ANALOGIES, analogies={"one": {"c": ANALOGIES.analogies["one"]["c"]}})
    assert alone.other_networks == ["one"]
    with pytest.raises(ValueError, match="only the unit's own layer is compared"):
        alone.best_layer("one")


def test_a_file_keeps_visualizations_by_layer(tmp_path):
    for given in (VISUALIZATIONS, replace(VISUALIZATIONS, unit=None), replace(VISUALIZATIONS, by_layer={})):
        given.save(tmp_path / "v.npz")
        back = AnalogyVisualizations.load(tmp_path / "v.npz")
        assert (back.network, list(back.by_layer)) == ("one", list(given.by_layer))
        for layer, picture in given.by_layer.items():
            np.testing.assert_array_equal(back.by_layer[layer], picture, strict=True)
        if given.unit is None:
            assert back.unit is None
        else:
            np.testing.assert_array_equal(back.unit, given.unit, strict=True)


def test_a_file_keeps_caricatures_and_their_image(tmp_path):
    CARICATURES.save(tmp_path / "c.npz")
    back = Caricatures.load(tmp_path / "c.npz")
    assert (back.network, back.class_name, back.layers, back.compared) == ("one", "coffee", ("a", "b", "c"), ("a", "c"))
    np.testing.assert_array_equal(back.image, CARICATURES.image, strict=True)
    for power in (0, 1):
        np.testing.assert_array_equal(back.by_cosine_power[power], PICTURES[power], strict=True)
        np.testing.assert_array_equal(back.of_compared(power), PICTURES[power][[0, 2]], strict=True)
    IMAGE.save(tmp_path / "i.npz")
    image = CaricatureImage.load(tmp_path / "i.npz")
    assert (image.index, image.class_name, image.choice) == (12, "coffee", "first of its class")
    np.testing.assert_array_equal(image.image, IMAGE.image, strict=True)


@pytest.mark.parametrize(
    ("result", "change", "message"),
    [
        (CARICATURES, {"pictures_1": None}, "array 'pictures_1' is missing"),
        (CARICATURES, {"pictures_1": PICTURES[1][:2]}, r"array 'pictures_1' has shape \(2, 8, 8, 3\)"),
        (CARICATURES, {"pictures_0": PICTURES[0] / 255}, "array 'pictures_0' is of type float64"),
        (
            CARICATURES,
            {"compared": np.array(["c", "a"])},
            "the compared layers are not among its layers",
        ),
        (
            CARICATURES,
            {"compared": np.array(["a", "z"])},
            "the compared layers are not among its layers",
        ),
        (VISUALIZATIONS, {"layer_1": None}, "array 'layer_1' is missing"),
        (VISUALIZATIONS, {"unit": PICTURES[0, 0][:4]}, r"array 'unit' has shape \(4, 8, 3\)"),
        (VISUALIZATIONS, {"layers": np.array(["c"])}, "array 'layer_1' does not belong in it"),
        (IMAGE, {"image": PICTURES[0, 0][:4]}, r"array 'image' has shape \(4, 8, 3\)"),
        (IMAGE, {"extra": np.zeros(2)}, "array 'extra' does not belong in it"),
    ],
)
def test_a_file_of_caricatures_that_does_not_fit_is_refused(tmp_path, result, change, message):
    changed(tmp_path / "c.npz", result, change)
    with pytest.raises(ArrayFileError, match=rf"c\.npz: {message}"):
        type(result).load(tmp_path / "c.npz")
