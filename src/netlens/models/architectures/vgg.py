"""VGG-16 (Simonyan and Zisserman 2014, arXiv 1409.1556), and a small network in its style."""

from collections.abc import Sequence
from typing import Any

from netlens.models.architectures.building_blocks import BuildingBlocks
from netlens.models.architectures.input_shapes import Shape, need_pixels
from netlens.models.backend import keras


def small_vgg(*, input_shape: Shape, classes: int, seed: int) -> Any:
    """Build four blocks of two convolutions (16, 32, 64, 128 channels), two dense layers of 256 units, and a softmax.

    See `vgg`. At 64 x 64 x 3 pixels and 16 classes it has 0.9 million weights.
    """
    blocks = [(16, 2), (32, 2), (64, 2), (128, 2)]
    return vgg("small_vgg", blocks=blocks, hidden=[256, 256], input_shape=input_shape, classes=classes, seed=seed)


def vgg16(*, input_shape: Shape, classes: int, seed: int) -> Any:
    """Build VGG-16: layers named and shaped as in ``keras.applications``, 138 million weights at 224 x 224 x 3 pixels.

    See `vgg`.
    """
    blocks = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
    return vgg("vgg16", blocks=blocks, hidden=[4096, 4096], input_shape=input_shape, classes=classes, seed=seed)


def vgg(
    name: str,
    *,
    blocks: Sequence[tuple[int, int]],
    hidden: Sequence[int],
    input_shape: Shape,
    classes: int,
    seed: int,
) -> Any:
    """Build a network of blocks of convolutions, each ending in a pooling, then dense layers, then softmax.

    Parameters
    ----------
    name
        Name of the model.
    blocks
        Channels and number of convolutions of each block. Convolutions are 3 x 3 with zero padding and ReLU, poolings
        take the maximum of 2 x 2. Named ``block1_conv1``, ..., ``block1_pool``, ...
    hidden
        Units of the hidden dense layers ``fc1``, ``fc2``, ..., with ReLU, behind ``flatten``.
    input_shape
        (height, width, channels) in pixels.
    classes
        Units of the softmax layer ``predictions``.
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
    need_pixels(name, input_shape, 2 ** len(blocks))
    made = BuildingBlocks(seed)
    image = x = keras.Input(input_shape, name="image")
    for block, (channels, convolutions) in enumerate(blocks, start=1):
        for position in range(1, convolutions + 1):
            x = made.convolution(x, channels, 3, f"block{block}_conv{position}")
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    for position, units in enumerate(hidden, start=1):
        x = made.dense(x, units, f"fc{position}", activation="relu")
    x = made.dense(x, classes, "predictions", activation="softmax")
    return keras.Model(image, x, name=name)
