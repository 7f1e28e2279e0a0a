"""Examples of an image set: the first image of each class that the network classifies correctly."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class ExampleError(ValueError):
    """There is no suitable example of a class."""


def first_correct(
    correct: NDArray[np.bool_], labels: NDArray[np.int64], class_names: Sequence[str], wanted: Sequence[str]
) -> list[int]:
    """Indices of the first image of each class that the network classifies correctly.

    Parameters
    ----------
    correct
        Whether the largest logit of each image is that of its class, shape (n,).
    labels
        Class of each image, index into `class_names`, shape (n,).
    class_names
        Names of the image set's classes.
    wanted
        Names of the classes, each once.

    Returns
    -------
    list of int
        One index per class, in the order of `wanted`.

    Raises
    ------
    ExampleError
        A class is unknown or named twice, or none of its images is classified correctly.
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
                f"none of the {of_class.sum()} images of class {name!r} is classified correctly; choose another class"
            )
        indices.append(int(found[0]))
    return indices
