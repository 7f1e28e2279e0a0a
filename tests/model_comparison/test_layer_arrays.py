"""Arrays by layer survive a file, whatever the layers are called."""

import numpy as np
import pytest

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.layer_arrays import joined, load_layer_arrays, save_layer_arrays


def test_names_with_slashes_and_dots_come_back_in_order(tmp_path):
    arrays = {
        "InceptionV2/Mixed_3b/concat": np.arange(6, dtype=np.float32).reshape(3, 2),
        "layers": np.ones((3, 1), np.float32),
        ".hidden": np.zeros((3, 4), np.float32),
    }
    save_layer_arrays(tmp_path / "a.npz", arrays)
    back = load_layer_arrays(tmp_path / "a.npz")
    assert list(back) == list(arrays)
    for name, values in arrays.items():
        np.testing.assert_array_equal(back[name], values, strict=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": None}, "array 'layers' is missing"),
        ({"layer1": None}, "array 'layer1' is missing"),
        ({"layer1": np.zeros((3, 3))}, r"array 'layer1' has shape \(3, 3\), where 3 should be 2"),
        ({"layer2": np.zeros((2, 3))}, "array 'layer2' does not belong in it"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, change, message):
    save_layer_arrays(tmp_path / "a.npz", {"conv": np.zeros((2, 2)), "dense": np.zeros((2, 3))})
    arrays = load_arrays(tmp_path / "a.npz") | change
    save_arrays(tmp_path / "a.npz", {name: values for name, values in arrays.items() if values is not None})
    with pytest.raises(ArrayFileError, match=rf"a\.npz: {message}"):
        load_layer_arrays(tmp_path / "a.npz")


def test_shards_are_joined_row_by_row_and_must_have_the_same_layers():
    whole = {"conv/a": np.arange(10.0).reshape(5, 2), "dense": np.arange(5.0).reshape(5, 1)}
    shards = [
        {name: values[rows] for name, values in whole.items()} for rows in (slice(0, 3), slice(3, 3), slice(3, 5))
    ]
    shards[1] = dict(reversed(shards[1].items()))
    back = joined(shards)
    assert list(back) == list(whole)
    for name, values in whole.items():
        np.testing.assert_array_equal(back[name], values, strict=True)
    for other in ({"conv/a": whole["conv/a"]}, {**whole, "dense": np.zeros((5, 2))}):
        with pytest.raises(ComparisonError, match="layers conv/a, dense and another"):
            joined([whole, other])
    with pytest.raises(ComparisonError, match="at least one"):
        joined([])
