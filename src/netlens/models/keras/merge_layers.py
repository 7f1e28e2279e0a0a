"""TensorFlow functions of two tensors of one shape, such as ``x + y``, as the Keras layers that compute the same.

Keras 2 writes ``x + y`` as a layer of a TensorFlow function (``TFOpLambda``, or ``TensorFlowOpLayer`` before TensorFlow
2.4). Analyses that have a rule for additions know the layer ``Add`` and no functions.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from netlens.models.errors import NetworkError
from netlens.models.keras.call_order import CONSTANT, references
from netlens.models.keras.config import MODELS
from netlens.models.keras.saved_graph import Shape, saved_graph

#: Layer by the last part of the name of a function, and by the name of an operation.
_LAYERS: Final[Mapping[str, str]] = {
    "add": "Add", "subtract": "Subtract", "multiply": "Multiply", "maximum": "Maximum", "minimum": "Minimum",
    "Add": "Add", "AddV2": "Add", "Sub": "Subtract", "Mul": "Multiply", "Maximum": "Maximum", "Minimum": "Minimum",
}  # fmt: skip
_Path = tuple[str, ...]


def with_merge_layers(config: Mapping[str, Any]) -> dict[str, Any]:
    """Configuration in which functions of two tensors of one shape are layers.

    Names, weights and the order of layers stay as they are. A function whose inputs may have different shapes stays a
    function, since TensorFlow and Keras differ in how they broadcast.

    Parameters
    ----------
    config
        From `netlens.models.keras.config.checked_config`. It is not modified.

    Returns
    -------
    dict
        Unchanged where it describes no graph, which is reported where the graph is needed.
    """
    try:
        steps = saved_graph(config).steps
    except NetworkError:
        return dict(config)
    shapes: dict[_Path, list[list[Shape]]] = defaultdict(list)
    for step in steps:
        shapes[step.path].append([steps[source].shape for source in step.sources])
    merged = {path for path, calls in shapes.items() if all(_are_two_of_one_shape(each) for each in calls)}
    return _model(config, (), merged)


def _are_two_of_one_shape(shapes: Sequence[Shape]) -> bool:
    return len(shapes) == 2 and shapes[0] == shapes[1] != ()


def _model(entry: Mapping[str, Any], around: _Path, merged: set[_Path]) -> dict[str, Any]:
    """Entry of a model that lies in the models `around`."""
    config = entry["config"]
    layers = config if isinstance(config, list) else config["layers"]
    made = [_entry(layer, (*around, _name(layer)), merged) for layer in layers]
    return {**entry, "config": made if isinstance(config, list) else {**config, "layers": made}}


def _entry(entry: Mapping[str, Any], path: _Path, merged: set[_Path]) -> dict[str, Any]:
    if entry["class_name"] in MODELS:
        return _model(entry, path, merged)
    layer = _layer(entry)
    if layer is None or path not in merged:
        return dict(entry)
    calls = [[[*tensor, {}] for tensor in references(call)] for call in entry["inbound_nodes"]]
    config = {"name": entry["config"]["name"], "dtype": "float32"}
    return {**entry, "class_name": layer, "config": config, "inbound_nodes": calls}


def _layer(entry: Mapping[str, Any]) -> str | None:
    """Layer that computes the same as a function, if each call of it has tensors as arguments and nothing else."""
    options = entry["config"]
    if entry["class_name"] == "TFOpLambda" and all(_has_tensors_only(call) for call in entry["inbound_nodes"]):
        return _LAYERS.get(str(options["function"]).rsplit(".", maxsplit=1)[-1])
    if entry["class_name"] == "TensorFlowOpLayer" and not options["constants"]:
        return _LAYERS.get(str(options["node_def"]["op"]))
    return None


def _has_tensors_only(call: Any) -> bool:
    is_call = isinstance(call, list) and len(call) == 4 and isinstance(call[0], str) and isinstance(call[3], Mapping)
    if not is_call or call[0] == CONSTANT:
        return False
    other = call[3].get("y")
    return call[3].keys() <= {"y", "name"} and isinstance(other, list) and len(other) == 3 and other[0] != CONSTANT


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("name", entry["config"].get("name") if isinstance(entry["config"], Mapping) else None))
