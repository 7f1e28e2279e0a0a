"""The image set `photos`: crops of the photographs that come with the scikit-image and scikit-learn wheels.

The class of a crop is the photograph that it is cut from. Each photograph is divided into square cells; one cell in
five is held out, in a pattern that spreads over the whole photograph. Held-out crops lie inside held-out cells,
training crops do not touch them. Everything is read from the installed wheels; nothing is downloaded.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from netlens.images.image_set import CropSet, SceneSet

Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]

#: Package and file of each class, in the order of the labels.
PHOTOGRAPHS: Mapping[str, tuple[str, str]] = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "brick": ("skimage", "data/brick.png"),
    "camera": ("skimage", "data/camera.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "coffee": ("skimage", "data/coffee.png"),
    "coins": ("skimage", "data/coins.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "grass": ("skimage", "data/grass.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "hubble": ("skimage", "data/hubble_deep_field.jpg"),
    "ihc": ("skimage", "data/ihc.png"),
    "moon": ("skimage", "data/moon.png"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
}

#: WordNet synset of the ImageNet class that a photograph shows, for those that show one.
IMAGENET_SYNSETS: Mapping[str, str] = {
    "camera": "n04485082",  # tripod
    "chelsea": "n02124075",  # Egyptian cat
    "china": "n03220513",  # dome
    "coffee": "n07920052",  # espresso
    "motorcycle": "n03785016",  # moped
    "rocket": "n03773504",  # missile
}

#: Where the parts of a scene lie: (top, left, height, width) in halves of the scene.
LAYOUTS: Mapping[str, tuple[tuple[int, int, int, int], ...]] = {
    "left_right": ((0, 0, 2, 1), (0, 1, 2, 1)),
    "top_bottom": ((0, 0, 1, 2), (1, 0, 1, 2)),
    "half_and_quarters": ((0, 0, 2, 1), (0, 1, 1, 1), (1, 1, 1, 1)),
    "quarters": ((0, 0, 1, 1), (0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 1, 1)),
}

# One random generator per image, so that asking for more images of one kind does not change any others.
_TRAIN, _HELDOUT, _SCENES = range(3)
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


class PhotoError(ValueError):
    """The image set `photos` cannot be made with these settings."""


@dataclass(frozen=True)
class Cropping:
    """How crops are drawn.

    Attributes
    ----------
    size_px
        Height and width of an image; even.
    rows
        Cells along the shorter side of a photograph.
    smallest
        Side of the smallest crop, as a fraction of a cell's side. The largest is a whole cell.
    contrast
        Smallest standard deviation of a crop's luminance, in gray levels of 255. Flatter crops are drawn again, since a
        patch of plain sky has no class.
    colour
        Training crops only: largest relative change of brightness, of contrast, and of saturation.
    """

    size_px: int = 64
    rows: int = 5
    smallest: float = 0.5
    contrast: float = 8.0
    colour: float = 0.2

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.size_px < 8 or self.size_px % 2:
            raise PhotoError(f"photos: size_px must be an even number of at least 8, not {self.size_px}")
        if not 3 <= self.rows <= 12:
            raise PhotoError(f"photos: rows must be 3 to 12, not {self.rows}")
        if not 0 < self.smallest <= 1:
            raise PhotoError(f"photos: smallest must be above 0 and at most 1, not {self.smallest}")
        if not 0 <= self.colour < 1:
            raise PhotoError(f"photos: colour must be at least 0 and below 1, not {self.colour}")


def read_photograph(name: str) -> Pixels:
    """Photograph, read from the wheel that it comes with.

    Parameters
    ----------
    name
        A class of `PHOTOGRAPHS`.

    Returns
    -------
    ndarray
        uint8, (height, width, 3); gray photographs have three equal channels.

    Raises
    ------
    PhotoError
        No photograph has this name.
    FileNotFoundError
        The installed wheel does not contain it.
    """
    if name not in PHOTOGRAPHS:
        raise PhotoError(f"photos: no photograph is named {name!r}; there are {', '.join(PHOTOGRAPHS)}")
    package, file = PHOTOGRAPHS[name]
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec is not None else []
    for folder in folders:
        path = Path(folder) / file
        if path.is_file():
            with Image.open(path) as image:
                return np.asarray(image.convert("RGB"), np.uint8)
    raise FileNotFoundError(f"photograph {name!r}: the installed {package} has no {file}; install the pinned {package}")


def cells_of(height: int, width: int, rows: int) -> tuple[Integers, NDArray[np.bool_]]:
    """Nearly square cells of a photograph, one in five of them held out.

    Parameters
    ----------
    height, width
        Size of the photograph in pixels.
    rows
        Cells along its shorter side.

    Returns
    -------
    boxes
        (n, 4): top, left, height, width of each cell in pixels. They cover the photograph without overlap.
    heldout
        (n,): whether each is held out. These are the cells where (row + 2 column) mod 5 is 2; no two share a side.
    """
    side = min(height, width) / rows
    tops = np.rint(np.linspace(0, height, round(height / side) + 1)).astype(np.int64)
    lefts = np.rint(np.linspace(0, width, round(width / side) + 1)).astype(np.int64)
    boxes, heldout = [], []
    for row in range(len(tops) - 1):
        for column in range(len(lefts) - 1):
            top, left = tops[row], lefts[column]
            boxes.append((top, left, tops[row + 1] - top, lefts[column + 1] - left))
            heldout.append((row + 2 * column) % 5 == 2)
    return np.array(boxes), np.array(heldout)


def intersect(boxes: Integers, box: Sequence[int] | Integers) -> NDArray[np.bool_]:
    """Which of `boxes`, (n, 4), share a pixel with `box`; boxes are (top, left, height, width)."""
    top, left, height, width = box
    return (
        (boxes[:, 0] < top + height)
        & (top < boxes[:, 0] + boxes[:, 2])
        & (boxes[:, 1] < left + width)
        & (left < boxes[:, 1] + boxes[:, 3])
    )


class Cutter:
    """Draw crops of one photograph.

    Parameters
    ----------
    name
        Its class, for error messages.
    photograph
        uint8, (height, width, 3).
    cropping
        How crops are drawn.
    """

    _TRIES = 10_000

    def __init__(self, name: str, photograph: Pixels, cropping: Cropping):
        self.name = name
        self.photograph = photograph
        self.cropping = cropping
        cells, heldout = cells_of(photograph.shape[0], photograph.shape[1], cropping.rows)
        self.heldout_cells = cells[heldout]
        #: Side of the largest crop, in pixels of the photograph.
        self.side = int(cells[:, 2:].min())

    def training_crop(self, rng: np.random.Generator) -> tuple[Pixels, Integers]:
        """Training crop and its box; colors are changed, and half of the crops are mirrored."""
        size = self.cropping.size_px
        limits = self.photograph.shape[:2]

        def draw() -> Integers:
            side = self._side(rng)
            return np.array([rng.integers(limits[0] - side + 1), rng.integers(limits[1] - side + 1), side, side])

        crop, box = self._first_good(draw, (size, size), lambda box: not np.any(intersect(self.heldout_cells, box)))
        crop = change_colours(crop, self.cropping.colour, rng)
        return (crop[:, ::-1] if rng.random() < 0.5 else crop), box

    def heldout_crop(self, rng: np.random.Generator, height: int, width: int) -> tuple[Pixels, Integers]:
        """Held-out crop of `height` x `width` pixels and its box, at the scale of whole images; half are mirrored."""
        size = self.cropping.size_px

        def draw() -> Integers:
            side = self._side(rng)
            tall, wide = max(1, round(side * height / size)), max(1, round(side * width / size))
            top, left, cell_height, cell_width = self.heldout_cells[rng.integers(len(self.heldout_cells))]
            down, right = rng.integers(cell_height - tall + 1), rng.integers(cell_width - wide + 1)
            return np.array([top + down, left + right, tall, wide])

        crop, box = self._first_good(draw, (height, width), lambda _: True)
        return (crop[:, ::-1] if rng.random() < 0.5 else crop), box

    def _side(self, rng: np.random.Generator) -> int:
        smallest = max(4, round(self.cropping.smallest * self.side))
        return int(rng.integers(smallest, max(smallest, self.side) + 1))

    def _first_good(
        self, draw: Callable[[], Integers], size: tuple[int, int], allowed: Callable[[Integers], bool]
    ) -> tuple[Pixels, Integers]:
        for _ in range(self._TRIES):
            box = draw()
            if allowed(box):
                crop = render(self.photograph, box, size)
                if luminance(crop).std(dtype=np.float64) >= self.cropping.contrast:
                    return crop, box
        raise PhotoError(
            f"photos: {self.name!r} has no crop with a contrast of {self.cropping.contrast} in {self._TRIES} attempts; "
            "lower the contrast"
        )


def render(photograph: Pixels, box: Integers, size: tuple[int, int]) -> Pixels:
    """Cut a box, (top, left, height, width), out of a photograph and resize it to `size`, (height, width)."""
    top, left, height, width = (int(value) for value in box)
    # Cut first: resizing within the whole image would blend in pixels from outside the box.
    cut = Image.fromarray(photograph[top : top + height, left : left + width])
    return np.asarray(cut.resize((size[1], size[0]), Image.Resampling.BICUBIC), np.uint8)


def luminance(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Luminance of (..., 3) red, green and blue, with the weights of ITU-R BT.601.

    Notes
    -----
    A product of matrices would round as the processor's own routine does, and now and then a pixel would be another.
    """
    red, green, blue = (pixels[..., channel] * weight for channel, weight in enumerate(_LUMINANCE))
    made: NDArray[np.float32] = red + green + blue
    return made


