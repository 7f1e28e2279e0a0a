"""An image set at a glance: the first images of each class, and composed scenes with the outlines of their parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from netlens.images.image_set import ImageSet
from netlens.plots import style
from netlens.plots.fitted_text import shortened, wrapped

Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]

#: How many scenes are drawn, at most.
SCENES_SHOWN: Final = 5

# Height of a line of text, side of a crop, width of the class names, gap between blocks of crops.
_LINE_IN, _CROP_IN, _LABEL_IN, _GAP_IN = 0.15, 0.42, 0.64, 0.06

_SCENE_PT: Final = 7.0


@dataclass(frozen=True)
class Column:
    """One of the two columns of a sheet.

    Attributes
    ----------
    class_names
        Name of each row.
    blocks
        Title of each block of examples, and its images, (rows, examples, height, width, 3).
    """

    class_names: tuple[str, ...]
    blocks: Mapping[str, Pixels]


def two_columns(train: ImageSet, heldout: ImageSet, classes_count: int, count: int) -> list[Column]:
    """Examples of the first classes, divided into the two columns of a sheet.

    Parameters
    ----------
    train, heldout
        Images with the same classes.
    classes_count
        Maximum number of classes.
    count
        Images per class and part.

    Returns
    -------
    list of Column
        Half of the classes each, training beside held-out images. Where whole classes are held out, the classes of
        training images on the left and those of held-out images on the right, with twice as many images each.
    """
    classes = np.arange(min(classes_count, len(train.class_names)))
    names = np.array(train.class_names)
    seen, held = np.isin(classes, train.labels), np.isin(classes, heldout.labels)
    if (seen & held).any():
        half = -(-len(classes) // 2)
        return [
            Column(
                tuple(names[part]),
                {"training": examples_of(train, part, count), "held out": examples_of(heldout, part, count)},
            )
            for part in (classes[:half], classes[half:])
        ]
    return [
        Column(tuple(names[classes[shown]]), {title: examples_of(images, classes[shown], 2 * count)})
        for title, images, shown in (("training", train, seen), ("held out", heldout, held))
    ]


def image_sheet(columns: Sequence[Column], scenes: ImageSet | None) -> Figure:
    """Rows of examples per class, in two columns of classes, and below them the first scenes.

    Parameters
    ----------
    columns
        One or two columns, as `two_columns` returns them.
    scenes
        Scenes with masks; None where the image set has none.

    Returns
    -------
    matplotlib.figure.Figure
        Full page width.
    """
    style.pictures()
    rows_in = max(len(column.class_names) for column in columns) * _CROP_IN
    scene_in = style.FULL_WIDTH_IN / SCENES_SHOWN if scenes is not None else 0
    height = _LINE_IN + rows_in + (scene_in + 2 * _LINE_IN if scenes is not None else 0)
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, height), layout="none")

    column_in = style.FULL_WIDTH_IN / 2
    for place, column in enumerate(columns):
        begin, count = place * column_in + _LABEL_IN, len(column.class_names)
        if not count:
            continue
        block_in = (column_in - _LABEL_IN - _GAP_IN) / len(column.blocks) - _GAP_IN / 2
        for position, (title, images) in enumerate(column.blocks.items()):
            ax = _place(fig, begin + position * (block_in + _GAP_IN), _LINE_IN, block_in, count * _CROP_IN)
            ax.imshow(mosaic(images, 3), aspect="auto")
            ax.set_title(title, fontsize=7, pad=2)
        for row, name in enumerate(column.class_names):
            x = (begin - 0.05) / style.FULL_WIDTH_IN
            y = 1 - (_LINE_IN + (row + 0.5) * _CROP_IN) / height
            fig.text(x, y, wrapped(name, _LABEL_IN - 0.05, 6.5), ha="right", va="center", fontsize=6.5)
    if scenes is not None:
        for position in range(min(SCENES_SHOWN, len(scenes))):
            top = _LINE_IN + rows_in + 1.6 * _LINE_IN
            _draw_scene(_place(fig, position * scene_in, top, 0.95 * scene_in, 0.95 * scene_in), scenes, position)
        y = 1 - (_LINE_IN + rows_in + 0.9 * _LINE_IN) / height
        fig.text(0.5, y, "composed scenes", ha="center", va="center", fontsize=7)
    return fig


def _place(fig: Figure, left_in: float, top_in: float, width_in: float, height_in: float) -> Axes:
    """Make axes without frame, placed in inches from the left and from the top."""
    height = fig.get_figheight()
    box = (left_in / style.FULL_WIDTH_IN, 1 - (top_in + height_in) / height)
    ax = fig.add_axes((*box, width_in / style.FULL_WIDTH_IN, height_in / height))
    ax.set_axis_off()
    return ax


def _draw_scene(ax: Axes, scenes: ImageSet, index: int) -> None:
    """Draw a scene, the outlines of its mask, and each part's class at the part's lower edge."""
    assert scenes.masks is not None, "scenes come with masks"
    ax.imshow(scenes.images[index])
    edges = list(outlines(scenes.masks[index]))
    ax.add_collection(LineCollection(edges, colors="black", linewidths=1.6))
    ax.add_collection(LineCollection(edges, colors="white", linewidths=0.8))
    for part, label in enumerate(scenes.labels[index]):
        if label >= 0:
            rows, columns = np.nonzero(scenes.masks[index] == 1 + part)
            room_in = style.FULL_WIDTH_IN / SCENES_SHOWN * (1 + np.ptp(columns)) / scenes.masks.shape[2]
            ax.text(
                (columns.min() + columns.max()) / 2,
                rows.max() - 1,
                shortened(scenes.class_names[label], room_in, _SCENE_PT),
                ha="center",
                va="bottom",
                fontsize=_SCENE_PT,
                color="white",
                path_effects=[withStroke(linewidth=1.4, foreground="black")],
            )


def examples_of(images: ImageSet, classes: Sequence[int] | Integers, count: int) -> Pixels:
    """First images of some classes.

    Parameters
    ----------
    images
        The image set.
    classes
        Labels of the classes.
    count
        How many images per class.

    Returns
    -------
    ndarray
        uint8, (classes, count, height, width, 3); white where a class has fewer images.
    """
    chosen = first_of_each(images.labels, classes, count)
    examples = np.full((*chosen.shape, *images.images.shape[1:]), 255, np.uint8)
    examples[chosen >= 0] = images.images[chosen[chosen >= 0]]
    return examples


def first_of_each(labels: Integers, classes: Sequence[int] | Integers, count: int) -> Integers:
    """Indices of the first images of each class.

    Parameters
    ----------
    labels
        (n,): class of each image.
    classes
        Which classes.
    count
        How many images per class.

    Returns
    -------
    ndarray
        int64, (classes, count); -1 where a class has fewer images.
    """
    found = np.full((len(classes), count), -1, np.int64)
    for row, label in enumerate(classes):
        where = np.flatnonzero(labels == label)[:count]
        found[row, : len(where)] = where
    return found


def mosaic(images: Pixels, gap_px: int) -> Pixels:
    """Images laid out in rows and columns on white.

    Parameters
    ----------
    images
        uint8, (rows, columns, height, width, 3).
    gap_px
        White pixels between neighboring images.

    Returns
    -------
    ndarray
        uint8, (rows * (height + gap_px) - gap_px, columns * (width + gap_px) - gap_px, 3).
    """
    rows, columns, height, width, _ = images.shape
    sheet = np.full((rows * (height + gap_px) - gap_px, columns * (width + gap_px) - gap_px, 3), 255, np.uint8)
    for row in range(rows):
        for column in range(columns):
            top, left = row * (height + gap_px), column * (width + gap_px)
            sheet[top : top + height, left : left + width] = images[row, column]
    return sheet


def outlines(mask: NDArray[np.integer]) -> NDArray[np.float64]:
    """Edges between pixels of different value, to be drawn over ``imshow``.

    Parameters
    ----------
    mask
        (height, width).

    Returns
    -------
    ndarray
        float64, (edges, 2, 2): both ends of each edge as (x, y), where the center of the first pixel is (0, 0).
        Collinear neighboring edges are joined.
    """
    segments: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for row, start, stop in _runs(mask[1:] != mask[:-1]):
        segments.append(((start - 0.5, row + 0.5), (stop - 0.5, row + 0.5)))
    for column, start, stop in _runs((mask[:, 1:] != mask[:, :-1]).T):
        segments.append(((column + 0.5, start - 0.5), (column + 0.5, stop - 0.5)))
    return np.array(segments, np.float64).reshape(-1, 2, 2)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Runs of True in each row, as (row, first, one past the last)."""
    padded = np.pad(flags.astype(np.int8), ((0, 0), (1, 1)))
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, stops = np.nonzero(steps == -1)
    return list(zip(rows.tolist(), starts.tolist(), stops.tolist(), strict=True))
