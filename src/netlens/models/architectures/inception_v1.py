"""GoogLeNet (Szegedy et al. 2014, arXiv 1409.4842) as a frozen graph, with lucid's names of its operations."""

from functools import partial
from typing import Any

import numpy as np

from netlens.models.architectures.inception import Widths, branches
from netlens.models.architectures.input_shapes import Shape, need_pixels
from netlens.models.backend import tf, tf1
from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.models.frozen.graph_files import frozen_from_graph
from netlens.models.preprocessing import Preprocessing

#: Channels of GoogLeNet's mixed layers (Szegedy et al. 2014, table 1), and the poolings between them.
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
        parts = branches(x, widths, name, convolution=convolution, pooling=partial(pooling, stride=1))
        return tf.raw_ops.ConcatV2(values=parts, axis=tf.constant(3, name=f"{name}/concat_dim"), name=name)

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
    """Build GoogLeNet with random weights as a frozen network, for tests and benchmarks at full size.

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
