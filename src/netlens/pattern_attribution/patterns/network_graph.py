"""A copy of a network in a graph of its own, with the input and the pre-activation of every layer with a kernel.

The copy runs in inference mode in its own session, so it disturbs neither the model that it was made from nor other
users of Keras in the same process (iNNvestigate turns eager execution off for all of them).
"""

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.arithmetic import exact_arithmetic
from netlens.models.backend import keras, session_config, tf, tf1
from netlens.models.errors import UnsupportedLayerError
from netlens.models.keras.graph import Step, graph_of, rebuild
from netlens.models.keras.kernel_layers import (
    KERNEL_CLASSES,
    KernelLayer,
    describe_kernel,
    kernel_layers,
    kernel_variable,
)
from netlens.models.keras.splitting import is_composite

#: Layers without kernel whose weights do no harm here.
_HARMLESS = frozenset({"PReLU", "Normalization"})
#: Layers through which a ReLU is looked for behind a kernel.
_PASSED = frozenset({"Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "Flatten",
                     "Reshape", "ActivityRegularization"})  # fmt: skip


#: Weights that are read and set at once.
_COPIED_BYTES = 2**26


@dataclass(frozen=True)
class KernelTensors:
    """One layer with a kernel in the copied graph.

    Attributes
    ----------
    layer
        The layer's description.
    x
        Its input, shape (batch, H, W, C) or (batch, ..., K).
    z
        Its pre-activation, with the bias.
    positive
        max(0, z): the layer's own output where it ends in a plain ReLU, so nothing is computed twice.
    threshold
        The unit is active where z is above it: 0 unless a thresholded ReLU follows.
    kernel
        Its kernel, a tensor of the graph, shaped as `KernelLayer.kernel_shape`.
    bias
        Its bias; zeros if it has none.
    """

    layer: KernelLayer
    x: Any
    z: Any
    positive: Any
    threshold: float
    kernel: Any
    bias: NDArray[Any]


@dataclass(frozen=True)
class NetworkGraph:
    """The copied network.

    Attributes
    ----------
    graph, session
        The graph and session that the copy lives in.
    images
        The placeholder for a batch of preprocessed images.
    outputs
        The network's outputs.
    tensors
        Its layers with kernels, in network order.
    sha256
        Hash of the names, kernels and biases of these layers.
    """

    graph: Any
    session: Any
    images: Any
    outputs: Any
    tensors: tuple[KernelTensors, ...]
    sha256: str

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Shape of one input; None where any size is accepted."""
        return tuple(self.images.shape.as_list()[1:])


@contextmanager
def network_graph(model: Any, *, precision: str = "float32") -> Iterator[NetworkGraph]:
    """Copy `model` into its own graph and session, for as long as the ``with`` block lasts.

    While it lasts, TensorFlow's ops are deterministic and GPUs multiply in full float32 (no TF32) in this process.

    Parameters
    ----------
    model
        A Keras functional or Sequential model with one input, of Conv2D, DepthwiseConv2D and Dense layers and layers
        without kernels, folded (`netlens.models.keras.folding.fold_batch_normalization`).
    precision
        ``float32`` or ``float64``: the precision of the copy.

    Yields
    ------
    NetworkGraph

    Raises
    ------
    netlens.models.errors.UnsupportedLayerError
        The model has another layer with a kernel, a shared one, or a BatchNormalization; the message names it.
    """
    layers = _checked_layers(model)
    thresholds = _thresholds(model)
    seen: dict[str, tuple[Any, Any]] = {}
    copies: list[tuple[Any, Any]] = []
    graph = tf.Graph()
    # Never made the default session: Keras would read the original's weights from it.
    with exact_arithmetic(), closing(tf1.Session(graph=graph, config=_session_config())) as session:
        with graph.as_default():
            _set_inference_mode()
            copy = rebuild(model, lambda step: _copied_layer(step, precision, seen, copies))
        biases: dict[str, NDArray[Any]] = {}
        digest = hashlib.sha256()
        for original, values in _copy_weights(copies, session):
            if original.name in seen:
                digest.update(original.name.encode())
                for value in values:
                    digest.update(np.ascontiguousarray(value).data)
                units = describe_kernel(original).units
                biases[original.name] = values[1] if len(values) > 1 else np.zeros(units, values[0].dtype)
        tensors = []
        for layer in layers:
            z, output = seen[layer.name]
            with graph.as_default():
                x = tf.cast(copy.get_layer(layer.name).input, precision)
                plain = output.op.type == "Relu" and output.op.inputs[0].name == z.name
                positive = output if plain else tf.nn.relu(z)
                kernel = tf.reshape(kernel_variable(copy.get_layer(layer.name)), layer.kernel_shape)
            tensors.append(
                KernelTensors(
                    layer=layer,
                    x=x,
                    z=z,
                    positive=positive,
                    threshold=thresholds[layer.name],
                    kernel=kernel,
                    bias=biases[layer.name],
                )
            )
        yield NetworkGraph(graph, session, copy.inputs[0], copy.outputs, tuple(tensors), digest.hexdigest())


def _copy_weights(copies: list[tuple[Any, Any]], session: Any) -> Iterator[tuple[Any, list[NDArray[Any]]]]:
    """Copy the weights of layers into their copies; yields each original with its weights.

    Some layers at a time, since each read and each run prepares a whole graph again; and no more than fit into
    `_COPIED_BYTES`, or one, so that little is in memory a third time.
    """
    groups: list[list[tuple[Any, Any]]] = []
    left = 0
    for original, layer in copies:
        size = sum(4 * int(np.prod(weight.shape)) for weight in original.weights)
        if not groups or size > left:
            groups.append([])
            left = _COPIED_BYTES
        groups[-1].append((original, layer))
        left -= size
    for group in groups:
        read = iter(keras.backend.batch_get_value([weight for original, _ in group for weight in original.weights]))
        values = [[next(read) for _ in original.weights] for original, _ in group]
        variables = [variable for _, layer in group for variable in layer.weights]
        feed = {
            variable.initializer.inputs[1]: value.astype(variable.dtype.as_numpy_dtype)
            for variable, value in zip(variables, (each for part in values for each in part), strict=True)
        }
        session.run([variable.initializer for variable in variables], feed)
        yield from ((original, part) for (original, _), part in zip(group, values, strict=True))


def _set_inference_mode() -> None:
    """Set the learning phase of the default graph; Keras keeps one for each graph, so no other model notices."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # deprecated in Keras 2, and still its only way for a whole graph
        keras.backend.set_learning_phase(0)


