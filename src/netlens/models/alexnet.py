"""A small network in the style of AlexNet (Krizhevsky et al. 2012), layers named as Caffe and lucid name them."""

from typing import Any

from netlens.models.backend import keras
from netlens.models.initialization import he_normals
from netlens.models.input_shapes import Shape, need_pixels


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
    layers = keras.layers
    need_pixels("small_alexnet", input_shape, 16)
    initializers = he_normals(seed)

    def convolution(x: Any, channels: int, size: int, name: str, *, strides: int = 1) -> Any:
        make = layers.Conv2D(
            channels,
            size,
            strides=strides,
            padding="same",
            activation="relu",
            kernel_initializer=next(initializers),
            name=name,
        )
        return make(x)

    def pooling(x: Any, name: str) -> Any:
        return layers.MaxPooling2D(3, strides=2, padding="same", name=name)(x)

    def dense(x: Any, units: int, name: str, *, activation: str = "relu") -> Any:
        return layers.Dense(units, activation=activation, kernel_initializer=next(initializers), name=name)(x)

    image = keras.Input(input_shape, name="image")
    x = pooling(convolution(image, 32, 7, "conv1", strides=2), "pool1")
    x = pooling(convolution(x, 64, 5, "conv2"), "pool2")
    x = convolution(convolution(x, 96, 3, "conv3"), 96, 3, "conv4")
    x = layers.Flatten(name="flatten")(pooling(convolution(x, 64, 3, "conv5"), "pool5"))
    x = dense(dense(x, 128, "fc6"), 128, "fc7")
    x = dense(x, classes, "fc8", activation="linear")
    return keras.Model(image, layers.Softmax(name="prob")(x), name="small_alexnet")
