"""The layers of a network as rows of a table, with the segment that each belongs to."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from netlens.models.keras.kernel_layers import KernelLayer
from netlens.models.keras.layer_graph import LayerGraph
from netlens.models.keras.segments import chain_obstacle, segments_of
from netlens.models.layer_names import short_labels

#: Titles of the columns, and the share of the width that each takes.
HEADER: Final = ("layer", "kind", "kernel", "stride", "1×1 view", "weights", "segment")
WIDTHS: Final = (1.5, 1.35, 1.45, 0.6, 1.1, 0.9, 1.3)

_KINDS = {
    "conv2d": "convolution",
    "grouped_conv2d": "grouped",
    "depthwise_conv2d": "depthwise",
    "dense": "dense",
}


def layer_rows(layers: Sequence[KernelLayer], graph: LayerGraph) -> list[tuple[str, ...]]:
    """Return one row of text per layer, with the columns of `HEADER`.

    Parameters
    ----------
    layers
        The layers with kernels, in network order.
    graph
        The network's graph.

    Returns
    -------
    list of tuple of str
        The kernel is height x width x inputs per unit x units; weights are counted without biases.
    """
    found = () if chain_obstacle(graph) else segments_of(graph)
    labels = short_labels([segment.name for segment in found])
    segment_of = {name: label for segment, label in zip(found, labels, strict=True) for name in segment.layers}
    rows: list[tuple[str, ...]] = []
    for layer in layers:
        channels = layer.kernel_shape[-2] * layer.groups
        if layer.flatten_shape is not None:
            channels = layer.flatten_shape[-1]
        rows.append(
            (
                layer.label,
                _KINDS[layer.kind],
                "×".join(map(str, layer.kernel_shape)),
                "" if layer.strides is None else "×".join(map(str, layer.strides)),
                f"{channels}×{layer.kernel_shape[-1]}",
                f"{int(np.prod(layer.kernel_shape)):,}",
                segment_of.get(layer.name, "–"),
            )
        )
    return rows
