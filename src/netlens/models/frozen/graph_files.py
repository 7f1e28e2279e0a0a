"""Read frozen graphs that somebody else made; their layers are found from the operations."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from netlens.models.backend import tf, tf1
from netlens.models.errors import CheckpointError, NetworkError
from netlens.models.frozen.frozen_network import INPUT, FrozenLayer, FrozenNetwork, digest_of, freeze, node_of, rename
from netlens.models.frozen.operations import BATCH_NORMALIZATIONS, check_operations, strip_attributes
from netlens.models.loading import load_network
from netlens.models.network import read_class_names
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
#: protobuf reads no more; a graph of a million images' classifier has some thousand operations.
_LARGEST_FILE_BYTES = 2**31 - 1
_MOST_OPERATIONS = 100_000


def frozen_network(spec: Mapping[str, Any], *, name: str | None = None) -> FrozenNetwork:
    """Give any network of a study as a frozen graph.

    Parameters
    ----------
    spec
        As in `netlens.models.loading.load_network`; with ``kind: file``, the file may be a .pb.
    name
        Name in the study. Default: that of the file.

    Returns
    -------
    FrozenNetwork

    Raises
    ------
    FileNotFoundError, NetworkError
        As `netlens.models.loading.load_network`, `netlens.models.frozen.frozen_network.freeze` and `read_frozen`.
    """
    if spec.get("kind") != "file" or not str(spec["file"]).endswith(".pb"):
        return freeze(load_network(spec, name=name))
    return read_frozen(
        spec["file"],
        name=name,
        size_px=spec.get("size_px"),
        output_node=spec.get("output_node"),
        preprocessing=preprocessing_from(spec.get("preprocessing", "none")),
        class_names=spec.get("class_names"),
        sha256=spec.get("sha256"),
    )


def read_frozen(
    path: str | Path,
    *,
    name: str | None = None,
    size_px: int | Sequence[int] | None = None,
    output_node: str | None = None,
    preprocessing: Preprocessing | None = None,
    class_names: Sequence[str] | str | None = None,
    sha256: str | None = None,
) -> FrozenNetwork:
    """Read a classifier from a frozen TensorFlow graph.

    Parameters
    ----------
    path
        A binary GraphDef without variables.
    name
        Of the network. Default: that of the file.
    size_px
        Height and width of the input, where the graph takes any size.
    output_node
        Operation that gives the logits. Default: found at the end of the graph; of several ends, such as those of
        auxiliary classifiers, that behind most operations.
    preprocessing
        From uint8 images to the graph's input. Default: none.
    class_names
        Names in the order of the logits, or a file of them. Default: ``class_0``, ...
    sha256
        What the file must be.

    Returns
    -------
    FrozenNetwork
        See `frozen_from_graph`.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    CheckpointError
        It is truncated, damaged, or not the one that is expected; sha256 told.
    NetworkError
        It is no frozen classifier of colour images.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such frozen graph")
    if file.stat().st_size > _LARGEST_FILE_BYTES:
        raise CheckpointError(
            f"{file}: {file.stat().st_size / 2**30:.1f} GB, and a frozen graph holds at most 2 GB; it is something else"
        )
    data = file.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if sha256 and digest != sha256:
        raise CheckpointError(
            f"{file}: truncated or changed: its sha256 is {digest}, but {sha256} is expected; restore the file"
        )
    graph_def = tf1.GraphDef()
    try:
        graph_def.ParseFromString(data)
        _check_complete(graph_def)
    except (DecodeError, CheckpointError) as error:
        raise CheckpointError(
            f"{file}: truncated, damaged or no frozen graph (sha256 {digest}): {str(error).splitlines()[0]}"
        ) from error
    try:
        return frozen_from_graph(
            graph_def,
            name=name or file.stem,
            size_px=size_px,
            output_node=output_node,
            preprocessing=preprocessing,
            class_names=class_names,
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
    class_names: Sequence[str] | str | None = None,
) -> FrozenNetwork:
    """Find input, logits and layers of a frozen graph; what the logits do not need is left out.

    Parameters
    ----------
    graph_def
        TensorFlow GraphDef. Not changed.
    name, size_px, output_node, preprocessing, class_names
        As in `read_frozen`.

    Returns
    -------
    FrozenNetwork
        Its layers: activations, convolutions and matrix products that no activation follows, concatenations,
        additions, poolings and normalizations, but for a batch normalization between a kernel and its activation. A
        layer is named as its operation, without a last part that only says the operation's type (``conv1/Relu`` is
        ``conv1``) where no other layer has that name.

    Raises
    ------
    NetworkError
        Input or logits are not found, or something in the graph is not constant.
    UnsupportedLayerError
        What the logits need is more than mathematics on numbers (`netlens.models.frozen.operations`). Nothing of the
        graph has run then.
    """
    nodes = {node.name: node for node in graph_def.node}
    output = output_node or _logits_node(name, graph_def, nodes)
    if output not in nodes:
        raise NetworkError(f"network {name!r} has no operation {output!r} to give the logits")
    order = _after_sources(nodes, output)
    check_operations(name, [nodes[each] for each in order])
    source = _image_node(name, [nodes[each] for each in order if nodes[each].op in _PLACEHOLDERS])
    shape = _input_shape(name, source, size_px)

    # Without the graph's library: functions are refused, and an operation could have a function's name.
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

    shapes = _shapes(name, kept)
    classes = shapes[output]
    if len(classes) != 2 or classes[1] is None:
        raise NetworkError(f"network {name!r}: {output!r} does not give one value a class, but {classes[1:]}")
    names = read_class_names(class_names) or tuple(f"class_{index}" for index in range(classes[1]))
    if len(names) != classes[1]:
        raise NetworkError(f"network {name!r} has {classes[1]} outputs, but {len(names)} class names are given")
    return FrozenNetwork(
        name=name,
        graph_def=kept,
        input_node=INPUT,
        output_node=output,
        layers=_layers(kept, shapes, output),
        input_shape=shape,
        class_names=names,
        preprocessing=preprocessing or Preprocessing(),
        sha256=digest_of(kept),
    )


