"""A notebook's parameters: one tagged cell of typed literals, which are checked before the notebook runs."""

import ast
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netlens.workflow.errors import UserError

_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}


class ParameterError(UserError):
    """An invalid parameters cell, or values that do not match it."""


@dataclass(frozen=True)
class Parameter:
    """One line of the parameters cell: ``name: type = literal``."""

    name: str
    type: str
    default: Any


def read_parameters(notebook: Mapping[str, Any], path: str) -> dict[str, Parameter]:
    """Parameters by name, from the parameters cell of a notebook (its parsed JSON).

    Raises
    ------
    ParameterError
        There is not exactly one tagged cell, it is not the first code cell, or one of its lines is not of the form
        ``name: type = literal``.
    """
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    tagged = [cell for cell in code if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        raise ParameterError(f"{path}: exactly one cell must be tagged `parameters`, but {len(tagged)} are")
    if code[0] is not tagged[0]:
        raise ParameterError(f"{path}: the cell tagged `parameters` must be the first code cell")
    parameters: dict[str, Parameter] = {}
    for node in ast.parse("".join(tagged[0]["source"])).body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
            raise ParameterError(f"{path}: parameters cell, line {node.lineno}: write `name: type = literal`")
        name, annotation = node.target.id, ast.unparse(node.annotation)
        if annotation not in _TYPES:
            raise ParameterError(f"{path}: parameter {name}: type {annotation!r} is not one of {', '.join(_TYPES)}")
        try:
            default = ast.literal_eval(node.value)
        except ValueError:
            raise ParameterError(f"{path}: parameter {name}: its value must be a literal") from None
        parameters[name] = Parameter(name, annotation, _fit(default, name, annotation, path))
    return parameters


def check_values(parameters: Mapping[str, Parameter], values: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Values of a notebook's parameters, converted to the declared types.

    Every parameter must be given: defaults that silently replace forgotten values are how wrong numbers get into
    papers.

    Raises
    ------
    ParameterError
        There are unknown or missing parameters or values of the wrong type; one line lists all of them.
    """
    problems = []
    for name in sorted(set(values) - set(parameters)):
        near = difflib.get_close_matches(name, parameters, n=1)
        problems.append(f"unknown parameter {name!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
    problems += [f"missing parameter {name!r}" for name in parameters if name not in values]
    fitted = {}
    for name, parameter in parameters.items():
        if name in values:
            try:
                fitted[name] = _fit(values[name], name, parameter.type, path)
            except ParameterError as error:
                problems.append(str(error).removeprefix(f"{path}: "))
    if problems:
        raise ParameterError(f"{path}: {'; '.join(problems)}")
    return fitted


def _fit(value: Any, name: str, annotation: str, path: str) -> Any:
    wanted = _TYPES[annotation]
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise ParameterError(f"{path}: parameter {name!r} is {value!r}, not of type {annotation}")
    return value
