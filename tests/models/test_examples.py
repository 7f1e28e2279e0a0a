import numpy as np
import pytest

from netlens.models.examples import ExampleError, first_examples, telling_classes

CLASSES = ("cat", "dog", "fox", "owl")
LABELS = np.array([0, 1, 2] * 4)


def correct(*indices: int) -> np.ndarray:
    return np.isin(np.arange(12), indices)


def test_the_first_right_image_of_each_class_in_the_wanted_order() -> None:
    assert first_examples(correct(2, 3, 4, 6, 8), LABELS, CLASSES, ["fox", "cat", "dog"]) == [2, 3, 4]
    assert first_examples(correct(9, 7), LABELS, CLASSES, ["dog"]) == [7]
    assert first_examples(correct(), LABELS, CLASSES, []) == []


def test_a_class_that_is_never_recognized_has_its_first_image() -> None:
    assert first_examples(correct(9, 7), LABELS, CLASSES, ["fox", "cat"]) == [2, 9]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["cow"], "class 'cow' is not in the image set; it has cat, dog, fox, owl"),
        (["cat", "cat"], "class 'cat' is named twice"),
        (["owl"], "no image of class 'owl' here; there are images of cat, dog, fox"),
    ],
)
def test_classes_without_an_example(wanted: list[str], message: str) -> None:
    with pytest.raises(ExampleError, match=message):
        first_examples(correct(0, 3), LABELS, CLASSES, wanted)


def test_classes_that_the_network_recognizes_come_first() -> None:
    assert telling_classes(correct(2, 4), LABELS, CLASSES, 2) == ["dog", "fox"]
    assert telling_classes(correct(5), LABELS, CLASSES, 5) == ["fox", "cat", "dog"]
    assert telling_classes(correct(), LABELS, CLASSES, 2) == ["cat", "dog"]
