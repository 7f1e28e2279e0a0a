"""Facts about a network, found without its weights: what decides which analyses can be made of it.

Keras files are inspected without TensorFlow, from their configuration alone, so that a file of any size takes a moment.
"""

import json
import zipfile
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from netlens.models.errors import CheckpointError, NetworkError, first_line, listed
from netlens.models.input_scaling import (
    InputScaling,
    normalization_factor,
    passes_image,
    product,
    rescaling_factor,
)
from netlens.models.keras.config import checked_config
from netlens.models.keras.explained_layers import is_rectified, passes_preset, passes_relevance
from netlens.models.keras.keras3 import translated
from netlens.models.keras.layer_graph import saved_layer_graph
from netlens.models.keras.layer_kinds import RECTIFIERS, is_known
from netlens.models.keras.linear_stretches import linear_obstacle
from netlens.models.keras.merge_layers import with_merge_layers
from netlens.models.keras.saved_graph import SavedGraph, SavedStep, saved_graph
from netlens.models.keras.segments import chain_obstacle
from netlens.models.keras.stored_config import check_no_folder, version_and_config

#: What a network's outputs are: ``softmax`` and ``dense`` (the outputs of a layer without activation, which may be
#: logits) can be classes, ``features`` (such as pooled activations) are only if the study names them.
Ending = Literal["softmax", "dense", "features"]

_SOFTMAX: Final = frozenset({"softmax", "log_softmax", "nn.softmax", "nn.log_softmax", "Softmax", "LogSoftmax"})
_KERNELS: Final = frozenset({
    "Conv2D", "Convolution2D", "Dense", "DepthwiseConv2D", "SeparableConv2D", "SeparableConvolution2D",
})  # fmt: skip
_CONVOLUTIONS: Final = _KERNELS - {"Dense"}
_JOINS: Final = frozenset({"Add", "Concatenate"})
#: Layers with weights that no analysis of kernels defines.
_UNSUPPORTED: Final = frozenset({
    "Attention", "AdditiveAttention", "Conv1D", "Conv1DTranspose", "Conv2DTranspose", "Conv3D", "Conv3DTranspose",
    "DepthwiseConv1D", "Embedding", "LocallyConnected1D", "LocallyConnected2D", "MultiHeadAttention", "SeparableConv1D",
    "GroupNormalization", "TimeDistributed",
})  # fmt: skip
#: Layers that no kernel takes in, but gradients pass.
_WITHOUT_PATTERNS: Final = frozenset({"LayerNormalization"})
_NORMALIZATIONS: Final = frozenset({
    "BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "Normalization", "SyncBatchNormalization",
})  # fmt: skip
#: Layers after which the output is still that of the layer before, for the question how a network ends.
_PASSING: Final = frozenset({"Dropout", "Flatten", "Reshape", "Activation"})


@dataclass(frozen=True)
class LayerFacts:
    """A layer of a network.

    Attributes
    ----------
    name
        Name in the network.
    kind
        Class of a Keras layer, such as ``Conv2D``, or operation of a frozen graph, such as ``MaxPool``.
    size
        (height, width) of its output; None for vectors, and where it is not known.
    channels
        Number of channels of its output, where it is known.
    """

    name: str
    kind: str
    size: tuple[int, int] | None
    channels: int | None


