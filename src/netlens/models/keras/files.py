"""Loading of network files, including those that the legacy Keras cannot load itself.

The configurations of Keras 3 differ and are translated layer by layer; an unsupported layer is reported by name. The
``.keras`` archives of both versions store weights by position. The legacy Keras reads its own archives correctly only
with eager execution; without it, as here, it would silently leave the weights random.
"""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import keras
from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.keras.archives import read_member
from netlens.models.keras.config import MODELS, check_class, checked_config, parsed_config, plain_value
from netlens.models.keras.hdf5_files import open_weights

#: Options of each layer that mean the same in both versions of Keras. Initializers and regularizers do not matter.
_LAYERS: Mapping[str, tuple[str, ...]] = {
    "Activation": ("activation",),
    "Add": (),
    "Average": (),
    "AveragePooling2D": ("pool_size", "strides", "padding", "data_format"),
    "BatchNormalization": ("axis", "momentum", "epsilon", "center", "scale"),
    "Concatenate": ("axis",),
    "Conv2D": (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups", "activation",
        "use_bias",
    ),
    "Cropping2D": ("cropping", "data_format"),
    "Dense": ("units", "activation", "use_bias"),
    "Dropout": ("rate",),
    "ELU": ("alpha",),
    "Flatten": ("data_format",),
    "GaussianNoise": ("stddev",),
    "GlobalAveragePooling2D": ("data_format", "keepdims"),
    "GlobalMaxPooling2D": ("data_format", "keepdims"),
    "LeakyReLU": ("negative_slope",),
    "MaxPooling2D": ("pool_size", "strides", "padding", "data_format"),
    "Maximum": (),
    "Multiply": (),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "Rescaling": ("scale", "offset"),
    "Reshape": ("target_shape",),
    "Softmax": ("axis",),
    "SpatialDropout2D": ("rate", "data_format"),
    "ZeroPadding2D": ("padding", "data_format"),
}  # fmt: skip

#: Activations that are the same in both versions of Keras.
_ACTIVATIONS = frozenset({
    "linear", "relu", "softmax", "log_softmax", "sigmoid", "tanh", "elu", "selu", "gelu", "softplus", "softsign",
    "exponential", "silu", "swish",
})  # fmt: skip

#: Names of a layer's weights, in the order in which Keras 3 numbers them.
_WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "Conv2D": ("kernel", "bias"),
    "Dense": ("kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
}

Weights = dict[str, list[NDArray[Any]]]


def load_keras3(path: str | Path) -> Any:
    """Network from a ``.keras`` or ``.h5`` file of Keras 3.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    keras.Model
        A model of the legacy Keras, whose layers have the names in the file.

    Raises
    ------
    UnsupportedLayerError
        A layer, an activation or the way a layer is called is not supported; the message names it.
    NetworkError
        The weights do not fit the configuration.
    """
    file = Path(path)
    if zipfile.is_zipfile(file):
        config, weights = _open_archive(file)
        return _with_weights(_build(config), weights)
    with open_weights(file) as stored:
        config = parsed_config(stored.attrs["model_config"])
        return _with_weights(_build(config), _by_name(stored["model_weights"]))


def load_legacy_archive(path: str | Path) -> Any:
    """Network from a ``.keras`` file of the legacy Keras (version 2).

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    keras.Model

    Raises
    ------
    NetworkError
        The weights do not fit the configuration.
    """
    file = Path(path)
    config = checked_config(parsed_config(read_member(file, "config.json")))
    with open_weights(io.BytesIO(read_member(file, "model.weights.h5"))) as stored:
        weights = _by_position(config, stored)
    return _with_weights(keras.models.model_from_config(config), weights)


def load_legacy_h5(path: str | Path) -> Any:
    """Network from an ``.h5`` file of the legacy Keras (version 2 and earlier).

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    keras.Model

    Raises
    ------
    UnsupportedLayerError
        A layer or function is not known to be harmless; the message names it.
    NetworkError
        The file refers to other files, or the weights do not fit the configuration.
    """
    with open_weights(path) as stored:
        model = keras.models.model_from_config(checked_config(parsed_config(stored.attrs["model_config"])))
        return _with_weights_in_order(model, stored["model_weights"])


def set_stored_weights(model: Any, path: str | Path) -> None:
    """Set a model's weights from an .h5 file of weights, as ``keras.applications`` publishes them.

    Parameters
    ----------
    model
        Its layers have the names in the file. Layers that are called otherwise there are matched in their order: the
        last layer of ResNet-50 is called ``probs`` in the published file, and ``predictions`` in today's Keras.
    path
        The file, with one group per layer whose attribute ``weight_names`` gives the order of its weights.

    Raises
    ------
    NetworkError
        The weights of a layer are missing or have other shapes.
    OSError, KeyError
        The file is damaged.
    """
    with open_weights(path) as stored:
        root = stored.get("model_weights", stored)
        found = {
            str(layer): [np.asarray(root[layer][name]) for name in root[layer].attrs["weight_names"]]
            for layer in root.attrs["layer_names"]
        }
    named = {layer.name for layer in _all_layers(model) if layer.weights}
    spare = [name for name, values in found.items() if values and name not in named]
    missing = [layer.name for layer in _all_layers(model) if layer.weights and not found.get(layer.name)]
    if len(spare) == len(missing):
        found |= {name: found[other] for name, other in zip(missing, spare, strict=True)}
    _with_weights(model, found)


