"""Initial weights of the networks that netlens builds."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from netlens.models.backend import keras


def he_normals(seed: int) -> Iterator[Any]:
    """Give one He-normal initializer after the other (He et al. 2015), each with a seed of its own.

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
