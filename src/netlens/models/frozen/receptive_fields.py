"""The part of an image that each position of a layer sees."""

from collections.abc import Sequence
from typing import Any

from netlens.models.backend import tf1
from netlens.models.frozen.frozen_network import FrozenNetwork
from netlens.models.frozen.node_names import node_of
from netlens.models.frozen.reach import Reach, reaches


def part_for(network: FrozenNetwork, layers: Sequence[str]) -> Any:
    """Return the part of a network's graph that some layers need.

    Raises
    ------
    netlens.models.errors.NetworkError
        There is no such layer; the message gives the nearest names.
    """
    nodes = {node.name: node for node in network.graph_def.node}
    needed = {network.input_node}
    pending = [network.layer(layer).node for layer in layers]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            pending += map(node_of, nodes[name].input)
    part = tf1.GraphDef(versions=network.graph_def.versions, library=network.graph_def.library)
    part.node.extend(node for node in network.graph_def.node if node.name in needed)
    return part


def receptive_fields(
    network: FrozenNetwork, layers: Sequence[str], size_px: tuple[int, int] | None = None
) -> dict[str, tuple[Reach, Reach]]:
    """Derive which rows and columns of the image each position of some layers depends on.

    Parameters
    ----------
    network
        A frozen network.
    layers
        Names of layers with positions.
    size_px
        Height and width of the image. Default: the network's own.

    Returns
    -------
    dict
        Layer -> reach of its rows and of its columns, clipped at the image's borders. A layer that depends on a mean
        over all positions sees the whole image from everywhere.

    Raises
    ------
    netlens.models.errors.NetworkError
        There is no such layer, or it does not depend on the image.
    """
    height, width = size_px or network.input_shape[:2]
    with tf1.Graph().as_default():
        images = tf1.placeholder(tf1.float32, (1, height, width, network.input_shape[2]))
        outputs = tf1.import_graph_def(
            part_for(network, layers),
            input_map={f"{network.input_node}:0": images},
            return_elements=[f"{network.layer(layer).node}:0" for layer in layers],
        )
        return {layer: reaches(images, output) for layer, output in zip(layers, outputs, strict=True)}