def _open_archive(file: Path) -> tuple[Any, Weights]:
    config = parsed_config(read_member(file, "config.json"))
    with open_weights(io.BytesIO(read_member(file, "model.weights.h5"))) as stored:
        return config, _by_position(config, stored)


def _with_weights(model: Any, weights: Weights) -> Any:
    pairs: list[tuple[Any, Any]] = []
    for layer in _all_layers(model):
        if not layer.weights:
            continue
        values = weights.get(layer.name, [])
        shapes, expected = [value.shape for value in values], [tuple(weight.shape) for weight in layer.weights]
        if shapes != expected:
            raise NetworkError(f"layer {layer.name!r}: the file has weights of shapes {shapes}, not {expected}")
        pairs += zip(layer.weights, values, strict=True)
    # All at once, because each call of a layer's set_weights would prepare the whole graph again.
    keras.backend.batch_set_value(pairs)
    return model


def _with_weights_in_order(model: Any, group: Any) -> Any:
    """Set weights in the order of the legacy Keras: layer by layer, with a nested model as one layer."""
    layers = [layer for layer in model.layers if layer.weights]
    names = [name for name in _names(group, "layer_names") if _names(group[name], "weight_names")]
    if len(names) != len(layers):
        raise NetworkError(
            f"the file has weights for {len(names)} layers, but {len(layers)} layers of its network have weights; save "
            "the whole model again"
        )
    pairs: list[tuple[Any, Any]] = []
    for layer, name in zip(layers, names, strict=True):
        # The order in the file; layer.weights is in the order of the layer's attributes.
        weights = [*layer.trainable_weights, *layer.non_trainable_weights]
        values = [np.asarray(group[name][weight]) for weight in _names(group[name], "weight_names")]
        shapes, expected = [value.shape for value in values], [tuple(weight.shape) for weight in weights]
        if shapes != expected:
            raise NetworkError(f"layer {layer.name!r}: the file has weights of shapes {shapes}, not {expected}")
        pairs += zip(weights, values, strict=True)
    keras.backend.batch_set_value(pairs)
    return model


def _names(group: Any, attribute: str) -> list[str]:
    """List of names, which Keras splits into several attributes if it is too long for HDF5."""
    parts = [attribute] if attribute in group.attrs else []
    while not parts or parts[-1] != attribute:
        following = f"{attribute}{len(parts)}"
        if following not in group.attrs:
            break
        parts.append(following)
    names = [name for part in parts for name in group.attrs[part]]
    return [name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in names]


def _all_layers(model: Any) -> list[Any]:
    layers = []
    for layer in model.layers:
        layers += _all_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return layers


