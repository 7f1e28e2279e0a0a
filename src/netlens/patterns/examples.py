"""Which images of a set are shown: the first that the network gets right, class by class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.data.image_set import ImageSet


class ExampleError(ValueError):
    """No image of the set can stand for a class."""


@dataclass(frozen=True)
class Example:
    """An image that the network classifies correctly.

    Attributes
    ----------
    index
        Its place in the image set.
    label
        Its class, which is also the largest logit's.
    logit
        The value of that logit.
    """

    index: int
    label: int
    logit: float


def first_correct(
    image_set: ImageSet,
    logits_of: Callable[[NDArray[np.uint8]], NDArray[Any]],
    class_names: Sequence[str],
    *,
    batch_size: int = 16,
) -> list[Example]:
    """Find the first image of each class whose largest logit is that of its class.

    Only images of these classes are looked at, and no more of each than needed, so the set may be large.

    Parameters
    ----------
    image_set
        Images with one label each; logit i of the network is class i of the set.
    logits_of
        Gives the logits, shape (n, classes), of n images, shape (n, height, width, 3), uint8.
    class_names
        Classes to find an image of, by name, each once.
    batch_size
        Images a call of `logits_of`.

    Returns
    -------
    list of Example
        One a class, in the order of `class_names`.

    Raises
    ------
    ExampleError
        A class is unknown, named twice, or no image of it is classified correctly.
    """
    examples = []
    for position, name in enumerate(class_names):
        if name not in image_set.class_names:
            raise ExampleError(f"class {name!r} is not in the image set; it has {', '.join(image_set.class_names)}")
        if name in class_names[:position]:
            raise ExampleError(f"class {name!r} is named twice")
        label = image_set.class_names.index(name)
        examples.append(_first_of_class(image_set, logits_of, label, batch_size))
    return examples


def _first_of_class(
    image_set: ImageSet, logits_of: Callable[[NDArray[np.uint8]], NDArray[Any]], label: int, batch_size: int
) -> Example:
    indices = np.flatnonzero(image_set.labels == label)
    for start in range(0, len(indices), batch_size):
        batch = indices[start : start + batch_size]
        logits = logits_of(image_set.images[batch])
        correct = np.flatnonzero(np.argmax(logits, axis=1) == label)
        if len(correct):
            first = int(correct[0])
            return Example(index=int(batch[first]), label=label, logit=float(logits[first, label]))
    raise ExampleError(
        f"none of the {len(indices)} images of class {image_set.class_names[label]!r} is classified correctly; "
        "name another class"
    )
