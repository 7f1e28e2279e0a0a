"""A subject network in the one form that the methods take: a Keras model that outputs logits, and its description."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.models.errors import NetworkError, first_line, listed
from netlens.models.input_scaling import check_scaled_once
from netlens.models.keras.graph import Step, copy_of, graph_of
from netlens.models.label_space import LabelSpace, numbered
from netlens.models.preprocessing import Preprocessing


@dataclass(frozen=True)
class Network:
    """A subject network.

    Attributes
    ----------
    name
        Name in the study.
    model
        Functional Keras model that outputs logits, (n, classes).
    preprocessing
        Maps uint8 images to the inputs of the model.
    class_names
        Names of the classes, in the order of the logits.
    input_shape
        (height, width, 3) in pixels.
    sha256
        Hash of the file that it was loaded from; empty for random weights.
    class_ids
        Ids of the classes, by which those of image sets are matched; empty if they are the names.
    """

    name: str
    model: Any
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    sha256: str
    class_ids: tuple[str, ...] = ()

    def preprocess(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Inputs of the model for uint8 images (n, height, width, 3), float32.

        Raises
        ------
        NetworkError
            The images do not have the size that the network takes.
        """
        check_image_size(images, self.input_shape, self.name)
        return self.preprocessing(images)

    def describe(self) -> dict[str, Any]:
        """Description as plain data for JSON, as `netlens.models.network_files.load_prepared` reads it."""
        return {
            "network": self.name,
            "input_shape": list(self.input_shape),
            "class_names": list(self.class_names),
            "class_ids": list(self.class_ids),
            "preprocessing": self.preprocessing.as_spec(),
            "checkpoint_sha256": self.sha256,
        }


def check_image_size(images: NDArray[Any], input_shape: tuple[int, int, int], network: str) -> None:
    """Check that images, (..., height, width, 3), have the size that a network takes.

    Raises
    ------
    NetworkError
        They do not.
    """
    if tuple(np.shape(images)[-3:]) != input_shape:
        raise NetworkError(
            f"network {network!r} takes images of {_size(input_shape)}, not {_size(np.shape(images)[-3:])}; "
            "set size_px of the image set to that size"
        )


def network_of(
    name: str,
    model: Any,
    *,
    preprocessing: Preprocessing,
    classes: LabelSpace | None,
    sha256: str,
    size_px: int | Sequence[int] | None = None,
) -> Network:
    """Network of a classifier, with the softmax at its end removed and its description checked.

    Parameters
    ----------
    name
        Name in the study.
    model
        Keras model that outputs class probabilities or logits.
    preprocessing
        Maps uint8 images to the inputs of the model.
    classes
        What its outputs stand for. None: ``class_0``, ``class_1``, ...
    sha256
        Hash of the file that the model was loaded from; empty for random weights.
    size_px
        Side, or (height, width), of the images. Needed only if the model takes images of any size.

    Raises
    ------
    NetworkError
        The model is not a classifier of color images, or the description does not match it; or the model scales its
        images itself, and the preprocessing does so too.
    """
    from netlens.models.keras.folding import input_scaling

    shape = input_shape_of(model, size_px)
    logits = without_softmax(model, input_shape=shape)
    count = logits.output_shape[-1]
    space = classes or numbered(count)
    if len(space.names) != count:
        raise NetworkError(f"network {name!r} has {count} outputs, but {len(space.names)} class names are given")
    try:
        check_scaled_once(input_scaling(logits), preprocessing)
    except NetworkError as error:
        raise NetworkError(f"network {name!r}: {error}") from error
    ids = () if space.ids == space.names else space.ids
    return Network(name, logits, preprocessing, space.names, shape, sha256, ids)


def without_softmax(model: Any, *, input_shape: tuple[int, int, int] | None = None) -> Any:
    """Copy of a classifier that outputs logits.

    Parameters
    ----------
    model
        Ends in a softmax layer, in a layer with softmax as its activation, or in logits; a flatten may follow.
    input_shape
        (height, width, 3), for models that take images of any size.

    Returns
    -------
    keras.Model
        A functional model with output (n, classes); nested models are expanded into their layers.

    Raises
    ------
    NetworkError
        It has several outputs, or its output is not that of a classifier, such as a softmax at each position of a map.
    """
    graph = graph_of(model)
    if len(graph.outputs) != 1:
        raise NetworkError(f"network {model.name!r} has {len(graph.outputs)} outputs; a classifier has one")
    last = graph.outputs[0][0]
    while last.kind in {"Dropout", "Flatten", "Reshape"} and len(last.sources) == 1:
        last = last.source
    if _is_softmax(last) and any(size != 1 for size in last.output_shape[:-1]):
        raise NetworkError(
            f"network {model.name!r} ends in a softmax at each of {_size(last.output_shape[:-1])} positions, "
            f"at {last}; a classifier has one"
        )
    if last.activation == "sigmoid" or _operation(last) == "Sigmoid":
        raise NetworkError(f"network {model.name!r} ends in a sigmoid at {last}; only softmax and logits are supported")

    def change(step: Step, config: dict[str, Any]) -> dict[str, Any] | None:
        if step.layer is not last.layer:
            return config
        if not _is_softmax(step):
            return config
        has_kernel = step.activation in {"softmax", "log_softmax"} and step.kind != "Activation"
        return {**config, "activation": "linear"} if has_kernel else None

    try:
        logits = copy_of(model, change=change, input_shape=input_shape)
    except ValueError as error:
        if isinstance(error, NetworkError):
            raise
        raise NetworkError(f"network {model.name!r} does not take {input_shape}: {first_line(error)}") from error
    shape = tuple(logits.output_shape)
    if len(shape) != 2 or shape[1] is None:
        raise NetworkError(
            f"network {model.name!r} outputs {_size(shape[1:])} values; a classifier outputs one per class"
        )
    return logits


def input_shape_of(model: Any, size_px: int | Sequence[int] | None = None) -> tuple[int, int, int]:
    """(height, width, 3) of the images; the study gives the size where the model takes any."""
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        shapes = listed(tuple(tensor.shape[1:]) for tensor in model.inputs)
        raise NetworkError(f"network {model.name!r} takes {shapes}; it must take one image (height, width, 3)")
    height, width, channels = model.inputs[0].shape[1:]
    if channels != 3:
        raise NetworkError(f"network {model.name!r} takes {channels} channels; it must take color images, which have 3")
    if size_px is None:
        if height is None or width is None:
            raise NetworkError(f"network {model.name!r} takes images of any size; set size_px: [height, width]")
        return int(height), int(width), 3
    wanted = size_pair(size_px)
    if any(have not in (None, want) for have, want in zip((height, width), wanted, strict=True)):
        raise NetworkError(f"network {model.name!r} takes {_size((height, width))} pixels, not {_size(wanted)}")
    return *wanted, 3


def size_pair(size_px: int | Sequence[int]) -> tuple[int, int]:
    """(height, width) in pixels of a size that is given as one side or as both."""
    if isinstance(size_px, int):
        return size_px, size_px
    height, width = size_px
    return int(height), int(width)


def _size(shape: Sequence[int | None]) -> str:
    return " x ".join(str(size) for size in shape)


def _is_softmax(step: Step) -> bool:
    by_kind = step.kind == "Softmax" or _operation(step) in {"Softmax", "LogSoftmax"}
    return by_kind or step.activation in {"softmax", "log_softmax"}


def _operation(step: Step) -> str:
    """Name of the TensorFlow operation that a layer wraps, such as that of ``tf.nn.softmax``; empty for others."""
    definition = getattr(step.layer, "node_def", None)
    return str(definition.op) if definition is not None else ""
