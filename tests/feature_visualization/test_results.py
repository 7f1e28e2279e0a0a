"""Feature visualizations are saved in the order of their keys and loaded by key."""

import numpy as np
import pytest

from netlens.feature_visualization.results import load_visualizations, save_visualizations
from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays

RNG = np.random.default_rng(0)
IMAGES = {key: RNG.integers(0, 256, (4, 4, 3)).astype(np.uint8) for key in ("b", "a", "c")}


def test_images_come_back_by_key_each_once_and_none_for_an_empty_key(tmp_path):
    path = tmp_path / "images.npz"
    save_visualizations(path, IMAGES)
    assert list(load_arrays(path)) == ["a", "b", "c"]
    found = load_visualizations(path, ["c", "", "b", "c"])
    assert list(found) == ["c", "b"]
    assert all(np.array_equal(found[key], IMAGES[key]) for key in found)
    with pytest.raises(ArrayFileError, match="holds no array 'd'"):
        load_visualizations(path, ["d"])


@pytest.mark.parametrize("wrong", [np.zeros((4, 4, 3)), np.zeros((4, 5, 3), np.uint8), np.zeros((4, 4), np.uint8)])
def test_what_is_not_a_square_rgb_image_is_refused(tmp_path, wrong):
    path = tmp_path / "images.npz"
    save_arrays(path, {"a": wrong})
    with pytest.raises(ArrayFileError, match=r"'a' is .*, not a square RGB image; delete the file and run the rule"):
        load_visualizations(path, ["a"])
