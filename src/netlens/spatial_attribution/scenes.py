"""Which scenes spatial attribution is shown on; no TensorFlow."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.spatial_attribution.choices import AttributionError


def choose_scenes(labels: ArrayLike, logits: ArrayLike, count: int, *, first: int = -1) -> list[int]:
    """Choose scenes whose classes the network sees.

    Scenes of two classes, and for the last one, where `count` is at least two, a scene of the most classes that there
    are. In each kind those come first whose classes have the largest logits, otherwise in the order of the scenes.

    Parameters
    ----------
    labels
        (n, m): the classes of each scene, index of the logits, -1 where a scene has fewer than m.
    logits
        (n, classes).
    count
        Scenes to choose; fewer where there are not as many.
    first
        The scene to begin with; -1: chosen.

    Returns
    -------
    list of int
        Different indices.

    Raises
    ------
    AttributionError
        There is no scene `first`.
    """
    classes, values = np.asarray(labels), np.asarray(logits)
    if first >= len(classes):
        raise AttributionError(f"there is no scene {first}; there are 0 to {len(classes) - 1}")
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
    """Give the classes with the largest logits of each image, (n, count), the largest first."""
    order = np.argsort(-np.asarray(logits), axis=-1, kind="stable")
    return np.asarray(order[..., :count], np.int64)


def _seen(known: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """Give the share of a scene's classes that are among as many largest logits."""
    wanted = set(known[known >= 0].tolist())
    return len(wanted & set(np.argsort(-scores, kind="stable")[: len(wanted)].tolist())) / max(1, len(wanted))


def spread_positions(height: int, width: int) -> list[tuple[int, int]]:
    """Give positions spread over a layer: near the corners, and the centre; fewer where the layer is small."""
    rows, columns = ((length // 4, length // 2, (3 * length) // 4) for length in (height, width))
    spread = [(rows[0], columns[0]), (rows[0], columns[2]), (rows[1], columns[1]), (rows[2], columns[0])]
    return list(dict.fromkeys([*spread, (rows[2], columns[2])]))
