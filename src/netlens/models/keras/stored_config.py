"""The architecture that a Keras network file holds, read without Keras."""

import zipfile
from pathlib import Path
from typing import Any

from netlens.models.errors import NetworkError
from netlens.models.keras.archives import read_member
from netlens.models.keras.config import parsed_config
from netlens.models.keras.hdf5_files import open_weights


def check_no_folder(path: Path) -> None:
    """Check that a network is not given as a folder.

    Raises
    ------
    NetworkError
        It is; TensorFlow's SavedModels are folders.
    """
    if path.is_dir():
        what = "a SavedModel" if (path / "saved_model.pb").exists() else "a folder"
        raise NetworkError(f"{what}, which is not read; load it where it was made, and save the network as .keras")


def version_and_config(path: Path) -> tuple[str, dict[str, Any] | None]:
    """Version of Keras and configuration in a network file; None if it holds weights without an architecture.

    Raises
    ------
    NetworkError
        The configuration is not one.
    OSError, KeyError, zipfile.BadZipFile, zlib.error, json.JSONDecodeError
        The file is missing, damaged, or not a Keras file.
    """
    if zipfile.is_zipfile(path):
        version = parsed_config(read_member(path, "metadata.json")).get("keras_version", "2")
        return str(version), parsed_config(read_member(path, "config.json"))
    if path.suffix == ".keras":
        raise zipfile.BadZipFile("not a .keras archive")
    with open_weights(path) as stored:
        config = stored.attrs.get("model_config")
        return str(stored.attrs.get("keras_version", "2")), None if config is None else parsed_config(config)
