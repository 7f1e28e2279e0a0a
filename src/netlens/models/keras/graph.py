"""The graph of a Keras model as a plain list: each use of a layer, with where its inputs come from.

Models inside models are opened, so that everything that walks a network (folding, patterns, layer shapes) sees one
flat graph. Nothing here imports TensorFlow until a model is there, and then through `netlens.models.backend`.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.layer_names import distinct_names


@dataclass(eq=False)
class Step:
    """One use of one layer.

    Attributes
    ----------
    layer
        The Keras layer.
    node
        Keras' record of the call.
    sources
        The steps that its tensors come from, and which of their outputs, in the order of the call.
    output_shape
        Shape of its (first) output without the batch axis; None where unknown.
    users
        The steps that take its output.
    is_output
        Whether the model gives this step's output away.
    path
        Names of the models around the layer, outermost first, and its own.
    name
        Name of the layer in the network: its own, or a longer one where a model inside the network has a layer of the
        same name (`netlens.models.layer_names.distinct_names`).
    """

    layer: Any
    node: Any
    sources: list[tuple["Step", int]]
    output_shape: tuple[int | None, ...]
    users: list["Step"] = field(default_factory=list)
    is_output: bool = False
    path: tuple[str, ...] = ()
    name: str = ""

    def config(self) -> dict[str, Any]:
        """Configuration of the layer, under its name in the network."""
        return {**self.layer.get_config(), "name": self.name}

    @property
    def kind(self) -> str:
        """Class name of the layer, such as ``Conv2D``."""
        return type(self.layer).__name__

    @property
    def activation(self) -> str:
        """Name of the activation fused into the layer; ``linear`` where there is none."""
        function = getattr(self.layer, "activation", None)
        if function is None:
            return "linear"
        return str(getattr(function, "__name__", None) or getattr(function, "name", type(function).__name__))

    @property
    def source(self) -> "Step":
        """The step that its only input comes from.

        Raises
        ------
        UnsupportedLayerError
            It has no input, or several.
        """
        if len(self.sources) != 1:
            raise UnsupportedLayerError(f"{self} has {len(self.sources)} inputs where one is expected")
        return self.sources[0][0]

    def __str__(self) -> str:
        return f"layer {self.name!r} ({self.kind})"


@dataclass(frozen=True)
class Graph:
    """A network as a list of steps.

    Attributes
    ----------
    steps
        Every use of every layer that the outputs need, each after its sources.
    outputs
        The model's outputs: a step, and which of its outputs.
    """

    steps: tuple[Step, ...]
    outputs: tuple[tuple[Step, int], ...]

    def uses(self, layer: Any) -> int:
        """How often the network applies `layer`."""
        return sum(step.layer is layer for step in self.steps)


def graph_of(model: Any) -> Graph:
    """Graph of `model`: every use of a layer, with nested models expanded.

    Parameters
    ----------
    model
        A Keras functional or Sequential model with known input shape.

    Returns
    -------
    Graph

    Raises
    ------
    NetworkError
        `model` is a subclassed or unbuilt model, which has no graph.
    UnsupportedLayerError
        A layer is called with ``training=True``, so that the network has no fixed output; the message names it.
    """
    made: dict[int, tuple[Step, int]] = {}
    _collect(model, made, ())
    outputs = tuple(made[id(tensor)] for tensor in model.outputs)

    steps: list[Step] = []
    seen: set[int] = set()
    for step, _ in outputs:
        _append_after_sources(step, steps, seen)
        step.is_output = True
    for step in steps:
        for source, _ in step.sources:
            source.users.append(step)

    paths: dict[int, tuple[str, ...]] = {}
    for step in steps:
        paths.setdefault(id(step.layer), step.path)
    names = dict(zip(paths, distinct_names(list(paths.values())), strict=True))
    for step in steps:
        step.name = names[id(step.layer)]
    return Graph(tuple(steps), outputs)


def _append_after_sources(step: Step, steps: list[Step], seen: set[int]) -> None:
    """Append `step` after everything that it needs; not recursive, since networks are deeper than Python's stack."""
    pending = [(step, False)]
    while pending:
        current, sources_done = pending.pop()
        if sources_done:
            steps.append(current)
        elif id(current) not in seen:
            seen.add(id(current))
            pending.append((current, True))
            pending.extend((source, False) for source, _ in reversed(current.sources))


def _collect(model: Any, made: dict[int, tuple[Step, int]], around: tuple[str, ...]) -> None:
    """Make the steps of `model`, which lies in the models `around`.

    `made` maps each tensor to the step that computes it and the index of the output.
    """
    from netlens.models.backend import keras, tf

    check_keras_version(model)
    if not getattr(model, "_is_graph_network", False):
        raise NetworkError(
            f"network {model.name!r} has no layer graph (a subclassed model, or one that was never built); "
            "save it as a functional or Sequential model with an input shape"
        )
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            outputs = tf.nest.flatten(node.outputs)
            if node.is_input and around:
                continue  # The outer model's tensors stand in for these.
            if _calls_training(node):
                raise UnsupportedLayerError(
                    f"layer {node.layer.name!r} ({type(node.layer).__name__}) is called with training=True, so its "
                    "output is random or depends on the batch; build the network without that"
                )
            sources = [made[id(tensor)] for tensor in node.keras_inputs]
            if isinstance(node.layer, keras.Model):
                inside = dict(made)
                for tensor, source in zip(node.layer.inputs, sources, strict=True):
                    inside[id(tensor)] = source
                _collect(node.layer, inside, (*around, str(node.layer.name)))
                for tensor, inner in zip(outputs, node.layer.outputs, strict=True):
                    made[id(tensor)] = inside[id(inner)]
                continue
            shape = outputs[0].shape
            sizes = () if shape.rank is None else tuple(shape.as_list()[1:])
            own = str(node.layer.name)
            step = Step(node.layer, node, sources, sizes, path=(*around, own), name=own)
            for index, tensor in enumerate(outputs):
                made[id(tensor)] = (step, index)


