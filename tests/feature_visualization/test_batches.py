import numpy as np
import pytest

from netlens.feature_visualization.batches import dealt, made


class Painter:
    """Makes pictures of one value: what its kind adds to the request."""

    def __init__(self, kind):
        self.kind = kind

    def run(self, requests):
        return [np.full((1, 1, 3), self.kind + request, np.uint8) for request in requests]


@pytest.mark.parametrize(("count", "batches"), [(0, []), (2, [[0, 1]]), (5, [[0, 1], [2, 3], [4]])])
def test_dealt(count, batches):
    assert list(dealt(range(count), 2)) == batches


def test_a_program_is_built_where_the_kind_changes():
    built = []

    def build(kind):
        built.append(kind)
        return Painter(kind)

    batches = [(10, [2, 0]), (10, [1]), (20, [3])]
    found = [
        {index: int(picture.max()) for index, picture in each.items()} for each in made([1, 2, 3, 4], batches, build)
    ]
    assert built == [10, 20]
    assert found == [{2: 13, 0: 11}, {1: 12}, {3: 24}]


def test_programs_are_built_when_their_batch_is_due():
    built = []
    pictures = made([1, 2], [(0, [0]), (1, [1])], lambda kind: built.append(kind) or Painter(kind))
    assert built == []
    next(pictures)
    assert built == [0]
