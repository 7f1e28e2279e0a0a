"""The graph of a saved Keras network, read from its configuration without TensorFlow.

Both versions of Keras write each call of a layer with the layers, calls and outputs that its inputs come from. Models
inside models are opened, so that the result is one flat list, as `netlens.models.keras.graph` makes it of a model.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netlens.models.errors import NetworkError
from netlens.models.keras.call_order import first_call, references
from netlens.models.keras.config import MODELS

#: Shape without the batch axis, None where a size is unknown; () if not even the number of axes is known.
Shape = tuple[int | None, ...]

_WINDOWS: Final = frozenset({
    "Conv2D", "Convolution2D", "SeparableConv2D", "SeparableConvolution2D", "DepthwiseConv2D", "MaxPooling2D",
    "AveragePooling2D", "LocallyConnected2D",
})  # fmt: skip
_GLOBAL: Final = frozenset({"GlobalAveragePooling2D", "GlobalMaxPooling2D"})
#: Layers and functions whose output may have another shape than their input, which is not computed here.
_RESHAPING: Final = frozenset({
    "Conv2DTranspose", "Permute", "RepeatVector", "SlicingOpLambda", "TensorFlowOpLayer", "Resizing",
    "RandomCrop", "CenterCrop", "UpSampling2D", "Embedding", "Dot", "LocallyConnected2D",
})  # fmt: skip
#: Last parts of the names of TensorFlow functions whose output has the shape of their (first) input.
_ELEMENTWISE: Final = frozenset({
    "add", "clip_by_value", "local_response_normalization", "lrn", "maximum", "minimum", "multiply", "relu", "relu6",
    "sigmoid", "silu", "softmax", "subtract", "swish", "tanh", "truediv",
})  # fmt: skip


@dataclass(frozen=True)
class SavedStep:
    """One use of one layer.

    Attributes
    ----------
    name
        Name of the layer.
    kind
        Class name of the layer, such as ``Conv2D``.
    options
        Its configuration.
    sources
        The steps that its inputs come from, as indices into the list of steps.
    shape
        Shape of its output.
    """

    name: str
    kind: str
    options: Mapping[str, Any]
    sources: tuple[int, ...]
    shape: Shape

    @property
    def activation(self) -> str:
        """Name of the activation fused into the layer; ``linear`` where there is none."""
        value = self.options.get("activation")
        if isinstance(value, Mapping):
            value = value.get("config") if value.get("class_name") == "function" else value.get("class_name")
        return str(value or "linear").lower()


@dataclass(frozen=True)
class SavedGraph:
    """A saved network.

    Attributes
    ----------
    steps
        Every use of every layer, each after its sources.
    outputs
        The network's outputs, as indices into `steps`.
    """

    steps: tuple[SavedStep, ...]
    outputs: tuple[int, ...]


def saved_graph(entry: Mapping[str, Any]) -> SavedGraph:
    """Graph of a saved network.

    Parameters
    ----------
    entry
        The whole configuration, with ``class_name`` and ``config``, from `netlens.models.keras.config.parsed_config`.

    Returns
    -------
    SavedGraph
        Without the steps that no output needs.

    Raises
    ------
    NetworkError
        It is not the configuration of a functional or Sequential network.
    """
    steps: list[SavedStep] = []
    try:
        outputs = _open(entry, None, steps)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        if isinstance(error, NetworkError):
            raise
        raise NetworkError(
            f"its configuration is not that of a functional or Sequential network ({type(error).__name__}: {error}); "
            "save the whole model again"
        ) from error
    return _needed(steps, outputs)


def _needed(steps: Sequence[SavedStep], outputs: Sequence[int]) -> SavedGraph:
    needed: set[int] = set()
    pending = list(outputs)
    while pending:
        index = pending.pop()
        if index not in needed:
            needed.add(index)
            pending += steps[index].sources
    place = {old: new for new, old in enumerate(sorted(needed))}
    kept = [steps[index] for index in sorted(needed)]
    return SavedGraph(
        tuple(SavedStep(s.name, s.kind, s.options, tuple(place[i] for i in s.sources), s.shape) for s in kept),
        tuple(place[index] for index in outputs),
    )


def _open(entry: Mapping[str, Any], given: Sequence[int] | None, steps: list[SavedStep]) -> list[int]:
    """Append the steps of a model, whose inputs are the steps `given`, and return its outputs."""
    config = entry["config"]
    if entry["class_name"] == "Sequential":
        return [_open_sequential(config, given, steps)]
    if entry["class_name"] not in MODELS or not isinstance(config, Mapping) or "input_layers" not in config:
        raise NetworkError(f"network {dict(config).get('name')!r} is neither functional nor Sequential")
    return _open_functional(config, given, steps)


def _open_sequential(config: Any, given: Sequence[int] | None, steps: list[SavedStep]) -> int:
    layers = config if isinstance(config, list) else config["layers"]
    current = given[0] if given else None
    for entry in layers:
        if entry["class_name"] == "InputLayer":
            if current is None:
                current = _append(entry, (), steps)
            continue
        if current is None:
            shape = _input_shape(entry["config"]) or _shape((config if isinstance(config, Mapping) else {}).get(
                "build_input_shape"))  # fmt: skip
            current = _append({"class_name": "InputLayer", "config": {"name": "input", "batch_shape": [None, *shape]}},
                              (), steps)  # fmt: skip
        (current,) = _call(entry, (current,), steps)
    if current is None:
        raise NetworkError("its configuration has no layers")
    return current


def _open_functional(config: Mapping[str, Any], given: Sequence[int] | None, steps: list[SavedStep]) -> list[int]:
    entries = {str(entry.get("name", entry["config"].get("name"))): entry for entry in config["layers"]}
    made: dict[tuple[str, int, int], int] = {}
    inputs = [name for name, _, _ in _references(config["input_layers"])]
    for number, name in enumerate(inputs):
        made[name, 0, 0] = _append(entries[name], (), steps) if given is None else given[number]
    waiting = [
        (name, index, tuple(_references(call)))
        for name, entry in entries.items()
        for index, call in enumerate(entry.get("inbound_nodes") or [], start=_first_call(entry))
    ]
    while waiting:
        later = []
        for name, index, wanted in waiting:
            sources = [_found(made, reference) for reference in wanted]
            if None in sources:
                later.append((name, index, wanted))
                continue
            known = tuple(source for source in sources if source is not None)
            for output, step in enumerate(_call(entries[name], known, steps)):
                made[name, index, output] = step
        if len(later) == len(waiting):
            raise NetworkError(f"layer {waiting[0][0]!r} needs an input that no layer of the file provides")
        waiting = later
    outputs = [_found(made, reference) for reference in _references(config["output_layers"])]
    if None in outputs or not outputs:
        raise NetworkError("an output of the network is not the output of a layer of it")
    return [output for output in outputs if output is not None]


def _found(made: Mapping[tuple[str, int, int], int], reference: tuple[str, int, int]) -> int | None:
    """Step that a reference names; layers with several outputs, such as a split, are one step."""
    name, call, output = reference
    return made.get((name, call, output), made.get((name, call, 0)))


def _first_call(entry: Mapping[str, Any]) -> int:
    """Number of a layer's first call; Keras 3, which writes arguments as a mapping, always begins with 0."""
    if any(isinstance(call, Mapping) and "args" in call for call in entry.get("inbound_nodes") or []):
        return 0
    return first_call(entry, MODELS)


