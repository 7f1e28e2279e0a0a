"""The operations of a frozen graph: their inputs, attributes and constants."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from netlens.models.backend import tf, tf1

#: What constants are computed from, where a frozen graph leaves their arithmetic to the session.
_ARITHMETIC: Final[Mapping[str, Callable[..., Any]]] = {
    "Identity": lambda x: x,
    "Add": np.add,
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Neg": np.negative,
    "Sqrt": np.sqrt,
    "Rsqrt": lambda x: 1 / np.sqrt(x),
    "Reshape": np.reshape,
}


def tensor_name(text: str) -> str:
    """Return the name of a tensor in its short form, without ``:0`` for the first output of an operation."""
    return text.removesuffix(":0")


def node_name(tensor: str) -> str:
    """Return the name of the operation that a tensor is an output of."""
    return tensor.split(":", maxsplit=1)[0]


def inputs_of(node: Any) -> list[str]:
    """Return the names of the tensors that an operation takes, in their short form, without control inputs."""
    return [tensor_name(name) for name in node.input if not name.startswith("^")]


def attribute(node: Any, name: str) -> Any:
    """Return an attribute of an operation; an empty one where it is not set.

    Looking it up in the operation itself would add it.
    """
    return node.attr[name] if name in node.attr else tf1.AttrValue()


class Constants:
    """The constants of a graph, computed when they are asked for.

    Parameters
    ----------
    nodes
        The graph's operations by name.
    """

    def __init__(self, nodes: Mapping[str, Any]) -> None:
        self._nodes = nodes
        self._found: dict[str, NDArray[Any] | None] = {}

    def value(self, tensor: str) -> NDArray[Any] | None:
        """Return the value of a tensor; None where it is not a constant.

        A tensor that is computed from constants by arithmetic alone is one.
        """
        if tensor not in self._found:
            node = self._nodes[node_name(tensor)]
            value: NDArray[Any] | None = None
            if node.op == "Const":
                value = tf.make_ndarray(attribute(node, "value").tensor)
            elif node.op in _ARITHMETIC:
                parts = [self.value(source) for source in inputs_of(node)]
                if all(part is not None for part in parts):
                    value = np.asarray(_ARITHMETIC[node.op](*parts))
            elif node.op == "Cast" and (part := self.value(inputs_of(node)[0])) is not None:
                value = part.astype(tf.as_dtype(attribute(node, "DstT").type).as_numpy_dtype)
            self._found[tensor] = value
        return self._found[tensor]