@dataclass(frozen=True)
class NetworkFacts:
    """Facts about a network.

    Attributes
    ----------
    is_keras
        Whether there is a Keras model; otherwise the network is a frozen graph.
    size_px
        Height and width of the input, None where the network takes any.
    ending
        What the outputs are.
    outputs_count
        Number of outputs, where it is known.
    layers
        All layers in network order.
    kernel_layers_count
        Number of layers with a kernel.
    segments_count
        Number of stretches with kernels between points that every path from the image to the output passes.
    convolutions_count, joins_count
        Number of convolutions, and of concatenations and additions, that have positions; the most that lie on one path.
    trunk_maps_count
        Number of these that every path from the image to the output passes.
    unsupported
        Layers with which a network cannot be prepared, such as ``layer 'a' (Conv3D)``; also kernels that are used
        several times, and normalizations of other axes than channels.
    without_patterns
        Layers with which a network can be prepared, but has no patterns, such as ``layer 'a' (LayerNormalization)``.
    linear_obstacle
        The layer because of which no two maps have expanded weights, such as ``layer 'a' (Multiply)``; empty where two
        have them.
    chain_obstacle
        Why the stretches between points that every path passes are not a chain of matrices, such as a layer that
        multiplies maps; empty where they are.
    backward_obstacle
        The layer for which PatternNet and PatternAttribution define no rule, such as ``layer 'a' (Multiply)``; empty
        where there is none.
    lrp_obstacle, preset_obstacle, relu_obstacle
        The layer that layer-wise relevance propagation does not go through, the one that its preset A does not, and
        the one because of which guided backprop and deep Taylor are not defined, such as ``layer 'a' (Conv2D with the
        activation swish)``; empty where there is none.
    input_scaling
        How the first layers scale the image, as far as the configuration says it; None if they do not.
    """

    is_keras: bool
    size_px: tuple[int | None, int | None]
    ending: Ending
    outputs_count: int | None
    layers: tuple[LayerFacts, ...]
    kernel_layers_count: int
    segments_count: int
    convolutions_count: int
    joins_count: int
    trunk_maps_count: int
    unsupported: tuple[str, ...]
    without_patterns: tuple[str, ...] = ()
    linear_obstacle: str = ""
    chain_obstacle: str = ""
    backward_obstacle: str = ""
    lrp_obstacle: str = ""
    preset_obstacle: str = ""
    relu_obstacle: str = ""
    input_scaling: InputScaling | None = None

    @property
    def max_poolings_count(self) -> int:
        """Number of max-poolings, of the global ones too."""
        return sum(layer.kind.startswith(("MaxPool", "GlobalMaxPool")) for layer in self.layers)

    @property
    def average_poolings_count(self) -> int:
        """Number of average poolings, of the global ones too."""
        return sum(layer.kind.startswith(("AveragePool", "AvgPool", "GlobalAverage", "Mean")) for layer in self.layers)

    @property
    def layers_with_positions_count(self) -> int:
        """Number of layers, without the input, that have more than one position."""
        maps = [layer for layer in self.layers if layer.size is not None and layer.size != (1, 1)]
        return len(maps) - sum(layer.kind in {"InputLayer", "Placeholder"} for layer in maps)

    def as_json(self) -> dict[str, Any]:
        """Plain data that `facts_from_json` reads."""
        return asdict(self)


def facts_from_json(document: dict[str, Any]) -> NetworkFacts:
    """Facts that `NetworkFacts.as_json` has written."""
    layers = tuple(
        LayerFacts(**{**layer, "size": None if layer["size"] is None else tuple(layer["size"])})
        for layer in document["layers"]
    )
    height, width = document["size_px"]
    scaling = document["input_scaling"]
    return NetworkFacts(
        **{
            **document,
            "layers": layers,
            "size_px": (height, width),
            "unsupported": tuple(document["unsupported"]),
            "without_patterns": tuple(document["without_patterns"]),
            "input_scaling": None if scaling is None else InputScaling(**scaling),
        }
    )


def inspect_keras_file(path: str | Path) -> NetworkFacts:
    """Facts about a network in a ``.h5`` or ``.keras`` file of any Keras version, read without TensorFlow.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    CheckpointError
        The file is truncated or damaged, or holds weights only.
    UnsupportedLayerError
        A layer is not supported; the message names it.
    NetworkError
        The network does not take color images, or does not have one output with one value per class or feature.
    """
    file = Path(path)
    try:
        version, entry = saved_config(file)
        graph = saved_graph(_checked(version, entry))
    except NetworkError as error:
        raise type(error)(f"{path}: {error}") from error
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such network file") from None
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path}: truncated or damaged: {first_line(error)}") from error
    try:
        return facts_of_graph(graph)
    except NetworkError as error:
        raise type(error)(f"{path}: {error}") from error


def saved_config(path: Path) -> tuple[str, dict[str, Any]]:
    """Version of Keras and configuration in a network file.

    Raises
    ------
    NetworkError
        The file is not a Keras file, or holds weights without an architecture.
    OSError, KeyError, zipfile.BadZipFile, zlib.error, json.JSONDecodeError
        It is damaged.
    """
    check_no_folder(path)
    with path.open("rb"):  # a missing file is reported as such, whatever its suffix
        pass
    version, config = version_and_config(path)
    if config is None:
        raise NetworkError("holds weights without an architecture; save the whole model")
    return version, config


