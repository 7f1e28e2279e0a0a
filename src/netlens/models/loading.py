"""Load subject networks, whatever they were saved by, in the one form that the methods take.

That form is `Network`: a functional Keras model that gives logits, with its preprocessing and class names.
"""

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.files.hashing import sha256_of
from netlens.models.architectures.registry import build
from netlens.models.errors import CheckpointError, NetworkError
from netlens.models.keras.archives import read_member
from netlens.models.keras.config import parsed_config
from netlens.models.keras.files import load_keras3, load_legacy_archive, load_legacy_h5, set_stored_weights
from netlens.models.keras.graph import Step, copy_of, graph_of
from netlens.models.keras.hdf5_files import open_weights
from netlens.models.preprocessing import Preprocessing, preprocessing_from
from netlens.models.pretrained.registry import PRETRAINED, build_pretrained, imagenet_class_names


@dataclass(frozen=True)
class Network:
    """A subject network.

    Attributes
    ----------
    name
        Name in the study.
    model
        Functional Keras model; gives logits, (n, classes): a softmax at its end is removed.
    preprocessing
        From uint8 images to its inputs.
    class_names
        In the order of the logits.
    input_shape
        (height, width, 3) in pixels.
    sha256
        Of the file that it was loaded from; empty for random weights.
    """

    name: str
    model: Any
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    input_shape: tuple[int, int, int]
    sha256: str

    def preprocess(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Turn uint8 images (n, height, width, 3) into the model's inputs, float32.

        Raises
        ------
        NetworkError
            The images have another size.
        """
        check_image_size(images, self.input_shape, self.name)
        return self.preprocessing(images)

    def describe(self) -> dict[str, Any]:
        """Describe it as plain data for JSON; `load_network` reads this back, with the model's file."""
        return {
            "network": self.name,
            "input_shape": list(self.input_shape),
            "class_names": list(self.class_names),
            "preprocessing": self.preprocessing.as_spec(),
            "checkpoint_sha256": self.sha256,
        }


def check_image_size(images: NDArray[Any], input_shape: tuple[int, int, int], network: str) -> None:
    """Refuse images, (..., height, width, 3), of another size than the network named so takes.

    Raises
    ------
    NetworkError
        They have another size.
    """
    if tuple(np.shape(images)[-3:]) != input_shape:
        raise NetworkError(
            f"network {network!r} takes images of {_size(input_shape)}, not {_size(np.shape(images)[-3:])}; "
            "give the image set that size"
        )


def load_network(spec: Mapping[str, Any] | str | Path, *, name: str | None = None) -> Network:
    """Load a network.

    Parameters
    ----------
    spec
        What a study says of the network (``kind`` is ``trained``, ``file``, ``named`` or ``pretrained``), or the path
        of a network that the rule ``kernels`` has prepared: ``network.h5``, with ``network.json`` beside it.
    name
        Name in the study. Default: that of the file.

    Returns
    -------
    Network

    Raises
    ------
    FileNotFoundError
        There is no such file.
    CheckpointError
        It is truncated, damaged, or another one than its record says; sha256 told.
    NetworkError
        It is no classifier of colour images, or the study's description does not fit it.
    """
    if isinstance(spec, (str, Path)):
        return _load_prepared(Path(spec), name)
    load = {"trained": _load_trained, "file": _load_file, "named": _load_named, "pretrained": _load_pretrained}
    if spec.get("kind") not in load:
        raise NetworkError(f"network {name or ''}: kind must be one of {', '.join(load)}, not {spec.get('kind')!r}")
    return load[spec["kind"]](spec, name)


def _load_prepared(path: Path, name: str | None) -> Network:
    description = _read_json(path.with_suffix(".json"))
    model = read_model(path)
    return Network(
        name=name or str(description["network"]),
        model=model,
        preprocessing=preprocessing_from(description["preprocessing"]),
        class_names=tuple(description["class_names"]),
        input_shape=_input_shape(model, None),
        sha256=str(description["checkpoint_sha256"]),
    )


def _load_trained(spec: Mapping[str, Any], name: str | None) -> Network:
    path = Path(spec["checkpoint"]).expanduser()
    record = _read_json(path.with_suffix(".json"))
    expected = str(record["checkpoint"]["sha256"])
    return _network(
        name or path.stem,
        read_model(path, sha256=expected),
        preprocessing=preprocessing_from(record["preprocessing"]),
        class_names=record["class_names"],
        sha256=expected,
    )


def _load_file(spec: Mapping[str, Any], name: str | None) -> Network:
    path = Path(spec["file"]).expanduser()
    if path.suffix == ".pb":
        raise NetworkError(
            f"network {name or path.stem!r} is a frozen graph ({path}), which this cannot use: it needs a Keras model "
            "(.h5 or .keras)"
        )
    return _network(
        name or path.stem,
        read_model(path, sha256=spec.get("sha256")),
        preprocessing=preprocessing_from(spec.get("preprocessing", "none")),
        class_names=spec.get("class_names"),
        size_px=spec.get("size_px"),
        sha256=sha256_of(path),
    )


def _load_named(spec: Mapping[str, Any], name: str | None) -> Network:
    architecture = str(spec["architecture"])
    class_names = read_class_names(spec.get("class_names"))
    classes = len(class_names) if class_names is not None else int(spec.get("classes_count", 1000))
    height, width = _pair(spec.get("size_px", 224))
    model = build(architecture, input_shape=(height, width, 3), classes=classes, seed=int(spec.get("seed", 0)))
    weights, digest = spec.get("weights_file"), ""
    if weights is not None:
        path = Path(weights).expanduser()
        digest = _check_file(path, spec.get("sha256"))
        try:
            set_stored_weights(model, path)
        except (OSError, ValueError, KeyError) as error:
            raise CheckpointError(f"{path}: not weights of {architecture} (sha256 {digest}): {_line(error)}") from error
    return _network(
        name or architecture,
        model,
        preprocessing=preprocessing_from(spec.get("preprocessing", "caffe")),
        class_names=class_names,
        sha256=digest,
    )


def _load_pretrained(spec: Mapping[str, Any], name: str | None) -> Network:
    published = str(spec["published"])
    model, digest = build_pretrained(published, _pair(spec["size_px"]) if "size_px" in spec else None)
    network = PRETRAINED[published]
    return _network(
        name or published,
        model,
        preprocessing=network.preprocessing,
        class_names=imagenet_class_names() if network.has_classes else None,
        sha256=digest,
    )


def _network(
    name: str,
    model: Any,
    *,
    preprocessing: Preprocessing,
    class_names: Sequence[str] | str | None,
    sha256: str,
    size_px: int | Sequence[int] | None = None,
) -> Network:
    shape = _input_shape(model, size_px)
    logits = without_softmax(model, input_shape=shape)
    classes = logits.output_shape[-1]
    names = read_class_names(class_names)
    if names is None:
        names = tuple(f"class_{index}" for index in range(classes))
    if len(names) != classes:
        raise NetworkError(f"network {name!r} has {classes} outputs, but {len(names)} class names are given")
    return Network(name, logits, preprocessing, names, shape, sha256)


def read_class_names(names: Sequence[str] | str | Path | None) -> tuple[str, ...] | None:
    """Read class names, keeping their order.

    Parameters
    ----------
    names
        The names; or a text file with one a line; or None.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    NetworkError
        A name is empty or given twice.
    """
    if names is None:
        return None
    source = "class_names"
    if isinstance(names, (str, Path)):
        path = Path(names).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such file of class names")
        source, names = str(path), path.read_text(encoding="utf-8").splitlines()
        while names and not names[-1].strip():
            names = names[:-1]
    result = tuple(str(name).strip() for name in names)
    for position, name in enumerate(result):
        if not name:
            raise NetworkError(f"{source}: class {position} has no name")
        if name in result[:position]:
            raise NetworkError(f"{source}: class {position} has the name {name!r} of class {result.index(name)}")
    return result


def read_model(path: str | Path, *, sha256: str | None = None) -> Any:
    """Read a Keras model of any version from ``.h5`` or ``.keras``.

    Parameters
    ----------
    path
        The file.
    sha256
        What the file must be. None: anything.

    Returns
    -------
    keras.Model
        As it was saved, softmax included.

    Raises
    ------
    FileNotFoundError
        There is no such file; the message tells the sha256 that it should have.
    CheckpointError
        The file is truncated, damaged, or not the one with that sha256.
    UnsupportedLayerError
        A layer cannot be read; the message names it.
    """
    path = Path(path)
    digest = _check_file(path, sha256)
    if path.suffix not in {".h5", ".hdf5", ".keras"}:
        raise NetworkError(f"{path}: networks are read from .h5 and .keras files")
    try:
        version, config = _version_and_config(path)
    except NetworkError as error:
        raise type(error)(f"{path}: {error}") from error
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path}: truncated or damaged (sha256 {digest}): {_line(error)}") from error
    if config is None:
        raise CheckpointError(f"{path}: holds weights without an architecture; save the whole model")
    try:
        if version.startswith("3"):
            return load_keras3(path)
        if zipfile.is_zipfile(path):
            return load_legacy_archive(path)
        return load_legacy_h5(path)
    except NetworkError as error:
        raise type(error)(f"{path}: {error}") from error
    except (OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CheckpointError(f"{path}: truncated or damaged (sha256 {digest}): {_line(error)}") from error
    # Whatever Keras and TensorFlow raise for options and calls that do not fit.
    except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError, AssertionError, RuntimeError) as error:
        raise NetworkError(f"{path}: cannot be read as a Keras model: {_line(error)}") from error


