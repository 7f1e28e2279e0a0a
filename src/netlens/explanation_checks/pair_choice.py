"""Choice of the images that are explained, and of the one that shows two classes; no TensorFlow."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from netlens.explanation_checks.choices import CheckError
from netlens.statistics.even_samples import spread_evenly


def spread_images(count: int, wanted: int) -> list[int]:
    """Return the places of `wanted` images, or of all if there are fewer, spread evenly over `count`.

    Raises
    ------
    CheckError
        A single image is wanted, which has no interval.
    """
    if wanted < 2:
        raise CheckError(f"explanation_checks.images_count: {wanted} image has no interval; use 2 or more, or 0")
    return spread_evenly(count, wanted)


def choose_pair(labels: ArrayLike, scene: int = -1) -> tuple[int, tuple[int, int]]:
    """Choose a scene that shows two classes that the network knows.

    Parameters
    ----------
    labels
        (n, m), indices of the logits of the classes that each scene shows; -1 where there is none.
    scene
        Place of the scene; -1 for the first that does.

    Returns
    -------
    scene : int
        Its place.
    classes : tuple of int
        Indices of its first two classes.

    Raises
    ------
    CheckError
        There is no such scene, or it does not show two classes that the network knows, or none does.
    """
    known = [_different(row) for row in np.asarray(labels)]
    usable = [place for place, classes in enumerate(known) if len(classes) > 1]
    if not usable:
        raise CheckError(
            "no scene shows two classes that the network has; use an image set with two of its classes, or give them "
            "the network's ids"
        )
    if scene >= 0 and scene not in usable:
        shown = ", ".join(map(str, usable[:8])) + (", ..." if len(usable) > 8 else "")
        raise CheckError(
            f"explanation_checks.scene: scene {scene} does not show two classes that the network has; choose {shown}"
        )
    place = scene if scene >= 0 else usable[0]
    return place, (known[place][0], known[place][1])


def _different(row: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(int(index) for index in row if index >= 0))
