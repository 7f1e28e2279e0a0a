"""The CIFAR-10 network of Sixt, Granz and Landgraf 2020, "When Explanations Lie" (arXiv 1912.09818)."""

from typing import Any

from netlens.models.architectures.building_blocks import BuildingBlocks
from netlens.models.architectures.input_shapes import Shape, need_pixels
from netlens.models.backend import keras


def sixt_cifar10(*, input_shape: Shape, classes: int, seed: int) -> Any:
    """Build four convolutions (32, 64, 128, 128 channels), a hidden dense layer of 1024 units, and a softmax.

    Convolutions are 3 x 3 with zero padding and ReLU, as in the authors' published training notebook; the second and
    the fourth are followed by 2 x 2 max-pooling, and the inputs of both dense layers by dropout of one half. At
    32 x 32 x 3 pixels and 10 classes the network has 8.6 million weights.

    Parameters
    ----------
    input_shape
        (height, width, channels) in pixels.
    classes
        Units of the softmax layer ``predictions``.
    seed
        Of the He-normal initial weights and of dropout. The same seed gives the same weights.

    Returns
    -------
    keras.Model

    Raises
    ------
    NetworkError
        The input is too small for the two poolings.
    """
    need_pixels("sixt_cifar10", input_shape, 4)
    layers, blocks = keras.layers, BuildingBlocks(seed)
    image = keras.Input(input_shape, name="image")
    x = blocks.convolution(image, 32, 3, "conv1")
    x = blocks.convolution(x, 64, 3, "conv2")
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = blocks.convolution(x, 128, 3, "conv3")
    x = blocks.convolution(x, 128, 3, "conv4")
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.5, seed=seed, name="dropout1")(x)
    x = blocks.dense(x, 1024, "fc1", activation="relu")
    x = layers.Dropout(0.5, seed=seed + 1, name="dropout2")(x)
    x = blocks.dense(x, classes, "predictions", activation="softmax")
    return keras.Model(image, x, name="sixt_cifar10")
