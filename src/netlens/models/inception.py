"""GoogLeNet (Szegedy et al. 2014, arXiv 1409.4842) with lucid's names of its layers, and a small network like it."""

from typing import Any, NamedTuple

import numpy as np

from netlens.models.backend import keras, tf, tf1
from netlens.models.frozen import FrozenNetwork
from netlens.models.frozen_files import frozen_from_graph
from netlens.models.initialization import he_normals
from netlens.models.input_shapes import Shape, need_pixels
from netlens.models.preprocessing import Preprocessing


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
    layers = keras.layers
    need_pixels("small_inception", input_shape, 16)
    initializers = he_normals(seed)

    def convolution(x: Any, channels: int, size: int, name: str) -> Any:
        make = layers.Conv2D(
            channels, size, padding="same", activation="relu", kernel_initializer=next(initializers), name=name
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
    x = layers.Dense(classes, kernel_initializer=next(initializers), name="softmax2_pre_activation")(x)
    return keras.Model(image, layers.Softmax(name="softmax2")(x), name="small_inception")


#: Of GoogLeNet's mixed layers (Szegedy et al. 2014, table 1), and the poolings behind them.
_GOOGLENET: dict[str, Widths | None] = {
    "mixed3a": Widths(64, 96, 128, 16, 32, 32),
    "mixed3b": Widths(128, 128, 192, 32, 96, 64),
    "maxpool4": None,
    "mixed4a": Widths(192, 96, 204, 16, 48, 64),
    "mixed4b": Widths(160, 112, 224, 24, 64, 64),
    "mixed4c": Widths(128, 128, 256, 24, 64, 64),
    "mixed4d": Widths(112, 144, 288, 32, 64, 64),
    "mixed4e": Widths(256, 160, 320, 32, 128, 128),
    "maxpool10": None,
    "mixed5a": Widths(256, 160, 320, 48, 128, 128),
    "mixed5b": Widths(384, 192, 384, 48, 128, 128),
}


def inception_v1_graph(*, input_shape: Shape = (224, 224, 3), classes: int = 1008, seed: int = 0) -> Any:
    """Build GoogLeNet with random weights, operations named and sized as in lucid's frozen InceptionV1.

    Parameters
    ----------
    input_shape
        (height, width, channels) in pixels.
    classes
        Units of the softmax ``softmax2``.
    seed
        Of the He-normal weights (He et al. 2015); biases are zero. The same seed gives the same weights.

    Returns
    -------
    GraphDef
        From the placeholder ``input`` to ``softmax2``, without the auxiliary classifiers. ``mixed4a``'s 3 x 3
        convolution has 204 units, as in lucid's network, not the 208 of the paper.

    Raises
    ------
    NetworkError
        The input is too small for the poolings.
    """
    need_pixels("inception_v1", input_shape, 32)
    rng = np.random.default_rng(seed)

    def weights(shape: tuple[int, ...], name: str) -> Any:
        values = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[:-1])))
        return tf.constant(values, name=f"{name}_w")

    def biased(product: Any, name: str, *, end: str) -> Any:
        bias = tf.constant(np.zeros(product.shape[-1], np.float32), name=f"{name}_b")
        return tf.raw_ops.BiasAdd(value=product, bias=bias, name=f"{name}{end}")

    def convolution(x: Any, channels: int, size: int, name: str, *, stride: int = 1) -> Any:
        kernel = weights((size, size, int(x.shape[-1]), channels), name)
        step = [1, stride, stride, 1]
        z = tf.raw_ops.Conv2D(input=x, filter=kernel, strides=step, padding="SAME", name=f"{name}_pre_relu/conv")
        return tf.raw_ops.Relu(features=biased(z, name, end="_pre_relu"), name=name)

    def pooling(x: Any, name: str, *, stride: int = 2) -> Any:
        step = [1, stride, stride, 1]
        return tf.raw_ops.MaxPool(input=x, ksize=[1, 3, 3, 1], strides=step, padding="SAME", name=name)

    def normalization(x: Any, name: str) -> Any:
        return tf.raw_ops.LRN(input=x, depth_radius=5, bias=1.0, alpha=1e-4, beta=0.75, name=name)

    def mixed(x: Any, widths: Widths, name: str) -> Any:
        middle = convolution(x, widths.w3x3_bottleneck, 1, f"{name}_3x3_bottleneck")
        wide = convolution(x, widths.w5x5_bottleneck, 1, f"{name}_5x5_bottleneck")
        branches = [
            convolution(x, widths.w1x1, 1, f"{name}_1x1"),
            convolution(middle, widths.w3x3, 3, f"{name}_3x3"),
            convolution(wide, widths.w5x5, 5, f"{name}_5x5"),
            convolution(pooling(x, f"{name}_pool", stride=1), widths.pool_reduce, 1, f"{name}_pool_reduce"),
        ]
        return tf.raw_ops.ConcatV2(values=branches, axis=tf.constant(3, name=f"{name}/concat_dim"), name=name)

    with tf.Graph().as_default() as graph:
        x = tf1.placeholder(tf.float32, (None, *input_shape), name="input")
        x = pooling(convolution(x, 64, 7, "conv2d0", stride=2), "maxpool0")
        x = convolution(normalization(x, "localresponsenorm0"), 64, 1, "conv2d1")
        x = pooling(normalization(convolution(x, 192, 3, "conv2d2"), "localresponsenorm1"), "maxpool1")
        for name, widths in _GOOGLENET.items():
            x = pooling(x, name) if widths is None else mixed(x, widths, name)
        size = [1, int(x.shape[1]), int(x.shape[2]), 1]
        x = tf.raw_ops.AvgPool(value=x, ksize=size, strides=[1, 1, 1, 1], padding="VALID", name="avgpool0")
        channels = int(x.shape[-1])
        shape = tf.constant([-1, channels], name="avgpool0/reshape/shape")
        x = tf.raw_ops.Reshape(tensor=x, shape=shape, name="avgpool0/reshape")
        kernel = weights((channels, classes), "softmax2")
        product = tf.raw_ops.MatMul(a=x, b=kernel, name="softmax2_pre_activation/matmul")
        tf.raw_ops.Softmax(logits=biased(product, "softmax2", end="_pre_activation"), name="softmax2")
        return graph.as_graph_def()


def inception_v1(*, input_shape: Shape = (224, 224, 3), classes: int = 1008, seed: int = 0) -> FrozenNetwork:
    """Give GoogLeNet with random weights as a frozen network, for tests and benchmarks at full size.

    Parameters
    ----------
    input_shape, classes, seed
        As in `inception_v1_graph`.

    Returns
    -------
    FrozenNetwork
        Layers ``conv2d0``, ``maxpool0``, ..., ``softmax2_pre_activation``; 117 is taken from the pixels.

    Raises
    ------
    NetworkError
        The input is too small for the poolings.
    """
    graph_def = inception_v1_graph(input_shape=input_shape, classes=classes, seed=seed)
    return frozen_from_graph(graph_def, name="inception_v1", preprocessing=Preprocessing(mean=(117.0,)))