def facts_of_config(entry: dict[str, Any]) -> NetworkFacts:
    """Facts about a network that netlens builds itself, from the configuration of the built model."""
    return facts_of_graph(saved_graph(entry))


def facts_of_graph(graph: SavedGraph) -> NetworkFacts:
    """Facts about a network, from its graph.

    Raises
    ------
    NetworkError
        The network does not take one color image, or does not have one output with one value per class or feature.
    """
    inputs = [step for step in graph.steps if step.kind == "InputLayer"]
    if len(inputs) != 1 or len(inputs[0].shape) != 3 or inputs[0].shape[2] not in (3, None):
        given = listed(step.shape for step in inputs) or "nothing"
        raise NetworkError(f"takes {given}; it must take one color image (height, width, 3)")
    if len(graph.outputs) != 1:
        raise NetworkError(f"has {len(graph.outputs)} outputs; it must have one")
    last = graph.steps[graph.outputs[0]]
    if len(last.shape) > 1:
        raise NetworkError(f"outputs {last.shape}; it must output one value per class or feature")
    if last.activation == "sigmoid":
        raise NetworkError(f"ends in a sigmoid at layer {last.name!r}; only softmax and logits are supported")
    height, width, _ = inputs[0].shape
    kernels = [index for index, step in enumerate(graph.steps) if step.kind in _KERNELS]
    sources = [step.sources for step in graph.steps]
    # Sizes may be unknown, but only maps have three axes.
    convolutions, joins = (
        [index for index, step in enumerate(graph.steps) if step.kind in kinds and len(step.shape) in (0, 3)]
        for kinds in (_CONVOLUTIONS, _JOINS)
    )
    return NetworkFacts(
        is_keras=True,
        size_px=(height, width),
        ending=_ending(graph, graph.outputs[0]),
        outputs_count=last.shape[0] if last.shape else None,
        layers=tuple(_layer(step) for step in graph.steps),
        kernel_layers_count=len({graph.steps[index].name for index in kernels}),
        segments_count=segments_count(sources, graph.outputs[0], kernels),
        convolutions_count=most_on_one_path(sources, convolutions),
        joins_count=most_on_one_path(sources, joins),
        trunk_maps_count=len(trunk_of(sources, graph.outputs[0]) & {*convolutions, *joins}),
        unsupported=_unsupported(graph),
        without_patterns=tuple(
            f"layer {step.name!r} ({step.kind})" for step in graph.steps if step.kind in _WITHOUT_PATTERNS
        ),
        linear_obstacle=linear_obstacle(graph, sorted({*convolutions, *joins})),
        chain_obstacle=chain_obstacle(saved_layer_graph(graph)),
        backward_obstacle=_obstacle(graph, lambda step: is_known(step.kind) and step.activation in RECTIFIERS),
        lrp_obstacle=_obstacle(graph, passes_relevance),
        preset_obstacle=_obstacle(graph, passes_preset),
        relu_obstacle=_obstacle(graph, is_rectified),
        input_scaling=_input_scaling(graph),
    )


def trunk_of(sources: Sequence[Sequence[int]], output: int) -> set[int]:
    """Steps that every path to the output passes.

    Parameters
    ----------
    sources
        For each step, the steps that its inputs come from; each step after its sources.
    output
        The step that is the network's output.
    """
    last_user: dict[int, int] = {}
    for index, own in enumerate(sources[: output + 1]):
        for source in own:
            last_user[source] = max(last_user.get(source, 0), index)
    farthest = 0
    alone = set()
    for index in range(output + 1):
        # No edge passes by this step, so every path goes through it.
        if farthest <= index:
            alone.add(index)
        farthest = max(farthest, last_user.get(index, 0))
    return alone


def segments_count(sources: Sequence[Sequence[int]], output: int, kernels: Sequence[int]) -> int:
    """Number of stretches of a graph that hold a kernel, between steps that every path passes.

    Parameters
    ----------
    sources, output
        As for `trunk_of`.
    kernels
        The steps that have a kernel.
    """
    ends = sorted(trunk_of(sources, output))
    # The stretch that a kernel lies in is known by the first step at its end.
    return len({bisect_left(ends, kernel) for kernel in kernels if kernel <= output})


