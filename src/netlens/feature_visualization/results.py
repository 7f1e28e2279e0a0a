"""Rendered feature visualizations as an npz file, by key. Nothing here starts TensorFlow."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from netlens.feature_visualization.store import Picture
from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays


def save_visualizations(path: str | Path, visualizations: Mapping[str, Picture]) -> None:
    """Save feature visualizations as a compressed npz file.

    Parameters
    ----------
    path
        File to write.
    visualizations
        uint8 (size, size, 3) by key, saved in the order of the keys.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    save_arrays(path, {key: visualizations[key] for key in sorted(visualizations)}, compress=True)


def load_visualizations(path: str | Path, keys: Iterable[str]) -> dict[str, Picture]:
    """Load feature visualizations by key, each once, in the order in which their keys are given.

    Parameters
    ----------
    path
        Written by `save_visualizations`.
    keys
        Keys; the same may appear more than once, and empty ones, which stand for none, are passed over.

    Returns
    -------
    dict
        uint8 (size, size, 3) by key.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ArrayFileError
        The file is damaged, lacks a key, or holds something that is not a square RGB image.
    """
    arrays = load_arrays(path, [key for key in dict.fromkeys(keys) if key])
    found: dict[str, Picture] = {}
    for key, image in arrays.items():
        height, width, *channels = image.shape if image.ndim == 3 else (0, 1)
        if image.dtype != np.uint8 or height != width or channels != [3]:
            raise ArrayFileError(
                f"{path}: {key!r} is {image.dtype} of shape {image.shape}, not a square RGB image; delete the file and "
                "run the rule that makes it"
            )
        found[key] = image.astype(np.uint8, copy=False)
    return found
