"""Networks read from files: Keras models of any version, and networks that were prepared for the analyses."""

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

from netlens.files.hashing import sha256_of
from netlens.models.errors import CheckpointError, NetworkError, first_line
from netlens.models.keras.files import load_keras3, load_legacy_archive, load_legacy_h5
from netlens.models.keras.stored_config import check_no_folder, version_and_config
from netlens.models.network import Network, input_shape_of
from netlens.models.preprocessing import preprocessing_from


def load_prepared(path: str | Path, *, name: str | None = None) -> Network:
    """Network that the rule ``kernels`` has prepared.

    Parameters
    ----------
    path
        ``network.h5``, with ``network.json`` beside it.
    name
        Name in the study. Default: the one in the .json file.

    Raises
    ------
    FileNotFoundError
        One of the two files is missing.
    CheckpointError
        The model is truncated or damaged.
    NetworkError
        The description is not JSON.
    """
    description = read_description(Path(path).with_suffix(".json"))
    model = read_model(path)
    return Network(
        name=name or str(description["network"]),
        model=model,
        preprocessing=preprocessing_from(description["preprocessing"]),
        class_names=tuple(description["class_names"]),
        input_shape=input_shape_of(model),
        sha256=str(description["checkpoint_sha256"]),
        class_ids=tuple(description["class_ids"]),
    )


def read_model(path: str | Path, *, sha256: str | None = None) -> Any:
    """Keras model read from a ``.h5`` or ``.keras`` file of any Keras version.

    Parameters
    ----------
    path
        The file.
    sha256
        Expected hash of the file. None: not checked.

    Returns
    -------
    keras.Model
        The model as it was saved, softmax included.

    Raises
    ------
    FileNotFoundError
        There is no such file; the message states the sha256 that it should have.
    CheckpointError
        The file is truncated or damaged, or has another sha256.
    UnsupportedLayerError
        A layer is not supported; the message names it.
    """
    path = Path(path)
    try:
        check_no_folder(path)
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from None
    digest = check_file(path, sha256)
    if path.suffix not in {".h5", ".hdf5", ".keras"}:
        raise NetworkError(f"{path}: not a network file; save the network as .h5 or .keras")
    try:
        version, config = version_and_config(path)
    except NetworkError as error:
        raise type(error)(f"{path}: {error}") from error
    except (OSError, KeyError, zipfile.BadZipFile, zlib.error, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path}: truncated or damaged (sha256 {digest}): {first_line(error)}") from error
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
        raise CheckpointError(f"{path}: truncated or damaged (sha256 {digest}): {first_line(error)}") from error
    # Whatever Keras and TensorFlow raise for options and calls that do not fit.
    except (ValueError, TypeError, AttributeError, IndexError, ArithmeticError, AssertionError, RuntimeError) as error:
        raise NetworkError(f"{path}: cannot be read as a Keras model: {first_line(error)}") from error


def check_file(path: Path, expected: str | None) -> str:
    """Hash of a file, sha256, checked against the expected one.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    CheckpointError
        It has another hash.
    """
    if not path.is_file():
        known = f" (sha256 {expected})" if expected else ""
        raise FileNotFoundError(f"{path}: no such checkpoint{known}")
    digest = sha256_of(path)
    if expected and digest != expected:
        raise CheckpointError(
            f"{path}: truncated or changed: its sha256 is {digest} instead of {expected}; restore the file"
        )
    return digest


def read_description(path: Path) -> dict[str, Any]:
    """Content of the JSON file that describes the network beside it.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    NetworkError
        It is not JSON.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file, but the network beside it needs this description")
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise NetworkError(f"{path}: not valid JSON ({error}); restore it, or run the rule that makes it") from error
    return document
