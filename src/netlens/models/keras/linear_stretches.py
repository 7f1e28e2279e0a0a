"""Where a network is linear once its rectifiers let everything pass, found from its configuration.

Between two such layers there are expanded weights (`netlens.weights.expanded`), which know no other activations than
rectifiers and no product of two maps.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

from netlens.models.keras.saved_graph import SavedGraph, SavedStep

#: Not those of which each output takes all positions of a map, as Flatten and GlobalAveragePooling2D: between what lies
#: before and behind them there are no weights over positions.
_LINEAR: Final = frozenset({
    "Add", "AveragePooling2D", "BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "Concatenate",
    "Conv2D", "Convolution2D", "Cropping2D", "Dense", "DepthwiseConv2D", "Dropout", "ELU",
    "GaussianDropout", "GaussianNoise", "InputLayer", "LeakyReLU", "MaxPooling2D",
    "Normalization", "ReLU", "Rescaling", "Reshape", "SeparableConv2D", "SeparableConvolution2D", "SpatialDropout2D",
    "Subtract", "SyncBatchNormalization", "ZeroPadding2D", "ActivityRegularization", "AlphaDropout", "Activation",
})  # fmt: skip
_RECTIFIERS: Final = frozenset({"elu", "leaky_relu", "leakyrelu", "linear", "relu", "relu6", "selu"})
#: Functions of tensors, by the last part of their names.
_FUNCTIONS: Final = frozenset({
    "add", "addv2", "biasadd", "concat", "concatv2", "elu", "leaky_relu", "leakyrelu", "relu", "relu6", "selu", "sub",
    "subtract",
})  # fmt: skip
_FACTORS: Final = frozenset({"div", "divide", "mul", "multiply", "realdiv", "truediv"})
#: What may lie between a kernel and an activation that belongs to it.
_INSIDE_UNITS: Final = frozenset({
    "ActivityRegularization", "AlphaDropout", "BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2",
    "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout2D", "SyncBatchNormalization",
})  # fmt: skip
_ACTIVATIONS: Final = frozenset({"Activation", "ELU", "LeakyReLU", "PReLU", "ReLU", "ThresholdedReLU"})


def is_linear(step: SavedStep) -> bool:
    """Whether a layer is a local linear map where its rectifier, if it has one, lets everything pass."""
    if function := _function_of(step):
        name = function.rsplit(".", 1)[-1].lower()
        return name in _FUNCTIONS or (name in _FACTORS and len(step.sources) == 1)
    if step.kind == "ReLU":
        return step.options.get("max_value") in (None, 6) and not any(
            step.options.get(option) for option in ("negative_slope", "threshold")
        )
    return step.kind in _LINEAR and step.activation in _RECTIFIERS


def linear_obstacle(graph: SavedGraph, maps: Sequence[int]) -> str:
    """Layer because of which no two maps of a network have expanded weights; empty where two have them.

    Parameters
    ----------
    graph
        The network.
    maps
        Steps between which weights are shown: convolutions, concatenations and additions with positions, in network
        order. The first convolution is among them, since weights from the image to it are shown too.

    Returns
    -------
    str
        Such as ``layer 'gate' (Multiply)``.
    """
    steps = graph.steps
    image = next(index for index, step in enumerate(steps) if step.kind == "InputLayer")
    first = next((index for index in maps if "Conv" in steps[index].kind), None)
    if first is not None and has_linear_pair([step.sources for step in steps], _obstacles(graph), (image, first), maps):
        return ""
    return next((_told(step) for step in steps if not is_linear(step)), "")


def has_linear_pair(
    sources: Sequence[Sequence[int]], obstacles: Collection[int], start: tuple[int, int], maps: Sequence[int]
) -> bool:
    """Whether nothing but linear steps lies between two given steps, and between any two others.

    Parameters
    ----------
    sources
        For each step, the steps that its inputs come from; each step after its sources.
    obstacles
        Steps that are not linear.
    start
        The two steps, such as the image and the first convolution.
    maps
        The others.
    """
    blocked = sum(1 << index for index in obstacles)
    before: list[int] = []
    for own in sources:
        before.append(0)
        for source in own:
            before[-1] |= before[source] | 1 << source
    behind = [0] * len(sources)
    for index in reversed(range(len(sources))):
        for source in sources[index]:
            behind[source] |= behind[index] | 1 << index

    def is_clear(source: int, target: int) -> bool:
        return not (behind[source] & (before[target] | 1 << target)) & blocked

    pairs = ((source, target) for target in maps for source in maps if before[target] >> source & 1)
    return is_clear(*start) and any(is_clear(*pair) for pair in pairs)


def _obstacles(graph: SavedGraph) -> set[int]:
    """Steps that are not linear; a convolution whose activation is a layer of its own has the activation's fate."""
    steps = graph.steps
    uses = Counter(source for step in steps for source in step.sources)
    found: set[int] = set()
    for index, step in enumerate(steps):
        if is_linear(step):
            continue
        found.add(index)
        inside = index
        while step.kind in _ACTIVATIONS and len(steps[inside].sources) == 1:
            inside = steps[inside].sources[0]
            if uses[inside] != 1:
                break
            if steps[inside].kind not in _INSIDE_UNITS:
                if "Conv" in steps[inside].kind:
                    found.add(inside)
                break
    return found


def _function_of(step: SavedStep) -> str:
    """Name of the function or operation of a layer that is nothing else; empty for other layers."""
    node: Any = step.options.get("node_def")
    return str(node.get("op")) if isinstance(node, dict) else str(step.options.get("function") or "")


def _told(step: SavedStep) -> str:
    activation = "" if step.activation in _RECTIFIERS else f" with the activation {step.activation}"
    return f"layer {step.name!r} ({_function_of(step) or step.kind}{activation})"
