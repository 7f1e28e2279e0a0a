"""Views of whole photographs, for networks that were trained on pictures of whole objects.

Where `netlens.images.photos` divides each photograph into cells, some photographs are held out here altogether, so that
no training view shares a pixel with a held-out one. A view is a square that covers most of a photograph.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.images.image_set import CropSet, SceneSet
from netlens.images.photos import (
    LAYOUTS,
    PHOTOGRAPHS,
    PhotoError,
    change_colours,
    composed,
    images_of,
    read_photograph,
    render,
)

Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]

_TRAIN, _HELDOUT = range(2)
# Parts of a scene show nearly all that fits, so that an object can be recognized.
_SMALLEST_PART = 0.85


@dataclass(frozen=True)
class Viewing:
    """How views are drawn.

    Attributes
    ----------
    size_px
        Height and width of an image; even.
    smallest
        Side of the smallest view, as a fraction of the photograph's shorter side. The largest is all of that side.
    colour
        Training views only: largest relative change of brightness, of contrast, and of saturation.
    """

    size_px: int = 224
    smallest: float = 0.5
    colour: float = 0.2

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.size_px < 8 or self.size_px % 2:
            raise PhotoError(f"photos: size_px must be an even number of at least 8, not {self.size_px}")
        if not 0 < self.smallest <= 1:
            raise PhotoError(f"photos: smallest must be above 0 and at most 1, not {self.smallest}")
        if not 0 <= self.colour < 1:
            raise PhotoError(f"photos: colour must be at least 0 and below 1, not {self.colour}")


@dataclass(frozen=True)
class Division:
    """Which photographs are for training and which are held out.

    Attributes
    ----------
    classes
        All photographs, in the order of the labels.
    heldout
        Those of them that are held out.

    Raises
    ------
    PhotoError
        A photograph is unknown or repeated, one that is held out is not among the classes, fewer than two are held out,
        since scenes need two, or none is left for training.
    """

    classes: tuple[str, ...]
    heldout: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the names."""
        if len(set(self.classes)) < len(self.classes):
            raise PhotoError(f"photos: a photograph is repeated in {list(self.classes)}")
        for name in self.classes:
            if name not in PHOTOGRAPHS:
                raise PhotoError(f"photos: no photograph is named {name!r}; there are {', '.join(PHOTOGRAPHS)}")
        for name in self.heldout:
            if name not in self.classes:
                raise PhotoError(f"photos: {name!r} is held out, but is not one of {', '.join(self.classes)}")
        if len(set(self.heldout)) < 2 or not self.training_labels:
            raise PhotoError(
                f"photos: {len(set(self.heldout))} of {len(self.classes)} photographs are held out; hold out at least "
                "two and leave at least one"
            )

    @property
    def training_labels(self) -> tuple[int, ...]:
        """Labels of the photographs for training."""
        return tuple(label for label, name in enumerate(self.classes) if name not in self.heldout)

    @property
    def heldout_labels(self) -> tuple[int, ...]:
        """Labels of the photographs that are held out."""
        return tuple(label for label, name in enumerate(self.classes) if name in self.heldout)


def training_views(division: Division, per_class: int, viewing: Viewing, seed: int) -> CropSet:
    """Views of the photographs that are not held out, with random scale, position, mirroring and color.

    Parameters
    ----------
    division
        The photographs.
    per_class
        Number of views of each photograph.
    viewing
        How they are drawn.
    seed
        The same seed gives the same bytes, whatever numpy's global state.

    Returns
    -------
    CropSet
        The photographs alternate, so that any stretch of images contains all of them.

    Raises
    ------
    PhotoError
        No views are asked for.
    """
    sides = viewing.size_px, viewing.size_px

    def draw(photograph: Pixels, rng: np.random.Generator) -> tuple[Pixels, Integers]:
        box = _box(photograph, rng, sides, viewing.smallest)
        return _mirrored(change_colours(render(photograph, box, sides), viewing.colour, rng), rng), box

    return _views(division, division.training_labels, per_class, draw, (seed, _TRAIN))


