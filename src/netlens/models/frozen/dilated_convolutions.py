"""Dilated convolutions of a frozen graph as single operations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import tf
from netlens.models.frozen.node_names import node_of

Array = NDArray[Any]


def replace_dilated(graph_def: Any) -> None:
    """Replace, in place, convolutions between rearranged pixels by dilated convolutions.

    TensorFlow writes a dilated convolution as SpaceToBatchND, Conv2D and BatchToSpaceND, with amounts of padding that
    depend on the size of the map and are constants in a frozen graph: on an image of another size it would fail. The
    Conv2D with dilations computes the same at any size. Where the amounts are those of no padding of Conv2D, or
    another operation reads what lies in between, nothing is replaced. Without oneDNN, TensorFlow has no gradient of the
    new operation on a CPU.
    """
    nodes = {node.name: node for node in graph_def.node}
    readers = Counter(node_of(source) for node in graph_def.node for source in node.input)
    removed: set[str] = set()
    for joined in graph_def.node:
        if joined.op != "BatchToSpaceND":
            continue
        convolution = nodes[node_of(joined.input[0])]
        parted = nodes[node_of(convolution.input[0])]
        if (convolution.op, parted.op) != ("Conv2D", "SpaceToBatchND"):
            continue
        constants = [convolution.input[1], *parted.input[1:], *joined.input[1:]]
        found = _padding_and_rates(convolution, [_constant(nodes, source) for source in constants])
        if found is None or max(readers[convolution.name], readers[parted.name]) > 1:
            continue
        removed |= {convolution.name, parted.name}
        removed |= {name for name in map(node_of, [*parted.input[1:], *joined.input[1:]]) if readers[name] == 1}
        sources, kind = [parted.input[0], convolution.input[1]], convolution.attr["T"].type
        joined.op = "Conv2D"
        joined.attr.clear()
        joined.attr["T"].type = kind
        joined.attr["strides"].list.i.extend([1, 1, 1, 1])
        joined.attr["dilations"].list.i.extend([1, *found[1], 1])
        joined.attr["padding"].s = found[0]
        joined.attr["data_format"].s = b"NHWC"
        del joined.input[:]
        joined.input.extend(sources)
    for name in removed:
        graph_def.node.remove(nodes[name])


def _padding_and_rates(convolution: Any, constants: Sequence[Array | None]) -> tuple[bytes, list[int]] | None:
    """Return the padding and the dilation that three operations make, or None if they make another operation.

    The constants are the kernel, and the blocks and amounts of padding and of cropping.
    """
    known = [constant for constant in constants if constant is not None]
    if len(known) < len(constants):
        return None
    kernel, block, pads, other_block, crops = known
    # Looking an attribute up that is not set would set it.
    attributes = {name: convolution.attr[name] for name in convolution.attr}
    if attributes["padding"].s != b"VALID" or ("data_format" in attributes and attributes["data_format"].s != b"NHWC"):
        return None
    if any(list(attributes[name].list.i) != [1, 1, 1, 1] for name in ("strides", "dilations") if name in attributes):
        return None
    if block.shape != (2,) or not np.array_equal(block, other_block) or pads.shape != (2, 2) or crops.shape != (2, 2):
        return None
    # What was padded for the sake of the block is cropped again.
    added = pads - crops
    whole = (np.array(kernel.shape[:2]) - 1) * block
    if not added.any():
        return b"VALID", block.tolist()
    same = np.stack([whole // 2, whole - whole // 2], axis=1)
    return (b"SAME", block.tolist()) if np.array_equal(added, same) else None


def _constant(nodes: Mapping[str, Any], source: str) -> Array | None:
    node = nodes[node_of(source)]
    while node.op == "Identity":
        node = nodes[node_of(node.input[0])]
    return np.asarray(tf.make_ndarray(node.attr["value"].tensor)) if node.op == "Const" else None
