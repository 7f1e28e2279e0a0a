"""Choice of the scenes and positions that figures show; no TensorFlow."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.spatial_attribution.choices import AttributionError


def choose_scenes(labels: ArrayLike, logits: ArrayLike, count: int, *, first: int = -1) -> list[int]:
    """Choose scenes whose classes the network recognizes.

    Scenes of two classes are chosen and, as the last one if `count` is at least two, a scene with as many classes as
    there are. Scenes whose classes have the largest logits come first, otherwise the order of the scenes is kept.

    Parameters
    ----------
    labels
        (n, m), classes of each scene as indices of logits; -1 where a scene has fewer than m.
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
        There is no scene `first`.
    """
    classes, values = np.asarray(labels), np.asarray(logits)
    if first >= len(classes):
        raise AttributionError(f"there is no scene {first}; choose one from 0 to {len(classes) - 1}")
    counts = (classes >= 0).sum(axis=1)
    seen = np.array([_seen(known, scores) for known, scores in zip(classes, values, strict=True)])
    fewest, most = min(2, int(counts.max())), int(counts.max())
    # Stable sorts keep the order of the scenes.
    two = [int(i) for i in np.argsort(-seen, kind="stable") if counts[i] == fewest]
    many = [int(i) for i in np.argsort(-seen, kind="stable") if counts[i] == most]
    order = ([first] if first >= 0 else []) + two
    if count >= 2 and most > fewest:
        last = next((scene for scene in many if scene != first), None)
        order = [*order[: count - 1], *([] if last is None else [last]), *order[count - 1 :]]
    return list(dict.fromkeys([*order, *range(len(classes))]))[:count]


def largest_logits(logits: ArrayLike, count: int = 2) -> NDArray[np.int64]:
    """Return the classes with the largest logits of each image, (n, count), largest first."""
    order = np.argsort(-np.asarray(logits), axis=-1, kind="stable")
    return np.asarray(order[..., :count], np.int64)


def _seen(known: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """Return the share of a scene's m classes that are among its m largest logits."""
    wanted = set(known[known >= 0].tolist())
    return len(wanted & set(np.argsort(-scores, kind="stable")[: len(wanted)].tolist())) / max(1, len(wanted))


def spread_positions(height: int, width: int) -> list[tuple[int, int]]:
    """Return positions spread over a layer, near the corners and at the center; fewer if the layer is small."""
    rows, columns = ((length // 4, length // 2, (3 * length) // 4) for length in (height, width))
    spread = [(rows[0], columns[0]), (rows[0], columns[2]), (rows[1], columns[1]), (rows[2], columns[0])]
    return list(dict.fromkeys([*spread, (rows[2], columns[2])]))
