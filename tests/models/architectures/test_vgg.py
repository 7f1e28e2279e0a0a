import numpy as np
import pytest

from netlens.models.architectures.registry import ARCHITECTURES, build
from netlens.models.architectures.vgg import vgg16
from netlens.models.backend import keras
from netlens.models.errors import NetworkError


@pytest.mark.slow
def test_vgg16_is_that_of_keras():
    ours = vgg16(input_shape=(32, 32, 3), classes=10, seed=0)
    theirs = keras.applications.VGG16(weights=None, input_shape=(32, 32, 3), classes=10)

    def description(model):
        drop = {"kernel_initializer", "build_config"}
        return [
            (type(layer).__name__, {key: value for key, value in layer.get_config().items() if key not in drop})
            for layer in model.layers[1:]
        ]

    assert description(ours) == description(theirs)


@pytest.mark.slow
def test_same_seed_same_weights():
    build_one = lambda seed: build("small_vgg", input_shape=(32, 32, 3), classes=4, seed=seed).get_weights()  # noqa: E731
    one, two, other = build_one(7), build_one(7), build_one(8)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one[0], other[0])
    # He et al. 2015: variance 2 / fan in.
    assert np.std(one[16]) == pytest.approx(np.sqrt(2 / one[16].shape[0]), rel=0.03)
    assert not any(np.any(bias) for bias in one[1::2])


def test_bad_input():
    with pytest.raises(NetworkError, match=r"'vgg19'; there are .*small_alexnet, small_inception, small_inc"):
        build("vgg19", input_shape=(32, 32, 3), classes=4, seed=0)
    with pytest.raises(NetworkError, match="at least 2 classes, not 1"):
        build("small_vgg", input_shape=(32, 32, 3), classes=1, seed=0)
    for name in ARCHITECTURES:
        with pytest.raises(NetworkError, match="pixels, not"):
            build(name, input_shape=(3 if name == "sixt_cifar10" else 15, 64, 3), classes=4, seed=0)
