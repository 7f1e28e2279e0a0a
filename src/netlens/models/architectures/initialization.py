"""Initial weights of the networks that netlens builds."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from netlens.models.backend import keras


def he_normals(seed: int) -> Iterator[Any]:
    """He-normal initializers (He et al. 2015), one after the other, each with a different seed.

    Parameters
    ----------
    seed
        The initializers have the seeds that follow it, so the same seed gives a network the same weights.

    Yields
    ------
    keras.initializers.HeNormal
    """
    for following in count(seed + 1):
        yield keras.initializers.HeNormal(seed=following)