def _check_file(path: Path, expected: str | None) -> str:
    if not path.is_file():
        told = f" (sha256 {expected})" if expected else ""
        raise FileNotFoundError(f"{path}: no such checkpoint{told}")
    digest = sha256_of(path)
    if expected and digest != expected:
        raise CheckpointError(
            f"{path}: truncated or changed: its sha256 is {digest}, but {expected} is expected; restore the file"
        )
    return digest


def _version_and_config(path: Path) -> tuple[str, dict[str, Any] | None]:
    if zipfile.is_zipfile(path):
        version = parsed_config(read_member(path, "metadata.json")).get("keras_version", "2")
        return str(version), parsed_config(read_member(path, "config.json"))
    if path.suffix == ".keras":
        raise zipfile.BadZipFile("not a .keras archive")
    with open_weights(path) as stored:
        config = stored.attrs.get("model_config")
        return str(stored.attrs.get("keras_version", "2")), None if config is None else parsed_config(config)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; it describes the network beside it")
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise NetworkError(f"{path}: not JSON ({error}); make or restore it") from error
    return document


def _line(error: BaseException) -> str:
    """Give the first line of what a library says."""
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__


def _size(shape: Sequence[int | None]) -> str:
    return " x ".join(str(size) for size in shape)


def _pair(size_px: int | Sequence[int]) -> tuple[int, int]:
    if isinstance(size_px, int):
        return size_px, size_px
    height, width = size_px
    return int(height), int(width)


