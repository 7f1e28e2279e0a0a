"""Which image caricatures are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.model_comparison.errors import ComparisonError

Float = NDArray[np.floating]


@dataclass(frozen=True)
class Example:
    """An image of a set.

    Attributes
    ----------
    index
        Its index in the set.
    class_name
        The class that it shows.
    choice
        Why it was chosen, for readers.
    """

    index: int
    class_name: str
    choice: str


def class_of_example(wanted: str, class_names: Sequence[str], labels: ArrayLike) -> int:
    """Return the index of the class that an example shows: the one that is named, or the first that has images.

    Parameters
    ----------
    wanted
        Name of the class; empty: the first.
    class_names
        All classes, in the order of the labels.
    labels
        (n,) int: index into `class_names`, or -1 for images without class.

    Raises
    ------
    ComparisonError
        There is no such class, or there are no images of it.
    """
    counts = np.bincount(np.asarray(labels)[np.asarray(labels) >= 0], minlength=len(class_names))
    if not wanted:
        if not counts.any():
            raise ComparisonError("no held-out image has a class; add images to the image set")
        return int(np.flatnonzero(counts)[0])
    if wanted not in class_names:
        raise ComparisonError(
            f"model_comparison.caricature_class: class {wanted!r} is not in the image set; it has "
            f"{', '.join(class_names)}"
        )
    place = list(class_names).index(wanted)
    if not counts[place]:
        raise ComparisonError(f"model_comparison.caricature_class: there is no held-out image of class {wanted!r}")
    return place


def example_of(
    class_name: str, candidates: Sequence[int], network: str, output: int, logits_of: Callable[[int], Float]
) -> Example:
    """Choose an image of a class: the first that a network classifies correctly, if it knows the class.

    A network that misunderstands the image would make a poor example, since its caricatures would exaggerate the
    mistake.

    Parameters
    ----------
    class_name
        Name of the class.
    candidates
        Indices of its images, at least one.
    network
        Name of the network.
    output
        Which of the network's outputs stands for the class; -1: none.
    logits_of
        Given the index of an image, returns its logits, (classes,). It is not called if no output stands for the class.

    Returns
    -------
    Example
        The first image that is classified correctly; if there is none, the one with the largest probability of the
        class; if no output stands for the class, the first.
    """
    if output < 0:
        return Example(candidates[0], class_name, f"first held-out image of its class, which {network} does not know")
    probabilities = []
    for index in candidates:
        logits = np.asarray(logits_of(index), np.float64)
        if int(logits.argmax()) == output:
            return Example(index, class_name, f"first held-out image of its class that {network} classifies correctly")
        exponentials = np.exp(logits - logits.max())
        probabilities.append(float(exponentials[output] / exponentials.sum()))
    return Example(
        candidates[int(np.argmax(probabilities))],
        class_name,
        f"held-out image to which {network} gives the largest probability of its class; it classifies none correctly",
    )
