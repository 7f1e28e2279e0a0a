"""Frozen graphs from other sources; their layers are found from their operations."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from netlens.models.backend import tf, tf1
from netlens.models.errors import CheckpointError, NetworkError, first_line, listed
from netlens.models.frozen.channel_order import check_channels_last
from netlens.models.frozen.dilated_convolutions import replace_dilated
from netlens.models.frozen.frozen_network import (
    INPUT,
    FrozenLayer,
    FrozenNetwork,
    digest_of,
    freeze,
    rename,
    replace_identities,
)
from netlens.models.frozen.node_names import node_of
from netlens.models.frozen.operations import BATCH_NORMALIZATIONS, check_operations, strip_attributes
from netlens.models.label_space import LabelSpace, numbered, read_label_space
from netlens.models.loading import load_network
from netlens.models.preprocessing import Preprocessing, preprocessing_from

_KERNELS = {"Conv2D": "conv", "DepthwiseConv2dNative": "conv", "MatMul": "dense"}
_ACTIVATIONS = frozenset({
    "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Tanh", "Sigmoid", "Softplus", "Softsign",
})  # fmt: skip
#: With one input that depends on the image they only scale and shift, or pass on.
_AFFINE = frozenset({"BiasAdd", "Add", "AddV2", "Sub", "Mul", "RealDiv", "Identity", "BatchToSpaceND"})
_JOINS = {"Concat": "concat", "ConcatV2": "concat", "Add": "add", "AddV2": "add", "AddN": "add"}
_OTHERS = {
    "MaxPool": "pool", "MaxPoolV2": "pool", "AvgPool": "pool", "Mean": "pool", "LRN": "norm",
    **dict.fromkeys(sorted(BATCH_NORMALIZATIONS), "norm"),
}  # fmt: skip
#: Between the logits and the end of a graph.
_ENDINGS = frozenset({"Identity", "Reshape", "Squeeze", "Softmax", "LogSoftmax"})
_PLACEHOLDERS = frozenset({"Placeholder", "PlaceholderV2"})
#: protobuf cannot read more; large classifiers have a few thousand operations.
_LARGEST_FILE_BYTES = 2**31 - 1
_MOST_OPERATIONS = 100_000
#: First byte of a SavedModel, its version; no GraphDef can begin with it.
_SAVED_MODEL = b"\x08"


def frozen_network(spec: Mapping[str, Any], *, name: str | None = None) -> FrozenNetwork:
    """Network of a study as a frozen graph, whatever its kind.

    Parameters
    ----------
    spec
        As for `netlens.models.loading.load_network`; with ``kind: file``, the file may also be a .pb file.
    name
        Name in the study. Default: that of the file.

    Returns
    -------
    FrozenNetwork

    Raises
    ------
    FileNotFoundError, NetworkError
        As for `netlens.models.loading.load_network`, `netlens.models.frozen.frozen_network.freeze` and `read_frozen`.
    """
    if spec.get("kind") != "file" or not str(spec["file"]).endswith(".pb"):
        return freeze(load_network(spec, name=name))
    return read_frozen(
        spec["file"],
        name=name,
        size_px=spec.get("size_px"),
        output_node=spec.get("output_node"),
        preprocessing=preprocessing_from(spec.get("preprocessing", "none")),
        classes=read_label_space(spec.get("class_names")),
        sha256=spec.get("sha256"),
    )


def read_frozen(
    path: str | Path,
    *,
    name: str | None = None,
    size_px: int | Sequence[int] | None = None,
    output_node: str | None = None,
    preprocessing: Preprocessing | None = None,
    classes: LabelSpace | None = None,
    sha256: str | None = None,
) -> FrozenNetwork:
    """Classifier read from a frozen TensorFlow graph.

    Parameters
    ----------
    path
        A binary GraphDef without variables.
    name
        Name of the network. Default: the name of the file.
    size_px
        Height and width of the input. Needed only if the graph takes images of any size.
    output_node
        Operation that computes the logits. Default: found at the end of the graph. If there are several ends, such as
        those of auxiliary classifiers, it is the one that depends on the most operations.
    preprocessing
        Maps uint8 images to the inputs of the graph. Default: none.
    classes
        What the logits stand for. Default: ``class_0``, ``class_1``, ...
    sha256
        Expected hash of the file.

    Returns
    -------
    FrozenNetwork
        See `frozen_from_graph`.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    CheckpointError
        The file is truncated or damaged, or is not the expected one; the message states the sha256.
    NetworkError
        The graph is not a frozen classifier of color images.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such frozen graph")
    if file.stat().st_size > _LARGEST_FILE_BYTES:
        raise CheckpointError(f"{file}: {file.stat().st_size / 2**30:.1f} GB, but a frozen graph has at most 2 GB")
    data = file.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if sha256 and digest != sha256:
        raise CheckpointError(
            f"{file}: truncated or changed: its sha256 is {digest} instead of {sha256}; restore the file"
        )
    if data[:1] == _SAVED_MODEL:
        raise NetworkError(
            f"{file}: a SavedModel, not a frozen graph; load it where it was made, and save the network as .keras"
        )
    graph_def = tf1.GraphDef()
    try:
        graph_def.ParseFromString(data)
        _check_complete(graph_def)
    except (DecodeError, CheckpointError) as error:
        raise CheckpointError(
            f"{file}: truncated, damaged or not a frozen graph (sha256 {digest}): {str(error).splitlines()[0]}"
        ) from error
    try:
        return frozen_from_graph(
            graph_def,
            name=name or file.stem,
            size_px=size_px,
            output_node=output_node,
            preprocessing=preprocessing,
            classes=classes,
        )
    except NetworkError as error:
        raise type(error)(f"{file}: {error}") from error


