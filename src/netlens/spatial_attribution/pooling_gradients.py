"""The three gradients of max-pooling that spatial attribution can use in the backward pass.

``true``
    The gradient of the maximum, which goes to the largest entry of a window alone.
``smooth``
    The gradient of ``avgpool(x^2) / (1e-2 + avgpool(|x|))``, which is close to the maximum where one entry stands
    out, and is shared among entries that are alike.
``smooth_blur``
    ``smooth``, followed by a 3 x 3 blur whose weights are 0.25 at the center, 0.5 on the four neighbors together and
    0.25 on the diagonals together; the map is padded with zeros.

Source: the notebooks of Olah et al. 2018, "The Building Blocks of Interpretability" (Distill), describe the second and
the third.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, get_args

import numpy as np

from netlens.models.backend import tf1
from netlens.spatial_attribution.choices import AttributionError, Gradient

#: Added to the mean magnitude of a window, so that a window of zeros has a gradient.
SOFTENING: Final = 1e-2

# TensorFlow registers gradients by name for the whole process and refuses a name that is taken, so these are registered
# once, on import. They take effect only inside `pooling_gradient`.
_NAMES: Final = {"smooth": "NetlensSmoothMaxPool", "smooth_blur": "NetlensSmoothBlurMaxPool"}


def smooth_max_pool(x: Any, *, ksize: list[int], strides: list[int], padding: str, data_format: str = "NHWC") -> Any:
    """Compute the smooth maximum ``avgpool(x^2) / (1e-2 + avgpool(|x|))`` of each window.

    Parameters
    ----------
    x
        Tensor (n, height, width, channels), or with channels first as `data_format` says.
    ksize, strides, padding, data_format
        As for ``tf.nn.max_pool``.

    Returns
    -------
    Tensor
        Of the shape that max-pooling would have.
    """

    def average(values: Any) -> Any:
        return tf1.nn.avg_pool(values, ksize=ksize, strides=strides, padding=padding, data_format=data_format)

    return average(x**2) / (SOFTENING + average(tf1.abs(x)))


def blur(x: Any, *, data_format: str = "NHWC") -> Any:
    """Blur each channel with (1, 2, 1) x (1, 2, 1) / 16, with zeros outside the map.

    The weights are 1/4 at the center, 1/8 on each of the four neighbors and 1/16 on each diagonal.
    """
    if data_format == "NCHW":
        return tf1.transpose(blur(tf1.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))
    line = np.array([0.25, 0.5, 0.25])
    kernel = tf1.constant(np.outer(line, line)[:, :, None, None], dtype=x.dtype)
    # Treating every channel as an image of its own costs less than the gradient of a depthwise convolution.
    shape = tf1.shape(x)
    alone = tf1.reshape(tf1.transpose(x, (0, 3, 1, 2)), (-1, shape[1], shape[2], 1))
    blurred = tf1.nn.conv2d(alone, kernel, strides=(1, 1, 1, 1), padding="SAME")
    return tf1.transpose(tf1.reshape(blurred, (shape[0], shape[3], shape[1], shape[2])), (0, 2, 3, 1))


def _smooth_gradient(operation: Any, gradient: Any) -> Any:
    x = operation.inputs[0]
    pooled = smooth_max_pool(
        x,
        ksize=list(operation.get_attr("ksize")),
        strides=list(operation.get_attr("strides")),
        padding=operation.get_attr("padding").decode(),
        data_format=operation.get_attr("data_format").decode(),
    )
    return tf1.gradients(pooled, x, gradient)[0]


def _smooth_blur_gradient(operation: Any, gradient: Any) -> Any:
    return blur(_smooth_gradient(operation, gradient), data_format=operation.get_attr("data_format").decode())


tf1.RegisterGradient(_NAMES["smooth"])(_smooth_gradient)
tf1.RegisterGradient(_NAMES["smooth_blur"])(_smooth_blur_gradient)


@contextmanager
def pooling_gradient(graph: Any, gradient: Gradient) -> Iterator[None]:
    """Use a gradient for all max-poolings that are added to `graph` inside the block.

    Parameters
    ----------
    graph
        TensorFlow graph.
    gradient
        ``true``, ``smooth`` or ``smooth_blur``.

    Raises
    ------
    AttributionError
        There is no such gradient.
    """
    if gradient not in get_args(Gradient):
        raise AttributionError(f"there is no gradient {gradient!r}; choose one of {', '.join(get_args(Gradient))}")
    if gradient == "true":
        yield
        return
    with graph.gradient_override_map({"MaxPool": _NAMES[gradient]}):
        yield
