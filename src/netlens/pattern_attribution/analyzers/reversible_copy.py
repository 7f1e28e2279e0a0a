"""Copies of a model in the form in which iNNvestigate's reverse engine can go through them."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from numpy.typing import NDArray
from tf_keras.src.backend import get_default_graph_uid_map

from netlens.models.backend import keras


def reversible_copy(model: Any, analyzer: str, weights: Sequence[NDArray[Any]]) -> Any:
    """Copy a model for one of iNNvestigate's analyzers.

    Parameters
    ----------
    model
        A Keras model.
    analyzer
        Name of the analyzer, such as ``lrp.epsilon``.
    weights
        The copy's weights, in the order of `model`.

    Returns
    -------
    keras.Model
        With layers of the same names, in the current graph.
    """
    copy = keras.models.clone_model(model, clone_function=partial(_reversible, analyzer))
    copy.set_weights(weights)
    count_past_names_of(copy)
    return copy


def count_past_names_of(model: Any) -> None:
    """Make Keras' numbering of layers begin behind the names in `model`, for the layers that the reverse engine adds.

    Keras numbers the layers that it names itself without a look at names that were given, and takes no two layers of
    one name into a model; a network with shortcuts often has an ``add``.
    """
    # Keras shows these counts nowhere else.
    counts = get_default_graph_uid_map()
    for layer in model.layers:
        name, _, number = layer.name.rpartition("_")
        if not number.isdecimal():
            name, number = layer.name, "0"
        # Keras counts names in name spaces; that of layers has no name.
        counts["", name] = max(counts["", name], int(number) + 1)


def _reversible(analyzer: str, layer: Any) -> Any:
    """Copy a layer in the form in which an analyzer knows it.

    iNNvestigate's LRP refuses ReLU where it is a layer, but not where it is the function of an Activation.
    """
    if analyzer.startswith("lrp.") and isinstance(layer, keras.layers.ReLU):
        highest = None if layer.max_value is None else float(layer.max_value)
        if highest in (None, 6.0) and not layer.negative_slope and not layer.threshold:
            return keras.layers.Activation("relu" if highest is None else "relu6", name=layer.name)
    return type(layer).from_config(layer.get_config())
