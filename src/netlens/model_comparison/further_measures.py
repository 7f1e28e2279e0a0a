"""Two further measures of similarity, from activations themselves: Procrustes and mutual nearest neighbors."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.errors import ComparisonError

Float = NDArray[np.float64]

# Cosines that are held at a time: 32 MB.
_LARGEST_BLOCK: Final = 2**22


def procrustes(first: ArrayLike, second: ArrayLike) -> float:
    """Compute how well one layer can be rotated onto another: 1 - half the squared orthogonal Procrustes distance.

    Both are centered and scaled to unit Frobenius norm, so the value is the sum of the singular values of ``X'Y``
    (Ding, Denain, Steinhardt 2021, arXiv 2108.01661).

    Parameters
    ----------
    first, second
        (n, channels) each, at the same images.

    Returns
    -------
    float
        From 0 to 1; 0 for a layer that does not vary.

    Raises
    ------
    ComparisonError
        The layers have different numbers of images.
    """
    one, two = _centred(first, second)
    norm = np.linalg.norm(one) * np.linalg.norm(two)
    return float(np.linalg.norm(one.T @ two, ord="nuc") / norm) if norm else 0.0


def mutual_neighbours(first: ArrayLike, second: ArrayLike, count: int = 10) -> float:
    """Compute the share of each image's nearest neighbors, by cosine, that two layers have in common.

    The mean over images of the size of the intersection over `count` (Huh et al. 2024, arXiv 2405.07987). Unrelated
    layers have ``count / (n - 1)``.

    Parameters
    ----------
    first, second
        (n, channels) each, at the same images.
    count
        Number of neighbors.

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ComparisonError
        The layers have different numbers of images, or no more than `count`.
    """
    sides = _centred(first, second)
    images_count = len(sides[0])
    if images_count <= count:
        raise ComparisonError(f"{images_count} images have no {count} nearest neighbors each; use fewer neighbors")
    nearest = [_nearest(values, count) for values in sides]
    common = [len(np.intersect1d(a, b, assume_unique=True)) for a, b in zip(*nearest, strict=True)]
    return float(np.mean(common) / count)


def _nearest(values: Float, count: int) -> NDArray[np.int64]:
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    directions = values / np.where(norms > 0, norms, 1)
    places = np.empty((len(values), count), np.int64)
    # Some images at a time, so that memory does not grow with the square of their number.
    block = max(1, _LARGEST_BLOCK // len(values))
    for start in range(0, len(values), block):
        cosines = directions[start : start + block] @ directions.T
        rows = np.arange(len(cosines))
        cosines[rows, start + rows] = -np.inf
        places[start : start + block] = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return places


def _centred(first: ArrayLike, second: ArrayLike) -> list[NDArray[Any]]:
    sides = [np.asarray(values, np.float64) for values in (first, second)]
    if len(sides[0]) != len(sides[1]):
        raise ComparisonError(f"layers at {len(sides[0])} and {len(sides[1])} images cannot be compared")
    return [values - values.mean(axis=0) for values in sides]
