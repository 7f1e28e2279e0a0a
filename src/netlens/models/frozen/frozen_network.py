"""Networks as frozen TensorFlow graphs: constants instead of variables, inference mode, layers known by name.

Everything that computes on the TensorFlow graph itself instead of through Keras, such as expanded weights and feature
visualization, starts from a `FrozenNetwork`.
"""

import difflib
import hashlib
import json
import warnings
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.files.atomic import writing
from netlens.models.backend import keras, tf, tf1
from netlens.models.errors import CheckpointError, NetworkError, UnsupportedLayerError, listed
from netlens.models.frozen.dilated_convolutions import replace_dilated
from netlens.models.frozen.node_names import node_of
from netlens.models.keras.graph import Step, graph_of, rebuild
from netlens.models.keras.grouped_convolution import keras_class
from netlens.models.network import Network, check_image_size
from netlens.models.preprocessing import Preprocessing, preprocessing_from

#: Name of the placeholder, and of the first layer.
INPUT = "input"

#: Kind of each Keras layer. Names that end in ``Pooling2D`` are poolings; everything else is ``other``.
_KINDS = {
    "Conv2D": "conv", "DepthwiseConv2D": "conv", "SeparableConv2D": "conv", "Conv2DTranspose": "conv",
    "Dense": "dense", "Concatenate": "concat", "Add": "add", "BatchNormalization": "norm",
    "LayerNormalization": "norm", "SyncBatchNormalization": "norm",
}  # fmt: skip

#: Layers that can lie between a kernel and its activation without counting as layers.
_INSIDE_UNITS = frozenset({
    "BatchNormalization", "SyncBatchNormalization", "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout",
    "GaussianNoise", "ActivityRegularization",
})  # fmt: skip

