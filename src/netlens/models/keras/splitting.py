"""Layers that are two layers in one, split: separable convolutions, and kernels whose activation has weights.

Patterns and spectra are defined for a kernel, so a network that is prepared for them has one kernel per layer. Nor has
it a layer that takes one tensor twice: every backward pass that asks TensorFlow for the gradients of a layer's inputs
and adds them up, as iNNvestigate does, would count that tensor four times.
"""

from collections.abc import Callable
from typing import Any

from netlens.models.backend import keras
from netlens.models.keras.graph import Step, free_name, graph_of, rebuild
from netlens.models.keras.kernel_layers import KERNEL_CLASSES

#: A new layer, the old layer that it takes weights from, and which of them.
_Made = list[tuple[Any, Any, slice]]


def is_composite(step: Step) -> bool:
    """Whether a layer is two layers in one, or takes one tensor twice."""
    in_two = step.kind == "SeparableConv2D" or (step.kind in KERNEL_CLASSES and _weighted_activation(step))
    return in_two or _takes_one_twice(step)


def split_composite_layers(model: Any) -> Any:
    """Equivalent network in which a layer has one kernel, no activation has weights, and no input is taken twice.

    A SeparableConv2D ``x`` becomes a DepthwiseConv2D ``x_depthwise`` without bias and a 1x1 Conv2D ``x_pointwise`` with
    its bias and activation. A layer ``x`` whose activation is a layer with weights (PReLU) becomes ``x`` and
    ``x_activation``. Where ``x`` takes a tensor again, it passes an identity ``x_again`` first. A number is appended to
    names that are taken.

    Parameters
    ----------
    model
        A Keras functional or Sequential model. Not modified.

    Returns
    -------
    keras.Model
        A functional model; without such layers: a plain copy.

    Raises
    ------
    netlens.models.errors.NetworkError
        As `netlens.models.keras.graph.graph_of`.
    """
    steps = graph_of(model).steps
    taken = {step.name for step in steps}
    made: _Made = []

    def name(wanted: str) -> str:
        found = free_name(wanted, taken)
        taken.add(found)
        return found

    def make_layer(step: Step) -> Any:
        activation = None
        layer, config = step.layer, step.config()
        if is_composite(step) and _weighted_activation(step):
            old = layer.activation
            activation = type(old).from_config({**old.get_config(), "name": name(f"{step.name}_activation")})
            config["activation"] = "linear"
        if step.kind == "SeparableConv2D":
            parts = _separable(step, config, name, made)
        else:
            new = type(layer).from_config(config)
            made.append((new, layer, slice(len(layer.weights) - len(_own_activation_weights(activation, layer)))))
            parts = [new]
            if any(_takes_one_twice(use) for use in steps if use.layer is layer):
                return _with_inputs_apart(new, lambda: name(f"{step.name}_again"))
        if activation is None:
            return parts[0] if len(parts) == 1 else _in_a_row(parts)
        made.append((activation, layer.activation, slice(None)))
        return _in_a_row([*parts, activation])

    result = rebuild(model, make_layer)
    old = [weight for _, layer, part in made for weight in layer.weights[part]]
    new = [weight for layer, _, _ in made for weight in layer.weights]
    values = keras.backend.batch_get_value(old)
    keras.backend.batch_set_value(list(zip(new, values, strict=True)))
    return result


def _weighted_activation(step: Step) -> bool:
    activation = getattr(step.layer, "activation", None)
    return isinstance(activation, keras.layers.Layer) and bool(activation.weights)


def _takes_one_twice(step: Step) -> bool:
    """Whether a layer takes a list in which a tensor is more than once."""
    takes_list = bool(step.node.call_args) and isinstance(step.node.call_args[0], (list, tuple))
    return takes_list and len({(id(source), index) for source, index in step.sources}) < len(step.sources)


def _with_inputs_apart(layer: Any, name: Callable[[], str]) -> Callable[..., Any]:
    def apply(inputs: list[Any], *args: Any, **kwargs: Any) -> Any:
        apart: list[Any] = []
        for tensor in inputs:
            again = any(tensor is other for other in apart)
            apart.append(keras.layers.Activation("linear", name=name())(tensor) if again else tensor)
        return layer(apart, *args, **kwargs)

    return apply


def _own_activation_weights(activation: Any | None, layer: Any) -> list[Any]:
    """Weights of `layer` that belong to its activation, which Keras lists last."""
    return [] if activation is None else layer.activation.weights


def _separable(step: Step, config: dict[str, Any], name: Callable[[str], str], made: _Made) -> list[Any]:
    layer = step.layer
    depthwise = keras.layers.DepthwiseConv2D(
        layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        depth_multiplier=layer.depth_multiplier,
        data_format=layer.data_format,
        dilation_rate=layer.dilation_rate,
        use_bias=False,
        name=name(f"{step.name}_depthwise"),
    )
    pointwise = keras.layers.Conv2D(
        layer.filters,
        1,
        data_format=layer.data_format,
        use_bias=layer.use_bias,
        activation=config["activation"],
        name=name(f"{step.name}_pointwise"),
    )
    made.append((depthwise, layer, slice(0, 1)))
    made.append((pointwise, layer, slice(1, 3 if layer.use_bias else 2)))
    return [depthwise, pointwise]


def _in_a_row(layers: list[Any]) -> Callable[..., Any]:
    def apply(x: Any, **_kwargs: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    return apply
