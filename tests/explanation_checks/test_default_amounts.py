"""Larger networks get fewer images unless a study says otherwise."""

from netlens.explanation_checks.default_amounts import images_count, multiplications, smooth_copies_count


def test_multiplications_are_those_of_every_position(small_convnet):
    # 8 x 8 positions of 3x3x3x5, 4 x 4 of 3x3x5x5, and a dense layer of 4 * 4 * 5 inputs and 3 outputs.
    assert multiplications(small_convnet) == 64 * 135 + 16 * 225 + 80 * 3


def test_amounts_fall_with_the_size_of_the_network():
    squeezenet, resnet50, vgg16 = 350_000_000, 3_900_000_000, 15_500_000_000
    assert [images_count(size) for size in (0, squeezenet, 10**9, resnet50, vgg16)] == [50, 50, 20, 8, 8]
    assert smooth_copies_count(squeezenet) == 50
    assert smooth_copies_count(vgg16) == 10