def _references(value: Any) -> Iterator[tuple[str, int, int]]:
    """Yield (layer, call, output) of each tensor, as either version of Keras writes them."""
    if isinstance(value, Mapping) and "keras_history" in (value.get("config") or {}):
        name, call, output = value["config"]["keras_history"]
        yield str(name), int(call), int(output)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value) and not _is_legacy(value):
        for part in value:
            yield from _references(part)
    else:
        yield from references(value)


def _is_legacy(value: Sequence[Any]) -> bool:
    return len(value) in (3, 4) and isinstance(value[0], str)


def _call(entry: Mapping[str, Any], sources: tuple[int, ...], steps: list[SavedStep]) -> list[int]:
    if entry["class_name"] in MODELS:
        return _open(entry, sources, steps)
    return [_append(entry, sources, steps)]


def _append(entry: Mapping[str, Any], sources: tuple[int, ...], steps: list[SavedStep]) -> int:
    options = entry["config"] if isinstance(entry["config"], Mapping) else {}
    kind = str(entry["class_name"])
    shape = _input_shape(options) if kind == "InputLayer" else _output_shape(
        kind, options, [steps[index].shape for index in sources])  # fmt: skip
    steps.append(SavedStep(str(entry.get("name", options.get("name"))), kind, options, sources, shape))
    return len(steps) - 1