def frozen_from_graph(
    graph_def: Any,
    *,
    name: str,
    size_px: int | Sequence[int] | None = None,
    output_node: str | None = None,
    preprocessing: Preprocessing | None = None,
    classes: LabelSpace | None = None,
) -> FrozenNetwork:
    """Network of a frozen graph: input, logits and layers are found, and what the logits do not need is left out.

    Parameters
    ----------
    graph_def
        TensorFlow GraphDef. Not modified.
    name, size_px, output_node, preprocessing, classes
        As for `read_frozen`.

    Returns
    -------
    FrozenNetwork
        Its layers are activations, convolutions and matrix products without an activation, concatenations, additions,
        poolings and normalizations; a batch normalization between a kernel and its activation is part of their layer.
        A layer has the name of its operation, shortened by a last part that only states the operation's type
        (``conv1`` for ``conv1/Relu``) if the short name is unique.

    Raises
    ------
    NetworkError
        The input or the logits are not found, or the graph has variables.
    UnsupportedLayerError
        The logits depend on an operation that is not on the list of `netlens.models.frozen.operations`, or on maps with
        channels first. No part of the graph has been run in that case.
    """
    nodes = {node.name: node for node in graph_def.node}
    output = output_node or _logits_node(name, graph_def, nodes)
    if output not in nodes:
        raise NetworkError(f"network {name!r} has no operation {output!r} for the logits; correct output_node")
    order = _after_sources(nodes, output)
    check_operations(name, [nodes[each] for each in order])
    check_channels_last(name, {each: nodes[each] for each in order})
    source = _image_node(name, [nodes[each] for each in order if nodes[each].op in _PLACEHOLDERS])
    shape = _input_shape(name, source, size_px)

    # Without the graph's library: functions are refused, and an operation could have the name of a function.
    kept = tf1.GraphDef(versions=graph_def.versions)
    for each in order:
        node = kept.node.add()
        node.CopyFrom(nodes[each])
        strip_attributes(node)
        sources = [source for source in node.input if not source.startswith("^")]
        del node.input[:]
        node.input.extend(sources)
        if each == source.name:
            node.attr["shape"].shape.CopyFrom(tf.TensorShape([None, *shape]).as_proto())
    rename(kept, source.name, INPUT)
    replace_identities(kept)

    shapes = _shapes(name, kept)
    # Only now is it known that every operation has the inputs that it needs.
    replace_dilated(kept)
    logits = shapes[output]
    if len(logits) != 2 or logits[1] is None:
        raise NetworkError(f"network {name!r}: {output!r} does not output one value per class, but {logits[1:]}")
    space = classes or numbered(logits[1])
    if len(space.names) != logits[1]:
        raise NetworkError(f"network {name!r} has {logits[1]} outputs, but {len(space.names)} class names are given")
    return FrozenNetwork(
        name=name,
        graph_def=kept,
        input_node=INPUT,
        output_node=output,
        layers=_layers(kept, shapes, output),
        input_shape=shape,
        class_names=space.names,
        class_ids=() if space.ids == space.names else space.ids,
        preprocessing=preprocessing or Preprocessing(),
        sha256=digest_of(kept),
    )


