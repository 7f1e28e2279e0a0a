"""Examples of an image set: one image of each class, correctly classified where there is one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netlens.models.errors import listed


class ExampleError(ValueError):
    """There is no suitable example of a class."""


def first_examples(
    correct: NDArray[np.bool_], labels: NDArray[np.int64], class_names: Sequence[str], wanted: Sequence[str]
) -> list[int]:
    """Indices of the first image of each class that the network classifies correctly, or else of the first image.

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
        A class is unknown or named twice, or has no image.
    """
    indices = []
    for position, name in enumerate(wanted):
        if name not in class_names:
            raise ExampleError(f"class {name!r} is not in the image set; it has {listed(class_names)}")
        if name in wanted[:position]:
            raise ExampleError(f"class {name!r} is named twice")
        of_class = np.asarray(labels) == list(class_names).index(name)
        if not of_class.any():
            with_images = [str(class_names[label]) for label in np.unique(labels)]
            raise ExampleError(f"there is no image of class {name!r} here; there are images of {listed(with_images)}")
        right = np.flatnonzero(of_class & correct)
        indices.append(int(right[0]) if len(right) else int(np.flatnonzero(of_class)[0]))
    return indices


def telling_classes(
    correct: NDArray[np.bool_], labels: NDArray[np.int64], class_names: Sequence[str], count: int
) -> list[str]:
    """Names of classes to show: in the order of the labels, those with a correctly classified image first.

    Parameters
    ----------
    correct, labels, class_names
        As for `first_examples`.
    count
        Maximum number of classes.

    Returns
    -------
    list of str
        Classes without an image are left out.
    """
    present = np.unique(labels)
    with_right = np.unique(np.asarray(labels)[correct])
    order = [*with_right, *(label for label in present if label not in with_right)]
    return [str(class_names[label]) for label in order[:count]]
