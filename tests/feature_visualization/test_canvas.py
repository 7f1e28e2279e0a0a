"""How large an image a layer is shown."""

import numpy as np
import pytest

from netlens.feature_visualization.canvas import Canvas, canvases
from netlens.models.frozen.receptive_fields import receptive_fields


@pytest.mark.slow
def test_a_unit_in_the_middle_is_cut_out(frozen):
    network = frozen("branches")
    found = canvases(network, ["stem", "mixed"], "centre", 128)
    assert found["stem"] == Canvas(16, 6, 6, 8)  # five pixels, shown with some surroundings
    # Pooling and both kernels: 5 + 2 + 2 * 2 pixels.
    assert (found["mixed"].side_px, found["mixed"].shown_px) == (16, 11)
    rows, columns = receptive_fields(network, ["mixed"], (16, 16))["mixed"]
    middle = len(rows.first) // 2
    assert (found["mixed"].top_px, found["mixed"].left_px) == (rows.first[middle], columns.first[middle])


def test_everywhere_a_few_fields_are_shown(frozen):
    found = canvases(frozen("branches"), ["stem", "mixed"], "everywhere", 128)
    assert found == {"stem": Canvas(16, 0, 0, 16), "mixed": Canvas(48, 0, 0, 48)}


@pytest.mark.parametrize("position", ["centre", "everywhere"])
def test_what_sees_as_much_as_a_picture_has_all_of_it(frozen, position):
    whole = Canvas(16, 0, 0, 16)
    assert canvases(frozen("branches"), ["mixed"], "everywhere", 16) == {"mixed": whole}
    assert canvases(frozen("flat"), ["hidden"], position, 16) == {"hidden": whole}
    assert canvases(frozen("branches"), [], position, 16) == {}


def test_the_part_is_cut_and_enlarged():
    image = np.zeros((32, 32, 3), np.uint8)
    image[10:20, 4:14] = 200
    picture = Canvas(32, 10, 4, 10).picture(image, 40)
    assert picture.shape == (40, 40, 3)
    assert np.all(picture == 200)
    assert np.array_equal(Canvas(32, 0, 0, 32).picture(image, 32), image)
