import numpy as np

from netlens.models.architectures.building_blocks import BuildingBlocks
from netlens.models.backend import keras


def test_a_normalized_convolution_is_three_layers():
    image = keras.Input((7, 9, 3), name="image")
    model = keras.Model(image, BuildingBlocks(0).normalized_convolution(image, 4, 3, "scope/first", strides=2))
    assert [layer.name for layer in model.layers[1:]] == [
        "scope/first/Conv2D",
        "scope/first/BatchNorm",
        "scope/first/Relu",
    ]
    assert model.output_shape == (None, 4, 5, 4)
    # No bias and no scale: the kernel, then the shift, mean and variance of each channel.
    assert [weight.shape for weight in model.get_weights()] == [(3, 3, 3, 4), (4,), (4,), (4,)]


def test_shapes_are_rounded_up():
    image = keras.Input((7, 9, 3), name="image")
    blocks = BuildingBlocks(0)
    assert blocks.convolution(image, 4, 5, "convolution", strides=2).shape.as_list() == [None, 4, 5, 4]
    assert blocks.max_pooling(image, "pooling").shape.as_list() == [None, 4, 5, 3]
    assert blocks.max_pooling(image, "dense_pooling", strides=1).shape.as_list() == [None, 7, 9, 3]


def test_the_order_of_the_calls_decides_the_initial_weights():
    def kernels(seed):
        keras.backend.clear_session()
        x = image = keras.Input((4,), name="image")
        blocks = BuildingBlocks(seed)
        for name in ("first", "second"):
            x = blocks.dense(x, 4, name)
        return [values for values in keras.Model(image, x).get_weights() if values.ndim == 2]

    first, again, following = kernels(7), kernels(7), kernels(8)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[1], following[0])
