"""Kernels of a frozen network's convolutions, including the batch normalization that follows them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import tf
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.models.frozen.node_names import node_of

_BATCH_NORMALIZATIONS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})

#: Operations between a convolution and its layer's output, with the data in the first input.
_BEHIND_KERNEL = frozenset({
    "Identity", "BiasAdd", "Add", "AddV2", "Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus",
    "BatchToSpaceND",
})  # fmt: skip

#: Operations before a convolution that leave the scale of each channel as it is, with the data in the first input.
_UNSCALED = frozenset({"Identity", "BiasAdd", "Pad", "PadV2", "SpaceToBatchND"})


def convolution_kernel(network: FrozenNetwork, layer: str, *, source: str | None = None) -> NDArray[np.float32]:
    """Kernel of a convolution.

    Parameters
    ----------
    network
        A frozen network.
    layer
        Name of a layer of kind ``conv``.
    source
        Name of the layer that it reads, as the input, where the graph scales the channels between the two, which a
        frozen graph may do by operations that are no layers. Default: the kernel is that of what the convolution reads.

    Returns
    -------
    ndarray
        float32, (height, width, inputs, units). If batch normalization follows, each unit's kernel is multiplied by
        gamma / sqrt(variance + epsilon). With a `source`, the weights of each input channel are multiplied by its
        scale.

    Raises
    ------
    NetworkError
        There is no such layer, or it is not an ordinary convolution with a constant kernel.
    """
    nodes = {node.name: node for node in network.graph_def.node}
    node = nodes[network.layer(layer).node]
    scale: Any = 1.0
    while node.op in _BEHIND_KERNEL or (node.op in _BATCH_NORMALIZATIONS and not node.attr["is_training"].b):
        if node.op in _BATCH_NORMALIZATIONS:
            gamma, variance = (_constant(nodes, node, index, layer) for index in (1, 4))
            scale = scale * gamma / np.sqrt(variance + node.attr["epsilon"].f)
        node = _input(nodes, node, 0)
    if node.op != "Conv2D":
        raise NetworkError(
            f"layer {layer!r} of network {network.name!r} is not an ordinary convolution, but {node.op} {node.name!r}"
        )
    kernel = _constant(nodes, node, 1, layer) * scale
    if source is not None:
        kernel *= _scale_before(nodes, node, network.layer(source).node, kernel.shape[2])[:, None]
    values: NDArray[np.float32] = kernel.astype(np.float32)
    return values


def _scale_before(nodes: dict[str, Any], node: Any, source: str, channels: int) -> NDArray[np.float64]:
    """Scale of each channel from `source` to what a convolution reads, as far back as operations keep channels apart.

    What does more than that, as mixing channels, ends the walk: its linear map is no scale.
    """
    scale = np.ones(channels)
    node = _input(nodes, node, 0)
    while node.name != node_of(source):
        data = 0
        if node.op in ("Mul", "RealDiv", "Add", "AddV2", "Sub"):
            constants = [_constant_or_none(nodes, node, index) for index in (0, 1)]
            data = 0 if constants[0] is None else 1
            other = constants[1 - data]
            if other is None or other.size not in (1, channels) or (data and node.op == "RealDiv"):
                break
            if node.op in ("Mul", "RealDiv"):
                scale = scale * other.reshape(-1) if node.op == "Mul" else scale / other.reshape(-1)
            elif data and node.op == "Sub":
                scale = -scale
        elif node.op not in _UNSCALED:
            break
        node = _input(nodes, node, data)
    return scale


def _constant(nodes: dict[str, Any], node: Any, index: int, layer: str) -> NDArray[np.float64]:
    """Constant that an operation takes as input number `index`."""
    values = _constant_or_none(nodes, node, index)
    if values is None:
        raise NetworkError(f"the kernel of layer {layer!r} is computed ({_input(nodes, node, index).op}), not constant")
    return values


def _constant_or_none(nodes: dict[str, Any], node: Any, index: int) -> NDArray[np.float64] | None:
    source = _input(nodes, node, index)
    while source.op == "Identity":
        source = _input(nodes, source, 0)
    return np.asarray(tf.make_ndarray(source.attr["value"].tensor), np.float64) if source.op == "Const" else None


def _input(nodes: dict[str, Any], node: Any, index: int) -> Any:
    return nodes[node_of(node.input[index])]