def _check_complete(graph_def: Any) -> None:
    """Check that every input exists: a file that is cut off between two operations can still be parsed."""
    if not graph_def.node:
        raise CheckpointError("it has no operations")
    if len(graph_def.node) > _MOST_OPERATIONS:
        raise CheckpointError(f"it has {len(graph_def.node)} operations; at most {_MOST_OPERATIONS} are allowed")
    names: set[str] = set()
    for node in graph_def.node:
        if not node.name or node.name in names:
            raise CheckpointError(f"two operations are named {node.name[:80]!r}" if node.name else "one has no name")
        names.add(node.name)
    for node in graph_def.node:
        for source in node.input:
            if node_of(source) not in names:
                raise CheckpointError(f"operation {node.name!r} takes {source!r}, which is missing")


def _after_sources(nodes: Mapping[str, Any], output: str) -> list[str]:
    """Operations that `output` needs, each after its sources; not recursive, since graphs are deeper than the stack."""
    order: list[str] = []
    seen: set[str] = set()
    pending = [(output, False)]
    while pending:
        name, sources_done = pending.pop()
        if sources_done:
            order.append(name)
        elif name not in seen:
            seen.add(name)
            pending.append((name, True))
            sources = [node_of(source) for source in reversed(nodes[name].input) if not source.startswith("^")]
            pending += [(source, False) for source in sources]
    return order


def _logits_node(name: str, graph_def: Any, nodes: Mapping[str, Any]) -> str:
    used = {node_of(source) for node in graph_def.node for source in node.input}
    ends = [node.name for node in graph_def.node if node.name not in used and node.input]
    if not ends:
        raise NetworkError(f"network {name!r} has no operation that could be its logits; set output_node")
    end: str = max(ends, key=lambda each: len(_after_sources(nodes, each)))
    current, softmax = end, ""
    passed: set[str] = set()
    while nodes[current].op in _ENDINGS and nodes[current].input and current not in passed:
        passed.add(current)
        if nodes[current].op in {"Softmax", "LogSoftmax"}:
            softmax = current
        current = node_of(nodes[current].input[0])
    if softmax:
        return node_of(str(nodes[softmax].input[0]))
    if nodes[current].op == "Sigmoid":
        raise NetworkError(
            f"network {name!r} ends in a sigmoid at {current!r}; only softmax and logits are supported; set "
            "output_node if another operation computes the logits"
        )
    return end


def _image_node(name: str, placeholders: Sequence[Any]) -> Any:
    if len(placeholders) != 1:
        found = listed(node.name for node in placeholders) or "none"
        raise NetworkError(f"network {name!r} must have one placeholder, for images; it has {found}")
    if placeholders[0].attr["dtype"].type != tf.float32.as_datatype_enum:
        given = tf.as_dtype(placeholders[0].attr["dtype"].type).name
        raise NetworkError(f"network {name!r} takes {given} at {placeholders[0].name!r}; it must take float32 images")
    return placeholders[0]


def _input_shape(name: str, placeholder: Any, size_px: int | Sequence[int] | None) -> tuple[int, int, int]:
    stored = placeholder.attr["shape"].shape
    sizes = [None if dimension.size < 0 else int(dimension.size) for dimension in stored.dim] or [None] * 4
    if len(sizes) == 4 and sizes[1] == 3 and sizes[3] != 3:
        raise NetworkError(
            f"network {name!r} takes images with channels first at {placeholder.name!r}; convert the graph to channels "
            "last (NHWC)"
        )
    if len(sizes) != 4 or sizes[3] not in (None, 3):
        raise NetworkError(f"network {name!r} takes {sizes[1:]} at {placeholder.name!r}, not images (height, width, 3)")
    wanted = (size_px, size_px) if isinstance(size_px, int) else tuple(size_px or sizes[1:3])
    height, width = wanted
    if height is None or width is None:
        raise NetworkError(f"network {name!r} takes images of any size; set size_px: [height, width]")
    if any(have not in (None, want) for have, want in zip(sizes[1:3], wanted, strict=True)):
        raise NetworkError(f"network {name!r} takes {sizes[1]} x {sizes[2]} pixels, not {height} x {width}")
    return int(height), int(width), 3