def most_on_one_path(sources: Sequence[Sequence[int]], wanted: Collection[int]) -> int:
    """Number of wanted steps on the path that has the most of them; `sources` as for `trunk_of`."""
    best: list[int] = []
    for index, own in enumerate(sources):
        best.append(max((best[source] for source in own), default=0) + (index in wanted))
    return max(best, default=0)


def _unsupported(graph: SavedGraph) -> tuple[str, ...]:
    uses = Counter(step.path for step in graph.steps)
    found: dict[tuple[str, ...], str] = {}
    for step in graph.steps:
        told = ""
        if step.kind in _UNSUPPORTED:
            told = step.kind
        elif step.kind in _NORMALIZATIONS and not _is_of_channels(step):
            told = f"{step.kind} of axis {step.options.get('axis')}"
        elif step.kind in _KERNELS | _NORMALIZATIONS and uses[step.path] > 1:
            told = f"{step.kind}, used {uses[step.path]} times"
        if told:
            found.setdefault(step.path, f"layer {step.name!r} ({told})")
    return tuple(found.values())


def _is_of_channels(step: SavedStep) -> bool:
    axis = step.options.get("axis", -1)
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if step.kind == "Normalization" and axes in ([None], []):
        return True
    return axes == [-1] or not step.shape or axes == [len(step.shape)]


def _obstacle(graph: SavedGraph, passes: Callable[[SavedStep], bool]) -> str:
    """First layer that does not let a method pass; a softmax at the end is removed, and so is no obstacle."""
    kernels = [index for index, step in enumerate(graph.steps) if step.kind in _KERNELS]
    for index, step in enumerate(graph.steps):
        is_end = index >= max(kernels, default=0)
        if passes(step) or (is_end and _is_softmax(step)):
            continue
        activation = "" if step.activation in ("linear", "relu") else f" with the activation {step.activation}"
        function = step.options.get("function") or _operation(step)
        return f"layer {step.name!r} ({function or step.kind}{activation})"
    return ""


def _input_scaling(graph: SavedGraph) -> InputScaling | None:
    """Scaling by the layers in a row behind the input; what a layer has learned from images is not in the graph."""
    factors: list[tuple[str, float]] = []
    index = next(index for index, step in enumerate(graph.steps) if step.kind == "InputLayer")
    while True:
        step = graph.steps[index]
        if step.kind == "Rescaling":
            factors.append((f"layer {step.name!r} (Rescaling)", rescaling_factor(step.options["scale"])))
        elif step.kind == "Normalization":
            if step.options.get("variance") is None:
                return None
            variance = step.options["variance"]
            factors.append((f"layer {step.name!r} (Normalization)", normalization_factor(variance)))
        elif not passes_image(step.kind, step.activation):
            return product(factors)
        users = [user for user, each in enumerate(graph.steps) if index in each.sources]
        if len(users) != 1:
            return product(factors)
        (index,) = users


def _checked(version: str, entry: dict[str, Any]) -> dict[str, Any]:
    return with_merge_layers(checked_config(translated(entry).config if version.startswith("3") else entry))


def _ending(graph: SavedGraph, output: int) -> Ending:
    index = output
    while True:
        step = graph.steps[index]
        if _is_softmax(step):
            return "softmax"
        if step.kind == "Dense":
            return "dense" if step.activation == "linear" else "features"
        if step.kind not in _PASSING or step.activation != "linear" or len(step.sources) != 1:
            return "features"
        index = step.sources[0]


def _is_softmax(step: SavedStep) -> bool:
    return bool({step.kind, step.activation, str(step.options.get("function")), _operation(step)} & _SOFTMAX)


def _operation(step: SavedStep) -> str:
    node = step.options.get("node_def")
    return str(node.get("op")) if isinstance(node, dict) else ""


def _layer(step: SavedStep) -> LayerFacts:
    size = None
    if len(step.shape) == 3 and step.shape[0] is not None and step.shape[1] is not None:
        size = (step.shape[0], step.shape[1])
    return LayerFacts(step.name, step.kind, size, step.shape[-1] if step.shape else None)
