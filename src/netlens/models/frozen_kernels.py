"""Kernels of a frozen network's convolutions."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import tf
from netlens.models.frozen import FrozenNetwork
from netlens.models.graph import NetworkError

#: Operations between a convolution and its layer's output, with the data in the first input.
_BEHIND_KERNEL = frozenset({
    "Identity", "BiasAdd", "Add", "AddV2", "Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus",
    "BatchToSpaceND",
})  # fmt: skip


def convolution_kernel(network: FrozenNetwork, layer: str) -> NDArray[np.float32]:
    """Read the kernel of a convolution.

    Parameters
    ----------
    network
        A frozen network.
    layer
        Name of a layer of kind ``conv``.

    Returns
    -------
    ndarray
        float32, (height, width, inputs, units).

    Raises
    ------
    NetworkError
        There is no such layer, or it is no ordinary convolution with a constant kernel.
    """
    nodes = {node.name: node for node in network.graph_def.node}
    node = nodes[network.layer(layer).node]
    while node.op in _BEHIND_KERNEL:
        node = _input(nodes, node, 0)
    if node.op != "Conv2D":
        raise NetworkError(
            f"layer {layer!r} of network {network.name!r} is no ordinary convolution (found {node.op} {node.name!r})"
        )
    kernel = _input(nodes, node, 1)
    while kernel.op == "Identity":
        kernel = _input(nodes, kernel, 0)
    if kernel.op != "Const":
        raise NetworkError(f"the kernel of layer {layer!r} is computed ({kernel.op}), not constant")
    values: NDArray[np.float32] = np.asarray(tf.make_ndarray(kernel.attr["value"].tensor), np.float32)
    return values


def _input(nodes: dict[str, Any], node: Any, index: int) -> Any:
    return nodes[node.input[index].lstrip("^").split(":")[0]]
