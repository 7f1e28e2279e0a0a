"""GoogLeNet (Szegedy et al. 2014, arXiv 1409.4842) with lucid's names of its layers, and a small network like it."""

from typing import Any, NamedTuple

from netlens.models.backend import keras
from netlens.models.graph import NetworkError

Shape = tuple[int, int, int]


class Widths(NamedTuple):
    """Channels of one mixed layer's six convolutions."""

    w1x1: int
    w3x3_bottleneck: int
    w3x3: int
    w5x5_bottleneck: int
    w5x5: int
    pool_reduce: int


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
    pixels and 16 classes it has 0.13 million weights; ``mixed3`` is 16 x 16, ``mixed4`` 8 x 8 positions.

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
    layers = keras.layers
    if min(input_shape[:2]) < 16:
        raise NetworkError(f"small_inception needs an input of at least 16 x 16 pixels, not {input_shape}")

    def he_normal() -> Any:
        nonlocal seed
        seed += 1
        return keras.initializers.HeNormal(seed=seed)

    def convolution(x: Any, channels: int, size: int, name: str) -> Any:
        make = layers.Conv2D(
            channels, size, padding="same", activation="relu", kernel_initializer=he_normal(), name=name
        )
        return make(x)

    def pooling(x: Any, name: str, *, strides: int = 2) -> Any:
        return layers.MaxPooling2D(3, strides=strides, padding="same", name=name)(x)

    def mixed(x: Any, name: str) -> Any:
        widths = _SMALL[name]
        middle = convolution(x, widths.w3x3_bottleneck, 1, f"{name}_3x3_bottleneck")
        wide = convolution(x, widths.w5x5_bottleneck, 1, f"{name}_5x5_bottleneck")
        pooled = pooling(x, f"{name}_pool", strides=1)
        branches = [
            convolution(x, widths.w1x1, 1, f"{name}_1x1"),
            convolution(middle, widths.w3x3, 3, f"{name}_3x3"),
            convolution(wide, widths.w5x5, 5, f"{name}_5x5"),
            convolution(pooled, widths.pool_reduce, 1, f"{name}_pool_reduce"),
        ]
        return layers.Concatenate(name=name)(branches)

    image = keras.Input(input_shape, name="image")
    x = pooling(convolution(image, 24, 7, "conv2d0"), "maxpool0")
    x = convolution(x, 24, 1, "conv2d1")
    x = pooling(convolution(x, 48, 3, "conv2d2"), "maxpool1")
    x = pooling(mixed(mixed(x, "mixed3a"), "mixed3b"), "maxpool4")
    x = mixed(mixed(x, "mixed4a"), "mixed4b")
    x = layers.GlobalAveragePooling2D(name="avgpool")(x)
    x = layers.Dense(classes, kernel_initializer=he_normal(), name="softmax2_pre_activation")(x)
    return keras.Model(image, layers.Softmax(name="softmax2")(x), name="small_inception")
