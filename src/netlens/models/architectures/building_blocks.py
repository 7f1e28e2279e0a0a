"""The layers that the architectures are built from, each kernel with initial weights of its own."""

from typing import Any

from netlens.models.architectures.initialization import he_normals
from netlens.models.backend import keras


class BuildingBlocks:
    """The layers of one network, applied to a tensor in the order in which they are called.

    Every kernel takes the next initializer of `he_normals`, so the order of the calls decides the initial weights;
    biases and the shifts of batch normalization start at zero.

    Parameters
    ----------
    seed
        Seed of the initial weights: the same seed and the same calls give the same weights.
    """

    def __init__(self, seed: int) -> None:
        self._initializers = he_normals(seed)

    def convolution(self, x: Any, channels: int, size: int, name: str, *, strides: int = 1) -> Any:
        """Apply a `size` x `size` convolution with zero padding, a bias and ReLU, in one layer.

        Returns
        -------
        tensor
            (n, height / strides, width / strides, channels), rounded up.
        """
        layer = keras.layers.Conv2D(
            channels,
            size,
            strides=strides,
            padding="same",
            activation="relu",
            kernel_initializer=next(self._initializers),
            name=name,
        )
        return layer(x)

    def normalized_convolution(self, x: Any, channels: int, size: int, name: str, *, strides: int = 1) -> Any:
        """Apply a convolution, batch normalization and ReLU: ``<name>/Conv2D``, ``<name>/BatchNorm``, ``<name>/Relu``.

        The convolution has zero padding and no bias. The normalization has no scale, which the next kernel makes up
        for (Ioffe and Szegedy 2015, section 3.1).

        Returns
        -------
        tensor
            (n, height / strides, width / strides, channels), rounded up.
        """
        layers = keras.layers
        convolution = layers.Conv2D(
            channels,
            size,
            strides=strides,
            padding="same",
            use_bias=False,
            kernel_initializer=next(self._initializers),
            name=f"{name}/Conv2D",
        )
        normalization = layers.BatchNormalization(scale=False, epsilon=1e-3, name=f"{name}/BatchNorm")
        return layers.Activation("relu", name=f"{name}/Relu")(normalization(convolution(x)))

    def max_pooling(self, x: Any, name: str, *, strides: int = 2) -> Any:
        """Take the maximum of overlapping windows of 3 x 3, with padding.

        Returns
        -------
        tensor
            (n, height / strides, width / strides, channels), rounded up.
        """
        return keras.layers.MaxPooling2D(3, strides=strides, padding="same", name=name)(x)

    def dense(self, x: Any, units: int, name: str, *, activation: str = "linear") -> Any:
        """Apply a dense layer with a bias.

        Returns
        -------
        tensor
            (n, units).
        """
        layer = keras.layers.Dense(units, activation=activation, kernel_initializer=next(self._initializers), name=name)
        return layer(x)
