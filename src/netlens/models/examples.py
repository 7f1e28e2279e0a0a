"""Which images of a set are shown: the first that the network gets right, class by class."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class ExampleError(ValueError):
    """No image of the set can stand for a class."""


def first_correct(
    correct: NDArray[np.bool_], labels: NDArray[np.int64], class_names: Sequence[str], wanted: Sequence[str]
) -> list[int]:
    """Find the first image of each class that the network classifies correctly.

    Parameters
    ----------
    correct
        Whether the largest logit of each image is that of its class, shape (n,).
    labels
        Class of each image, index into `class_names`, shape (n,).
    class_names
        Names of the image set's classes.
    wanted
        Classes to find an image of, by name, each once.

    Returns
    -------
    list of int
        One index a class, in the order of `wanted`.

    Raises
    ------
    ExampleError
        A class is unknown, named twice, or no image of it is classified correctly.
    """
    indices = []
    for position, name in enumerate(wanted):
        if name not in class_names:
            raise ExampleError(f"class {name!r} is not in the image set; it has {', '.join(class_names)}")
        if name in wanted[:position]:
            raise ExampleError(f"class {name!r} is named twice")
        of_class = np.asarray(labels) == list(class_names).index(name)
        found = np.flatnonzero(of_class & correct)
        if not len(found):
            raise ExampleError(
                f"none of the {of_class.sum()} images of class {name!r} is classified correctly; name another class"
            )
        indices.append(int(found[0]))
    return indices
