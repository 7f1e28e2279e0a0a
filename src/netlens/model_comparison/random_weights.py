"""A copy of a frozen network whose kernels are random: what of a similarity comes from the architecture alone."""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from netlens.model_comparison.errors import ComparisonError
from netlens.models.backend import tf
from netlens.models.frozen.frozen_network import FrozenNetwork

_KERNEL_DIMENSIONS: Final = 2


def with_random_weights(network: FrozenNetwork, seed: int) -> FrozenNetwork:
    """Return a copy of a network in which the entries of every kernel are in random order.

    Each kernel keeps its size and its distribution of weights, and the network its biases; what was learned is gone.

    Parameters
    ----------
    network
        A frozen network.
    seed
        Seed of the order.

    Returns
    -------
    FrozenNetwork
        Of the same layers; its name is that of the network with ``, random weights`` after it.

    Raises
    ------
    ComparisonError
        The graph has no kernel.
    """
    graph = tf.compat.v1.GraphDef()
    graph.CopyFrom(network.graph_def)
    rng = np.random.default_rng(seed)
    kernels = [node for node in graph.node if node.op == "Const" and _is_kernel(node)]
    if not kernels:
        raise ComparisonError(f"network {network.name!r} has no kernel whose weights could be random")
    for node in kernels:
        values = tf.make_ndarray(node.attr["value"].tensor)
        shuffled = rng.permutation(values.ravel()).reshape(values.shape)
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(shuffled))
    return replace(network, name=f"{network.name}, random weights", graph_def=graph)


def _is_kernel(node: Any) -> bool:
    tensor = node.attr["value"].tensor
    return bool(tf.as_dtype(tensor.dtype).is_floating) and len(tensor.tensor_shape.dim) >= _KERNEL_DIMENSIONS
