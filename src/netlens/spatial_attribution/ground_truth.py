"""How well attribution finds the right part of scenes for which that part is known.

A scene is composed of parts, one per class; attribution to a class should lie on that class's part. Measures: the share
of positive attribution that does, the pointing game (Zhang et al. 2016, arXiv 1608.00507): whether the largest
attribution does, rank accuracy (Arras et al. 2022, arXiv 2003.07258): the share of the largest attributions that do, as
many as the part has positions, and the area under the ROC curve of the attribution as a detector of the part.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.spatial_attribution.choices import AttributionError

Array = NDArray[np.float64]


def part_shares(masks: ArrayLike, height: int, width: int) -> Array:
    """Compute the share of each position of a layer that a part of the image covers.

    Parameters
    ----------
    masks
        (n, image height, image width), True on the part.
    height, width
        Numbers of positions of the layer; position i covers the rows from ``i / height`` to ``(i + 1) / height`` of the
        image, whether or not that is a whole number of pixels.

    Returns
    -------
    ndarray
        (n, height, width), in 0..1.
    """
    parts = np.asarray(masks, dtype=np.float64)
    if parts.ndim != 3:
        raise AttributionError(f"masks have shape {parts.shape}, but must have shape (n, height, width)")
    rows, columns = _pooling(parts.shape[1], height), _pooling(parts.shape[2], width)
    return np.asarray(np.einsum("ip,npq,jq->nij", rows, parts, columns, optimize=True))


def positive_share(attributions: ArrayLike, parts: ArrayLike) -> Array:
    """Compute the share of positive attribution that lies on the right part.

    Parameters
    ----------
    attributions
        (n, height, width); negative values count as 0.
    parts
        (n, height, width), the share of each position that belongs to the right part (`part_shares`).

    Returns
    -------
    ndarray
        (n,), in 0..1; NaN where no attribution is positive.

    Raises
    ------
    AttributionError
        The shapes differ, or an attribution is not finite.
    """
    maps, right = _checked(attributions, parts)
    positive = np.maximum(maps, 0)
    total = positive.sum(axis=(1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        share: Array = (positive * right).sum(axis=(1, 2)) / total
    return share


def points_right(attributions: ArrayLike, parts: ArrayLike) -> Array:
    """Compute the pointing game: 1 where the position of the largest attribution lies on the right part, otherwise 0.

    If several positions share the largest value, the mean over them counts. A position of which the part covers a share
    s counts s.

    Parameters
    ----------
    attributions, parts
        As in `positive_share`.

    Returns
    -------
    ndarray
        (n,), in 0..1.

    Raises
    ------
    AttributionError
        The shapes differ, or an attribution is not finite.

    References
    ----------
    Zhang et al. 2016, "Top-down Neural Attention by Excitation Backprop", arXiv 1608.00507.
    """
    maps, right = _checked(attributions, parts)
    largest = maps == maps.max(axis=(1, 2), keepdims=True)
    points: Array = (largest * right).sum(axis=(1, 2)) / largest.sum(axis=(1, 2))
    return points


def rank_accuracy(attributions: ArrayLike, parts: ArrayLike) -> Array:
    """Compute the share of the right part among the positions of the largest attribution, as many as the part has.

    Positions that share one value have equal chances of being among them, so the mean over all orders counts. A
    position of which the part covers a share s counts s, and the number of positions is the sum of these shares.

    Parameters
    ----------
    attributions, parts
        As in `positive_share`.

    Returns
    -------
    ndarray
        (n,), in 0..1; the part's share of the area for a map without any difference; NaN where there is no part.

    Raises
    ------
    AttributionError
        The shapes differ, or an attribution is not finite.

    References
    ----------
    Arras, Osman, Samek 2022, "CLEVR-XAI: A benchmark dataset for the ground truth evaluation of neural network
    explanations" (arXiv 2003.07258).
    """
    return np.array([_rank_accuracy(*_by_value(*each)) for each in zip(*_checked(attributions, parts), strict=True)])


def area_under_curve(attributions: ArrayLike, parts: ArrayLike) -> Array:
    """Compute the area under the ROC curve of attribution as a detector of the right part.

    It is the probability that a position on the part has a larger attribution than one beside it; equal ones count
    half. A position of which the part covers a share s is on it with weight s and beside it with weight 1 - s.

    Parameters
    ----------
    attributions, parts
        As in `positive_share`.

    Returns
    -------
    ndarray
        (n,), in 0..1; 0.5 for a map without any difference, and NaN where there is no part or nothing beside it.

    Raises
    ------
    AttributionError
        The shapes differ, or an attribution is not finite.
    """
    return np.array([_area_under_curve(*_by_value(*each)) for each in zip(*_checked(attributions, parts), strict=True)])


#: Measures by name, all functions of attributions and parts with one value in 0..1 for each; a new one is a line here.
MEASURES: Final[Mapping[str, Callable[[ArrayLike, ArrayLike], Array]]] = MappingProxyType(
    {"share": positive_share, "point": points_right, "rank": rank_accuracy, "curve": area_under_curve}
)


def _by_value(attribution: Array, part: Array) -> tuple[Array, Array]:
    """Return how much of the part has each value of a map, and how many positions, from the largest value down."""
    _, which, counts = np.unique(attribution, return_inverse=True, return_counts=True)
    inside = np.bincount(which.ravel(), weights=part.ravel(), minlength=len(counts)).astype(np.float64)
    return inside[::-1], counts[::-1].astype(np.float64)


def _rank_accuracy(inside: Array, counts: Array) -> float:
    size = inside.sum()
    if size <= 0:
        return float("nan")
    # How much of each value is among the first `size` positions.
    taken = np.clip(size - (np.cumsum(counts) - counts), 0, counts)
    return float((inside / counts * taken).sum() / size)


def _area_under_curve(inside: Array, counts: Array) -> float:
    outside = counts - inside
    pairs = inside.sum() * outside.sum()
    if pairs <= 0:
        return float("nan")
    below = outside.sum() - np.cumsum(outside)
    return float((inside * (below + outside / 2)).sum() / pairs)


def _pooling(pixels: int, positions: int) -> Array:
    """Return the matrix (positions, pixels) that averages the pixels of each position, parts of pixels included."""
    edges = np.linspace(0, pixels, positions + 1)
    pixel = np.arange(pixels)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.asarray(np.maximum(overlap, 0) * positions / pixels)


def _checked(attributions: ArrayLike, parts: ArrayLike) -> tuple[Array, Array]:
    maps, right = np.asarray(attributions, dtype=np.float64), np.asarray(parts, dtype=np.float64)
    if maps.ndim != 3 or maps.shape != right.shape:
        raise AttributionError(f"attributions of shape {maps.shape} do not fit parts of shape {right.shape}")
    if not np.isfinite(maps).all():
        raise AttributionError("an attribution is NaN or infinite")
    return maps, right
