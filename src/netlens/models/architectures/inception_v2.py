"""A small network like InceptionV2 (Ioffe and Szegedy 2015, arXiv 1502.03167), with the names of slim and lucid."""

from typing import Any, NamedTuple

from netlens.models.architectures.building_blocks import BuildingBlocks
from netlens.models.architectures.input_shapes import Shape, need_pixels
from netlens.models.backend import keras

#: Slim's scope of everything before the logits.
_SCOPE = "InceptionV2/InceptionV2"


class MixedWidths(NamedTuple):
    """Channels of a mixed layer's convolutions, branch by branch; the last branch pools first."""

    b0_1x1: int
    b1_1x1: int
    b1_3x3: int
    b2_1x1: int
    b2_3x3: int
    b3_1x1: int


class ReducingWidths(NamedTuple):
    """Channels of the convolutions of a mixed layer of stride 2, branch by branch; the last branch only pools."""

    b0_1x1: int
    b0_3x3: int
    b1_1x1: int
    b1_3x3: int


#: A quarter of InceptionV2's channels.
_SMALL: dict[str, MixedWidths | ReducingWidths] = {
    "Mixed_3b": MixedWidths(16, 16, 16, 16, 24, 8),
    "Mixed_3c": MixedWidths(16, 16, 24, 16, 24, 16),
    "Mixed_4a": ReducingWidths(32, 40, 16, 24),
    "Mixed_4b": MixedWidths(56, 16, 24, 24, 32, 32),
    "Mixed_5a": ReducingWidths(32, 48, 48, 64),
    "Mixed_5b": MixedWidths(88, 48, 80, 40, 56, 32),
}


def small_inception_v2(*, input_shape: Shape, classes: int, seed: int) -> Any:
    """Build a small network with batch normalization, whose layers are named as those of slim's InceptionV2.

    Three convolutions, then six of InceptionV2's ten mixed layers, each with a quarter of its channels: two of them
    halve the map themselves. Then a mean over positions, the logits, and softmax. What differs from slim's, besides
    size: the first convolution is an ordinary one without stride, and the logits are a dense layer, not a 1 x 1
    convolution of a map of one position. At 64 x 64 x 3 pixels and 16 classes it has 0.3 million weights;
    ``Mixed_3*`` is 16 x 16, ``Mixed_4*`` 8 x 8 and ``Mixed_5*`` 4 x 4 positions.

    Each convolution is three layers, ``<name>/Conv2D`` without a bias, ``<name>/BatchNorm`` without a scale, which
    the following kernel has, and ``<name>/Relu``. Names are those of slim's operations:
    ``InceptionV2/InceptionV2/Conv2d_1a_7x7/Relu``, ``.../MaxPool_2a_3x3/MaxPool``,
    ``.../Mixed_3b/Branch_1/Conv2d_0b_3x3/Relu``, ``.../Mixed_3b/concat``; at the end
    ``InceptionV2/Logits/Conv2d_1c_1x1/BiasAdd`` and ``InceptionV2/Predictions/Softmax``.

    Parameters
    ----------
    input_shape
        (height, width, channels) in pixels.
    classes
        Units of the softmax.
    seed
        Of the He-normal initial weights (He et al. 2015); biases and shifts are zero. The same seed gives the same
        weights.

    Returns
    -------
    keras.Model

    Raises
    ------
    NetworkError
        The input is too small for the poolings.
    """
    layers = keras.layers
    need_pixels("small_inception_v2", input_shape, 16)
    blocks = BuildingBlocks(seed)
    convolution = blocks.normalized_convolution

    def pooling(x: Any, scope: str) -> Any:
        return blocks.max_pooling(x, f"{scope}/MaxPool")

    def mixed(x: Any, widths: MixedWidths, name: str) -> list[Any]:
        one, two, three = (f"{name}/Branch_{branch}" for branch in (1, 2, 3))
        narrow = convolution(x, widths.b1_1x1, 1, f"{one}/Conv2d_0a_1x1")
        wide = convolution(x, widths.b2_1x1, 1, f"{two}/Conv2d_0a_1x1")
        wide = convolution(wide, widths.b2_3x3, 3, f"{two}/Conv2d_0b_3x3")
        mean = layers.AveragePooling2D(3, strides=1, padding="same", name=f"{three}/AvgPool_0a_3x3/AvgPool")(x)
        return [
            convolution(x, widths.b0_1x1, 1, f"{name}/Branch_0/Conv2d_0a_1x1"),
            convolution(narrow, widths.b1_3x3, 3, f"{one}/Conv2d_0b_3x3"),
            convolution(wide, widths.b2_3x3, 3, f"{two}/Conv2d_0c_3x3"),
            convolution(mean, widths.b3_1x1, 1, f"{three}/Conv2d_0b_1x1"),
        ]

    def reducing(x: Any, widths: ReducingWidths, name: str) -> list[Any]:
        zero, one, two = (f"{name}/Branch_{branch}" for branch in range(3))
        narrow = convolution(x, widths.b0_1x1, 1, f"{zero}/Conv2d_0a_1x1")
        wide = convolution(x, widths.b1_1x1, 1, f"{one}/Conv2d_0a_1x1")
        wide = convolution(wide, widths.b1_3x3, 3, f"{one}/Conv2d_0b_3x3")
        return [
            convolution(narrow, widths.b0_3x3, 3, f"{zero}/Conv2d_1a_3x3", strides=2),
            convolution(wide, widths.b1_3x3, 3, f"{one}/Conv2d_1a_3x3", strides=2),
            pooling(x, f"{two}/MaxPool_1a_3x3"),
        ]

    image = keras.Input(input_shape, name="image")
    x = pooling(convolution(image, 16, 7, f"{_SCOPE}/Conv2d_1a_7x7"), f"{_SCOPE}/MaxPool_2a_3x3")
    x = convolution(x, 16, 1, f"{_SCOPE}/Conv2d_2b_1x1")
    x = pooling(convolution(x, 48, 3, f"{_SCOPE}/Conv2d_2c_3x3"), f"{_SCOPE}/MaxPool_3a_3x3")
    for name, widths in _SMALL.items():
        scope = f"{_SCOPE}/{name}"
        parts = mixed(x, widths, scope) if isinstance(widths, MixedWidths) else reducing(x, widths, scope)
        x = layers.Concatenate(name=f"{scope}/concat")(parts)
    x = layers.GlobalAveragePooling2D(name="InceptionV2/Logits/AvgPool_1a/AvgPool")(x)
    x = blocks.dense(x, classes, "InceptionV2/Logits/Conv2d_1c_1x1/BiasAdd")
    return keras.Model(image, layers.Softmax(name="InceptionV2/Predictions/Softmax")(x), name="small_inception_v2")