def _input_shape(options: Mapping[str, Any]) -> Shape:
    return _shape(options.get("batch_shape") or options.get("batch_input_shape"))


def _shape(value: Any) -> Shape:
    """Shape without the batch axis of a list, or of a tuple as Keras 3 writes it."""
    if isinstance(value, Mapping):
        value = value.get("items")
    return tuple(None if size is None else int(size) for size in value[1:]) if value else ()


def _output_shape(kind: str, options: Mapping[str, Any], inputs: Sequence[Shape]) -> Shape:
    shape = inputs[0] if inputs else ()
    if not shape or kind in _RESHAPING or options.get("data_format") == "channels_first":
        return ()
    if kind in _WINDOWS and len(shape) != 3:
        return ()
    compute: dict[str, Callable[[], Shape]] = {
        "TFOpLambda": lambda: shape if _keeps_shape(options) else (),
        "Flatten": lambda: (_product(shape),),
        "Reshape": lambda: _reshaped(shape, tuple(options["target_shape"])),
        "Concatenate": lambda: _concatenated(inputs, int(options.get("axis", -1))),
        "ZeroPadding2D": lambda: _padded(shape, options["padding"], 1),
        "Cropping2D": lambda: _padded(shape, options["cropping"], -1),
        **dict.fromkeys(_GLOBAL, lambda: (1, 1, shape[-1]) if options.get("keepdims") else (shape[-1],)),
        **dict.fromkeys(_WINDOWS, lambda: (*_windows(shape[:-1], options), _channels(kind, options, shape[-1]))),
        "Dense": lambda: (*shape[:-1], int(options["units"])),
    }
    return compute.get(kind, lambda: shape)()


def _channels(kind: str, options: Mapping[str, Any], given: int | None) -> int | None:
    if kind == "DepthwiseConv2D":
        return None if given is None else given * int(options.get("depth_multiplier", 1))
    return int(options["filters"]) if "filters" in options else given


def _keeps_shape(options: Mapping[str, Any]) -> bool:
    return str(options.get("function", "")).rsplit(".", maxsplit=1)[-1] in _ELEMENTWISE


def _windows(sizes: Shape, options: Mapping[str, Any]) -> Shape:
    window = _pair(options.get("pool_size") or options["kernel_size"])
    strides = _pair(options.get("strides") or window)
    dilation = _pair(options.get("dilation_rate") or 1)
    found: list[int | None] = []
    for size, length, stride, gap in zip(sizes, window, strides, dilation, strict=True):
        if size is None:
            found.append(None)
        elif options.get("padding", "valid") == "same":
            found.append(-(-size // stride))
        else:
            found.append(max((size - (length - 1) * gap - 1) // stride + 1, 0))
    return tuple(found)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, Mapping):
        value = value["items"]
    if isinstance(value, (list, tuple)):
        return int(value[0]), int(value[-1])
    return int(value), int(value)


def _padded(shape: Shape, amounts: Any, sign: int) -> Shape:
    if isinstance(amounts, int):
        amounts = [[amounts, amounts]] * 2
    totals = [2 * each if isinstance(each, int) else sum(each) for each in amounts]
    sizes = [None if size is None else size + sign * total for size, total in zip(shape[:-1], totals, strict=True)]
    return (*sizes, shape[-1])


def _concatenated(inputs: Sequence[Shape], axis: int) -> Shape:
    first = inputs[0]
    if any(len(shape) != len(first) for shape in inputs):
        return ()
    place = axis - 1 if axis > 0 else len(first) + axis
    sizes = [shape[place] for shape in inputs]
    total = None if None in sizes else sum(size for size in sizes if size is not None)
    return (*first[:place], total, *first[place + 1 :])


def _reshaped(shape: Shape, target: tuple[int, ...]) -> Shape:
    if -1 not in target:
        return target
    total, known = _product(shape), abs(_product(target) or 1)
    return tuple((None if total is None else total // known) if size == -1 else size for size in target)


def _product(shape: Sequence[int | None]) -> int | None:
    total = 1
    for size in shape:
        if size is None:
            return None
        total *= size
    return total
