"""Batch normalization folded into neighboring kernels, so that a network consists of kernels and nonlinearities.

In inference batch normalization is y = s x + t, channel by channel, with s = gamma / sqrt(variance + epsilon) and
t = beta - mean s. Behind a kernel it scales the kernel's units; before a kernel it scales the kernel's inputs and
adds to its bias, exact only where the kernel never sees padding, since padding is zero and not t. Where neither is
exact (before a padded convolution, between an addition and a ReLU), y = s x + t is itself a kernel, with one input per
unit, and becomes a 1x1 depthwise convolution of the same name. Rescaling and Normalization layers are treated alike.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import keras
from netlens.models.errors import UnsupportedLayerError
from netlens.models.input_scaling import SCALING_LAYERS, InputScaling, passes_image, product
from netlens.models.keras.graph import Graph, Step, free_name, graph_of, rebuild
from netlens.models.keras.kernel_layers import KERNEL_CLASSES, describe_kernel
from netlens.models.keras.splitting import is_composite, split_composite_layers

Float = NDArray[np.float64]

#: Layers that are y = s x + t, channel by channel.
_AFFINE = frozenset({"BatchNormalization", "SyncBatchNormalization", "Rescaling", "Normalization"})
#: The identity in inference.
_IDENTITY = frozenset({
    "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization",
})  # fmt: skip
#: Weighted means of one channel: they commute with y = s x + t. (TensorFlow's average ignores padding.)
_MEANS = frozenset({"AveragePooling2D", "GlobalAveragePooling2D"})


class FoldingError(UnsupportedLayerError):
    """A batch normalization cannot be folded into a kernel; the message names it and says why."""


def fold_batch_normalization(model: Any) -> Any:
    """Equivalent network without batch normalization, in which each layer has at most one kernel.

    Each BatchNormalization is folded into the kernel before it if nothing nonlinear lies between; otherwise into every
    kernel after it if neither padding nor anything nonlinear lies between; otherwise it becomes a 1x1 DepthwiseConv2D
    of its name. Computed in float64. Rescaling and Normalization layers are folded in the same way, and separable
    convolutions are split (`netlens.models.keras.splitting`).

    Parameters
    ----------
    model
        A Keras functional or Sequential model. Not modified.

    Returns
    -------
    keras.Model
        A functional model with layers named as before; its kernels and biases differ, its outputs do not (but for
        rounding). Without anything to fold: a plain copy.

    Raises
    ------
    FoldingError
        A BatchNormalization cannot be folded: as `check_foldable`.
    """
    check_foldable(model)
    if any(is_composite(step) for step in graph_of(model).steps):
        model = split_composite_layers(model)
    graph = graph_of(model)
    stored = _stored_weights(graph)
    weights = {
        id(step.layer): _kernel_and_bias(step, stored[id(step.layer)])
        for step in graph.steps
        if step.kind in KERNEL_CLASSES
    }
    folded: set[int] = set()
    normalizations = [step for step in graph.steps if step.kind in _AFFINE]
    affine = {id(step.layer): _scale_and_shift(step, stored[id(step.layer)]) for step in normalizations}

    # Backward first, from the input on: a second normalization may then pass a first one that is gone. Forward from
    # the output back, for the same reason.
    for step in normalizations:
        scale, shift = affine[id(step.layer)]
        kernel = _kernel_before(step, graph, folded, scale, shift)
        if kernel is not None:
            matrix, bias = weights[id(kernel.layer)]
            weights[id(kernel.layer)] = [matrix * scale, bias * scale + shift]
            folded.add(id(step.layer))
    for step in reversed(normalizations):
        if id(step.layer) in folded:
            continue
        scale, shift = affine[id(step.layer)]
        kernels = _kernels_after(step, graph, folded, scale, shift)
        if kernels is None:
            continue
        for kernel, repeats in kernels:
            matrix, bias = weights[id(kernel.layer)]
            # Channels last: a flatten gives every channel of the first pixel, then of the next one.
            groups, units = describe_kernel(kernel.layer).groups, matrix.shape[-1]
            scale_in, shift_in = (_by_unit(np.tile(values, repeats), groups, units) for values in (scale, shift))
            added = np.sum(shift_in * matrix, axis=tuple(range(matrix.ndim - 1)))
            weights[id(kernel.layer)] = [matrix * scale_in, bias + added]
        folded.add(id(step.layer))

    kept = {key: values for key, values in affine.items() if key not in folded}
    return _with_weights(model, stored, weights, folded, kept)


def is_folded(model: Any) -> bool:
    """Whether `fold_batch_normalization` would change nothing."""
    return not any(step.kind in _AFFINE or is_composite(step) for step in graph_of(model).steps)


def check_foldable(model: Any) -> None:
    """Check from the graph alone, without reading a weight, that a network can be folded.

    Parameters
    ----------
    model
        A Keras functional or Sequential model.

    Raises
    ------
    FoldingError
        A BatchNormalization normalizes another axis than the channels or is used more than once; the message names it.
    netlens.models.errors.NetworkError
        As `netlens.models.keras.graph.graph_of`.
    """
    graph = graph_of(model)
    for step in graph.steps:
        if step.kind in _AFFINE:
            _check(step, graph)


def input_scaling(model: Any) -> InputScaling | None:
    """How the layers in a row behind the input of a model scale its images; None if they do not.

    Parameters
    ----------
    model
        A Keras functional or Sequential model of one input.
    """
    graph = graph_of(model)
    factors: list[tuple[str, float]] = []
    step = next((step for step in graph.steps if not step.sources), None)
    while step is not None and (step.kind in SCALING_LAYERS or passes_image(step.kind, _activation(step))):
        if step.kind in SCALING_LAYERS:
            scale, _ = _scale_and_shift(step, keras.backend.batch_get_value(step.layer.weights))
            factors.append((str(step), float(np.abs(scale).max())))
        step = step.users[0] if len(step.users) == 1 else None
    return product(factors)


def _activation(step: Step) -> str:
    return getattr(getattr(step.layer, "activation", None), "__name__", "")


def _by_unit(values: Float, groups: int, units: int) -> Float:
    """Values of the input channels as each unit sees them: (C / groups, units), or (C, 1) where all see the same."""
    if groups == 1:
        return values[:, None]
    return np.repeat(values.reshape(groups, -1).T, units // groups, axis=1)


def _stored_weights(graph: Graph) -> dict[int, list[NDArray[Any]]]:
    """Weights of every layer; read all at once, since each read prepares the whole graph again."""
    layers = list({id(step.layer): step.layer for step in graph.steps}.values())
    values = iter(keras.backend.batch_get_value([variable for layer in layers for variable in layer.weights]))
    return {id(layer): [next(values) for _ in layer.weights] for layer in layers}


def _kernel_and_bias(step: Step, stored: list[NDArray[Any]]) -> list[Float]:
    values = [np.asarray(value, np.float64) for value in stored]
    kernel = values[0].reshape(describe_kernel(step.layer).kernel_shape)
    return [kernel, values[1] if step.layer.use_bias else np.zeros(kernel.shape[-1])]


def _scale_and_shift(step: Step, stored: list[NDArray[Any]]) -> tuple[Float, Float]:
    """Scale s and shift t of y = s x + t, shape (channels,)."""
    layer, channels = step.layer, step.output_shape[-1] or 1
    if step.kind == "Rescaling":
        scale, shift = (
            np.broadcast_to(np.asarray(value, np.float64), channels) for value in (layer.scale, layer.offset)
        )
        return scale, shift
    values = {}
    for variable, value in zip(layer.weights, stored, strict=True):
        values[variable.name.split("/")[-1].split(":")[0]] = np.asarray(value, np.float64)
    if step.kind == "Normalization":
        mean, variance = _mean_and_variance(layer, values)
        deviation = np.maximum(np.sqrt(variance), keras.backend.epsilon())
        return np.broadcast_to(1 / deviation, channels), np.broadcast_to(-mean / deviation, channels)
    mean, variance = values["moving_mean"], values["moving_variance"]
    scale = values.get("gamma", np.ones_like(mean)) / np.sqrt(variance + layer.epsilon)
    return scale, values.get("beta", np.zeros_like(mean)) - mean * scale


def _mean_and_variance(layer: Any, values: dict[str, Float]) -> tuple[Float, Float]:
    """Statistics of a Normalization layer: given when it was made, or learned from data."""
    if layer.input_mean is not None:
        return np.asarray(layer.input_mean, np.float64), np.asarray(layer.input_variance, np.float64)
    return values["mean"], values["variance"]


def _check(step: Step, graph: Graph) -> None:
    axis = getattr(step.layer, "axis", -1)
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    scalar = step.kind == "Normalization" and axes in ([None], [])
    if not scalar and [axis if axis is None else int(axis) for axis in axes] not in ([len(step.output_shape)], [-1]):
        raise FoldingError(f"{step} cannot be folded: it normalizes axis {axes}, not the channels")
    if getattr(step.layer, "invert", False):
        raise FoldingError(f"{step} cannot be folded: it is inverted")
    if graph.uses(step.layer) > 1:
        raise FoldingError(f"{step} cannot be folded: it is used {graph.uses(step.layer)} times")


def _is_linear(step: Step) -> bool:
    return step.activation == "linear"


def _passes(step: Step, scale: Float, shift: Float, folded: set[int]) -> bool:
    """Whether applying y = s x + t before `step` is the same as applying it after."""
    if step.kind in _IDENTITY | _MEANS or id(step.layer) in folded:
        return True
    if step.kind == "Activation":
        return _is_linear(step)
    if step.kind in {"MaxPooling2D", "GlobalMaxPooling2D"}:
        return bool(np.all(scale > 0))
    if step.kind == "ZeroPadding2D":
        return not np.any(shift)
    return False


def _kernel_before(step: Step, graph: Graph, folded: set[int], scale: Float, shift: Float) -> Step | None:
    """Kernel whose units `step` normalizes, if nothing else uses them."""
    current = step
    while len(current.sources) == 1:
        current = current.source
        if len(current.users) != 1 or current.is_output or graph.uses(current.layer) != 1:
            return None
        if current.kind in KERNEL_CLASSES:
            return current if _is_linear(current) else None
        if not _passes(current, scale, shift, folded):
            return None
    return None


def _kernels_after(
    step: Step, graph: Graph, folded: set[int], scale: Float, shift: Float
) -> list[tuple[Step, int]] | None:
    """Kernels that use the output of `step`, and how often a flatten repeats its channels for each.

    None where something else uses it, or something that is not the same before y = s x + t as after it.
    """
    kernels: list[tuple[Step, int]] = []
    pending = [(step, user, 1) for user in step.users]
    if step.is_output:
        return None
    while pending:
        source, user, repeats = pending.pop()
        if len(user.sources) != 1 or graph.uses(user.layer) != 1:
            return None
        if user.kind in KERNEL_CLASSES:
            if np.any(shift) and _pads(user):
                return None
            kernels.append((user, repeats))
            continue
        flattened = _flattened_positions(source, user)
        if user.is_output or (flattened is None and not _passes(user, scale, shift, folded)):
            return None
        pending.extend((user, behind, repeats * (flattened or 1)) for behind in user.users)
    return kernels


def _flattened_positions(source: Step, user: Step) -> int | None:
    """How many positions of its input a flatten turns into one vector; None for every other layer."""
    flattens = user.kind == "Flatten" or (user.kind == "Reshape" and len(user.output_shape) == 1)
    sizes = [size for size in source.output_shape[:-1] if size is not None]
    return int(np.prod(sizes, dtype=int)) if flattens and None not in source.output_shape else None


def _pads(kernel: Step) -> bool:
    """Whether a kernel sees padding; ``same`` pads nothing if the kernel is 1 x 1."""
    layer = kernel.layer
    return kernel.kind != "Dense" and layer.padding != "valid" and tuple(layer.kernel_size) != (1, 1)


def _with_weights(
    model: Any,
    stored: dict[int, list[NDArray[Any]]],
    weights: dict[int, list[Float]],
    folded: set[int],
    kept: dict[int, tuple[Float, Float]],
) -> Any:
    made: list[tuple[Any, list[NDArray[Any]]]] = []
    taken = {step.name for step in graph_of(model).steps}

    def make_layer(step: Step) -> Any | None:
        layer = step.layer
        if id(layer) in folded:
            return None
        if id(layer) in kept:
            scale, shift = (values.astype(np.float32) for values in kept[id(layer)])
            new = keras.layers.DepthwiseConv2D(1, name=step.name)
            made.append((new, [scale[None, None, :, None], shift]))
            return _applied(new, step.output_shape, taken)
        config = step.config()
        if folded and step.kind in KERNEL_CLASSES:
            config["use_bias"] = True
            kernel, bias = (value.astype(np.float32) for value in weights[id(layer)])
            values = [kernel.reshape(stored[id(layer)][0].shape), bias]
        else:
            values = stored[id(layer)]
        new = type(layer).from_config(config)
        made.append((new, values))
        return new

    result = rebuild(model, make_layer)
    variables = [variable for layer, _ in made for variable in layer.weights]
    keras.backend.batch_set_value(list(zip(variables, (each for _, values in made for each in values), strict=True)))
    return result


def _applied(layer: Any, shape: tuple[int | None, ...], taken: set[str]) -> Callable[..., Any]:
    """Apply a 1x1 convolution to anything with channels last, whatever options the replaced layer was called with."""
    if len(shape) == 3:
        return lambda x, **_options: layer(x)
    names = [free_name(f"{layer.name}_{form}", taken) for form in ("map", "shape")]
    taken.update(names)
    to_map = keras.layers.Reshape((-1, 1, shape[-1]), name=names[0])
    back = keras.layers.Reshape([-1 if size is None else size for size in shape], name=names[1])
    return lambda x, **_options: back(layer(to_map(x)))
