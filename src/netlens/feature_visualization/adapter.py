"""Lets lucid 0.3.10, which was written for TensorFlow 1, run on current TensorFlow.

Importing this module installs an import hook for the modules of the package ``lucid``, and for no others. While such a
module runs, its own ``import tensorflow`` returns ``tensorflow.compat.v1`` with the two parts of ``tf.contrib`` that
lucid uses; two modules of lucid that newer libraries broke are repaired. ``sys.modules["tensorflow"]``, the built-in
``__import__`` and all other imports stay as they are, so iNNvestigate works in the same process.

>>> import netlens.feature_visualization.adapter  # before the first import of a module of lucid
>>> import lucid.optvis.render

TensorFlow itself comes from `netlens.models.backend`: eager execution is off.
"""

import builtins
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from netlens.models.backend import tf, tf1

_PACKAGE: Final = "lucid"


class AdapterError(ImportError):
    """lucid cannot be run on this TensorFlow."""


def install() -> None:
    """Install the import hook; importing this module calls it, and a second call does nothing.

    Raises
    ------
    AdapterError
        Modules of lucid were imported earlier.
    """
    if any(_is_ours(finder) for finder in sys.meta_path):
        return
    early = sorted(name for name in sys.modules if name.startswith(f"{_PACKAGE}."))
    if early:
        raise AdapterError(
            f"{early[0]} was imported before netlens.feature_visualization.adapter; "
            "import netlens.feature_visualization.adapter first"
        )
    sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds lucid's modules in their usual place, and has `_Loader` run them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] != _PACKAGE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader:
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    """Runs a module of lucid with builtins of its own, whose ``__import__`` knows TensorFlow 1."""

    def exec_module(self, module: types.ModuleType) -> None:
        # Functions keep the builtins of their module, so later imports inside them are answered in the same way.
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
        super().exec_module(module)
        mend = _MENDS.get(module.__name__)
        if mend is not None:
            mend(module)


def _is_ours(finder: object) -> bool:
    # By name, not by class: importlib.reload makes another class.
    return (type(finder).__module__, type(finder).__qualname__) == (_Finder.__module__, _Finder.__qualname__)


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    """Stand in for ``__import__`` within lucid."""
    first, *rest = name.split(".")
    if level or first != "tensorflow":
        return builtins.__import__(name, globals, locals, fromlist or (), level)
    module: Any = _TENSORFLOW
    for part in rest:
        if not hasattr(module, part):
            raise AdapterError(f"lucid imports {name}, which TensorFlow {tf.__version__} does not have")
        module = getattr(module, part)
    return module if fromlist else _TENSORFLOW


class _TensorFlow1(types.ModuleType):
    """``tensorflow.compat.v1``, with a ``contrib``."""

    def __init__(self) -> None:
        super().__init__("tensorflow")
        self.contrib = types.SimpleNamespace(image=types.SimpleNamespace(rotate=rotate), slim=_Slim("tf_slim"))

    def __getattr__(self, name: str) -> Any:
        return getattr(tf1, name)


class _Slim(types.ModuleType):
    """tf-slim, imported on first use: only lucid's CPPN needs it, and the import takes a second."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        import tf_slim  # type: ignore[import-untyped]

        return getattr(tf_slim, name)


def rotate(images: Any, angles: Any, interpolation: str = "NEAREST", name: str | None = None) -> Any:
    """Return images rotated about their center: ``tf.contrib.image.rotate``, which TensorFlow 2 no longer has.

    Parameters
    ----------
    images
        Tensor, (n, height, width, channels).
    angles
        Radians, counter-clockwise; one for all images, or (n,).
    interpolation
        ``NEAREST`` or ``BILINEAR``.
    name
        Scope of the operations.

    Returns
    -------
    tensor
        Of the same shape; 0 outside the rotated image.
    """
    with tf1.name_scope(name, "rotate"):
        images = tf1.convert_to_tensor(images)
        shape = tf1.shape(images)
        angle = tf1.broadcast_to(tf1.reshape(tf1.cast(angles, tf1.float32), [-1]), [shape[0]])
        bottom, right = (tf1.cast(shape[axis] - 1, tf1.float32) for axis in (1, 2))
        cos, sin, zero = tf1.cos(angle), tf1.sin(angle), tf1.zeros_like(angle)
        # Output (x, y) is read at (cos x - sin y + dx, sin x + cos y + dy); the centre stays.
        dx = (right - (cos * right - sin * bottom)) / 2
        dy = (bottom - (sin * right + cos * bottom)) / 2
        return tf1.raw_ops.ImageProjectiveTransformV3(
            images=images,
            transforms=tf1.stack([cos, -sin, dx, sin, cos, dy, zero, zero], axis=1),
            output_shape=shape[1:3],
            fill_value=0.0,
            interpolation=interpolation,
            fill_mode="CONSTANT",
        )


def _mend_pretty_graphs(module: types.ModuleType) -> None:
    """Show residual joins: current graphs add with ``AddV2``, which lucid does not know.

    An addition is a join where both tensors depend on the input; other ``AddV2`` add constants (batch normalization
    has one), and stay hidden.
    """
    read = module.Graph.from_graphdef

    def from_graphdef(graphdef: Any) -> Any:
        graph = read(graphdef)
        waiting = [node for node in graph.nodes if node.op == "Placeholder"]
        depends = {node.name for node in waiting}
        while waiting:
            for consumer in waiting.pop().consumers:
                if consumer.name not in depends:
                    depends.add(consumer.name)
                    waiting.append(consumer)
        for node in graph.nodes:
            if node.op == "AddV2" and len({source.name for source in node.inputs} & depends) > 1:
                node.op = "Add"
        return graph

    module.Graph.from_graphdef = staticmethod(from_graphdef)


def _mend_parameter_editor(module: types.ModuleType) -> None:
    """Read and write constants without ``ndarray.tostring``, gone from numpy 2.3, and also those with one element."""

    def array_of(tensor: Any) -> np.ndarray[Any, Any]:
        return np.array(tf1.make_ndarray(tensor))

    def get_item(editor: Any, key: Any) -> Any:
        name, index = (key[0], key[1:]) if isinstance(key, tuple) else (key, ...)
        return array_of(editor.nodes[name].attr["value"].tensor)[index]

    def set_item(editor: Any, key: Any, value: Any) -> None:
        name, index = (key[0], key[1:]) if isinstance(key, tuple) else (key, ...)
        tensor = editor.nodes[name].attr["value"].tensor
        array = array_of(tensor)
        if index is ... and np.shape(value) != array.shape:
            raise ValueError(f"{name} has the shape {array.shape}, but the new value has {np.shape(value)}")
        array[index] = value
        tensor.CopyFrom(tf1.make_tensor_proto(array, dtype=tensor.dtype, shape=array.shape))

    module.ParameterEditor.__getitem__ = get_item
    module.ParameterEditor.__setitem__ = set_item


_TENSORFLOW: Final = _TensorFlow1()

_MENDS: Final[Mapping[str, Callable[[types.ModuleType], None]]] = {
    "lucid.scratch.pretty_graphs.graph": _mend_pretty_graphs,
    "lucid.scratch.parameter_editor": _mend_parameter_editor,
}

install()
