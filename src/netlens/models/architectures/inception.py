"""A small network like GoogLeNet (Szegedy et al. 2014, arXiv 1409.4842), with lucid's names of its layers."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from netlens.models.architectures.building_blocks import BuildingBlocks
from netlens.models.architectures.input_shapes import Shape, need_pixels
from netlens.models.backend import keras


class Widths(NamedTuple):
    """Channels of one mixed layer's six convolutions."""

    w1x1: int
    w3x3_bottleneck: int
    w3x3: int
    w5x5_bottleneck: int
    w5x5: int
    pool_reduce: int


def branches(
    x: Any,
    widths: Widths,
    name: str,
    *,
    convolution: Callable[[Any, int, int, str], Any],
    pooling: Callable[[Any, str], Any],
) -> list[Any]:
    """Build the four branches of a mixed layer (Szegedy et al. 2014, figure 2b), to be concatenated.

    Parameters
    ----------
    x
        The tensor that they all take.
    widths
        Their channels.
    name
        Name of the mixed layer; those of the branches' layers begin with it.
    convolution
        Applies a convolution with ReLU; takes the tensor, channels, kernel size and name.
    pooling
        Applies a max pooling of 3 x 3 and stride 1; takes the tensor and its name.

    Returns
    -------
    list of tensor
        The branches, in the order of concatenation: 1 x 1, 3 x 3, 5 x 5, pooled.
    """
    middle = convolution(x, widths.w3x3_bottleneck, 1, f"{name}_3x3_bottleneck")
    wide = convolution(x, widths.w5x5_bottleneck, 1, f"{name}_5x5_bottleneck")
    return [
        convolution(x, widths.w1x1, 1, f"{name}_1x1"),
        convolution(middle, widths.w3x3, 3, f"{name}_3x3"),
        convolution(wide, widths.w5x5, 5, f"{name}_5x5"),
        convolution(pooling(x, f"{name}_pool"), widths.pool_reduce, 1, f"{name}_pool_reduce"),
    ]


#: Of the small network's mixed layers.
_SMALL = {
    "mixed3a": Widths(16, 24, 32, 8, 16, 16),
    "mixed3b": Widths(24, 32, 48, 8, 24, 16),
    "mixed4a": Widths(32, 32, 64, 12, 24, 24),
    "mixed4b": Widths(40, 40, 80, 16, 32, 24),
}


def small_inception(*, input_shape: Shape, classes: int, seed: int) -> Any:
    """Build a small network of four mixed layers, whose layers are named as those of lucid's InceptionV1.

    Three convolutions (``conv2d0``, 7 x 7 without stride, ``conv2d1``, ``conv2d2``), ``mixed3a`` and ``mixed3b``,
    ``mixed4a`` and ``mixed4b``, with poolings of 3 x 3 and stride 2 between; global average pooling, a dense layer
    ``softmax2_pre_activation``, and ``softmax2``. Every convolution has zero padding, a bias and ReLU. At 64 x 64 x 3
    pixels and 16 classes it has 0.15 million weights; ``mixed3`` is 16 x 16, ``mixed4`` 8 x 8 positions.

    Parameters
    ----------
    input_shape
        (height, width, channels) in pixels.
    classes
        Units of the softmax layer ``softmax2``.
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
    need_pixels("small_inception", input_shape, 16)
    blocks = BuildingBlocks(seed)

    def mixed(x: Any, name: str) -> Any:
        pooling = partial(blocks.max_pooling, strides=1)
        parts = branches(x, _SMALL[name], name, convolution=blocks.convolution, pooling=pooling)
        return keras.layers.Concatenate(name=name)(parts)

    image = keras.Input(input_shape, name="image")
    x = blocks.max_pooling(blocks.convolution(image, 24, 7, "conv2d0"), "maxpool0")
    x = blocks.convolution(x, 24, 1, "conv2d1")
    x = blocks.max_pooling(blocks.convolution(x, 48, 3, "conv2d2"), "maxpool1")
    x = blocks.max_pooling(mixed(mixed(x, "mixed3a"), "mixed3b"), "maxpool4")
    x = mixed(mixed(x, "mixed4a"), "mixed4b")
    x = keras.layers.GlobalAveragePooling2D(name="avgpool")(x)
    x = blocks.dense(x, classes, "softmax2_pre_activation")
    return keras.Model(image, keras.layers.Softmax(name="softmax2")(x), name="small_inception")
