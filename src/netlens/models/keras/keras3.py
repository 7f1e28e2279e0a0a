"""Configurations of Keras 3, translated into those of the legacy Keras (version 2).

The translation is one flat functional model: models inside models are opened, a layer whose activation has weights or
does not exist in the legacy Keras becomes several layers, and operations on tensors (``a + b``, ``keras.ops.relu``)
become the layers that compute the same, or the TensorFlow functions that the legacy Keras would have written. What is
random in training only is the identity. Nothing here starts TensorFlow, and `netlens.models.keras.config` checks the
result.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.keras.config import (
    AUGMENTATIONS,
    IDENTITY,
    MODELS,
    WITHOUT_INPUT,
    check_architecture,
    check_class,
    check_origin,
    check_training,
    plain_value,
)
from netlens.models.layer_names import distinct_names

#: Names of a layer and of the models that it lies in, outermost first.
Path = tuple[str, ...]
#: A layer of the translation, which of its calls, and the number of axes of what it outputs (0 if unknown).
_Tensor = tuple[str, int, int]

#: Options of each layer that mean the same in both versions of Keras. Initializers and regularizers do not matter.
_WINDOW = ("padding", "data_format", "strides")
_KERNEL = (*_WINDOW, "kernel_size", "dilation_rate", "use_bias")
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Activation": (),
    "ActivityRegularization": (),
    "Add": (),
    "AlphaDropout": ("rate",),
    "Average": (),
    "AveragePooling2D": (*_WINDOW, "pool_size"),
    "BatchNormalization": ("axis", "momentum", "epsilon", "center", "scale"),
    "CenterCrop": ("height", "width"),
    "Concatenate": ("axis",),
    "Conv2D": (*_KERNEL, "filters", "groups"),
    "Conv2DTranspose": (*_KERNEL, "filters", "output_padding"),
    "Cropping2D": ("cropping", "data_format"),
    "Dense": ("units", "use_bias"),
    "DepthwiseConv2D": (*_KERNEL, "depth_multiplier"),
    "Dropout": ("rate",),
    "ELU": ("alpha",),
    "Flatten": ("data_format",),
    "GaussianDropout": ("rate",),
    "GaussianNoise": ("stddev",),
    "GlobalAveragePooling2D": ("data_format", "keepdims"),
    "GlobalMaxPooling2D": ("data_format", "keepdims"),
    "GroupNormalization": ("groups", "axis", "epsilon", "center", "scale"),
    "LayerNormalization": ("axis", "epsilon", "center", "scale"),
    "LeakyReLU": (),
    "MaxPooling2D": (*_WINDOW, "pool_size"),
    "Maximum": (),
    "Minimum": (),
    "Multiply": (),
    "Normalization": ("axis", "mean", "variance", "invert"),
    "PReLU": ("shared_axes",),
    "Permute": ("dims",),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "RepeatVector": ("n",),
    "Rescaling": ("scale", "offset"),
    "Reshape": ("target_shape",),
    "Resizing": ("height", "width", "interpolation", "crop_to_aspect_ratio"),
    "SeparableConv2D": (*_KERNEL, "filters", "depth_multiplier"),
    "Softmax": ("axis",),
    "SpatialDropout2D": ("rate", "data_format"),
    "Subtract": (),
    "UnitNormalization": ("axis",),
    "UpSampling2D": ("size", "data_format", "interpolation"),
    "ZeroPadding2D": ("padding", "data_format"),
}
#: Layers that only ``keras.applications`` has: ConvNeXt multiplies each channel by a weight and, in training, drops
#: branches; Inception-ResNet adds a second input times a constant.
_SCALE, _STOCHASTIC_DEPTH, _SCALED_SUM = "LayerScale", "StochasticDepth", "CustomScaleLayer"
#: Layers of Keras 3 that are translated.
TRANSLATED: Final = (
    frozenset(_OPTIONS) | AUGMENTATIONS | {"Identity", "InputLayer", _SCALE, _STOCHASTIC_DEPTH, _SCALED_SUM}
)
#: Options that only Keras 3 has, which must be off.
_OFF: Final[Mapping[str, tuple[str, ...]]] = {
    "BatchNormalization": ("renorm",),
    "LayerNormalization": ("rms_scaling",),
    "Resizing": ("pad_to_aspect_ratio",),
}
#: Activations that are the same in both versions of Keras.
_SAME_ACTIVATIONS: Final = frozenset({
    "linear", "relu", "softmax", "log_softmax", "sigmoid", "tanh", "elu", "selu", "gelu", "softplus", "softsign",
    "exponential", "silu", "swish", "mish", "relu6", "leaky_relu",
})  # fmt: skip
#: Activations that the legacy Keras lacks or defines otherwise: min(max(x + 3, 0), 6) / 6, and x times that.
_HARD: Final[Mapping[str, bool]] = {"hard_sigmoid": False, "hard_silu": True, "hard_swish": True}

#: Operations of Keras 3 that are an activation.
_ACTIVATION_OPERATIONS: Final[Mapping[str, str]] = {
    "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Silu": "silu", "Swish": "silu", "Softplus": "softplus",
    "Softsign": "softsign", "Selu": "selu", "Tanh": "tanh", "Mish": "mish", "HardSigmoid": "hard_sigmoid",
    "HardSilu": "hard_silu", "HardSwish": "hard_silu",
}  # fmt: skip
#: Operations of two operands: the TensorFlow function, and the layer that is used where both are tensors.
_BINARY: Final[Mapping[str, tuple[str, str | None]]] = {
    "Add": ("math.add", "Add"),
    "Subtract": ("math.subtract", "Subtract"),
    "Multiply": ("math.multiply", "Multiply"),
    "TrueDivide": ("math.divide", None),
    "Divide": ("math.divide", None),
    "Maximum": ("math.maximum", "Maximum"),
    "Minimum": ("math.minimum", "Minimum"),
    "Power": ("math.pow", None),
}
#: c - x is -x + c, and c / x is 1 / x times c.
_INVERSES: Final[Mapping[str, tuple[str, str]]] = {
    "Subtract": ("math.negative", "math.add"),
    "TrueDivide": ("math.reciprocal", "math.multiply"),
    "Divide": ("math.reciprocal", "math.multiply"),
}
_UNARY: Final[Mapping[str, str]] = {
    "Absolute": "math.abs", "Abs": "math.abs", "Exp": "math.exp", "Log": "math.log", "Negative": "math.negative",
    "Sqrt": "math.sqrt", "Square": "math.square",
}  # fmt: skip
_POOLING: Final[Mapping[str, tuple[str, str]]] = {
    "Mean": ("GlobalAveragePooling2D", "math.reduce_mean"),
    "Max": ("GlobalMaxPooling2D", "math.reduce_max"),
}

#: Calls of layers in a translation: each level of models inside models may multiply them.
_MOST_CALLS: Final = 50_000
#: What TensorFlow allows in the names of layers.
_UNNAMEABLE: Final = re.compile(r"[^A-Za-z0-9_.\\/>-]")


@dataclass(frozen=True)
class Translation:
    """A network of Keras 3, as the legacy Keras would describe it.

    Attributes
    ----------
    config
        Configuration of a flat functional model.
    stored
        For each layer of it, where the layer's weights are stored: the names of the layer and of the models around it,
        followed by ``activation`` if they are those of the layer's activation.
    scales
        The layers that multiply each channel by a weight. They are depthwise convolutions of size 1, whose kernel, of
        shape (1, 1, channels, 1), is stored as a vector.
    """

    config: dict[str, Any]
    stored: Mapping[str, Path]
    scales: frozenset[str] = frozenset()


def translated(entry: Mapping[str, Any]) -> Translation:
    """Translation of a configuration that Keras 3 saved.

    Parameters
    ----------
    entry
        The whole configuration, from `netlens.models.keras.config.parsed_config`. It is not modified.

    Returns
    -------
    Translation
        Layers keep their names; where two have the same name, that of the model they lie in is put before it, and what
        TensorFlow does not allow in a name becomes ``_``.

    Raises
    ------
    UnsupportedLayerError
        A layer, operation, activation or call cannot be translated; the message names it.
    NetworkError
        It is not the configuration of a network.
    """
    check_architecture(entry)
    try:
        return _Translator(entry).translation()
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        if isinstance(error, NetworkError):
            raise
        raise NetworkError(
            f"its configuration is not that of a functional or Sequential network ({type(error).__name__}: {error}); "
            "save the whole model again"
        ) from error


def layer_paths(entry: Mapping[str, Any], around: Path = ()) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield each layer of a configuration of either version that is not a model, with the names around it."""
    config = entry["config"]
    for each in config if isinstance(config, list) else config["layers"]:
        path = (*around, str(each.get("name", (dict(each["config"]) if each["config"] else {}).get("name"))))
        if each["class_name"] in MODELS:
            yield from layer_paths(each, path)
        else:
            yield path, each