def _session_config() -> Any:
    # One operation at a time, each on all cores: else how many activations wait in memory is up to chance.
    return session_config(inter_op_parallelism_threads=1, use_per_session_threads=True)


def _checked_layers(model: Any) -> list[KernelLayer]:
    layers = kernel_layers(model)
    for step in graph_of(model).steps:
        if "BatchNormalization" in step.kind:
            raise UnsupportedLayerError(
                f"{step} normalizes batches; fold it into the kernels first (models.folding.fold_batch_normalization)"
            )
        if is_composite(step):
            raise UnsupportedLayerError(
                f"{step} has an activation with weights; fold the network first, which splits it "
                "(models.folding.fold_batch_normalization)"
            )
        if step.kind not in KERNEL_CLASSES | _HARMLESS and step.layer.weights:
            raise UnsupportedLayerError(
                f"{step} has weights, but patterns are defined only for convolutions and Dense layers"
            )
    if not layers:
        raise UnsupportedLayerError(f"network {model.name!r} has no layer with a kernel, so it has no patterns")
    if len(model.inputs) != 1:
        raise UnsupportedLayerError(f"network {model.name!r} has {len(model.inputs)} inputs; patterns need exactly one")
    return layers


def _copied_layer(step: Step, precision: str, seen: dict[str, tuple[Any, Any]], copies: list[Any]) -> Any:
    config = step.config()
    config["dtype"] = precision
    layer = type(step.layer).from_config(config)
    copies.append((step.layer, layer))
    if step.kind in KERNEL_CLASSES:
        activation = layer.activation

        def record(z: Any) -> Any:
            output = activation(z)
            seen[step.name] = (z, output)
            return output

        layer.activation = record
    return layer


def _thresholds(model: Any) -> dict[str, float]:
    """Find the threshold of the ReLU behind each kernel.

    A plain ReLU is active where its input is above 0, and so is a unit with no ReLU behind it, whose own output
    decides: only a ReLU with another threshold makes a difference.
    """
    found: dict[str, float] = {}
    for step in graph_of(model).steps:
        if step.kind in KERNEL_CLASSES:
            found[step.name] = 0.0 if step.activation != "linear" else _threshold_behind(step)
    return found


def _threshold_behind(step: Step) -> float:
    for user in step.users:
        if user.kind == "ReLU":
            return float(user.layer.threshold)
        if user.kind == "ThresholdedReLU":
            return float(user.layer.theta)
        if user.kind in _PASSED or (user.kind == "Activation" and user.activation == "linear"):
            threshold = _threshold_behind(user)
            if threshold:
                return threshold
    return 0.0