def change_colours(crop: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    """Change brightness, contrast and saturation of a crop, each by at most the share `amount`."""
    brightness, contrast, saturation = (1 + rng.uniform(-amount, amount, 3)).astype(np.float32)
    values = crop.astype(np.float32)
    grey = luminance(values)[..., None]
    values = grey + saturation * (values - grey)
    mean = grey.mean(dtype=np.float64).astype(np.float32)
    values = brightness * (mean + contrast * (values - mean))
    changed: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return changed


def training_crops(classes: Sequence[str], per_class: int, cropping: Cropping, seed: int) -> CropSet:
    """Training crops with random scale, position, mirroring and color.

    Parameters
    ----------
    classes
        Photographs, in the order of the labels.
    per_class
        Number of crops per class.
    cropping
        How they are drawn.
    seed
        The same seed gives the same bytes, whatever numpy's global state.

    Returns
    -------
    CropSet
        The classes alternate, so that any stretch of images contains all of them.

    Raises
    ------
    PhotoError
        There are fewer than two classes, a class is repeated or unknown, or no crops are asked for.
    """
    return _crops(classes, per_class, cropping, seed, _TRAIN)


def heldout_crops(classes: Sequence[str], per_class: int, cropping: Cropping, seed: int) -> CropSet:
    """Held-out crops with random scale, position and mirroring; colors are unchanged.

    Parameters, result and errors are those of `training_crops`. No crop shares a pixel with any training crop of the
    same `cropping`, whatever the seeds.
    """
    return _crops(classes, per_class, cropping, seed, _HELDOUT)


def _crops(classes: Sequence[str], per_class: int, cropping: Cropping, seed: int, part: int) -> CropSet:
    if per_class < 1:
        raise PhotoError(f"photos: at least 1 crop per class is needed, not {per_class}")
    cutters = _cutters(classes, cropping)

    def draw(label: int, rng: np.random.Generator) -> tuple[Pixels, Integers]:
        if part == _TRAIN:
            return cutters[label].training_crop(rng)
        return cutters[label].heldout_crop(rng, cropping.size_px, cropping.size_px)

    return images_of(classes, range(len(classes)), per_class, draw, seeds=(seed, part))


def images_of(
    classes: Sequence[str],
    labels: Sequence[int],
    per_class: int,
    draw: Callable[[int, np.random.Generator], tuple[Pixels, Integers]],
    *,
    seeds: tuple[int, int],
) -> CropSet:
    """Images drawn from photographs, one generator each.

    Parameters
    ----------
    classes
        All photographs, in the order of the labels.
    labels
        Those to draw from; they alternate.
    per_class
        Number of images of each.
    draw
        Given a label and a generator, returns an image and its box in the photograph.
    seeds
        Of the set and of its part, such as training.
    """
    order = [(label, index) for index in range(per_class) for label in labels]
    drawn = [draw(label, np.random.default_rng([*seeds, label, index])) for label, index in order]
    return CropSet(
        np.array([image for image, _ in drawn]),
        np.array([label for label, _ in order], np.int64),
        tuple(classes),
        np.array([box for _, box in drawn], np.int64),
        synsets_of(classes),
    )


def scenes(
    classes: Sequence[str], count: int, cropping: Cropping, seed: int, layouts: Sequence[str] = tuple(LAYOUTS)
) -> SceneSet:
    """Scenes of two to four classes, composed of held-out crops, with masks of the class of each pixel.

    Parameters
    ----------
    classes
        Photographs, in the order of the labels.
    count
        Number of scenes; the layouts alternate.
    cropping
        How the parts are drawn. A part has the scale of a whole image, so it shows less of the photograph.
    seed
        The same seed gives the same bytes.
    layouts
        Some of `LAYOUTS`.

    Returns
    -------
    SceneSet
        No class occurs twice in a scene.

    Raises
    ------
    PhotoError
        As for `training_crops`; or a layout is unknown or has more parts than there are classes.
    """
    for layout in layouts:
        if layout not in LAYOUTS:
            raise PhotoError(f"photos: no layout is named {layout!r}; there are {', '.join(LAYOUTS)}")
        if len(LAYOUTS[layout]) > len(classes):
            raise PhotoError(f"photos: layout {layout!r} needs {len(LAYOUTS[layout])} classes, not {len(classes)}")
    cutters = _cutters(classes, cropping)

    def draw(label: int, rng: np.random.Generator, height: int, width: int) -> tuple[Pixels, Integers]:
        return cutters[label].heldout_crop(rng, height, width)

    return composed(classes, range(len(classes)), count, draw, size_px=cropping.size_px, seed=seed, layouts=layouts)


def composed(
    classes: Sequence[str],
    labels: Sequence[int],
    count: int,
    draw: Callable[[int, np.random.Generator, int, int], tuple[Pixels, Integers]],
    *,
    size_px: int,
    seed: int,
    layouts: Sequence[str],
) -> SceneSet:
    """Scenes composed of parts that are drawn from photographs.

    Parameters
    ----------
    classes
        All photographs, in the order of the labels.
    labels
        Those to draw from.
    count
        Number of scenes; the layouts alternate.
    draw
        Given a label, a generator, a height and a width, returns an image of that size and its box in the photograph.
    size_px
        Height and width of a scene.
    seed
        The same seed gives the same bytes.
    layouts
        Some of `LAYOUTS`, none with more parts than there are labels.

    Returns
    -------
    SceneSet
        No class occurs twice in a scene.

    Raises
    ------
    PhotoError
        No scenes are asked for.
    """
    if count < 1:
        raise PhotoError(f"photos: at least 1 scene is needed, not {count}")
    half, most = size_px // 2, max(len(LAYOUTS[layout]) for layout in layouts)
    images = np.zeros((count, size_px, size_px, 3), np.uint8)
    masks = np.zeros((count, size_px, size_px), np.uint8)
    scene_labels = np.full((count, most), -1, np.int64)
    boxes = np.full((count, most, 4), -1, np.int64)
    chosen = [layouts[index % len(layouts)] for index in range(count)]
    for index, layout in enumerate(chosen):
        rng = np.random.default_rng([seed, _SCENES, index])
        parts = LAYOUTS[layout]
        scene_labels[index, : len(parts)] = rng.permutation(labels)[: len(parts)]
        for position, part in enumerate(parts):
            top, left, height, width = (half * value for value in part)
            where = index, slice(top, top + height), slice(left, left + width)
            images[where], boxes[index, position] = draw(int(scene_labels[index, position]), rng, height, width)
            masks[where] = 1 + position
    return SceneSet(images, masks, scene_labels, tuple(classes), boxes, tuple(chosen), synsets_of(classes))


def synsets_of(classes: Sequence[str]) -> tuple[str, ...]:
    """Synset of each class, empty for photographs that show no class of ImageNet."""
    return tuple(IMAGENET_SYNSETS.get(name, "") for name in classes)


def _cutters(classes: Sequence[str], cropping: Cropping) -> list[Cutter]:
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise PhotoError(f"photos: at least two different classes are needed, not {list(classes)}")
    return [Cutter(name, read_photograph(name), cropping) for name in classes]
