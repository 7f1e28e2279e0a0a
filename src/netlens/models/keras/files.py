"""Loading of network files, including those that the legacy Keras cannot load itself.

The configurations of Keras 3 differ and are translated (`netlens.models.keras.keras3`). The
``.keras`` archives of both versions store weights by position. The legacy Keras reads its own archives correctly only
with eager execution; without it, as here, it would silently leave the weights random.
"""

import io
import pathlib
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import keras
from netlens.models.errors import NetworkError, listed
from netlens.models.keras.archives import read_member
from netlens.models.keras.config import MODELS, check_architecture, checked_config, parsed_config
from netlens.models.keras.grouped_convolution import Conv2D
from netlens.models.keras.hdf5_files import open_weights
from netlens.models.keras.keras3 import Path, Translation, translated
from netlens.models.keras.merge_layers import with_merge_layers

#: Names of a layer's weights, in the order in which Keras 3 numbers them; ``variable`` is one without a name.
_WEIGHTS = (
    "depthwise_kernel", "pointwise_kernel", "kernel", "bias", "gamma", "beta", "alpha", "moving_mean",
    "moving_variance", "mean", "variance", "count", "variable",
)  # fmt: skip
#: Layers that always have weights.
_WEIGHTED = frozenset(
    {"BatchNormalization", "Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D", "SeparableConv2D"}
)

#: By the names of the models around a layer and its own, followed by ``activation`` for those of its activation.
Weights = dict[Path, list[NDArray[Any]]]


def load_keras3(path: str | pathlib.Path) -> Any:
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
    file = pathlib.Path(path)
    if zipfile.is_zipfile(file):
        entry = parsed_config(read_member(file, "config.json"))
        check_architecture(entry)
        with open_weights(io.BytesIO(read_member(file, "model.weights.h5"))) as stored:
            weights = _by_position(entry, stored)
        return _translated_model(translated(entry), weights)
    with open_weights(file) as stored:
        translation = translated(parsed_config(stored.attrs["model_config"]))
        return _translated_model(translation, _by_name(translation, stored["model_weights"]))


def _built(config: Mapping[str, Any]) -> Any:
    return keras.models.model_from_config(with_merge_layers(config), custom_objects={"Conv2D": Conv2D})


def _translated_model(translation: Translation, weights: Weights) -> Any:
    model = _built(checked_config(translation.config))
    own: Weights = {(name,): weights.get(path, []) for name, path in translation.stored.items()}
    own |= {(name,): [scale.reshape(1, 1, -1, 1) for scale in own[name,]] for name in translation.scales}
    return _with_weights(model, own)


def load_legacy_archive(path: str | pathlib.Path) -> Any:
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
    file = pathlib.Path(path)
    config = checked_config(parsed_config(read_member(file, "config.json")))
    with open_weights(io.BytesIO(read_member(file, "model.weights.h5"))) as stored:
        weights = _by_position(config, stored)
    return _with_weights(_built(config), weights)


def load_legacy_h5(path: str | pathlib.Path) -> Any:
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
        config = checked_config(parsed_config(stored.attrs["model_config"]))
        model = _built(config)
        return _with_weights_in_order(model, stored["model_weights"])


def set_stored_weights(model: Any, path: str | pathlib.Path) -> None:
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
    own = {path: layer.name for path, layer in _all_layers(model) if layer.weights}
    spare = [name for name, values in found.items() if values and name not in own.values()]
    missing = [name for name in own.values() if not found.get(name)]
    if len(spare) == len(missing):
        found |= {name: found[other] for name, other in zip(missing, spare, strict=True)}
    _with_weights(model, {path: found.get(name, []) for path, name in own.items()})


def _with_weights(model: Any, weights: Weights) -> Any:
    pairs: list[tuple[Any, Any]] = []
    for path, layer in _all_layers(model):
        if not layer.weights:
            continue
        values = weights.get(path, [])
        shapes, expected = [value.shape for value in values], [tuple(weight.shape) for weight in layer.weights]
        if shapes != expected:
            raise NetworkError(
                f"layer {layer.name!r}: the file has weights of shapes [{listed(shapes)}], not [{listed(expected)}]"
            )
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
            raise NetworkError(
                f"layer {layer.name!r}: the file has weights of shapes [{listed(shapes)}], not [{listed(expected)}]"
            )
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


def _all_layers(model: Any, around: Path = ()) -> list[tuple[Path, Any]]:
    """Layers of a model and of the models in it, each with the names of the models around it and its own."""
    layers: list[tuple[Path, Any]] = []
    for layer in model.layers:
        path = (*around, str(layer.name))
        layers += _all_layers(layer, path) if isinstance(layer, keras.Model) else [(path, layer)]
    return layers


def _by_name(translation: Translation, group: Any) -> Weights:
    """Weights of an .h5 file of Keras 3, in which each is named ``<outermost model>/.../<layer>/<weight>``."""
    found: dict[Path, dict[str, NDArray[Any]]] = {}

    def visit(path: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        *around, layer, weight = path.split("/")
        # An activation's weights lie one level below those of its layer.
        for own in ((*around[:1], layer), (*around[:1], *around[-1:], "activation")):
            if weight in found.setdefault(own, {}) and own[-1] != "activation":
                raise NetworkError(f"two layers of {around[0]!r} are called {layer!r}; save the network as .keras")
            found[own][weight.split(":")[0]] = np.asarray(item)

    group.visititems(visit)

    def weights(path: Path) -> list[NDArray[Any]]:
        own = (*path[:1], *path[-2:]) if path[-1] == "activation" else (path[0], path[-1])
        values = found.get(own, {})
        return [values[name] for name in _WEIGHTS if name in values]

    return {path: weights(path) for path in translation.stored.values()}


def _by_position(config: Mapping[str, Any], store: Any, around: Path = ()) -> Weights:
    """Weights of an archive, in which layers are numbered by class, and weights by layer."""
    found: Weights = {}
    counts: Counter[str] = Counter()
    for entry in config["config"]["layers"]:
        kind = entry["class_name"]
        path = (*around, str(entry.get("name", (entry["config"] or {}).get("name"))))
        snake = _snake_case(kind)
        place = f"layers/{snake}_{counts[snake]}" if counts[snake] else f"layers/{snake}"
        counts[snake] += 1
        if place not in store:
            if kind in MODELS or kind in _WEIGHTED:
                raise NetworkError(f"layer {path[-1]!r}: the file has no weights at {place}")
            continue
        if kind in MODELS:
            found.update(_by_position(entry, store[place], path))
            continue
        for part, key in (((), "vars"), (("activation",), "activation/vars")):
            if key in store[place]:
                values = store[place][key]
                found[*path, *part] = [np.asarray(values[each]) for each in sorted(values, key=int)]
    return found


def _snake_case(name: str) -> str:
    """Class name as Keras 3 writes it in its archives: ``max_pooling2d`` for ``MaxPooling2D``."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
