import numpy as np
import pytest

from netlens.models.architectures.sixt_cifar10 import sixt_cifar10
from netlens.models.errors import NetworkError
from netlens.models.keras.kernel_layers import kernel_layers


def build(seed=3):
    return sixt_cifar10(input_shape=(32, 32, 3), classes=10, seed=seed)


def test_is_the_published_network():
    model = build()
    assert [(layer.name, layer.kernel_shape) for layer in kernel_layers(model)] == [
        ("conv1", (3, 3, 3, 32)),
        ("conv2", (3, 3, 32, 64)),
        ("conv3", (3, 3, 64, 128)),
        ("conv4", (3, 3, 128, 128)),
        ("fc1", (8 * 8 * 128, 1024)),
        ("predictions", (1024, 10)),
    ]
    assert model.count_params() == 8_640_714
    assert [layer.rate for layer in model.layers if layer.name.startswith("dropout")] == [0.5, 0.5]


@pytest.mark.slow
def test_inference_has_no_dropout():
    model = build()
    image = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    np.testing.assert_array_equal(model.predict_on_batch(image), model.predict_on_batch(image))


def test_images_too_small_for_the_poolings():
    with pytest.raises(NetworkError, match="sixt_cifar10 needs an input of at least 4 x 4 pixels"):
        sixt_cifar10(input_shape=(3, 32, 3), classes=10, seed=0)
