"""An image set at a glance: the first images of each class, and composed scenes with the outlines of their parts."""

from collections.abc import Mapping, Sequence
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

Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]

#: How many scenes are drawn, at most.
SCENES_SHOWN: Final = 8

# Height of a line of text, side of a crop, width of the class names, gap between blocks of crops.
_LINE_IN, _CROP_IN, _LABEL_IN, _GAP_IN = 0.13, 0.32, 0.62, 0.06


def image_sheet(examples: Mapping[str, Pixels], class_names: Sequence[str], scenes: ImageSet | None) -> Figure:
    """Rows of examples per class, in two columns of classes, and below them the first scenes.

    Parameters
    ----------
    examples
        Title of each block of examples, and its images as `first_examples` returns them, for the same classes.
    class_names
        Name of each row of the examples.
    scenes
        Scenes with masks; None where the image set has none.

    Returns
    -------
    matplotlib.figure.Figure
        Full page width.
    """
    style.pictures()
    half = -(-len(class_names) // 2)  # classes of the left column, and then of the right one
    row_count = half * _CROP_IN
    scene_in = style.FULL_WIDTH_IN / SCENES_SHOWN if scenes is not None else 0
    height = _LINE_IN + row_count + (scene_in + 2 * _LINE_IN if scenes is not None else 0)
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, height), layout="none")

    block_in = style.FULL_WIDTH_IN / 2
    width_in = (block_in - _LABEL_IN - 2 * _GAP_IN) / 2
    for column in range(2):
        rows = slice(column * half, (column + 1) * half)
        count = len(class_names[rows])
        for position, (title, images) in enumerate(examples.items()):
            if count:
                left = column * block_in + _LABEL_IN + position * (width_in + _GAP_IN)
                ax = _place(fig, left, _LINE_IN, width_in, count * _CROP_IN)
                sheet = mosaic(images[rows], 3)
                ax.imshow(sheet, aspect="auto")
                ax.set_title(title, fontsize=7, pad=2)
        for row, name in enumerate(class_names[rows]):
            x = (column * block_in + _LABEL_IN - 0.05) / style.FULL_WIDTH_IN
            y = 1 - (_LINE_IN + (row + 0.5) * _CROP_IN) / height
            fig.text(x, y, name, ha="right", va="center", fontsize=6.5)
    if scenes is not None:
        for position in range(min(SCENES_SHOWN, len(scenes))):
            top = _LINE_IN + row_count + 1.6 * _LINE_IN
            _draw_scene(_place(fig, position * scene_in, top, 0.95 * scene_in, 0.95 * scene_in), scenes, position)
        y = 1 - (_LINE_IN + row_count + 0.9 * _LINE_IN) / height
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
            ax.text(
                (columns.min() + columns.max()) / 2,
                rows.max() - 1,
                scenes.class_names[label],
                ha="center",
                va="bottom",
                fontsize=4.2,
                color="white",
                path_effects=[withStroke(linewidth=1.0, foreground="black")],
            )


def first_examples(images: ImageSet, classes_count: int, count: int) -> Pixels:
    """First images of each of the first classes.

    Parameters
    ----------
    images
        The image set.
    classes_count
        How many classes.
    count
        How many images per class.

    Returns
    -------
    ndarray
        uint8, (classes_count, count, height, width, 3); white where a class has fewer images.
    """
    chosen = first_of_each(images.labels, range(classes_count), count)
    examples = np.full((*chosen.shape, *images.images.shape[1:]), 255, np.uint8)
    examples[chosen >= 0] = images.images[chosen[chosen >= 0]]
    return examples


def first_of_each(labels: Integers, classes: Sequence[int], count: int) -> Integers:
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
