import numpy as np
import pytest

from netlens.models.examples import ExampleError, first_correct

CLASSES = ("cat", "dog", "fox")
LABELS = np.array([0, 1, 2] * 4)


def correct(*indices: int) -> np.ndarray:
    return np.isin(np.arange(12), indices)


def test_the_first_right_image_of_each_class_in_the_wanted_order() -> None:
    assert first_correct(correct(2, 3, 4, 6, 8), LABELS, CLASSES, ["fox", "cat", "dog"]) == [2, 3, 4]
    assert first_correct(correct(9, 7), LABELS, CLASSES, ["dog"]) == [7]
    assert first_correct(correct(), LABELS, CLASSES, []) == []


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["cow"], "class 'cow' is not in the image set; it has cat, dog, fox"),
        (["cat", "cat"], "class 'cat' is named twice"),
        (["dog"], "none of the 4 images of class 'dog' is classified correctly; choose another class"),
    ],
)
def test_classes_without_an_example(wanted: list[str], message: str) -> None:
    with pytest.raises(ExampleError, match=message):
        first_correct(correct(0, 3), LABELS, CLASSES, wanted)
