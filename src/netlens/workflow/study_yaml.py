"""YAML reader for studies: no repeated keys, and ``1e3`` and ``1/255`` are numbers, as people write them."""

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml


class _Loader(yaml.SafeLoader):
    """The safe loader, which also rejects repeated keys and reads ``1e3`` as a number."""


# PyYAML implements YAML 1.1, in which 1e-3 is text, because a float needs a decimal point and a signed exponent.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:\d+(?:\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


_FRACTION: Final = "!fraction"
_Loader.add_implicit_resolver(_FRACTION, re.compile(r"^[-+]?\d+(?:\.\d*)?/\d+(?:\.\d*)?$"), list("-+0123456789"))


def _fraction(loader: _Loader, node: yaml.ScalarNode) -> float:
    numerator, _, denominator = loader.construct_scalar(node).partition("/")
    if float(denominator) == 0:
        raise yaml.constructor.ConstructorError(None, None, f"{node.value} divides by zero", node.start_mark)
    return float(numerator) / float(denominator)


_Loader.add_constructor(_FRACTION, _fraction)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    loader.flatten_mapping(node)
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        try:
            repeated = key in seen
        except TypeError:
            continue  # PyYAML itself rejects unhashable keys
        if repeated:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} appears twice; remove one of them", key_node.start_mark
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(text: str) -> Any:
    """Contents of a YAML document.

    Parameters
    ----------
    text
        The document.

    Returns
    -------
    object
        Dictionaries, lists, strings, numbers, booleans and None.

    Raises
    ------
    yaml.YAMLError
        It is not valid YAML, or a key appears twice in a mapping.
    """
    return yaml.load(text, Loader=_Loader)  # a subclass of the safe loader


def not_finite(value: Any, where: str = "") -> Iterator[str]:
    """Yield the location of each number that is infinite or NaN, such as ``weights.size`` or ``scales.2``."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from not_finite(part, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from not_finite(part, f"{where}.{index}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield where


def read_plain_yaml(text: str) -> Any:
    """Return what YAML of netlens' own says, read by the safe loader in C where there is one: ten times as fast."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