def _input_shape(model: Any, size_px: int | Sequence[int] | None) -> tuple[int, int, int]:
    """Find (height, width, 3), with the study's size where the model takes any."""
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4:
        shapes = ", ".join(str(tuple(tensor.shape[1:])) for tensor in model.inputs)
        raise NetworkError(f"network {model.name!r} takes {shapes}; one input (height, width, 3) is needed")
    height, width, channels = model.inputs[0].shape[1:]
    if channels != 3:
        raise NetworkError(f"network {model.name!r} takes {channels} channels; images have 3")
    if size_px is None:
        if height is None or width is None:
            raise NetworkError(f"network {model.name!r} takes images of any size; say which: size_px: [height, width]")
        return int(height), int(width), 3
    wanted = _pair(size_px)
    if any(have not in (None, want) for have, want in zip((height, width), wanted, strict=True)):
        raise NetworkError(f"network {model.name!r} takes {_size((height, width))} pixels, not {_size(wanted)}")
    return *wanted, 3


def without_softmax(model: Any, *, input_shape: tuple[int, int, int] | None = None) -> Any:
    """Copy a classifier so that it gives logits.

    Parameters
    ----------
    model
        Ends in a softmax layer, in a layer with softmax as its activation, or in logits already.
    input_shape
        (height, width, 3), for models that take any size.

    Returns
    -------
    keras.Model
        A functional model; models inside `model` are opened. Its output is (n, classes).

    Raises
    ------
    NetworkError
        It has several outputs, or ends in something that is no classifier's end.
    """
    graph = graph_of(model)
    if len(graph.outputs) != 1:
        raise NetworkError(f"network {model.name!r} has {len(graph.outputs)} outputs; a classifier has one")
    last = graph.outputs[0][0]
    if last.activation == "sigmoid" or _operation(last) == "Sigmoid":
        raise NetworkError(f"network {model.name!r} ends in a sigmoid at {last}; only softmax and logits are supported")

    def change(step: Step, config: dict[str, Any]) -> dict[str, Any] | None:
        if step.layer is not last.layer:
            return config
        if step.kind == "Softmax" or _operation(step) in {"Softmax", "LogSoftmax"}:
            return None
        if step.activation in {"softmax", "log_softmax"}:
            return None if step.kind == "Activation" else {**config, "activation": "linear"}
        return config

    try:
        logits = copy_of(model, change=change, input_shape=input_shape)
    except ValueError as error:
        if isinstance(error, NetworkError):
            raise
        raise NetworkError(f"network {model.name!r} does not take {input_shape}: {_line(error)}") from error
    shape = tuple(logits.output_shape)
    if len(shape) != 2 or shape[1] is None:
        raise NetworkError(f"network {model.name!r} gives {_size(shape[1:])} values; a classifier gives one a class")
    return logits


def _operation(step: Step) -> str:
    """Name the TensorFlow operation of a layer that is one, such as that of ``tf.nn.softmax``."""
    definition = getattr(step.layer, "node_def", None)
    return str(definition.op) if definition is not None else ""
