"""Choice of the scenes and positions that figures show; no TensorFlow."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.spatial_attribution.choices import AttributionError

_COMPARED: Final = 2  # classes that figures compare


def choose_scenes(labels: ArrayLike, logits: ArrayLike, count: int, *, first: int = -1) -> list[int]:
    """Choose scenes whose classes the network recognizes.

    Scenes of two classes are chosen and, as the last one if `count` is at least two, a scene with as many classes as
    there are. Scenes whose classes have the largest logits come first, otherwise the order of the scenes is kept. Only
    scenes with two different classes that the network knows count, since figures compare two.

    Parameters
    ----------
    labels
        (n, m), classes of each scene as indices of logits; -1 where a scene has fewer than m, or shows something that
        the network has no class for.
    logits
        (n, classes).
    count
        Number of scenes to choose; fewer are returned if there are not enough.
    first
        Index of the first scene; -1 to choose it as well.

    Returns
    -------
    list of int
        Distinct indices of scenes.

    Raises
    ------
    AttributionError
        There is no scene `first`, or it does not show two classes that the network knows, or no scene does.
    """
    classes, values = np.asarray(labels), np.asarray(logits)
    if first >= len(classes):
        raise AttributionError(f"there is no scene {first}; choose one from 0 to {len(classes) - 1}")
    counts = np.array([len(set(known[known >= 0].tolist())) for known in classes], np.int64)
    usable = [int(i) for i in np.flatnonzero(counts >= _COMPARED)]
    if not usable:
        raise AttributionError(
            f"none of the {len(classes)} scenes shows two classes that the network has; use an image set with such "
            "classes, or give them the network's ids"
        )
    if first >= 0 and first not in usable:
        raise AttributionError(
            f"scene {first} does not show two classes that the network has; choose one of {_listed(usable)}"
        )
    seen = np.array([_seen(known, scores) for known, scores in zip(classes, values, strict=True)])
    fewest, most = _COMPARED, int(counts.max())
    # Stable sorts keep the order of the scenes.
    order = [int(i) for i in np.argsort(-seen, kind="stable") if counts[i] >= _COMPARED]
    two = [scene for scene in order if counts[scene] == fewest]
    many = [scene for scene in order if counts[scene] == most]
    chosen = ([first] if first >= 0 else []) + two
    if count >= 2 and most > fewest:
        last = next((scene for scene in many if scene != first), None)
        chosen = [*chosen[: count - 1], *([] if last is None else [last]), *chosen[count - 1 :]]
    return list(dict.fromkeys([*chosen, *usable]))[:count]


def known_first(
    labels: ArrayLike, masks: NDArray[np.integer[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.integer[Any]]]:
    """Put the classes of scenes that the network knows before those that it does not, in labels and masks alike.

    Parameters
    ----------
    labels
        (n, m), indices of logits; -1 where there is none.
    masks
        (n, height, width), 1 + j on the part of the j-th class.

    Returns
    -------
    labels, masks : ndarray
        Of the same shapes: labels of -1 come last, and masks follow.
    """
    classes = np.asarray(labels, np.int64)
    order = np.argsort(classes < 0, axis=1, kind="stable")
    numbers = np.zeros((len(classes), classes.shape[1] + 1), masks.dtype)
    np.put_along_axis(numbers, 1 + order, np.arange(1, 1 + classes.shape[1], dtype=masks.dtype)[None], axis=1)
    moved = np.stack([row[mask] for row, mask in zip(numbers, masks, strict=True)]) if len(masks) else masks
    return np.take_along_axis(classes, order, axis=1), moved


def largest_logits(logits: ArrayLike, count: int = 2) -> NDArray[np.int64]:
    """Return the classes with the largest logits of each image, (n, count), largest first."""
    order = np.argsort(-np.asarray(logits), axis=-1, kind="stable")
    return np.asarray(order[..., :count], np.int64)


def _listed(scenes: Sequence[int]) -> str:
    return ", ".join(map(str, scenes[:8])) + (", ..." if len(scenes) > 8 else "")


def _seen(known: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """Return the share of a scene's m classes that are among its m largest logits."""
    wanted = set(known[known >= 0].tolist())
    return len(wanted & set(np.argsort(-scores, kind="stable")[: len(wanted)].tolist())) / max(1, len(wanted))
