"""Layers that have kernels: kinds, names, shapes, strides, and the shape that a flatten feeds to the first Dense.

`KernelLayer` is plain data that is saved beside the kernels, so notebooks that only draw do not need TensorFlow.

**Kinds and layout.** A unit is an output channel, and the last axis of every kernel counts the units:
``kernel[..., u]`` is all that unit u multiplies its input by, and ``kernel.reshape(-1, units)`` has one column per
unit. Patterns have the same layout. With C input channels, U units and G groups:

================== ============================ ================================ ============================
kind               kernel                       input of unit u                  1x1 view (`one_by_one_view`)
================== ============================ ================================ ============================
dense              (C, U)                       the vector                       the kernel, or the center of
                                                                                 the map that it flattens
conv2d             (height, width, C, U)        a patch of all channels          center tap
grouped_conv2d     (height, width, C / G, U)    a patch of the C / G channels    center tap, block diagonal
                                                of group u // (U / G)
depthwise_conv2d   (height, width, 1, U)        a patch of channel u // (U / C)  center tap, diagonal
================== ============================ ================================ ============================

A depthwise convolution is a grouped one with G = C. Keras stores its kernel as (height, width, C, U / C), which is the
same array in memory: `kernel_of` reshapes it. A SeparableConv2D is a depthwise convolution followed by a 1x1
convolution, two layers of the prepared network (`netlens.models.keras.folding`). What TensorFlow computes for each kind
(kernel gradient, transpose) is in `netlens.pattern_attribution.patterns.convolution`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.files.atomic import writing
from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.keras.graph import Step, graph_of
from netlens.models.layer_names import short_labels

#: Keras' layers whose kernels are supported, by class name.
KERNEL_CLASSES: Final = frozenset({"Conv2D", "Dense", "DepthwiseConv2D"})

#: Layers that have kernels, but none that patterns or spectra define.
_OTHER_KERNELS = frozenset({
    "Conv1D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "ConvLSTM1D", "ConvLSTM2D",
    "ConvLSTM3D", "DepthwiseConv1D", "SeparableConv1D", "LocallyConnected1D", "LocallyConnected2D", "Embedding", "LSTM",
    "GRU", "SimpleRNN", "RNN", "Bidirectional", "TimeDistributed", "MultiHeadAttention", "EinsumDense",
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
        ``conv2d``, ``grouped_conv2d``, ``depthwise_conv2d`` or ``dense``.
    kernel_shape
        (height, width, inputs per unit and position, units) of a convolution, (inputs, units) of a ``dense``; see the
        module for each kind.
    strides, dilation
        (vertical, horizontal), in pixels; None for ``dense``.
    padding
        ``valid`` or ``same``; None for ``dense``.
    flatten_shape
        For the first ``dense`` behind a flatten: the (H, W, C) that the flatten takes, so that
        ``kernel.reshape(H, W, C, units)`` is that layer as a convolution. None elsewhere.
    groups
        Into how many groups the input channels are split, and with them the units: 1 except for ``grouped_conv2d`` and
        ``depthwise_conv2d``, where each group is one channel.
    """

    name: str
    label: str
    kind: str
    kernel_shape: tuple[int, ...]
    strides: tuple[int, int] | None
    padding: str | None
    dilation: tuple[int, int] | None
    flatten_shape: tuple[int, int, int] | None
    groups: int = 1

    @property
    def inputs(self) -> int:
        """How many values one unit sees at one position."""
        return int(np.prod(self.kernel_shape[:-1]))

    @property
    def units(self) -> int:
        """Number of output channels."""
        return self.kernel_shape[-1]

    @property
    def channels(self) -> int:
        """Number of input channels, or of inputs of a ``dense``."""
        return self.kernel_shape[-2] * self.groups


def kernel_layers(model: Any) -> list[KernelLayer]:
    """Descriptions of the layers of `model` that have a kernel, in network order.

    Parameters
    ----------
    model
        A Keras functional or Sequential model whose kernels are those of Conv2D (grouped or not), DepthwiseConv2D and
        Dense layers. It may contain BatchNormalization, which is folded first by what computes with the kernels
        (`netlens.models.keras.folding`).

    Returns
    -------
    list of KernelLayer

    Raises
    ------
    UnsupportedLayerError
        A layer has another kernel, or is used more than once, or works channels first; the message names it.
    """
    graph = graph_of(model)
    found = [step for step in graph.steps if _has_kernel(step)]
    for step in found:
        if graph.uses(step.layer) > 1:
            raise UnsupportedLayerError(
                f"{step} is used {graph.uses(step.layer)} times; shared kernels are not supported"
            )
        if getattr(step.layer, "data_format", "channels_last") != "channels_last":
            raise UnsupportedLayerError(f"{step} works channels first; convert the network to channels last")
    labels = short_labels([step.name for step in found])
    return [
        replace(
            describe_kernel(
                step.layer, label=label, flatten_shape=_flatten_shape(step) if step.kind == "Dense" else None
            ),
            name=step.name,
        )
        for step, label in zip(found, labels, strict=True)
    ]


