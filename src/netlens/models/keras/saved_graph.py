"""The graph of a saved Keras network, read from its configuration without TensorFlow.

The legacy Keras writes each call of a layer with the layers, calls and outputs that its inputs come from; the
configurations of Keras 3 are translated first (`netlens.models.keras.keras3`). Models inside models are opened, so that
the result is one flat list, with the names that `netlens.models.keras.graph` gives the layers of a model.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from netlens.models.errors import NetworkError
from netlens.models.keras.call_order import first_call, references
from netlens.models.keras.config import MODELS, WITHOUT_INPUT
from netlens.models.layer_names import distinct_names

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
    "CenterCrop", "UpSampling2D", "Embedding", "Dot", "LocallyConnected2D",
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
    path
        Names of the models around the layer, outermost first, and its own.
    """

    name: str
    kind: str
    options: Mapping[str, Any]
    sources: tuple[int, ...]
    shape: Shape
    path: tuple[str, ...]

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
        The whole configuration, with ``class_name`` and ``config``, from `netlens.models.keras.config.checked_config`.

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
        outputs = _open(entry, None, steps, ())
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
    paths = list(dict.fromkeys(step.path for step in kept))
    names = dict(zip(paths, distinct_names(paths), strict=True))
    return SavedGraph(
        tuple(
            replace(step, name=names[step.path], sources=tuple(place[source] for source in step.sources))
            for step in kept
        ),
        tuple(place[index] for index in outputs),
    )


def _open(
    entry: Mapping[str, Any], given: Sequence[int] | None, steps: list[SavedStep], around: tuple[str, ...]
) -> list[int]:
    """Append the steps of a model, which lies in the models `around` and whose inputs are the steps `given`.

    Returns the model's outputs.
    """
    config = entry["config"]
    if entry["class_name"] == "Sequential":
        return [_open_sequential(config, given, steps, around)]
    if entry["class_name"] not in MODELS or not isinstance(config, Mapping) or "input_layers" not in config:
        raise NetworkError(f"network {dict(config).get('name')!r} is neither functional nor Sequential")
    return _open_functional(config, given, steps, around)


def _open_sequential(config: Any, given: Sequence[int] | None, steps: list[SavedStep], around: tuple[str, ...]) -> int:
    layers = config if isinstance(config, list) else config["layers"]
    current = given[0] if given else None
    for entry in layers:
        if entry["class_name"] == "InputLayer":
            if current is None:
                current = _append(entry, (), steps, around)
            continue
        if current is None:
            shape = _input_shape(entry["config"]) or _shape((config if isinstance(config, Mapping) else {}).get(
                "build_input_shape"))  # fmt: skip
            if not shape:
                name = config.get("name") if isinstance(config, Mapping) else None
                raise NetworkError(f"network {name!r} {WITHOUT_INPUT}")
            first = {"class_name": "InputLayer", "config": {"name": "input", "batch_shape": [None, *shape]}}
            current = _append(first, (), steps, around)
        (current,) = _call(entry, (current,), steps, around)
    if current is None:
        raise NetworkError("its configuration has no layers")
    return current


def _open_functional(
    config: Mapping[str, Any], given: Sequence[int] | None, steps: list[SavedStep], around: tuple[str, ...]
) -> list[int]:
    entries = {str(entry.get("name", entry["config"].get("name"))): entry for entry in config["layers"]}
    made: dict[tuple[str, int, int], int] = {}
    inputs = [name for name, _, _ in references(config["input_layers"])]
    for number, name in enumerate(inputs):
        made[name, 0, 0] = _append(entries[name], (), steps, around) if given is None else given[number]
    waiting = [
        (name, index, tuple(references(call)))
        for name, entry in entries.items()
        for index, call in enumerate(entry.get("inbound_nodes") or [], start=first_call(entry, MODELS))
    ]
    while waiting:
        later = []
        for name, index, wanted in waiting:
            sources = [_found(made, reference) for reference in wanted]
            if None in sources:
                later.append((name, index, wanted))
                continue
            known = tuple(source for source in sources if source is not None)
            for output, step in enumerate(_call(entries[name], known, steps, around)):
                made[name, index, output] = step
        if len(later) == len(waiting):
            raise NetworkError(f"layer {waiting[0][0]!r} needs an input that no layer of the file provides")
        waiting = later
    outputs = [_found(made, reference) for reference in references(config["output_layers"])]
    if None in outputs or not outputs:
        raise NetworkError("an output of the network is not the output of a layer of it")
    return [output for output in outputs if output is not None]


def _found(made: Mapping[tuple[str, int, int], int], reference: tuple[str, int, int]) -> int | None:
    """Step that a reference names; layers with several outputs, such as a split, are one step."""
    name, call, output = reference
    return made.get((name, call, output), made.get((name, call, 0)))


def _call(
    entry: Mapping[str, Any], sources: tuple[int, ...], steps: list[SavedStep], around: tuple[str, ...]
) -> list[int]:
    if entry["class_name"] in MODELS:
        name = entry.get("name") or dict(entry["config"]).get("name")
        return _open(entry, sources, steps, (*around, str(name)))
    return [_append(entry, sources, steps, around)]


def _append(entry: Mapping[str, Any], sources: tuple[int, ...], steps: list[SavedStep], around: tuple[str, ...]) -> int:
    options = entry["config"] if isinstance(entry["config"], Mapping) else {}
    kind = str(entry["class_name"])
    shape = _input_shape(options) if kind == "InputLayer" else _output_shape(
        kind, options, [steps[index].shape for index in sources])  # fmt: skip
    name = str(entry.get("name", options.get("name")))
    steps.append(SavedStep(name, kind, options, sources, shape, (*around, name)))
    return len(steps) - 1


def _input_shape(options: Mapping[str, Any]) -> Shape:
    return _shape(options.get("batch_shape") or options.get("batch_input_shape"))


def _shape(value: Any) -> Shape:
    """Shape without the batch axis."""
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
