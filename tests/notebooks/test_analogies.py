"""Analogies through the real rules: a network, and a copy of it whose channels are in another order."""

import numpy as np
import pytest

from netlens.files.arrays import load_arrays
from netlens.model_comparison.results import AnalogyVisualizations, UnitAnalogies

pytestmark = pytest.mark.slow


@pytest.fixture
def results(made_study):
    """Folder of what the rules made of a study with the network and its copy."""
    return made_study.folder


def test_the_permuted_unit_is_found_in_its_layer(results, permutations):
    loaded = UnitAnalogies.load(results / "results/own/model_comparison/analogies.npz")
    found = loaded.analogies
    assert list(found) == ["original", "copy", "large"]
    # In the order of the network, whatever the order of the study.
    assert list(found["copy"]) == ["copy_first", "copy_second", "copy_out"]
    # The middle third of three layers is the second.
    assert loaded.unit.layer == "original_second"
    unit = loaded.unit.channel
    there = found["copy"]["copy_second"]
    np.testing.assert_allclose(there.direction, permutations["second"] == unit, atol=1e-6)
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
    mean = np.mean([analogy.r2 for name in ("copy", "large") for analogy in found.analogies[name].values()])
    assert f"{{{mean:.2f}}}%" in (macros / "analogyMeanRSquared.tex").read_text()
