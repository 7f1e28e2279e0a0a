"""Layers that have kernels: names, shapes, strides, and the shape that a flatten feeds to the first Dense.

`KernelLayer` is plain data that is saved beside the kernels, so notebooks that only draw do not need TensorFlow.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from netlens.files.atomic import writing
from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.keras.graph import Step, graph_of
from netlens.models.layer_names import short_labels

#: Layers that have kernels, but none that patterns or spectra define.
_OTHER_KERNELS = frozenset({
    "Conv1D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "ConvLSTM1D", "ConvLSTM2D",
    "ConvLSTM3D", "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "LocallyConnected1D",
    "LocallyConnected2D", "Embedding", "LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "TimeDistributed",
    "MultiHeadAttention", "EinsumDense",
})  # fmt: skip

#: Layers between a flatten and a Dense that leave every element where it is.
_ELEMENTWISE = frozenset({
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "ThresholdedReLU", "Dropout", "AlphaDropout", "GaussianDropout",
    "GaussianNoise", "BatchNormalization", "ActivityRegularization",
})  # fmt: skip


@dataclass(frozen=True)
class KernelLayer:
    """One layer with a kernel.

    Attributes
    ----------
    name
        The layer's name in the network.
    label
        A short name for axes, such as ``conv1_2``; different for every layer of a network.
    kind
        ``conv2d`` or ``dense``.
    kernel_shape
        (height, width, inputs, units) for ``conv2d``, (inputs, units) for ``dense``.
    strides, dilation
        (vertical, horizontal), in pixels; None for ``dense``.
    padding
        ``valid`` or ``same``; None for ``dense``.
    flatten_shape
        For the first ``dense`` behind a flatten: the (H, W, C) that the flatten takes, so that
        ``kernel.reshape(H, W, C, units)`` is that layer as a convolution. None elsewhere.
    """

    name: str
    label: str
    kind: str
    kernel_shape: tuple[int, ...]
    strides: tuple[int, int] | None
    padding: str | None
    dilation: tuple[int, int] | None
    flatten_shape: tuple[int, int, int] | None


def kernel_layers(model: Any) -> list[KernelLayer]:
    """Descriptions of the layers of `model` that have a kernel, in network order.

    Parameters
    ----------
    model
        A Keras functional or Sequential model of Conv2D and Dense layers and layers without kernels. It may contain
        BatchNormalization, which is folded first by what computes with the kernels (`netlens.models.keras.folding`).

    Returns
    -------
    list of KernelLayer

    Raises
    ------
    UnsupportedLayerError
        A layer has a kernel that is neither a Dense layer's nor an ordinary two-dimensional convolution's, or is used
        more than once, or works channels first; the message names it.
    """
    graph = graph_of(model)
    found = [step for step in graph.steps if _has_kernel(step)]
    for step in found:
        if graph.uses(step.layer) > 1:
            raise UnsupportedLayerError(
                f"{step} is used {graph.uses(step.layer)} times; shared kernels are not supported"
            )
    labels = short_labels([step.name for step in found])
    return [_describe(step, label) for step, label in zip(found, labels, strict=True)]


def _has_kernel(step: Step) -> bool:
    if step.kind in _OTHER_KERNELS:
        raise UnsupportedLayerError(f"{step} is not supported; only Conv2D and Dense layers may have kernels")
    return step.kind in {"Conv2D", "Dense"}


def _describe(step: Step, label: str) -> KernelLayer:
    layer = step.layer
    kernel_shape = tuple(int(size) for size in layer.kernel.shape)
    if step.kind == "Dense":
        return KernelLayer(step.name, label, "dense", kernel_shape, None, None, None, _flatten_shape(step))
    if layer.data_format != "channels_last":
        raise UnsupportedLayerError(f"{step} works channels first; convert the network to channels last")
    if layer.groups != 1:
        raise UnsupportedLayerError(f"{step} has {layer.groups} groups; only ungrouped convolutions are supported")
    return KernelLayer(
        name=step.name,
        label=label,
        kind="conv2d",
        kernel_shape=kernel_shape,
        strides=_pair(layer.strides),
        padding=str(layer.padding),
        dilation=_pair(layer.dilation_rate),
        flatten_shape=None,
    )


def _pair(values: Sequence[int]) -> tuple[int, int]:
    vertical, horizontal = values
    return int(vertical), int(horizontal)


def _flatten_shape(dense: Step) -> tuple[int, int, int] | None:
    """Follow a Dense layer's input back to the flatten that feeds it, if one does."""
    step = dense
    while len(step.sources) == 1:
        step = step.source
        if step.kind in _ELEMENTWISE:
            continue
        if step.kind not in {"Flatten", "Reshape"} or len(step.output_shape) != 1:
            return None
        if getattr(step.layer, "data_format", "channels_last") != "channels_last":
            raise UnsupportedLayerError(f"{step} works channels first; convert the network to channels last")
        shape = step.source.output_shape
        if len(shape) != 3:
            return None
        if None in shape:
            raise UnsupportedLayerError(f"{step} flattens a map of unknown size {shape}; give an input size")
        height, width, channels = (int(size) for size in shape if size is not None)
        return height, width, channels
    return None


def write_layers(path: str | Path, layers: Sequence[KernelLayer], description: Mapping[str, Any] | None = None) -> None:
    """Save layers as JSON, ``{"layers": [...]}``, together with the description of the network.

    Parameters
    ----------
    path
        File to write.
    layers
        As `kernel_layers` gives them.
    description
        Further entries, such as ``input_shape`` and ``class_names``.

    Raises
    ------
    ValueError
        `description` has an entry ``layers``, or holds what JSON cannot.
    """
    if description is not None and "layers" in description:
        raise ValueError("description must not have an entry 'layers'; that one is written from the layers")
    document = {**(description or {}), "layers": [asdict(layer) for layer in layers]}
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_layers(path: str | Path) -> list[KernelLayer]:
    """Layers that `write_layers` has saved.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    NetworkError
        It is not a description of layers.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such description of a network; run the rule that makes it")
    names = {entry.name for entry in fields(KernelLayer)}
    try:
        entries: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["layers"]
        plain = [{name: _tuple(value) for name, value in entry.items() if name in names} for entry in entries]
        return [KernelLayer(**entry) for entry in plain]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NetworkError(f"{file}: not a description of a network's layers ({error}); make it again") from error


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
