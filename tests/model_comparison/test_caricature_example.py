"""The image that caricatures are made of: classified correctly if the network knows its class, and never missing."""

import numpy as np
import pytest

from netlens.model_comparison.caricature_example import class_of_example, example_of
from netlens.model_comparison.errors import ComparisonError

LOGITS = {3: [2.0, 1.0, 0.0], 5: [9.0, 8.5, 0.0], 8: [0.0, 1.0, 0.5], 9: [0.0, 5.0, 0.0]}


def test_the_first_that_is_classified_correctly_and_no_image_after_it_is_looked_at():
    seen = []

    def logits_of(index):
        seen.append(index)
        return np.array(LOGITS[index])

    found = example_of("cat", [3, 5, 8, 9], "net", 1, logits_of)
    assert (found.index, found.class_name) == (8, "cat")
    assert found.choice == "first held-out image of its class that net classifies correctly"
    assert seen == [3, 5, 8]


def test_where_none_is_classified_correctly_the_most_probable_is_taken_and_told():
    found = example_of("cat", [3, 5], "net", 1, lambda index: np.array(LOGITS[index]))
    assert found.index == 5
    assert "classifies none correctly" in found.choice


def test_a_network_that_does_not_know_the_class_is_not_asked():
    def refuse(index):
        raise AssertionError(index)

    found = example_of("cat", [3, 5], "features", -1, refuse)
    assert found.index == 3
    assert found.choice == "first held-out image of its class, which features does not know"


def test_the_class_is_the_named_one_or_the_first_with_images():
    names, labels = ("a", "b", "c"), [-1, 2, 1, 1]
    assert class_of_example("", names, labels) == 1
    assert class_of_example("c", names, labels) == 2
    with pytest.raises(ComparisonError, match="class 'd' is not in the image set; it has a, b, c"):
        class_of_example("d", names, labels)
    with pytest.raises(ComparisonError, match="no held-out image of class 'a'"):
        class_of_example("a", names, labels)
    with pytest.raises(ComparisonError, match="no held-out image has a class"):
        class_of_example("", names, [-1, -1])