def heldout_views(division: Division, per_class: int, viewing: Viewing, seed: int) -> CropSet:
    """Views of the photographs that are held out; colors are unchanged.

    The first view of each photograph is the largest square at its center. The others have random scale and position,
    and half of them are mirrored. Parameters, result and errors are those of `training_views`.
    """
    sides = viewing.size_px, viewing.size_px

    def draw(photograph: Pixels, rng: np.random.Generator) -> tuple[Pixels, Integers]:
        box = _box(photograph, rng, sides, viewing.smallest)
        return _mirrored(render(photograph, box, sides), rng), box

    views = _views(division, division.heldout_labels, per_class, draw, (seed, _HELDOUT))
    for index, label in enumerate(division.heldout_labels):
        photograph = read_photograph(division.classes[label])
        views.boxes[index] = _centre(photograph)
        views.images[index] = render(photograph, views.boxes[index], sides)
    return views


def view_scenes(
    division: Division,
    count: int,
    viewing: Viewing,
    seed: int,
    *,
    layouts: Sequence[str] = ("left_right", "top_bottom"),
) -> SceneSet:
    """Scenes of two or more held-out photographs, with masks of the class of each pixel.

    Each part shows the largest cut of its photograph that has the part's proportions, or a slightly smaller one.

    Parameters
    ----------
    division, viewing, seed
        As for `training_views`.
    count
        Number of scenes; the layouts alternate.
    layouts
        Some of `netlens.images.photos.LAYOUTS`; those with more parts than photographs are left out. Halves leave an
        object large enough to be recognized, quarters mostly do not.

    Raises
    ------
    PhotoError
        No scenes are asked for.
    """
    held = division.heldout_labels
    photographs = {label: read_photograph(division.classes[label]) for label in held}
    smallest = max(_SMALLEST_PART, viewing.smallest)

    def draw(label: int, rng: np.random.Generator, height: int, width: int) -> tuple[Pixels, Integers]:
        box = _box(photographs[label], rng, (height, width), smallest)
        return _mirrored(render(photographs[label], box, (height, width)), rng), box

    possible = [layout for layout in layouts if len(LAYOUTS[layout]) <= len(held)]
    return composed(division.classes, held, count, draw, size_px=viewing.size_px, seed=seed, layouts=possible)


def _views(
    division: Division,
    labels: Sequence[int],
    per_class: int,
    draw: Callable[[Pixels, np.random.Generator], tuple[Pixels, Integers]],
    seeds: tuple[int, int],
) -> CropSet:
    if per_class < 1:
        raise PhotoError(f"photos: at least 1 view of each photograph is needed, not {per_class}")
    photographs = {label: read_photograph(division.classes[label]) for label in labels}
    return images_of(division.classes, labels, per_class, lambda label, rng: draw(photographs[label], rng), seeds=seeds)


def _mirrored(view: Pixels, rng: np.random.Generator) -> Pixels:
    return view[:, ::-1] if rng.random() < 0.5 else view


def _centre(photograph: Pixels) -> Integers:
    height, width = photograph.shape[:2]
    side = min(height, width)
    return np.array([(height - side) // 2, (width - side) // 2, side, side])


def _box(photograph: Pixels, rng: np.random.Generator, size: tuple[int, int], smallest: float) -> Integers:
    """Draw a box with the proportions of `size`: its scale between `smallest` and the largest that fits, its place."""
    limits = np.array(photograph.shape[:2])
    largest = float(np.min(limits / np.array(size)))
    scale = largest * float(rng.uniform(smallest, 1.0))
    tall, wide = (min(int(limit), max(1, round(scale * side))) for limit, side in zip(limits, size, strict=True))
    return np.array([rng.integers(limits[0] - tall + 1), rng.integers(limits[1] - wide + 1), tall, wide])
