"""Kernel gradients, sums of patches and padding of a convolution, without building its patch matrix.

For TensorFlow graphs. A Dense layer counts as a convolution over a single vector.
"""

from typing import Any

from netlens.models.backend import tf, tf1
from netlens.models.keras.kernel_layers import KernelLayer


def kernel_gradient(layer: KernelLayer, x: Any, cotangent: Any) -> Any:
    """Compute X'C, the sum over samples of input times cotangent, shaped as the kernel, in the precision of `x`.

    Parameters
    ----------
    layer
        A Conv2D or Dense layer.
    x
        Its input, (n, H, W, C) or (n, ..., K).
    cotangent
        C, shaped as its output.
    """
    if layer.kind == "dense":
        inputs, units = layer.kernel_shape
        return tf.matmul(tf.reshape(x, (-1, inputs)), tf.reshape(cotangent, (-1, units)), transpose_a=True)
    strides, dilation, padding = _geometry(layer)
    if dilation == (1, 1) and strides[0] == strides[1]:
        return tf1.nn.conv2d_backprop_filter(
            x, layer.kernel_shape, cotangent, strides=(1, *strides, 1), padding=padding.upper()
        )
    # TensorFlow has no such gradient on CPUs: one product per tap, with the input that this tap sees.
    height, width, channels, units = layer.kernel_shape
    flat = tf.reshape(cotangent, (-1, units))
    padded = padded_input(layer, x)
    positions = tf.shape(cotangent)[1:3]
    seen = [
        padded[
            :, _along(row, positions[0], strides[0], dilation[0]), _along(column, positions[1], strides[1], dilation[1])
        ]
        for row in range(height)
        for column in range(width)
    ]
    products = [tf.matmul(tf.reshape(part, (-1, channels)), flat, transpose_a=True) for part in seen]
    return tf.reshape(tf.stack(products), layer.kernel_shape)


def sum_of_patches(layer: KernelLayer, x: Any, positions: Any) -> Any:
    """Compute X'1, the sum of the input over samples, float64, shape (K,).

    The inputs are summed over the images first, then over the rows that each row of the kernel sees, then over columns.

    Parameters
    ----------
    layer, x
        As for `kernel_gradient`.
    positions
        Height and width of the output, a tensor; unused for Dense.
    """
    if layer.kind == "dense":
        return tf.reduce_sum(tf.cast(tf.reshape(x, (-1, layer.kernel_shape[0])), tf.float64), 0)
    strides, dilation, _ = _geometry(layer)
    height, width = layer.kernel_shape[:2]
    total = tf.cast(tf.reduce_sum(x, 0, keepdims=True), tf.float64)
    padded = padded_input(layer, total)[0]
    taps: list[Any] = []
    for row in range(height):
        line = tf.reduce_sum(padded[_along(row, positions[0], strides[0], dilation[0])], 0)
        taps.extend(
            tf.reduce_sum(line[_along(column, positions[1], strides[1], dilation[1])], 0) for column in range(width)
        )
    return tf.reshape(tf.stack(taps), (-1,))


def padded_input(layer: KernelLayer, x: Any) -> Any:
    """Pad a convolution's input with zeros so that the layer becomes a ``valid`` convolution; (n, H', W', C)."""
    strides, dilation, padding = _geometry(layer)
    if padding == "valid":
        return x
    size = tf.shape(x)[1:3]
    reach = [(taps - 1) * apart + 1 for taps, apart in zip(layer.kernel_shape[:2], dilation, strict=True)]
    positions = -(-size // strides)
    missing = tf.maximum((positions - 1) * strides + reach - size, 0)
    before = missing // 2
    after = missing - before
    return tf.pad(x, [(0, 0), (before[0], after[0]), (before[1], after[1]), (0, 0)])


def _along(tap: int, positions: Any, stride: int, dilation: int) -> slice:
    """Which rows (or columns) of the padded input a row of the kernel sees, over all output positions."""
    first = tap * dilation
    return slice(first, first + (positions - 1) * stride + 1, stride)


def _geometry(layer: KernelLayer) -> tuple[tuple[int, int], tuple[int, int], str]:
    assert layer.strides is not None and layer.dilation is not None and layer.padding is not None
    return layer.strides, layer.dilation, layer.padding