def _shapes(name: str, graph_def: Any) -> dict[str, tuple[int | None, ...]]:
    """Shape of each operation's first output; () where its rank is unknown."""
    try:
        with tf.Graph().as_default() as graph:
            tf1.import_graph_def(graph_def, name="")
    except (ValueError, tf.errors.OpError) as error:
        raise NetworkError(f"network {name!r} is not a valid graph: {first_line(error)}") from error
    shapes: dict[str, tuple[int | None, ...]] = {}
    for operation in graph.get_operations():
        shape = operation.outputs[0].shape if operation.outputs else tf.TensorShape(None)
        shapes[operation.name] = () if shape.rank is None else tuple(shape.as_list())
    return shapes


def _layers(graph_def: Any, shapes: Mapping[str, tuple[int | None, ...]], output: str) -> tuple[FrozenLayer, ...]:
    nodes = {node.name: node for node in graph_def.node}
    kinds = _kinds(nodes, output)
    found = {name: kind for name, kind in kinds.items() if len(shapes[name]) in (2, 4) and shapes[name][-1]}
    labels = _labels([nodes[name] for name in found])
    layers = []
    for name, kind in found.items():
        height, width = shapes[name][1:3] if len(shapes[name]) == 4 else (None, None)
        layers.append(FrozenLayer(labels[name], name, kind, int(shapes[name][-1] or 0), height, width))
    return tuple(layers)


def _kinds(nodes: Mapping[str, Any], output: str) -> dict[str, str]:
    """Kind of layer by the operation of its output; each of `nodes` comes after its sources."""
    data, users, kernels = _data_and_kernels(nodes)
    behind = {name for name in kernels if nodes[name].op not in _KERNELS}
    found: dict[str, str] = {}
    for name, sources in data.items():
        op = nodes[name].op
        if name in kernels:
            # If everything that follows only scales, shifts or activates, one of those is the layer's output.
            after = users.get(name, [])
            if name == output or not all(user in behind or nodes[user].op in _ACTIVATIONS for user in after):
                found[name] = kernels[name]
        elif name == INPUT:
            found[name] = "input"
        elif op in _ACTIVATIONS:
            found[name] = kernels.get(sources[0], "other")
        elif op in _JOINS and len(sources) > 1:
            found[name] = _JOINS[op]
        elif op in _OTHERS:
            found[name] = _OTHERS[op]
    return found


def _data_and_kernels(nodes: Mapping[str, Any]) -> tuple[dict[str, list[str]], dict[str, list[str]], dict[str, str]]:
    """Operations that depend on the image, with their sources that do; their users; and the kinds of kernels' outputs.

    Operations that only scale and shift a kernel's output count as outputs of the kernel.
    """
    data: dict[str, list[str]] = {}
    users: dict[str, list[str]] = {}
    kernels: dict[str, str] = {}
    for name, node in nodes.items():
        sources = [node_of(source) for source in node.input if node_of(source) in data]
        if not sources and name != INPUT:
            continue
        data[name] = sources
        for source in sources:
            users.setdefault(source, []).append(name)
        if node.op in _KERNELS:
            kernels[name] = _KERNELS[node.op]
        elif node.op in _AFFINE and len(sources) == 1 and sources[0] in kernels:
            kernels[name] = kernels[sources[0]]
    for name in nodes:
        # After a kernel it only scales and shifts too; if an activation follows, the three are one layer.
        if nodes[name].op in BATCH_NORMALIZATIONS and len(data.get(name, [])) == 1:
            source, after = data[name][0], [nodes[user].op for user in users.get(name, [])]
            if source in kernels and after and len(users[source]) == 1 and _ACTIVATIONS.issuperset(after):
                kernels[name] = kernels[source]
    return data, users, kernels


def _labels(nodes: Sequence[Any]) -> dict[str, str]:
    """Names of layers: those of their operations, without a last part that only states the type if that is unique."""
    short = {}
    for node in nodes:
        scope, _, last = node.name.rpartition("/")
        kind = re.sub(r"_\d+$", "", last).lower()
        says_type = kind in {node.op.lower(), "biasadd", "bias_add", "concat", "add", "depthwise"}
        short[node.name] = scope if scope and says_type else node.name
    taken = Counter([*short.values(), *(name for name, label in short.items() if label != name)])
    return {name: label if taken[label] == 1 and label != INPUT else name for name, label in short.items()}
