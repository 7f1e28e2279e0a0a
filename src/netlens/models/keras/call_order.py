"""Check that the layers of a Keras configuration can be called in some order.

The legacy Keras postpones each call until its inputs exist. If layers wait for each other, or for a call or output that
does not exist, it never finishes, so such a configuration is refused before it is passed to Keras.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from netlens.models.errors import NetworkError

#: Precedes a constant, in place of the name of a layer.
CONSTANT = "_CONSTANT_VALUE"

_SPLITS = frozenset({"split", "unstack", "unique", "moments", "nn.moments", "meshgrid", "math.top_k", "nn.top_k"})


def check_call_order(config: Mapping[str, Any], models: frozenset[str], where: str) -> None:
    """Check that the calls of a functional model can be put in order.

    Parameters
    ----------
    config
        Configuration of a functional model of the legacy Keras, from `netlens.models.keras.config.checked_config`.
    models
        Class names of models, which may be layers of other models.
    where
        Name of the model in messages.

    Raises
    ------
    NetworkError
        A layer is defined twice, or a call depends on itself or on a layer, call or output that does not exist.
    """
    entries: dict[str, Mapping[str, Any]] = {}
    for entry in config["layers"]:
        name = entry.get("name", entry["config"].get("name") if isinstance(entry["config"], Mapping) else None)
        if name in entries:
            raise NetworkError(f"{where} has two layers called {name!r}; rename one and save it again")
        entries[str(name)] = entry
    made: dict[str, set[int]] = {name: set() for name in entries}
    waiting: list[tuple[str, int, list[tuple[str, int, int]]]] = []
    for name, entry in entries.items():
        calls = entry.get("inbound_nodes") or []
        first = first_call(entry, models)
        if not calls:
            made[name].add(0)
        for index, call in enumerate(calls):
            waiting.append((name, first + index, list(references(call))))
    while waiting:
        # The calls of one layer are made in order.
        blocked: set[str] = set()
        later = []
        for name, index, tensors in waiting:
            ready = name not in blocked and all(
                node in made.get(layer, ()) and tensor in _outputs(entries[layer], models)
                for layer, node, tensor in tensors
            )
            if ready:
                made[name].add(index)
            else:
                blocked.add(name)
                later.append((name, index, tensors))
        if len(later) == len(waiting):
            raise NetworkError(
                f"{where}: layer {waiting[0][0]!r} needs an input that no layer of the file provides; save it again"
            )
        waiting = later


def first_call(entry: Mapping[str, Any], models: frozenset[str]) -> int:
    """Return the number of a layer's first call: 1 for a model with an input layer, which Keras has called itself."""
    if entry["class_name"] not in models:
        return 0
    config = entry["config"]
    layers = config if isinstance(config, Sequence) else config["layers"]
    starts = bool(layers) and (
        layers[0]["class_name"] == "InputLayer" or "batch_input_shape" in dict(layers[0]["config"] or {})
    )
    return int(starts)


def _outputs(entry: Mapping[str, Any], models: frozenset[str]) -> range:
    """Numbers of the outputs that a layer may have."""
    if entry["class_name"] in models and isinstance(entry["config"], Mapping):
        outputs = entry["config"].get("output_layers") or [None]
        return range(1 if isinstance(outputs[0], str) else len(outputs))
    function = entry["config"].get("function") if isinstance(entry["config"], Mapping) else None
    if function is None or str(function).removeprefix("compat.v1.") not in _SPLITS:
        return range(1)
    return range(_split_count(entry))


def _split_count(entry: Mapping[str, Any]) -> int:
    """Number of outputs of an operation that splits, according to the arguments of its call."""
    for call in entry.get("inbound_nodes") or []:
        for arguments in _arguments(call):
            for key in ("num_or_size_splits", "num"):
                value = arguments.get(key)
                if isinstance(value, int):
                    return max(value, 1)
                if isinstance(value, list):
                    return len(value)
    return 2 if str(entry["config"]["function"]).endswith(("moments", "top_k", "unique")) else 1


def references(call: Any) -> Iterator[tuple[str, int, int]]:
    """Yield (layer, call, output) of each input tensor of a call."""
    if isinstance(call, Mapping):
        for part in call.values():
            yield from references(part)
    elif isinstance(call, (list, tuple)):
        if len(call) in (3, 4) and isinstance(call[0], str) and type(call[1]) is int:
            if call[0] != CONSTANT:
                yield call[0], call[1], call[2]
            yield from (reference for part in call[3:] for reference in references(part))
        else:
            for part in call:
                yield from references(part)


def _arguments(call: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(call, Mapping):
        yield call
    elif isinstance(call, (list, tuple)):
        for part in call:
            yield from _arguments(part)
