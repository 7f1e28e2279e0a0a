from typing import Any

import numpy as np
import pytest

from netlens.data.image_set import ImageSet
from netlens.patterns.examples import Example, ExampleError, first_correct


def image_set() -> ImageSet:
    """Image i has the value i everywhere."""
    images = np.arange(12, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    return ImageSet(images, np.array([0, 1, 2] * 4), ("cat", "dog", "fox"))


def logits_of(right: set[int], seen: list[int] | None = None) -> Any:
    def logits(images: Any) -> Any:
        values = images[:, 0, 0, 0].astype(int)
        if seen is not None:
            seen.extend(values)
        result = np.zeros((len(values), 3))
        for row, value in zip(result, values, strict=True):
            row[value % 3 if value in right else (value + 1) % 3] = 10 + value
        return result

    return logits


def test_the_first_right_image_of_each_class_in_the_given_order() -> None:
    examples = first_correct(image_set(), logits_of({2, 4, 3, 6, 8}), ["fox", "cat", "dog"], batch_size=2)
    assert examples == [Example(2, 2, 12.0), Example(3, 0, 13.0), Example(4, 1, 14.0)]


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_does_not_depend_on_the_batches(batch_size: int) -> None:
    assert first_correct(image_set(), logits_of({9, 10}), ["cat", "dog"], batch_size=batch_size) == [
        Example(9, 0, 19.0),
        Example(10, 1, 20.0),
    ]


def test_looks_at_no_more_images_than_needed() -> None:
    seen: list[int] = []
    first_correct(image_set(), logits_of({4}, seen), ["dog"], batch_size=1)
    assert seen == [1, 4]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["cow"], "class 'cow' is not in the image set; it has cat, dog, fox"),
        (["cat", "cat"], "class 'cat' is named twice"),
        (["dog"], "none of the 4 images of class 'dog' is classified correctly; name another class"),
    ],
)
def test_classes_without_an_example(names: list[str], message: str) -> None:
    with pytest.raises(ExampleError, match=message):
        first_correct(image_set(), logits_of({0, 3}), names)
