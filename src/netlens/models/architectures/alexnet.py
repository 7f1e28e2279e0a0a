"""A small network in the style of AlexNet (Krizhevsky et al. 2012), layers named as Caffe and lucid name them."""

from typing import Any

from netlens.models.architectures.building_blocks import BuildingBlocks
from netlens.models.architectures.input_shapes import Shape, need_pixels
from netlens.models.backend import keras


def small_alexnet(*, input_shape: Shape, classes: int, seed: int) -> Any:
    """Build five convolutions with overlapping poolings behind the first, second and fifth, then three dense layers.

    ``conv1`` (7 x 7, stride 2, 32 channels), ``pool1``, ``conv2`` (5 x 5, 64), ``pool2``, ``conv3``, ``conv4`` and
    ``conv5`` (3 x 3; 96, 96, 64), ``pool5``, ``flatten``, ``fc6`` and ``fc7`` (128 units), ``fc8``, and the softmax
    ``prob``. Poolings take the maximum of 3 x 3 with stride 2; all has zero padding, a bias, and ReLU but for ``fc8``.
    At 64 x 64 x 3 pixels and 16 classes it has 0.4 million weights; ``conv1`` is 32 x 32, ``conv2`` 16 x 16,
    ``conv3`` to ``conv5`` 8 x 8 positions.

    What AlexNet has and this network has not: local response normalization, for which neither patterns nor relevance
    have a rule; convolutions in two groups, which were made to fit two devices; dropout.

    Parameters
    ----------
    input_shape
        (height, width, channels) in pixels.
    classes
        Units of ``fc8`` and the softmax.
    seed
        Of the He-normal initial weights (He et al. 2015); biases are zero. The same seed gives the same weights.

    Returns
    -------
    keras.Model

    Raises
    ------
    NetworkError
        The input is too small for the poolings.
    """
    need_pixels("small_alexnet", input_shape, 16)
    blocks = BuildingBlocks(seed)
    image = keras.Input(input_shape, name="image")
    x = blocks.max_pooling(blocks.convolution(image, 32, 7, "conv1", strides=2), "pool1")
    x = blocks.max_pooling(blocks.convolution(x, 64, 5, "conv2"), "pool2")
    x = blocks.convolution(x, 96, 3, "conv3")
    x = blocks.convolution(x, 96, 3, "conv4")
    x = blocks.max_pooling(blocks.convolution(x, 64, 3, "conv5"), "pool5")
    x = keras.layers.Flatten(name="flatten")(x)
    x = blocks.dense(x, 128, "fc6", activation="relu")
    x = blocks.dense(x, 128, "fc7", activation="relu")
    x = blocks.dense(x, classes, "fc8")
    return keras.Model(image, keras.layers.Softmax(name="prob")(x), name="small_alexnet")