def check_keras_version(model: Any) -> None:
    """Check that a model was not built with Keras 3, whose classes have the names of those of the legacy Keras.

    Raises
    ------
    NetworkError
        It was, as after ``import keras``.
    """
    from netlens.models.backend import keras

    modules = {each.__module__.split(".")[0] for each in type(model).__mro__ if each.__name__ == "Model"}
    if "keras" in modules and not isinstance(model, keras.Model):
        raise NetworkError(
            f"network {model.name!r} was built with Keras 3 (import keras); save it as .keras and open it with "
            "netlens.models.network_files.read_model, or build it with netlens.models.backend.keras"
        )


def _calls_training(node: Any) -> bool:
    """Whether a call sets ``training=True``, by name or as the argument after the input."""
    named = node.call_kwargs.get("training")
    return (isinstance(named, (bool, int)) and bool(named)) or any(value is True for value in node.call_args[1:2])


def free_name(name: str, taken: Container[str]) -> str:
    """Name of a new layer: `name`, or `name` with the first number that makes it differ from all `taken` ones."""
    if name not in taken:
        return name
    return next(candidate for number in count(2) if (candidate := f"{name}_{number}") not in taken)


def rebuild(model: Any, make_layer: Callable[[Step], Any | None], *, input_shape: tuple[int, ...] | None = None) -> Any:
    """Model rebuilt from new layers; a step without a layer is left out.

    Parameters
    ----------
    model
        A Keras functional or Sequential model.
    make_layer
        Called once a layer (not once a use) with the first step that uses it. Returns the new layer (or a function
        that applies several layers), or None where the layer's input becomes its output.
    input_shape
        Shape of the input without the batch axis, for a model with one input. Default: that of `model`.

    Returns
    -------
    keras.Model
        A functional model with fresh weights. Models inside `model` are opened.

    Raises
    ------
    NetworkError
        As `graph_of`.
    """
    from netlens.models.backend import keras, tf

    graph = graph_of(model)
    layers: dict[int, Any] = {}
    tensors: dict[tuple[int, int], Any] = {}
    inputs = []
    for step in graph.steps:
        if not step.sources:
            tensors[id(step), 0] = keras.Input(input_shape or step.output_shape, dtype=step.layer.dtype, name=step.name)
            inputs.append(tensors[id(step), 0])
            continue
        if id(step.layer) not in layers:
            layers[id(step.layer)] = make_layer(step)
        layer = layers[id(step.layer)]
        arguments = [tensors[id(source), index] for source, index in step.sources]
        if layer is None:
            tensors[id(step), 0] = arguments[0]
            continue
        flat = list(step.node._flat_arguments)
        for (_, position), tensor in zip(step.node._keras_inputs_ids_and_indices, arguments, strict=True):
            flat[position] = tensor
        args, values = tf.nest.pack_sequence_as((step.node.call_args, list(step.node.call_kwargs.values())), flat)
        kwargs = dict(zip(step.node.call_kwargs, values, strict=True))
        for index, tensor in enumerate(tf.nest.flatten(layer(*args, **kwargs))):
            tensors[id(step), index] = tensor
    outputs = [tensors[id(step), index] for step, index in graph.outputs]
    return keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs, name=model.name)


def copy_of(
    model: Any,
    *,
    change: Callable[[Step, dict[str, Any]], dict[str, Any] | None] | None = None,
    input_shape: tuple[int, ...] | None = None,
) -> Any:
    """Copy of a model with its weights, layer by layer, with nested models expanded.

    Parameters
    ----------
    model
        A Keras functional or Sequential model.
    change
        Given a step and the layer's configuration, returns the configuration to use, or None to leave the layer
        out. Must not change the shapes of the weights.
    input_shape
        As in `rebuild`.

    Returns
    -------
    keras.Model
        A functional model that shares nothing with `model`.
    """
    from netlens.models.backend import keras

    pairs: list[tuple[Any, Any]] = []

    def make_layer(step: Step) -> Any | None:
        config = step.config()
        if change is not None:
            changed = change(step, config)
            if changed is None:
                return None
            config = changed
        layer = type(step.layer).from_config(config)
        pairs.append((step.layer, layer))
        return layer

    copy = rebuild(model, make_layer, input_shape=input_shape)
    # All at once: each call of a layer's own get_weights and set_weights makes the whole graph ready again.
    values = keras.backend.batch_get_value([weight for old, _ in pairs for weight in old.weights])
    weights = [weight for _, new in pairs for weight in new.weights]
    keras.backend.batch_set_value(list(zip(weights, values, strict=True)))
    return copy
