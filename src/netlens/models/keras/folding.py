"""Batch normalization folded into neighboring kernels, so that a network consists of kernels and nonlinearities.

In inference batch normalization is y = s x + t, channel by channel, with s = gamma / sqrt(variance + epsilon) and
t = beta - mean s. Behind a kernel it scales the kernel's units; before a kernel it scales the kernel's inputs and
adds to its bias, exact only where the kernel never sees padding, since padding is zero and not t.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import keras
from netlens.models.errors import UnsupportedLayerError
from netlens.models.keras.graph import Graph, Step, graph_of, rebuild

Float = NDArray[np.float64]

_NORMALIZATION = frozenset({"BatchNormalization", "SyncBatchNormalization"})
_KERNEL = frozenset({"Conv2D", "Dense"})
#: The identity in inference.
_IDENTITY = frozenset({
    "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization",
})  # fmt: skip
#: Weighted means of one channel: they commute with y = s x + t. (TensorFlow's average ignores padding.)
_MEANS = frozenset({"AveragePooling2D", "GlobalAveragePooling2D"})


class FoldingError(UnsupportedLayerError):
    """A batch normalization cannot be folded into a kernel; the message names it and says why."""


def fold_batch_normalization(model: Any) -> Any:
    """Equivalent network without batch normalization.

    Each BatchNormalization is folded into the kernel before it if nothing nonlinear lies between; otherwise into every
    kernel after it if neither padding nor anything nonlinear lies between. Computed in float64.

    Parameters
    ----------
    model
        A Keras functional or Sequential model. Not modified.

    Returns
    -------
    keras.Model
        A functional model with layers named as before; its kernels and biases differ, its outputs do not (but for
        rounding). Without any BatchNormalization: a plain copy.

    Raises
    ------
    FoldingError
        A BatchNormalization cannot be folded.
    """
    graph = graph_of(model)
    stored = _stored_weights(graph)
    weights = {
        id(step.layer): _kernel_and_bias(step, stored[id(step.layer)]) for step in graph.steps if step.kind in _KERNEL
    }
    folded: set[int] = set()
    normalizations = [step for step in graph.steps if step.kind in _NORMALIZATION]
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
        if id(step.layer) not in folded:
            scale, shift = affine[id(step.layer)]
            for kernel, repeats in _kernels_after(step, graph, folded, scale, shift):
                matrix, bias = weights[id(kernel.layer)]
                # Channels last: a flatten gives every channel of the first pixel, then of the next one.
                scale_in, shift_in = np.tile(scale, repeats), np.tile(shift, repeats)
                added = shift_in @ matrix.reshape(-1, *matrix.shape[-2:]).sum(axis=0)
                weights[id(kernel.layer)] = [matrix * scale_in[:, None], bias + added]
            folded.add(id(step.layer))

    return _with_weights(model, stored, weights, folded)


def has_batch_normalization(model: Any) -> bool:
    """Whether there is anything to fold."""
    return any(step.kind in _NORMALIZATION for step in graph_of(model).steps)


def _stored_weights(graph: Graph) -> dict[int, list[NDArray[Any]]]:
    """Weights of every layer; read all at once, since each read prepares the whole graph again."""
    layers = list({id(step.layer): step.layer for step in graph.steps}.values())
    values = iter(keras.backend.batch_get_value([variable for layer in layers for variable in layer.weights]))
    return {id(layer): [next(values) for _ in layer.weights] for layer in layers}


def _kernel_and_bias(step: Step, stored: list[NDArray[Any]]) -> list[Float]:
    values = [np.asarray(value, np.float64) for value in stored]
    kernel = values[0]
    return [kernel, values[1] if step.layer.use_bias else np.zeros(kernel.shape[-1])]


def _scale_and_shift(step: Step, stored: list[NDArray[Any]]) -> tuple[Float, Float]:
    """Scale s and shift t of y = s x + t, shape (channels,)."""
    layer = step.layer
    values = {}
    for variable, value in zip(layer.weights, stored, strict=True):
        values[variable.name.split("/")[-1].split(":")[0]] = np.asarray(value, np.float64)
    mean, variance = values["moving_mean"], values["moving_variance"]
    scale = values.get("gamma", np.ones_like(mean)) / np.sqrt(variance + layer.epsilon)
    return scale, values.get("beta", np.zeros_like(mean)) - mean * scale


def _check(step: Step, graph: Graph) -> None:
    axes = step.layer.axis if isinstance(step.layer.axis, (list, tuple)) else [step.layer.axis]
    if [int(axis) for axis in axes] not in ([len(step.output_shape)], [-1]):
        raise FoldingError(f"{step} cannot be folded: it normalizes axis {list(axes)}, not the channels")
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
    _check(step, graph)
    current = step
    while len(current.sources) == 1:
        current = current.source
        if len(current.users) != 1 or current.is_output or graph.uses(current.layer) != 1:
            return None
        if current.kind in _KERNEL:
            return current if _is_linear(current) else None
        if not _passes(current, scale, shift, folded):
            return None
    return None


def _kernels_after(step: Step, graph: Graph, folded: set[int], scale: Float, shift: Float) -> list[tuple[Step, int]]:
    """Kernels that use the output of `step`, and how often a flatten repeats its channels for each."""
    kernels: list[tuple[Step, int]] = []
    pending = [(step, user, 1) for user in step.users]
    if step.is_output:
        raise FoldingError(f"{step} cannot be folded: it is an output of the network, so no kernel follows")
    while pending:
        source, user, repeats = pending.pop()
        reason = f"{step} cannot be folded: no kernel before it can take it, and "
        if len(user.sources) != 1:
            raise FoldingError(f"{reason}{user} joins it with other layers")
        if graph.uses(user.layer) != 1:
            raise FoldingError(f"{reason}{user} after it is used more than once")
        if user.kind in _KERNEL:
            if getattr(user.layer, "groups", 1) != 1:
                raise FoldingError(f"{reason}{user} after it has {user.layer.groups} groups")
            if np.any(shift) and _pads(user):
                raise FoldingError(f"{reason}{user} after it pads its input with zeros")
            kernels.append((user, repeats))
            continue
        if user.kind == "Flatten" or (user.kind == "Reshape" and len(user.output_shape) == 1):
            if None in source.output_shape:
                raise FoldingError(f"{reason}{user} flattens a map of unknown size {source.output_shape}")
            repeats *= int(np.prod([size for size in source.output_shape[:-1] if size is not None], dtype=int))
        elif not _passes(user, scale, shift, folded):
            raise FoldingError(f"{reason}{user} after it is not linear, or mixes channels")
        if user.is_output:
            raise FoldingError(f"{reason}{user} is an output of the network before a kernel follows")
        pending.extend((user, behind, repeats) for behind in user.users)
    return kernels


def _pads(kernel: Step) -> bool:
    """Whether a kernel sees padding; ``same`` pads nothing if the kernel is 1 x 1."""
    layer = kernel.layer
    return kernel.kind == "Conv2D" and layer.padding != "valid" and tuple(layer.kernel_size) != (1, 1)


def _with_weights(
    model: Any, stored: dict[int, list[NDArray[Any]]], weights: dict[int, list[Float]], folded: set[int]
) -> Any:
    made: list[tuple[Any, list[NDArray[Any]]]] = []

    def make_layer(step: Step) -> Any | None:
        layer = step.layer
        if id(layer) in folded:
            return None
        config = layer.get_config()
        if folded and step.kind in _KERNEL:
            config["use_bias"] = True
            values = [value.astype(np.float32) for value in weights[id(layer)]]
        else:
            values = stored[id(layer)]
        new = type(layer).from_config(config)
        made.append((new, values))
        return new

    result = rebuild(model, make_layer)
    variables = [variable for layer, _ in made for variable in layer.weights]
    keras.backend.batch_set_value(list(zip(variables, (each for _, values in made for each in values), strict=True)))
    return result