@dataclass
class _Translator:
    """The translation of one configuration, layer by layer."""

    entry: Mapping[str, Any]
    names: dict[Path, str] = field(default_factory=dict)
    layers: dict[tuple[Path, str], dict[str, Any]] = field(default_factory=dict)
    stored: dict[str, Path] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    scales: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)

    def translation(self) -> Translation:
        paths = []
        for path, entry in layer_paths(self.entry):
            check_origin(entry, _where(entry))
            paths.append(path)
        allowed = [tuple(_allowed(name) for name in path) for path in paths]
        self.names = dict(zip(paths, distinct_names(allowed), strict=True))
        self.taken = set(self.names.values())
        outputs = self._model(self.entry, (), None)
        inputs = [layer["name"] for layer in self.layers.values() if layer["class_name"] == "InputLayer"]
        name = _allowed(str(self.entry["config"].get("name") or "network"))
        config = {
            "name": name,
            "layers": list(self.layers.values()),
            "input_layers": [[each, 0, 0] for each in inputs],
            "output_layers": [[layer, call, 0] for layer, call, _ in outputs],
        }
        return Translation({"class_name": "Functional", "config": config}, self.stored, frozenset(self.scales))

    # Models -----------------------------------------------------------------------------------------------------------

    def _model(self, entry: Mapping[str, Any], path: Path, given: Sequence[_Tensor] | None) -> list[_Tensor]:
        check_class(entry)
        if entry["class_name"] == "Sequential":
            return [self._sequential(entry["config"], path, given)]
        return self._functional(entry["config"], path, given)

    def _sequential(self, config: Mapping[str, Any], path: Path, given: Sequence[_Tensor] | None) -> _Tensor:
        current = given[0] if given else None
        for entry in config["layers"]:
            own = (*path, entry["config"].get("name"))
            if entry["class_name"] == "InputLayer":
                current = current or self._input(own, entry["config"]["batch_shape"])
                continue
            if current is None:
                shape = config.get("build_input_shape") or entry["config"].get("batch_shape")
                if not shape:
                    raise NetworkError(f"network {config.get('name')!r} {WITHOUT_INPUT}")
                current = self._input((*path, "input"), shape)
            current = self._any(entry, own, [current], {})
        if current is None:
            raise NetworkError(f"network {config.get('name')!r} has no layers")
        return current

    def _functional(self, config: Mapping[str, Any], path: Path, given: Sequence[_Tensor] | None) -> list[_Tensor]:
        entries = {str(entry["name"]): entry for entry in config["layers"]}
        made: dict[tuple[str, int], list[_Tensor]] = {}
        waiting: list[tuple[str, int, Mapping[str, Any]]] = []
        for number, name in enumerate(name for name, _, _ in _endpoints(config["input_layers"])):
            shape = entries[name]["config"]["batch_shape"]
            made[name, 0] = [self._input((*path, name), shape) if given is None else given[number]]
        used: set[tuple[str, int]] = set()
        for name, entry in entries.items():
            waiting += [(name, index, call) for index, call in enumerate(entry.get("inbound_nodes") or [])]
        calls = {name: len(entry.get("inbound_nodes") or []) for name, entry in entries.items()}
        while waiting:
            later = []
            for name, index, call in waiting:
                wanted = [_found(key, calls) for key in _references(call)]
                if not all(key in made for key in wanted) or (index and (name, index - 1) not in made):
                    later.append((name, index, call))
                    continue
                used.update(wanted)
                made[name, index] = self._call(entries[name], (*path, name), call, made, calls)
            if len(later) == len(waiting):
                raise NetworkError(
                    f"network {config.get('name')!r}: layer {waiting[0][0]!r} needs an input that no layer of the file "
                    "provides; save it again"
                )
            waiting = later
        outputs = []
        for name, index, position in _endpoints(config["output_layers"]):
            outputs.append(made[_ended(name, index, entries[name], calls[name], used)][position])
        return outputs

    # Layers -----------------------------------------------------------------------------------------------------------

    def _call(
        self,
        entry: Mapping[str, Any],
        path: Path,
        call: Mapping[str, Any],
        made: Mapping[tuple[str, int], list[_Tensor]],
        counts: Mapping[str, int],
    ) -> list[_Tensor]:
        def resolved(value: Any) -> Any:
            if isinstance(value, list):
                return [resolved(part) for part in value]
            if _is_tensor(value):
                name, index, position = value["config"]["keras_history"]
                layer, number, _ = made[_found((str(name), int(index)), counts)][int(position)]
                return layer, number, len(value["config"].get("shape") or ())
            return value

        where = _where(entry)
        arguments = [resolved(value) for value in call["args"]]
        options = {key: resolved(value) for key, value in (call.get("kwargs") or {}).items()}
        if entry["class_name"] in MODELS:
            check_training(options.pop("training", None), where)
            if any(value is not None for value in options.values()) or len(arguments) != 1:
                raise UnsupportedLayerError(f"{where} is called with more than its inputs; save the network without it")
            given = arguments[0] if isinstance(arguments[0], list) else [arguments[0]]
            return self._model(entry, path, given)
        return [self._any(entry, path, arguments, options)]

    def _any(
        self, entry: Mapping[str, Any], path: Path, arguments: Sequence[Any], options: Mapping[str, Any]
    ) -> _Tensor:
        """Translate one call of a layer, model or operation of one output."""
        kind, config, where = entry["class_name"], entry["config"], _where(entry)
        if kind in MODELS:
            return self._model(entry, path, [*arguments])[0]
        if _is_operation(entry):
            return self._operation(kind, config, path, [*arguments, *_operands(options)], where)
        if kind not in TRANSLATED:
            check_class(entry)
            raise UnsupportedLayerError(
                f"{where} of Keras 3 is not supported; replace it, or save the network without it"
            )
        options = dict(options)
        check_training(options.pop("training", None) or any(value is True for value in arguments[1:]), where)
        extra = [key for key, value in options.items() if value is not None]
        if extra or any(value not in (None, False) for value in arguments[1:]):
            told = f"the argument {extra[0]!r}" if extra else "several arguments"
            raise UnsupportedLayerError(f"{where} is called with {told}, which is not supported")
        return self._layer(kind, config, path, arguments[0], where)

    def _layer(self, kind: str, config: Mapping[str, Any], path: Path, inputs: Any, where: str) -> _Tensor:
        tensors = inputs if isinstance(inputs, list) else [inputs]
        if kind in AUGMENTATIONS or kind in ("Identity", _STOCHASTIC_DEPTH):
            return self._add(path, "", *IDENTITY, tensors)
        if kind == _SCALE:
            scale = self._add(path, "", "DepthwiseConv2D", {"kernel_size": 1, "use_bias": False}, tensors)
            self.scales.add(scale[0])
            return scale
        if kind == _SCALED_SUM:
            factor = {"scale": plain_value(config["scale"], f"{where}: scale"), "offset": 0.0}
            return self._add(
                path, "", "Add", {}, [tensors[0], self._add(path, "scaled", "Rescaling", factor, tensors[1:])]
            )
        for key in _OFF.get(kind, ()):
            if config.get(key):
                raise UnsupportedLayerError(f"{where}: {key} of Keras 3 is not supported; save the network without it")
        options = {
            key: plain_value(config[key], f"{where}: {key}")
            for key in _OPTIONS[kind]
            if key in config and not (key == "output_padding" and config[key] is None)
        }
        if kind == "LeakyReLU":
            options = {"alpha": plain_value(config["negative_slope"], f"{where}: negative_slope")}
        if "activation" not in config:
            return self._add(path, "", kind, options, tensors)
        return self._activated(kind, options, config["activation"], path, tensors, where=where)

    def _activated(
        self, kind: str, options: dict[str, Any], activation: Any, path: Path, tensors: Sequence[_Tensor], *, where: str
    ) -> _Tensor:
        """Translate a layer with an activation, which becomes layers of its own where it has to."""
        if isinstance(activation, Mapping):
            check_origin(activation, f"{where}: its activation")
            inner, given = activation["class_name"], activation["config"]
            if inner in ("ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax") and isinstance(given, Mapping):
                tensor = self._before(kind, options, path, tensors)
                return self._layer(inner, {**given, "name": None}, (*path, "activation"), tensor, where)
            activation = given if inner == "function" else inner
        name = "linear" if activation is None else activation
        if name in _SAME_ACTIVATIONS:
            return self._add(path, "", kind, {**options, "activation": name}, tensors)
        if name in _HARD:
            return self._hard(path, self._before(kind, options, path, tensors), times_input=_HARD[name])
        shown = repr(name) if len(repr(name)) < 60 else f"{repr(name)[:57]}..."
        raise UnsupportedLayerError(f"{where}: activation {shown} of Keras 3 is not supported; use another one")

    def _before(self, kind: str, options: dict[str, Any], path: Path, tensors: Sequence[_Tensor]) -> _Tensor:
        """What an activation that becomes layers of its own is applied to."""
        return tensors[0] if kind == "Activation" else self._add(path, "", kind, options, tensors)

    def _hard(self, path: Path, tensor: _Tensor, *, times_input: bool) -> _Tensor:
        shifted = self._function(path, "shifted", "math.add", tensor, y=3.0)
        clipped = self._add(path, "clipped", "ReLU", {"max_value": 6.0}, [shifted])
        gate = self._function(path, "gate", "math.multiply", clipped, y=1 / 6)
        return self._add(path, "gated", "Multiply", {}, [tensor, gate]) if times_input else gate

    def _operation(
        self, kind: str, config: Mapping[str, Any], path: Path, operands: Sequence[Any], where: str
    ) -> _Tensor:
        made: _Tensor | None = None
        if kind in _BINARY and len(operands) == 2:
            made = self._binary(kind, path, operands, where)
        elif kind == "Concatenate" and operands and isinstance(operands[0], list):
            made = self._add(path, "", kind, {"axis": config["axis"]}, operands[0])
        elif operands and _is_key(operands[0]) and len(operands) == 1:
            made = self._unary(kind, config, path, operands[0], where)
        if made is None:
            raise UnsupportedLayerError(
                f"{where} is an operation of Keras 3 that is not supported; use a layer instead"
            )
        return made

    def _binary(self, kind: str, path: Path, operands: Sequence[Any], where: str) -> _Tensor:
        function, layer = _BINARY[kind]
        one, two = (each if _is_key(each) else plain_value(each, f"{where}: a constant") for each in operands)
        both = _is_key(one) and _is_key(two)
        if both and layer is not None and one[2] == two[2] > 1:
            return self._add(path, "", layer, {}, [one, two])
        if not _is_key(one):
            # The legacy Keras calls no function whose first argument is a constant.
            if kind == "Power":
                raise UnsupportedLayerError(f"{where} raises a constant to a power, which is not supported")
            if kind in _INVERSES:
                two = self._function(path, "inverse", _INVERSES[kind][0], two)
                function = _INVERSES[kind][1]
            one, two = two, one
        return self._function(path, "", function, one, y=[*two[:2], 0] if _is_key(two) else two)

    def _unary(self, kind: str, config: Mapping[str, Any], path: Path, tensor: _Tensor, where: str) -> _Tensor | None:
        def layer(name: str, **options: Any) -> _Tensor:
            return self._add(path, "", name, options, [tensor])

        compute: dict[str, Callable[[], _Tensor | None]] = {
            **dict.fromkeys(
                _ACTIVATION_OPERATIONS,
                lambda: self._activated("Activation", {}, _ACTIVATION_OPERATIONS[kind], path, [tensor], where=where),
            ),
            **dict.fromkeys(_UNARY, lambda: self._function(path, "", _UNARY[kind], tensor)),
            **dict.fromkeys(_POOLING, lambda: self._pooling(kind, config, path, tensor)),
            "Elu": lambda: layer("ELU", alpha=config.get("alpha", 1.0)),
            "Gelu": lambda: self._function(path, "", "nn.gelu", tensor, approximate=bool(config["approximate"])),
            "LeakyRelu": lambda: layer("LeakyReLU", alpha=config["negative_slope"]),
            "LogSoftmax": lambda: layer("Activation", activation="log_softmax") if config["axis"] == -1 else None,
            "Reshape": lambda: (
                layer("Reshape", target_shape=list(config["newshape"][1:]))
                if config["newshape"][0] in (-1, None)
                else None
            ),
            "Softmax": lambda: layer("Softmax", axis=config["axis"]),
            "Transpose": lambda: (
                layer("Permute", dims=list(config["axes"][1:])) if config["axes"] and config["axes"][0] == 0 else None
            ),
        }
        return compute.get(kind, lambda: None)()

    def _pooling(self, kind: str, config: Mapping[str, Any], path: Path, tensor: _Tensor) -> _Tensor | None:
        layer, function = _POOLING[kind]
        axes, keeps = config["axis"], bool(config["keepdims"])
        if config.get("initial") is not None or axes is None:
            return None
        if tensor[2] == 4 and axes in ([1, 2], [-3, -2]):
            return self._add(path, "", layer, {"keepdims": keeps}, [tensor])
        return self._function(path, "", function, tensor, axis=axes, keepdims=keeps)

    # Entries ----------------------------------------------------------------------------------------------------------

    def _input(self, path: Path, shape: Any) -> _Tensor:
        sizes = shape["items"] if isinstance(shape, Mapping) else shape
        name = self._name(path, "")
        config = {"name": name, "batch_input_shape": [None, *sizes[1:]], "dtype": "float32"}
        self.layers[path, ""] = {"class_name": "InputLayer", "config": config, "name": name, "inbound_nodes": []}
        return name, 0, len(sizes)

    def _function(self, path: Path, part: str, function: str, first: _Tensor, **arguments: Any) -> _Tensor:
        """Add a call of a TensorFlow function."""
        made = self._entry(path, part, "TFOpLambda", {"function": function})
        made["inbound_nodes"].append([*first[:2], 0, {**arguments, "name": None}])
        return self._made(made)

    def _add(self, path: Path, part: str, kind: str, options: Mapping[str, Any], tensors: Sequence[_Tensor]) -> _Tensor:
        """Add a call of a layer."""
        made = self._entry(path, part, kind, options)
        made["inbound_nodes"].append([[layer, call, 0, {}] for layer, call, _ in tensors])
        return self._made(made)

    def _entry(self, path: Path, part: str, kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
        if (path, part) not in self.layers:
            name = self._name(path, part)
            self.stored[name] = path
            config = {"name": name, "dtype": "float32", **options}
            self.layers[path, part] = {"class_name": kind, "config": config, "name": name, "inbound_nodes": []}
        return self.layers[path, part]

    def _made(self, entry: Mapping[str, Any]) -> _Tensor:
        if sum(self.calls.values()) > _MOST_CALLS:
            raise NetworkError(f"it calls its layers more than {_MOST_CALLS} times; this is not a network for images")
        self.calls[entry["name"]] += 1
        return entry["name"], len(entry["inbound_nodes"]) - 1, 0

    def _name(self, path: Path, part: str) -> str:
        if path in self.names and not part:
            return self.names[path]
        around = self.names.get(path[:-1])
        last = _allowed(path[-1])
        base = self.names.get(path) or (f"{around}_{last}" if around else last)
        name = base = f"{base}_{part}" if part else base
        number = 2
        while name in self.taken:
            name, number = f"{base}_{number}", number + 1
        self.taken.add(name)
        return name


def _is_key(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and isinstance(value[0], str)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__"


def _is_operation(entry: Mapping[str, Any]) -> bool:
    """Whether an entry is an operation, which has no data type; archives also name its module."""
    module = entry.get("module")
    if isinstance(module, str):
        return module.startswith("keras.src.ops.") or module.startswith("keras.ops")
    return isinstance(entry["config"], Mapping) and "dtype" not in entry["config"]


def _operands(options: Mapping[str, Any]) -> list[Any]:
    """Operands of an operation that were passed by name, in order; what else is passed must be None."""
    named = [options[key] for key in ("x", "xs", "x1", "x2") if key in options]
    return [
        *named,
        *(value for key, value in options.items() if key not in ("x", "xs", "x1", "x2") and value is not None),
    ]


def _references(value: Any) -> Iterator[tuple[str, int]]:
    """Yield (layer, call) of each tensor in the arguments of a call."""
    if _is_tensor(value):
        name, index, _ = value["config"]["keras_history"]
        yield str(name), int(index)
    elif isinstance(value, (list, Mapping)):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _references(part)


def _found(key: tuple[str, int], calls: Mapping[str, int]) -> tuple[str, int]:
    """Call that a reference means: some versions of Keras 3 count a model's calls from 1."""
    name, index = key
    return (name, index - 1) if index and index == calls.get(name) else key


def _ended(name: str, index: int, entry: Mapping[str, Any], count: int, used: set[tuple[str, int]]) -> tuple[str, int]:
    """Call that the output of a network means: Keras 3 counts those of functional models from 1, but not always."""
    if entry["class_name"] == "Sequential" or entry["class_name"] not in MODELS or not index:
        return name, index
    candidates = [number for number in (index - 1, index) if number < count]
    if len(candidates) > 1:
        candidates = [number for number in candidates if (name, number) not in used]
    if len(candidates) != 1:
        raise NetworkError(
            f"the output is call {index} of the model {name!r}, which is not clear; add a layer behind it, such as "
            "Activation('linear'), and save it again"
        )
    return name, candidates[0]


def _endpoints(entries: Sequence[Any]) -> list[tuple[str, int, int]]:
    found = [entries] if isinstance(entries[0], str) else entries
    return [(str(name), int(index), int(position)) for name, index, position in found]


def _allowed(name: Any) -> str:
    """Name that TensorFlow accepts."""
    made = _UNNAMEABLE.sub("_", str(name))
    return made if re.match(r"[A-Za-z0-9.]", made) else f"layer{made}"


def _where(entry: Mapping[str, Any]) -> str:
    config = entry.get("config")
    name = entry.get("name", config.get("name") if isinstance(config, Mapping) else None)
    shown = repr(name) if len(repr(name)) < 80 else f"{repr(name)[:77]}..."
    return f"layer {shown} ({str(entry.get('class_name'))[:80]})"
