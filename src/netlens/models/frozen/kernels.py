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


def convolution_kernel(network: FrozenNetwork, layer: str) -> NDArray[np.float32]:
    """Kernel of a convolution.

    Parameters
    ----------
    network
        A frozen network.
    layer
        Name of a layer of kind ``conv``.

    Returns
    -------
    ndarray
        float32, (height, width, inputs, units). If batch normalization follows, each unit's kernel is multiplied by
        gamma / sqrt(variance + epsilon).

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
    values: NDArray[np.float32] = (_constant(nodes, node, 1, layer) * scale).astype(np.float32)
    return values


def _constant(nodes: dict[str, Any], node: Any, index: int, layer: str) -> NDArray[np.float64]:
    """Constant that an operation takes as input number `index`."""
    source = _input(nodes, node, index)
    while source.op == "Identity":
        source = _input(nodes, source, 0)
    if source.op != "Const":
        raise NetworkError(f"the kernel of layer {layer!r} is computed ({source.op}), not constant")
    values: NDArray[np.float64] = np.asarray(tf.make_ndarray(source.attr["value"].tensor), np.float64)
    return values


def _input(nodes: dict[str, Any], node: Any, index: int) -> Any:
    return nodes[node_of(node.input[index])]
