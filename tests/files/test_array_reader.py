"""Arrays are taken out of a file only when they fit."""

import numpy as np
import pytest

from netlens.files.array_reader import ArrayReader
from netlens.files.arrays import ArrayFileError, save_arrays


@pytest.fixture
def reader(tmp_path):
    path = tmp_path / "found.npz"
    save_arrays(
        path,
        {
            "names": np.array(["a", "b"]),
            "values": np.arange(2.0),
            "others": np.arange(3.0),
            "square": np.zeros((3, 3)),
            "oblong": np.zeros((3, 4)),
            "count": np.array(7),
            "share": np.array(0.5),
        },
    )
    return ArrayReader(path)


def test_arrays_are_returned_as_they_were_saved(reader):
    assert reader.names("names", "layers") == ("a", "b")
    np.testing.assert_array_equal(reader.array("values", "f", "layers"), [0.0, 1.0])
    assert reader.array("square", "f", "side", "side").shape == (3, 3)
    assert reader.array("oblong", "f", 3, "width").shape == reader.shape("oblong") == (3, 4)
    assert (reader.whole("count"), reader.real("share")) == (7, 0.5)
    assert reader.left == ("others",)


@pytest.mark.parametrize(
    ("take", "message"),
    [
        (lambda r: r.array("nothing", "f"), "array 'nothing' is missing"),
        (lambda r: r.shape("nothing"), "array 'nothing' is missing"),
        (lambda r: r.array("values", "i", "layers"), "'values' is of type float64; integers are expected"),
        (lambda r: r.array("values", "f", "layers", 3), "'values' has 1 dimensions instead of 2"),
        (lambda r: r.array("oblong", "f", "side", "side"), r"'oblong' has shape \(3, 4\), where 4 should be 3"),
        (lambda r: r.array("oblong", "f", 3, 5), r"where 4 should be 5"),
        (lambda r: (r.names("names", "layers"), r.array("others", "f", "layers")), "where 3 should be 2"),
        (lambda r: r.whole("share"), "'share' is of type float64; integers are expected"),
        (lambda r: r.finish(), "array 'names' does not belong in it"),
    ],
)
def test_what_does_not_fit_is_reported_with_the_path_and_the_remedy(reader, take, message):
    with pytest.raises(ArrayFileError, match=message) as caught:
        take(reader)
    assert str(caught.value).startswith(f"{reader.path}: ")
    assert str(caught.value).endswith("; delete the file and run the rule that makes it")
    assert "\n" not in str(caught.value)
