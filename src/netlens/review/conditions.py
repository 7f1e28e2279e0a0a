"""Conditions and values of claims: small expressions over macros and figures' numbers, evaluated without ``eval``.

- ``patternChainRatio > 2 * weightChainRatio``: macros by name.
- ``pattern_quality.mean``: an array, or a column of a figure's data.
- ``pattern_quality.mean[estimator == "linear"]``: its entries where a condition on other columns holds.
- ``x[:13]``, ``x[0]``: the first entries, one entry.
- ``abs``, ``min``, ``max``, ``mean``, ``sum``, ``count``, ``all``, ``any``; ``+ - * /``; comparisons, chained as in
  mathematics; ``and``, ``or``, ``not``, also entry by entry.

Entries that a figure leaves open (NaN) are left out of ``min``, ``max``, ``mean`` and ``sum``.
"""

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np

from netlens.workflow.errors import UserError

_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "abs": np.abs,
    "min": lambda *values: float(np.nanmin(_one(values))),
    "max": lambda *values: float(np.nanmax(_one(values))),
    "mean": lambda *values: float(np.nanmean(_one(values))),
    "sum": lambda *values: float(np.nansum(_one(values))),
    "count": lambda values: int(np.count_nonzero(values)),
    "all": lambda values: bool(np.all(values)),
    "any": lambda values: bool(np.any(values)),
}
_LENGTH: Final = 500


class ConditionError(UserError):
    """An expression that is no condition, or that names what is not there."""


def _one(values: tuple[Any, ...]) -> Any:
    array = np.asarray(values[0] if len(values) == 1 else values)
    if not array.size:
        raise ConditionError("of no entries at all")
    return array


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Attributes
    ----------
    text
        As it was written.
    """

    text: str
    _tree: ast.expr

    def items(self) -> set[str]:
        """Names of the macros and figures that it needs."""
        return set(_items(self._tree, inside=False))

    def value(self, macro: Callable[[str], Any], data: Callable[[str], Mapping[str, Any]]) -> Any:
        """Value of the expression.

        Parameters
        ----------
        macro
            Function from the name of a macro to its value.
        data
            Function from the name of a figure to its arrays or columns.

        Raises
        ------
        ConditionError
            It names a column that is not there, or combines what cannot be combined.
        """
        try:
            with np.errstate(all="ignore"):
                return _value(self._tree, macro, data, {})
        except ConditionError as error:
            raise ConditionError(f"{self.text}: {error}") from None
        except (TypeError, ValueError, IndexError, ZeroDivisionError, np.exceptions.DTypePromotionError) as error:
            raise ConditionError(f"{self.text}: {error}") from None


def parse(text: str) -> Expression:
    """Parse an expression.

    Raises
    ------
    ConditionError
        It is no expression, or contains something other than what a condition may.

    Examples
    --------
    >>> parse("a > 2 * b").value({"a": 5.0, "b": 2.0}.__getitem__, {}.__getitem__)
    True
    """
    if len(text) > _LENGTH:
        raise ConditionError(f"{text[:40]}…: longer than {_LENGTH} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConditionError(f"{text}: not an expression ({error})") from None
    for node in ast.walk(tree):
        _check(node, text)
    return Expression(" ".join(text.split()), tree)


def _check(node: ast.AST, text: str) -> None:
    fine = (
        isinstance(
            node,
            ast.Name | ast.Load | ast.Compare | ast.BoolOp | ast.And | ast.Or | ast.Not | ast.USub | ast.Subscript
            | ast.Slice | ast.cmpop | ast.operator | ast.UnaryOp | ast.BinOp,
        )
        or (isinstance(node, ast.Constant) and isinstance(node.value, int | float | str))
        or (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords)
    )  # fmt: skip
    if isinstance(node, ast.operator) and type(node) not in _ARITHMETIC:
        fine = False
    if isinstance(node, ast.cmpop) and type(node) not in _COMPARISONS:
        fine = False
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in _FUNCTIONS:
        raise ConditionError(f"{text}: there is no function {node.func.id}; there are {', '.join(_FUNCTIONS)}")
    if not fine:
        raise ConditionError(f"{text}: {type(node).__name__} is not part of a condition")


def _items(node: ast.AST, *, inside: bool) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield node.value.id
    elif isinstance(node, ast.Subscript):
        yield from _items(node.value, inside=inside)
        yield from _items(node.slice, inside=True)
    elif isinstance(node, ast.Call):
        for argument in node.args:
            yield from _items(argument, inside=inside)
    elif isinstance(node, ast.Name):
        # Within brackets, names are columns.
        if not inside:
            yield node.id
    else:
        for child in ast.iter_child_nodes(node):
            yield from _items(child, inside=inside)


def _value(node: Any, macro: Callable[[str], Any], data: Callable[[str], Mapping[str, Any]], columns: Any) -> Any:
    def value(part: ast.AST) -> Any:
        return _value(part, macro, data, columns)

    result: Any
    match node:
        case ast.Constant():
            result = node.value
        case ast.Name():
            result = _column(columns, node.id) if columns else macro(node.id)
        case ast.Attribute(value=ast.Name(id=item)):
            result = _column(data(item), node.attr)
        case ast.Subscript():
            result = _entries(node, macro, data, columns)
        case ast.Call(func=ast.Name(id=name)):
            result = _FUNCTIONS[name](*map(value, node.args))
        case ast.UnaryOp(op=ast.Not()):
            result = np.logical_not(value(node.operand))
        case ast.UnaryOp():
            result = -value(node.operand)
        case ast.BinOp():
            result = _ARITHMETIC[type(node.op)](value(node.left), value(node.right))
        case ast.BoolOp():
            joined = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            result = reduce(joined, map(value, node.values))
        case ast.Compare():
            sides = [value(side) for side in (node.left, *node.comparators)]
            pairs = zip(node.ops, sides, sides[1:], strict=False)
            result = reduce(np.logical_and, [_COMPARISONS[type(op)](left, right) for op, left, right in pairs])
        case _:
            raise ConditionError(f"{type(node).__name__} is not part of a condition")
    return _plain(result)


def _entries(node: ast.Subscript, macro: Any, data: Any, columns: Any) -> Any:
    """Entries of an array: a slice, one by its number, or those where a condition on the figure's columns holds."""
    array = _value(node.value, macro, data, columns)
    if isinstance(node.slice, ast.Slice):
        edges = [None if edge is None else _value(edge, macro, data, columns) for edge in
                 (node.slice.lower, node.slice.upper, node.slice.step)]  # fmt: skip
        return array[slice(*edges)]
    source: Any = node.value
    while isinstance(source, ast.Subscript):
        source = source.value
    if not (isinstance(source, ast.Attribute) and isinstance(source.value, ast.Name)):
        raise ConditionError("brackets follow a column, such as figure.column[other == 1]")
    chosen = _value(node.slice, macro, data, data(source.value.id))
    return array[chosen]


def _column(columns: Mapping[str, Any], name: str) -> Any:
    if name not in columns:
        raise ConditionError(f"there is no column {name!r}; there are {', '.join(columns)}")
    return columns[name]


def _plain(value: Any) -> Any:
    single = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim)
    return value.item() if single else value