def _check_complete(graph_def: Any) -> None:
    """See that every input is there: a file may end exactly between two operations, and then reads well."""
    if not graph_def.node:
        raise CheckpointError("it holds no operations")
    if len(graph_def.node) > _MOST_OPERATIONS:
        raise CheckpointError(f"it holds {len(graph_def.node)} operations, and {_MOST_OPERATIONS} are the most")
    names: set[str] = set()
    for node in graph_def.node:
        if not node.name or node.name in names:
            raise CheckpointError(f"two operations are named {node.name[:80]!r}" if node.name else "one has no name")
        names.add(node.name)
    for node in graph_def.node:
        for source in node.input:
            if node_of(source) not in names:
                raise CheckpointError(f"operation {node.name!r} takes {source!r}, which is not there")


def _after_sources(nodes: Mapping[str, Any], output: str) -> list[str]:
    """List what an operation needs, each behind its sources; no recursion, since graphs are deeper than the stack."""
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
        raise NetworkError(f"network {name!r} has no end that could be its logits; say which: output_node")
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
            f"network {name!r} ends in a sigmoid at {current!r}; only softmax and logits are supported: or say which "
            "operation gives the logits: output_node"
        )
    return end


def _image_node(name: str, placeholders: Sequence[Any]) -> Any:
    if len(placeholders) != 1:
        found = ", ".join(node.name for node in placeholders) or "none"
        raise NetworkError(f"network {name!r} must have one placeholder, for images; there is {found}")
    if placeholders[0].attr["dtype"].type != tf.float32.as_datatype_enum:
        given = tf.as_dtype(placeholders[0].attr["dtype"].type).name
        raise NetworkError(f"network {name!r} takes {given} at {placeholders[0].name!r}; float32 images are needed")
    return placeholders[0]


def _input_shape(name: str, placeholder: Any, size_px: int | Sequence[int] | None) -> tuple[int, int, int]:
    stored = placeholder.attr["shape"].shape
    sizes = [None if dimension.size < 0 else int(dimension.size) for dimension in stored.dim] or [None] * 4
    if len(sizes) != 4 or sizes[3] not in (None, 3):
        raise NetworkError(f"network {name!r} takes {sizes[1:]} at {placeholder.name!r}, not images (height, width, 3)")
    wanted = (size_px, size_px) if isinstance(size_px, int) else tuple(size_px or sizes[1:3])
    height, width = wanted
    if height is None or width is None:
        raise NetworkError(f"network {name!r} takes images of any size; say which: size_px: [height, width]")
    if any(have not in (None, want) for have, want in zip(sizes[1:3], wanted, strict=True)):
        raise NetworkError(f"network {name!r} takes {sizes[1]} x {sizes[2]} pixels, not {height} x {width}")
    return int(height), int(width), 3


def _shapes(name: str, graph_def: Any) -> dict[str, tuple[int | None, ...]]:
    """Infer the shape of each operation's first output; () where its rank is not known."""
    try:
        with tf.Graph().as_default() as graph:
            tf1.import_graph_def(graph_def, name="")
    except (ValueError, tf.errors.OpError) as error:
        raise NetworkError(f"network {name!r} is no valid graph: {str(error).splitlines()[0]}") from error
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
    """Give the operations that are layers' outputs, each with the layer's kind; `nodes` come after their sources."""
    data, users, kernels = _data_and_kernels(nodes)
    behind = {name for name in kernels if nodes[name].op not in _KERNELS}
    found: dict[str, str] = {}
    for name, sources in data.items():
        op = nodes[name].op
        if name in kernels:
            # Where all that follows only scales, shifts or activates, one of those is the layer's output.
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
    """Give what depends on the image with those of its sources that do; their users; kernels' outputs with a kind.

    Behind a kernel's own operation follow those that only scale and shift what it gives.
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
        # Behind a kernel it only scales and shifts as well; with an activation behind it, the three are one layer.
        if nodes[name].op in BATCH_NORMALIZATIONS and len(data.get(name, [])) == 1:
            source, after = data[name][0], [nodes[user].op for user in users.get(name, [])]
            if source in kernels and after and len(users[source]) == 1 and _ACTIVATIONS.issuperset(after):
                kernels[name] = kernels[source]
    return data, users, kernels


def _labels(nodes: Sequence[Any]) -> dict[str, str]:
    """Name layers as their operations, without a last part that only says an operation's type, if that is unique."""
    short = {}
    for node in nodes:
        scope, _, last = node.name.rpartition("/")
        kind = re.sub(r"_\d+$", "", last).lower()
        says_type = kind in {node.op.lower(), "biasadd", "bias_add", "concat", "add", "depthwise"}
        short[node.name] = scope if scope and says_type else node.name
    taken = Counter([*short.values(), *(name for name, label in short.items() if label != name)])
    return {name: label if taken[label] == 1 and label != INPUT else name for name, label in short.items()}
