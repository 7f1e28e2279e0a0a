"""What TensorFlow computes with the kernel of a layer, for each kind of kernel, without building its patch matrix.

For TensorFlow graphs; kinds and layout of kernels are those of `netlens.models.keras.kernel_layers`. The table
`_OPERATIONS` has the kernel gradient and the transpose of each kind. A Dense layer counts as a convolution over a
single vector; a grouped convolution is computed group by group, since TensorFlow has neither operation for groups on
CPUs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from netlens.models.backend import tf, tf1
from netlens.models.keras.kernel_layers import KernelLayer


def kernel_gradient(layer: KernelLayer, x: Any, cotangent: Any) -> Any:
    """Compute X'C, the sum over samples of input times cotangent, shaped as the kernel, in the precision of `x`.

    Parameters
    ----------
    layer
        A layer of any kind.
    x
        Its input, (n, H, W, C) or (n, ..., K).
    cotangent
        C, shaped as its output.
    """
    return _OPERATIONS[layer.kind].kernel_gradient(layer, x, cotangent)


def transposed(layer: KernelLayer, kernel: Any, cotangent: Any, input_shape: Any) -> Any:
    """Apply the transpose of a layer, with `kernel` in place of its own: the input's gradient for the output's.

    Parameters
    ----------
    layer
        A layer of any kind.
    kernel
        Shaped as the layer's; with a dilation, `spread_shape` of it.
    cotangent
        Shaped as its output.
    input_shape
        Shape of its input, a tensor.

    Returns
    -------
    tensor
        Shaped as its input.
    """
    return _OPERATIONS[layer.kind].transposed(layer, kernel, cotangent, input_shape)


def spread_shape(layer: KernelLayer) -> tuple[int, ...]:
    """Shape of a layer's kernel with the zeros between its taps that stand for its dilation.

    The transpose of a dilated convolution is that of this kernel. TensorFlow's own takes dilations on a GPU only.
    """
    if layer.dilation is None:
        return layer.kernel_shape
    sizes = ((taps - 1) * apart + 1 for taps, apart in zip(layer.kernel_shape[:2], layer.dilation, strict=True))
    return (*sizes, *layer.kernel_shape[2:])


def sum_of_patches(layer: KernelLayer, x: Any) -> Any:
    """Compute X'1, the sum of the input over samples, float64: (K, 1), or (K, units) where groups see other channels.

    The inputs are summed over the images first, then over the rows that each row of the kernel sees, then over columns.

    Parameters
    ----------
    layer, x
        As for `kernel_gradient`.
    """
    if layer.kind == "dense":
        return tf.reduce_sum(tf.cast(tf.reshape(x, (-1, layer.kernel_shape[0])), tf.float64), 0)[:, None]
    total = tf.cast(tf.reduce_sum(x, 0, keepdims=True), tf.float64)
    padded = padded_input(layer, total)[0]
    rows, columns = _slices(layer, x)
    taps: list[Any] = []
    for row in rows:
        line = tf.reduce_sum(padded[row], 0)
        taps.extend(tf.reduce_sum(line[column], 0) for column in columns)
    by_group = neuron_inputs(layer, tf.stack(taps)[None])[0]
    if layer.groups == 1:
        return by_group[:, None]
    return tf.repeat(tf.transpose(by_group), layer.units // layer.groups, axis=1)


def neuron_inputs(layer: KernelLayer, patches: Any) -> Any:
    """Arrange patches as what one unit sees.

    Parameters
    ----------
    layer
        A convolution.
    patches
        (n, taps, C).

    Returns
    -------
    tensor
        (n, K), flattened row, column, channel; (n, groups, K) where units of a group see its channels only.
    """
    if layer.groups == 1:
        return tf.reshape(patches, (-1, layer.inputs))
    taps, channels = layer.inputs // layer.kernel_shape[2], layer.kernel_shape[2]
    split = tf.reshape(patches, (-1, taps, layer.groups, channels))
    return tf.reshape(tf.transpose(split, (0, 2, 1, 3)), (-1, layer.groups, layer.inputs))


def padded_input(layer: KernelLayer, x: Any) -> Any:
    """Pad a convolution's input with zeros so that the layer becomes a ``valid`` convolution; (n, H', W', C)."""
    strides, _, padding = _geometry(layer)
    if padding == "valid":
        return x
    around = []
    axes = zip(_sizes(x), _positions(layer, x), strides, spread_shape(layer)[:2], strict=True)
    for size, positions, stride, reach in axes:
        missing = (positions - 1) * stride + reach - size
        missing = max(missing, 0) if isinstance(missing, int) else tf.maximum(missing, 0)
        around.append((missing // 2, missing - missing // 2))
    return tf.pad(x, [(0, 0), *around, (0, 0)])


def _dense_gradient(layer: KernelLayer, x: Any, cotangent: Any) -> Any:
    inputs, units = layer.kernel_shape
    return tf.matmul(tf.reshape(x, (-1, inputs)), tf.reshape(cotangent, (-1, units)), transpose_a=True)


def _dense_transpose(_layer: KernelLayer, kernel: Any, cotangent: Any, _input_shape: Any) -> Any:
    return tf.matmul(cotangent, kernel, transpose_b=True)


def _convolution_gradient(layer: KernelLayer, x: Any, cotangent: Any) -> Any:
    strides, _, padding = _geometry(layer)
    if _is_simple(layer):
        return tf1.nn.conv2d_backprop_filter(
            x, layer.kernel_shape, cotangent, strides=(1, *strides, 1), padding=padding.upper()
        )
    # TensorFlow has no such gradient on CPUs: one product per tap, with the input that this tap sees.
    flat = tf.reshape(cotangent, (-1, layer.units))
    seen = _seen_by_taps(layer, x)
    products = [tf.matmul(tf.reshape(part, (-1, layer.channels)), flat, transpose_a=True) for part in seen]
    return tf.reshape(tf.stack(products), layer.kernel_shape)


def _convolution_transpose(layer: KernelLayer, kernel: Any, cotangent: Any, input_shape: Any) -> Any:
    strides, _, padding = _geometry(layer)
    return tf1.nn.conv2d_backprop_input(
        input_shape, kernel, cotangent, strides=(1, *strides, 1), padding=padding.upper()
    )


def _grouped_gradient(layer: KernelLayer, x: Any, cotangent: Any) -> Any:
    one = _one_group(layer)
    parts = zip(tf.split(x, layer.groups, -1), tf.split(cotangent, layer.groups, -1), strict=True)
    return tf.concat([_convolution_gradient(one, seen, part) for seen, part in parts], -1)


def _grouped_transpose(layer: KernelLayer, kernel: Any, cotangent: Any, input_shape: Any) -> Any:
    one = _one_group(layer)
    shape = tf.concat([input_shape[:-1], [one.channels]], 0)
    parts = zip(tf.split(kernel, layer.groups, -1), tf.split(cotangent, layer.groups, -1), strict=True)
    return tf.concat([_convolution_transpose(one, own, part, shape) for own, part in parts], -1)


def _depthwise_gradient(layer: KernelLayer, x: Any, cotangent: Any) -> Any:
    strides, _, padding = _geometry(layer)
    # On GPUs TensorFlow promises no deterministic one, so the products per tap serve there as well.
    if _is_simple(layer) and not tf.config.list_physical_devices("GPU"):
        gradient = tf1.nn.depthwise_conv2d_native_backprop_filter(
            x, _keras_shape(layer), cotangent, strides=(1, *strides, 1), padding=padding.upper()
        )
        return tf.reshape(gradient, layer.kernel_shape)
    by_channel = tf.reshape(cotangent, tf.concat([tf.shape(cotangent)[:-1], [layer.channels, -1]], 0))
    products = [tf.reduce_sum(part[..., None] * by_channel, axis=(0, 1, 2)) for part in _seen_by_taps(layer, x)]
    return tf.reshape(tf.stack(products), layer.kernel_shape)


def _depthwise_transpose(layer: KernelLayer, kernel: Any, cotangent: Any, input_shape: Any) -> Any:
    strides, _, padding = _geometry(layer)
    spread = spread_shape(layer)
    return tf1.nn.depthwise_conv2d_native_backprop_input(
        input_shape,
        tf.reshape(kernel, (*spread[:2], *_keras_shape(layer)[2:])),
        cotangent,
        strides=(1, *strides, 1),
        padding=padding.upper(),
    )


@dataclass(frozen=True)
class _Operations:
    kernel_gradient: Callable[[KernelLayer, Any, Any], Any]
    transposed: Callable[[KernelLayer, Any, Any, Any], Any]


#: By kind of kernel.
_OPERATIONS = {
    "dense": _Operations(_dense_gradient, _dense_transpose),
    "conv2d": _Operations(_convolution_gradient, _convolution_transpose),
    "grouped_conv2d": _Operations(_grouped_gradient, _grouped_transpose),
    "depthwise_conv2d": _Operations(_depthwise_gradient, _depthwise_transpose),
}


def _keras_shape(layer: KernelLayer) -> tuple[int, ...]:
    """Shape of a depthwise kernel as TensorFlow takes it, (height, width, C, units / C)."""
    return (*layer.kernel_shape[:2], layer.channels, layer.units // layer.channels)


def _one_group(layer: KernelLayer) -> KernelLayer:
    shape = (*layer.kernel_shape[:3], layer.units // layer.groups)
    return replace(layer, kind="conv2d", kernel_shape=shape, groups=1)


def _is_simple(layer: KernelLayer) -> bool:
    """Whether TensorFlow has a kernel gradient on CPUs for these strides and this dilation."""
    strides, dilation, _ = _geometry(layer)
    return dilation == (1, 1) and strides[0] == strides[1]


def _seen_by_taps(layer: KernelLayer, x: Any) -> list[Any]:
    """Input that each tap of the kernel sees, over all output positions, (n, H', W', C) each."""
    padded = padded_input(layer, x)
    rows, columns = _slices(layer, x)
    return [padded[:, row, column] for row in rows for column in columns]


def _slices(layer: KernelLayer, x: Any) -> list[list[slice]]:
    """Which rows of the padded input each row of the kernel sees, over all output positions; and so for the columns."""
    strides, dilation, _ = _geometry(layer)
    axes = zip(layer.kernel_shape[:2], _positions(layer, x), strides, dilation, strict=False)
    return [
        [slice(tap * apart, tap * apart + (positions - 1) * stride + 1, stride) for tap in range(taps)]
        for taps, positions, stride, apart in axes
    ]


def _positions(layer: KernelLayer, x: Any) -> list[Any]:
    """Height and width of the output; numbers where the size of the input is known, else tensors."""
    strides, _, padding = _geometry(layer)
    axes = zip(_sizes(x), strides, spread_shape(layer)[:2], strict=True)
    if padding == "valid":
        return [(size - reach) // stride + 1 for size, stride, reach in axes]
    return [-(-size // stride) for size, stride, _ in axes]


def _sizes(x: Any) -> list[Any]:
    """Height and width of maps; numbers where they are known, which saves most of the operations, else tensors."""
    known = x.shape[1:3]
    return known.as_list() if known.is_fully_defined() else [tf.shape(x)[1], tf.shape(x)[2]]


def _geometry(layer: KernelLayer) -> tuple[tuple[int, int], tuple[int, int], str]:
    assert layer.strides is not None and layer.dilation is not None and layer.padding is not None
    return layer.strides, layer.dilation, layer.padding