def _by_name(group: Any) -> Weights:
    """Weights of an .h5 file, in which each is named ``.../<layer>/<weight>``."""
    found: dict[str, dict[str, NDArray[Any]]] = {}

    def visit(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            _, layer, name = f"/{path}".rsplit("/", 2)
            found.setdefault(layer, {})[name.split(":")[0]] = np.asarray(item)

    group.visititems(visit)
    order = [name for names in _WEIGHTS.values() for name in names]
    return {layer: [values[name] for name in dict.fromkeys(order) if name in values] for layer, values in found.items()}


def _by_position(config: Mapping[str, Any], store: Any) -> Weights:
    """Weights of an archive, in which layers are numbered by class, and weights by layer."""
    found: Weights = {}
    counts: Counter[str] = Counter()
    for entry in config["config"]["layers"]:
        kind, name = entry["class_name"], entry["config"]["name"]
        snake = _snake_case(kind)
        place = f"layers/{snake}_{counts[snake]}" if counts[snake] else f"layers/{snake}"
        counts[snake] += 1
        if place not in store:
            if kind in MODELS or kind in _WEIGHTS:
                raise NetworkError(f"layer {name!r}: the file has no weights at {place}")
            continue
        if kind in MODELS:
            found.update(_by_position(entry, store[place]))
        elif "vars" in store[place]:
            values = store[place]["vars"]
            found[name] = [np.asarray(values[key]) for key in sorted(values, key=int)]
    return found


def _snake_case(name: str) -> str:
    """Class name as Keras 3 writes it in its archives: ``max_pooling2d`` for ``MaxPooling2D``."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _build(entry: Mapping[str, Any]) -> Any:
    if entry["class_name"] in MODELS:
        check_class(entry)
    config = entry["config"]
    if entry["class_name"] == "Sequential":
        return _build_sequential(config)
    if entry["class_name"] in MODELS and "input_layers" in config:
        return _build_functional(config)
    raise UnsupportedLayerError(
        f"network {config.get('name')!r} ({entry['class_name']}) is not functional or Sequential"
    )


def _build_sequential(config: Mapping[str, Any]) -> Any:
    tensor = image = None
    for entry in config["layers"]:
        if entry["class_name"] == "InputLayer":
            tensor = image = _input(entry["config"])
            continue
        if tensor is None:
            shape = config.get("build_input_shape")
            if not shape:
                raise NetworkError(
                    f"network {config['name']!r} was saved without an input shape; build it before saving"
                )
            tensor = image = keras.Input(tuple(shape[1:]))
        tensor = _layer(entry)(tensor)
    return keras.Model(image, tensor, name=config["name"])


def _build_functional(config: Mapping[str, Any]) -> Any:
    layers: dict[str, Any] = {}
    tensors: dict[tuple[str, int, int], Any] = {}
    waiting: list[tuple[str, int, Mapping[str, Any]]] = []
    for entry in config["layers"]:
        name = entry["name"]
        if entry["class_name"] == "InputLayer":
            tensors[name, 0, 0] = _input(entry["config"])
            continue
        layers[name] = _layer(entry)
        waiting += [(name, index, node) for index, node in enumerate(entry["inbound_nodes"])]
    while waiting:
        ready = [use for use in waiting if all(key in tensors for key in _tensor_keys(use[2]["args"]))]
        if not ready:
            raise NetworkError(f"network {config['name']!r}: the inputs of layer {waiting[0][0]!r} are not in the file")
        for name, index, node in ready:
            outputs = _call(layers[name], name, node, tensors)
            for position, tensor in enumerate(outputs if isinstance(outputs, (list, tuple)) else [outputs]):
                tensors[name, index, position] = tensor
        waiting = [use for use in waiting if use not in ready]
    inputs = [tensors[key] for key in _endpoints(config["input_layers"])]
    outputs = [tensors[key] for key in _endpoints(config["output_layers"])]
    return keras.Model(
        inputs[0] if len(inputs) == 1 else inputs, outputs[0] if len(outputs) == 1 else outputs, name=config["name"]
    )


def _call(layer: Any, name: str, node: Mapping[str, Any], tensors: Mapping[tuple[str, int, int], Any]) -> Any:
    # In inference these have no effect: dropout is off, and batch normalization uses its stored moments.
    extra = {key: value for key, value in node["kwargs"].items() if key not in {"training", "mask"}}
    if extra or len(node["args"]) != 1:
        raise UnsupportedLayerError(f"layer {name!r} is called with {', '.join(extra) or 'several arguments'}")
    return layer(_with_tensors(node["args"][0], tensors))


def _with_tensors(argument: Any, tensors: Mapping[tuple[str, int, int], Any]) -> Any:
    if isinstance(argument, list):
        return [_with_tensors(part, tensors) for part in argument]
    return tensors[_key(argument["config"]["keras_history"])]


def _tensor_keys(arguments: Any) -> list[tuple[str, int, int]]:
    if isinstance(arguments, list):
        return [key for part in arguments for key in _tensor_keys(part)]
    if isinstance(arguments, dict) and arguments.get("class_name") == "__keras_tensor__":
        return [_key(arguments["config"]["keras_history"])]
    raise UnsupportedLayerError(f"a layer is called with {arguments!r}, which is not the output of a layer")


def _key(history: Sequence[Any]) -> tuple[str, int, int]:
    name, node, position = history
    return str(name), int(node), int(position)


def _endpoints(entries: Sequence[Any]) -> list[tuple[str, int, int]]:
    return [_key(entries)] if isinstance(entries[0], str) else [_key(entry) for entry in entries]


def _input(config: Mapping[str, Any]) -> Any:
    return keras.Input(tuple(config["batch_shape"][1:]), name=config["name"])


def _layer(entry: Mapping[str, Any]) -> Any:
    kind, config = entry["class_name"], entry["config"]
    name = config["name"]
    if kind in MODELS:
        return _build(entry)
    if kind not in _LAYERS:
        raise UnsupportedLayerError(f"layer {name!r} ({kind}) of Keras 3 is not supported")
    check_class(entry)
    activation = config.get("activation", "linear")
    if not isinstance(activation, str) or activation not in _ACTIVATIONS:
        shown = activation if isinstance(activation, str) else activation.get("class_name", activation)
        raise UnsupportedLayerError(f"layer {name!r} ({kind}): activation {shown!r} of Keras 3 is not supported")
    options = {
        key: value if key == "activation" else plain_value(value, f"layer {name!r} ({kind}): {key}")
        for key, value in config.items()
        if key in _LAYERS[kind]
    }
    if kind == "LeakyReLU":
        options = {"alpha": options["negative_slope"]}
    if options.get("data_format", "channels_last") != "channels_last":
        raise UnsupportedLayerError(
            f"layer {name!r} ({kind}) has the channels first; convert the network to channels last"
        )
    make: Callable[..., Any] = getattr(keras.layers, kind)
    return make(name=name, **options)