def describe_kernel(
    layer: Any, *, label: str | None = None, flatten_shape: tuple[int, int, int] | None = None
) -> KernelLayer:
    """Description of a Keras layer that has a kernel.

    Parameters
    ----------
    layer
        A built Conv2D, DepthwiseConv2D or Dense layer.
    label
        A short name. Default: the layer's name.
    flatten_shape
        As in `KernelLayer`.
    """
    label = layer.name if label is None else label
    shape = tuple(int(size) for size in kernel_variable(layer).shape)
    if len(shape) == 2:
        return KernelLayer(layer.name, label, "dense", shape, None, None, None, flatten_shape)
    if type(layer).__name__ == "DepthwiseConv2D":
        kind, groups = "depthwise_conv2d", shape[2]
        shape = (*shape[:2], 1, shape[2] * shape[3])
    else:
        groups = int(layer.groups)
        kind = "conv2d" if groups == 1 else "grouped_conv2d"
    return KernelLayer(
        name=layer.name,
        label=label,
        kind=kind,
        kernel_shape=shape,
        strides=_pair(layer.strides),
        padding=str(layer.padding),
        dilation=_pair(layer.dilation_rate),
        flatten_shape=None,
        groups=groups,
    )


def kernel_variable(layer: Any) -> Any:
    """Kernel of a Keras layer as Keras holds it; `kernel_of` has its value with one unit per last index."""
    return layer.depthwise_kernel if type(layer).__name__ == "DepthwiseConv2D" else layer.kernel


def kernel_of(layer: Any) -> NDArray[Any]:
    """Kernel of a Keras layer, shaped as `KernelLayer.kernel_shape` says."""
    values: NDArray[Any] = layer.get_weights()[0]
    return values.reshape(describe_kernel(layer).kernel_shape)


def block_diagonal(kernel: NDArray[Any], groups: int) -> NDArray[Any]:
    """Kernel of the ungrouped layer that computes the same as a grouped one.

    Parameters
    ----------
    kernel
        (..., C / groups, U): a kernel, or one tap of it.
    groups
        Number of groups.

    Returns
    -------
    ndarray
        (..., C, U), zero where the channel is not of the unit's group; `kernel` itself for one group.
    """
    if groups == 1:
        return kernel
    channels, units = kernel.shape[-2], kernel.shape[-1] // groups
    result = np.zeros((*kernel.shape[:-2], channels * groups, kernel.shape[-1]), kernel.dtype)
    for group in range(groups):
        columns = slice(group * units, (group + 1) * units)
        result[..., group * channels : (group + 1) * channels, columns] = kernel[..., columns]
    return result


def one_by_one_view(layer: KernelLayer, kernel: NDArray[Any]) -> NDArray[Any]:
    """Matrix M that a layer multiplies the channels of one position by, x @ M, where its taps but one are left out.

    Parameters
    ----------
    layer
        The layer.
    kernel
        An array shaped as its kernel: the kernel, the patterns, or their product.

    Returns
    -------
    ndarray
        (C, U): the center tap ``kernel[height // 2, width // 2]``, block diagonal for a grouped convolution and
        diagonal for a depthwise one. A ``dense`` is its kernel, or, where it reads a flattened map (H, W, C), the rows
        of the position (H // 2, W // 2).

    Raises
    ------
    ValueError
        `kernel` has another shape.
    """
    if kernel.shape != layer.kernel_shape:
        raise ValueError(
            f"layer {layer.name!r}: an array {kernel.shape} is not shaped as its kernel, {layer.kernel_shape}"
        )
    if layer.flatten_shape is not None:
        kernel = kernel.reshape(*layer.flatten_shape, layer.units)
    if kernel.ndim == 4:
        kernel = kernel[kernel.shape[0] // 2, kernel.shape[1] // 2]
    return block_diagonal(kernel, layer.groups)


def _has_kernel(step: Step) -> bool:
    if step.kind == "SeparableConv2D":
        raise UnsupportedLayerError(
            f"{step} has two kernels; fold the network first, which splits it (models.folding.fold_batch_normalization)"
        )
    if step.kind in _OTHER_KERNELS:
        raise UnsupportedLayerError(
            f"{step} is not supported; only Conv2D, DepthwiseConv2D, SeparableConv2D and Dense layers may have kernels"
        )
    return step.kind in KERNEL_CLASSES


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
