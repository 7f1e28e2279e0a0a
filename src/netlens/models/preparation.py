"""Networks prepared for the analyses: logits as output, batch normalization folded, kernels beside the model."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlens.files.arrays import save_arrays
from netlens.files.atomic import writing
from netlens.models.backend import keras, tf, tf1
from netlens.models.errors import NetworkError
from netlens.models.keras.folding import fold_batch_normalization, is_folded
from netlens.models.keras.kernel_layers import KernelLayer, kernel_layers, kernel_variable, write_layers
from netlens.models.keras.layer_graph import layer_graph
from netlens.models.network import Network


@dataclass(frozen=True)
class Prepared:
    """A prepared network.

    Attributes
    ----------
    network
        Its model outputs logits and has no batch normalization; separable convolutions are split.
    layers
        The layers with kernels, in network order.
    kernels
        float32 kernels by layer, shaped as `KernelLayer.kernel_shape`.
    """

    network: Network
    layers: list[KernelLayer]
    kernels: dict[str, NDArray[np.float32]]


def prepare(network: Network) -> Prepared:
    """Network with batch normalization folded, its kernels, and a description of its layers.

    Parameters
    ----------
    network
        As returned by `netlens.models.loading.load_network`.

    Returns
    -------
    Prepared

    Raises
    ------
    FoldingError
        A batch normalization cannot be folded.
    UnsupportedLayerError
        A layer's kernel is not supported.
    NetworkError
        No layer has a kernel, or a kernel contains NaN or infinity.
    """
    # With nothing to fold a copy would only cost memory: half a gigabyte for VGG-16.
    model = network.model
    if not is_folded(model):
        model = fold_batch_normalization(model)
    layers = kernel_layers(model)
    if not layers:
        raise NetworkError(f"network {network.name!r} has no layer with a kernel")
    # All at once, because each read from the session prepares the whole graph again.
    stored = keras.backend.batch_get_value([kernel_variable(model.get_layer(layer.name)) for layer in layers])
    kernels = {
        layer.name: np.asarray(kernel, np.float32).reshape(layer.kernel_shape)
        for layer, kernel in zip(layers, stored, strict=True)
    }
    for name, kernel in kernels.items():
        if not np.all(np.isfinite(kernel)):
            raise NetworkError(f"network {network.name!r}: the kernel of layer {name!r} holds NaN or infinity")
    ready = Network(
        network.name,
        model,
        network.preprocessing,
        network.class_names,
        network.input_shape,
        network.sha256,
        network.class_ids,
    )
    return Prepared(ready, layers, kernels)


def save_prepared(prepared: Prepared, kernels: str | Path, model: str | Path) -> None:
    """Save the kernels as npz, the model as .h5, and beside the model a .json of the same name that describes both.

    Parameters
    ----------
    prepared
        A prepared network.
    kernels
        npz file: one float32 array per layer, under the layer's name, in network order.
    model
        .h5 file; `netlens.models.network_files.load_prepared` opens it.
    """
    save_arrays(kernels, prepared.kernels)
    ready = prepared.network.model
    config, weights = ready.get_config(), ready.get_weights()
    # In a separate graph, since TensorFlow numbers the names of weights by what else a graph holds.
    with writing(model) as temporary, tf.Graph().as_default(), tf1.Session():
        alone = type(ready).from_config(config)
        alone.set_weights(weights)
        alone.save(temporary, save_format="h5", include_optimizer=False)
    description = {**prepared.network.describe(), "graph": layer_graph(ready).as_json()}
    write_layers(Path(model).with_suffix(".json"), prepared.layers, description)