#: Layers that are activations, ``Activation`` itself with any function but these.
_ACTIVATIONS = frozenset({"Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "ThresholdedReLU"})
_NOT_ACTIVATIONS = frozenset({"linear", "softmax"})

#: Layers that only pass on or rearrange their input: their outputs need no name.
_UNNAMED = frozenset({
    "Flatten", "Reshape", "Permute", "ZeroPadding2D", "Cropping2D", "Dropout", "SpatialDropout2D", "AlphaDropout",
    "GaussianDropout", "GaussianNoise", "ActivityRegularization",
})  # fmt: skip


_CALLS = frozenset({"PartitionedCall", "StatefulPartitionedCall"})


@dataclass(frozen=True)
class FrozenLayer:
    """One layer of a frozen network.

    Attributes
    ----------
    name
        The layer's name, as Keras or the file has it.
    node
        The graph's operation whose (first) output is the layer's output, its activation included.
    kind
        ``input``, ``conv``, ``dense``, ``concat``, ``add``, ``pool``, ``norm`` or ``other``. An activation behind a
        kernel, at once or behind the kernel's batch normalization, has the kernel's kind.
    channels
        Size of the last axis.
    height, width
        Positions of the output; None where it has none (after a global pooling or a flatten).
    """

    name: str
    node: str
    kind: str
    channels: int
    height: int | None
    width: int | None


@dataclass(frozen=True)
class FrozenNetwork:
    """A network as a frozen graph.

    Attributes
    ----------
    name
        Name in the study.
    graph_def
        TensorFlow GraphDef without variables, in inference mode. Must not be modified.
    input_node
        Placeholder of preprocessed images, float32 (n, height, width, 3).
    output_node
        Operation that computes the logits, (n, classes).
    layers
        In network order, each after its sources; the first is ``input``.
    input_shape
        (height, width, 3) in pixels.
    class_names
        Names of the classes, in the order of the logits.
    preprocessing
        Maps uint8 images to the inputs of the graph.
    sha256
        Hash of the graph as `save_frozen` writes it.
    class_ids
        Ids of the classes, by which those of image sets are matched; empty if they are the names.
    """

    name: str
    graph_def: Any
    input_node: str
    output_node: str
    layers: tuple[FrozenLayer, ...]
    input_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    sha256: str
    class_ids: tuple[str, ...] = ()

    def layer(self, name: str) -> FrozenLayer:
        """Layer of a name.

        Raises
        ------
        NetworkError
            There is no layer of that name; the message states the nearest names.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        told = f"the nearest are {', '.join(near)}" if near else f"there are {listed(names)}"
        raise NetworkError(f"network {self.name!r} has no layer {name!r}; {told}")

    def preprocess(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Inputs of the network for uint8 images (n, height, width, 3), float32.

        Raises
        ------
        NetworkError
            The images do not have the size that the network takes.
        """
        check_image_size(images, self.input_shape, self.name)
        return self.preprocessing(images)


class LayerTensors(dict[str, Any]):
    """Tensors of an imported network, by layer; for an unknown layer, the error states the nearest names."""

    def __init__(self, network: FrozenNetwork, tensors: Mapping[str, Any]) -> None:
        super().__init__(tensors)
        self._network = network

    def __missing__(self, name: str) -> Any:
        self._network.layer(name)
        raise KeyError(name)


def freeze(network: Network) -> FrozenNetwork:
    """Keras network as a frozen graph.

    The network is rebuilt in inference mode in a separate graph, so that batch normalization and dropout leave no
    dependence on a mode. Variables then become constants, and everything that the logits do not need is removed. The
    same network gives the same bytes.

    Parameters
    ----------
    network
        As returned by `netlens.models.loading.load_network`, with or without folded batch normalization.

    Returns
    -------
    FrozenNetwork
        Its layers are the Keras layers except those that only rearrange or pass on their input. A Dense layer on maps
        is the 1x1 convolution that it computes: Keras' operations forget the size of the map. A layer that is used
        several times appears once per use, as ``name``, ``name_1``, ... A kernel, its batch normalization and its
        activation that are separate Keras layers are one layer here, unless another layer uses what lies between: it
        has the name of the activation and the kind of the kernel.

    Raises
    ------
    NetworkError
        The model has no layer graph, or not one input and one output.
    UnsupportedLayerError
        A layer uses its weights in a way that leaves no constant behind.
    """
    copies: list[tuple[Any, Any]] = []

    def make_layer(step: Step) -> Any:
        kind, config = keras_class(step.layer), step.config()
        if kind is keras.layers.Dense and len(step.source.output_shape) == 3:
            kind, config = keras.layers.Conv2D, _as_convolution(config)
        copies.append((step.layer, kind.from_config(config)))
        return copies[-1][1]

    graph = tf.Graph()
    with graph.as_default():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # deprecated in Keras 2, and its only way for a whole graph
            keras.backend.set_learning_phase(0)
        model = rebuild(network.model, make_layer, input_shape=network.input_shape)
        steps = graph_of(model).steps
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise NetworkError(
            f"network {network.name!r} has {len(model.inputs)} inputs and {len(model.outputs)} outputs, not 1 and 1"
        )
    # Read in the session that the original lives in; the copy never has one.
    # All at once: each read of a deep network's session takes longer than the weights of a layer.
    stored = keras.backend.batch_get_value([weight for original, _ in copies for weight in original.weights])
    variables = [variable for _, copy in copies for variable in copy.weights]
    values = {
        variable.handle.op.name: value.reshape(variable.shape)
        for variable, value in zip(variables, stored, strict=True)
    }
    source, output = model.inputs[0].op.name, model.outputs[0].op.name
    graph_def = _with_constants(graph.as_graph_def(), values, output)
    rename(graph_def, source, INPUT)
    return FrozenNetwork(
        name=network.name,
        graph_def=graph_def,
        input_node=INPUT,
        output_node=output,
        layers=_layers_of(steps),
        input_shape=network.input_shape,
        class_names=network.class_names,
        preprocessing=network.preprocessing,
        sha256=digest_of(graph_def),
        class_ids=network.class_ids,
    )


def _as_convolution(dense: Mapping[str, Any]) -> dict[str, Any]:
    """Configuration of the 1x1 convolution that a Dense layer is on maps."""
    kept = {key: dense[key] for key in ("name", "dtype", "activation", "use_bias") if key in dense}
    return {**kept, "filters": dense["units"], "kernel_size": 1, "data_format": "channels_last"}


def _layers_of(steps: Sequence[Step]) -> tuple[FrozenLayer, ...]:
    units = [unit for unit in map(_unit_of, steps) if unit]
    inside = {step for unit in units for step in unit[:-1]}
    kinds = {unit[-1]: _KINDS[unit[0].kind] for unit in units}
    layers: list[FrozenLayer] = []
    for step in steps:
        if step in inside:
            continue
        tensor = tf.nest.flatten(step.node.outputs)[0]
        shape = step.output_shape
        if not step.sources:
            layers.append(FrozenLayer(INPUT, INPUT, "input", int(shape[2] or 0), *shape[:2]))
            continue
        # A layer that passes its input on unchanged has no operation.
        own = all(tensor.op.name != layer.node for layer in layers)
        if step.kind in _UNNAMED or not own or len(shape) not in (1, 3) or shape[-1] is None:
            continue
        kind = "pool" if step.kind.endswith("Pooling2D") else kinds.get(step) or _KINDS.get(step.kind, "other")
        height, width = shape[:2] if len(shape) == 3 else (None, None)
        name = _unused(step.name, {layer.name for layer in layers})
        layers.append(FrozenLayer(name, tensor.op.name, kind, shape[-1], height, width))
    return tuple(layers)


def _unit_of(activation: Step) -> list[Step]:
    """Steps from a kernel to `activation`; empty if that is not an activation, or others use a step before it."""
    if activation.kind not in _ACTIVATIONS or (
        activation.kind == "Activation" and activation.activation in _NOT_ACTIVATIONS
    ):
        return []
    unit = [activation]
    while len(unit[0].sources) == 1:
        before = unit[0].source
        if before.is_output or len(before.users) != 1:
            return []
        unit.insert(0, before)
        if _KINDS.get(before.kind) in {"conv", "dense"}:
            return unit if before.activation == "linear" else []
        if before.kind not in _INSIDE_UNITS:
            return []
    return []


def _unused(name: str, taken: Container[str]) -> str:
    candidates = (name, *(f"{name}_{number}" for number in range(1, 10_000)))
    return next(candidate for candidate in candidates if candidate not in taken)


def _with_constants(graph_def: Any, values: Mapping[str, NDArray[Any]], output: str) -> Any:
    """Part of a graph that `output` needs, with a constant of the same name for each variable."""
    nodes = {node.name: node for node in graph_def.node}
    reads = {node.name: node.input[0] for node in graph_def.node if node.op == "ReadVariableOp"}
    needed: set[str] = set()
    pending = [output]
    while pending:
        name = pending.pop()
        if name not in needed and name not in reads:
            needed.add(name)
            pending += [reads.get(source, source) for source in map(node_of, nodes[name].input)]
    frozen = tf1.GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        if node.name not in needed:
            continue
        if node.op == "VarHandleOp":
            dtype = node.attr["dtype"]
            kept = frozen.node.add(name=node.name, op="Const")
            kept.attr["dtype"].CopyFrom(dtype)
            kept.attr["value"].tensor.CopyFrom(tf1.make_tensor_proto(values[node.name], dtype=dtype.type))
            continue
        kept = frozen.node.add()
        kept.CopyFrom(node)
        if "_class" in kept.attr:
            del kept.attr["_class"]
        # Control inputs order effects, and a network in inference has none.
        sources = [source for source in node.input if not source.startswith("^")]
        del kept.input[:]
        kept.input.extend(reads.get(node_of(source), source) for source in sources)
        if any(nodes[node_of(source)].op == "VarHandleOp" for source in sources):
            raise UnsupportedLayerError(f"operation {node.name!r} ({node.op}) uses a variable; it cannot be frozen")
    _replace_calls(frozen)
    replace_identities(frozen)
    replace_dilated(frozen)
    return frozen


def replace_identities(graph_def: Any) -> None:
    """Replace, in place, each identity of several tensors by one of its first tensor, and name the others directly.

    TensorFlow attaches gradients of its own to them, such as that of swish, which exist only in the process that made
    the graph. The gradient of what they pass on is the same.
    """
    taken: dict[str, str] = {}
    for node in graph_def.node:
        if node.op != "IdentityN":
            continue
        first, *others = node.input
        kinds = list(node.attr["T"].list.type)
        taken |= {f"{node.name}:{index}": source for index, source in enumerate(others, start=1)}
        node.op = "Identity"
        node.attr.clear()
        node.attr["T"].type = kinds[0]
        del node.input[:]
        node.input.append(first)
    for node in graph_def.node:
        sources = list(node.input)
        while any(source in taken for source in sources):
            sources = [taken.get(source, source) for source in sources]
        del node.input[:]
        node.input.extend(sources)


def _replace_calls(graph_def: Any) -> None:
    """Put in place of each call of a function the one operation that the function consists of.

    Keras compiles a grouped convolution into a function of its own, and what reads kernels from a graph looks for a
    Conv2D.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    for node in graph_def.node:
        if node.op not in _CALLS:
            continue
        function = functions[node.attr["f"].func.name]
        inside = {each.name: each for each in function.node_def}
        found = inside[node_of(function.ret[function.signature.output_arg[0].name])]
        while found.op == "Identity" and node_of(found.input[0]) in inside:
            found = inside[node_of(found.input[0])]
        arguments = [argument.name for argument in function.signature.input_arg]
        sources = [source for source in found.input if not source.startswith("^")]
        if len(function.ret) != 1 or not set(sources) <= set(arguments):
            raise UnsupportedLayerError(f"operation {node.name!r} calls a function of several operations")
        taken = [node.input[arguments.index(source)] for source in sources]
        node.op = found.op
        node.attr.clear()
        for key, value in found.attr.items():
            if not key.startswith("_"):
                node.attr[key].CopyFrom(value)
        del node.input[:]
        node.input.extend(taken)
    graph_def.ClearField("library")


def rename(graph_def: Any, old: str, new: str) -> None:
    """Rename an operation of a graph, in place.

    Raises
    ------
    NetworkError
        Another operation has that name.
    """
    for node in graph_def.node:
        if node.name == new and old != new:
            raise NetworkError(f"an operation that is not the input is named {new!r}; rename its layer")
        if node.name == old:
            node.name = new
        sources = [new if source == old else source for source in node.input]
        del node.input[:]
        node.input.extend(sources)


def imported(frozen: FrozenNetwork, inputs: Mapping[str, Any] | None = None, *, name: str = "network") -> LayerTensors:
    """Tensors of a network that is imported into the current default graph.

    Parameters
    ----------
    frozen
        The network.
    inputs
        Tensors that replace the outputs of layers, by layer; ``{"input": images}`` sets the images. What only those
        layers need is imported too, but nothing depends on it. None: a placeholder for ``input``.
    name
        Prefix of the operations.

    Returns
    -------
    LayerTensors
        The output of each layer, by layer; for replaced layers, the given tensor.

    Raises
    ------
    NetworkError
        There is no such layer.
    """
    given = dict(inputs or {})
    replaced = {f"{frozen.layer(layer).node}:0": tensor for layer, tensor in given.items()}
    outputs = tf1.import_graph_def(
        frozen.graph_def,
        input_map=replaced,
        return_elements=[f"{layer.node}:0" for layer in frozen.layers],
        name=name,
    )
    tensors = {layer.name: tensor for layer, tensor in zip(frozen.layers, outputs, strict=True)}
    return LayerTensors(frozen, {**tensors, **given})


def serialized(graph_def: Any) -> bytes:
    """Bytes of a graph; the same graph gives the same bytes."""
    data: bytes = graph_def.SerializeToString(deterministic=True)
    return data


def digest_of(graph_def: Any) -> str:
    """sha256 of `serialized`."""
    return hashlib.sha256(serialized(graph_def)).hexdigest()


def save_frozen(frozen: FrozenNetwork, path: str | Path) -> None:
    """Save a network as ``<name>.pb``, with its description in ``<name>.json`` beside it.

    Parameters
    ----------
    frozen
        The network.
    path
        The .pb file. The same network gives the same bytes.
    """
    file = Path(path)
    description = {
        "network": frozen.name,
        "input_node": frozen.input_node,
        "output_node": frozen.output_node,
        "input_shape": list(frozen.input_shape),
        "class_names": list(frozen.class_names),
        "class_ids": list(frozen.class_ids),
        "preprocessing": frozen.preprocessing.as_spec(),
        "graph_sha256": frozen.sha256,
        "layers": [asdict(layer) for layer in frozen.layers],
    }
    with writing(file) as temporary:
        temporary.write_bytes(serialized(frozen.graph_def))
    with writing(file.with_suffix(".json")) as temporary:
        text = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(f"{text}\n", encoding="utf-8")


def load_frozen(path: str | Path) -> FrozenNetwork:
    """Network that `save_frozen` has saved.

    Parameters
    ----------
    path
        The .pb file, with its .json beside it.

    Returns
    -------
    FrozenNetwork

    Raises
    ------
    FileNotFoundError
        One of the two files is missing.
    CheckpointError
        The graph is truncated or damaged, or is not the one that the .json file describes.
    NetworkError
        The .json file does not describe a network.
    """
    file = Path(path)
    for part in (file, file.with_suffix(".json")):
        if not part.is_file():
            raise FileNotFoundError(f"{part}: no such file; run the rule frozen")
    try:
        text = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        height, width, channels = text["input_shape"]
        frozen = FrozenNetwork(
            name=str(text["network"]),
            graph_def=tf1.GraphDef(),
            input_node=str(text["input_node"]),
            output_node=str(text["output_node"]),
            layers=tuple(FrozenLayer(**layer) for layer in text["layers"]),
            input_shape=(height, width, channels),
            class_names=tuple(text["class_names"]),
            class_ids=tuple(text["class_ids"]),
            preprocessing=preprocessing_from(text["preprocessing"]),
            sha256=str(text["graph_sha256"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise NetworkError(f"{file.with_suffix('.json')}: does not describe a frozen network; make it again") from error
    data = file.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != frozen.sha256:
        raise CheckpointError(
            f"{file}: truncated or changed: its sha256 is {digest} instead of {frozen.sha256}; make it again"
        )
    frozen.graph_def.ParseFromString(data)
    return frozen
