"""Examples of an image set as one picture, and the outlines of a mask."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Integers = NDArray[np.int64]


def first_of_each(labels: Integers, classes: Sequence[int], count: int) -> Integers:
    """Find the first images of each class.

    Parameters
    ----------
    labels
        (n,): class of each image.
    classes
        Which classes.
    count
        How many of each.

    Returns
    -------
    ndarray
        int64, (classes, count): indices of images; -1 where there are too few.
    """
    found = np.full((len(classes), count), -1, np.int64)
    for row, label in enumerate(classes):
        where = np.flatnonzero(labels == label)[:count]
        found[row, : len(where)] = where
    return found


def mosaic(images: Pixels, gap_px: int) -> Pixels:
    """Lay images out in rows and columns on white.

    Parameters
    ----------
    images
        uint8, (rows, columns, height, width, 3).
    gap_px
        White pixels between two images.

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
    """Find the edges between pixels of different value, for a drawing over ``imshow``.

    Parameters
    ----------
    mask
        (height, width).

    Returns
    -------
    ndarray
        float64, (edges, 2, 2): both ends of each edge as (x, y); the centre of the first pixel is (0, 0). Edges in one
        line are joined.
    """
    segments: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for row, start, stop in _runs(mask[1:] != mask[:-1]):
        segments.append(((start - 0.5, row + 0.5), (stop - 0.5, row + 0.5)))
    for column, start, stop in _runs((mask[:, 1:] != mask[:, :-1]).T):
        segments.append(((column + 0.5, start - 0.5), (column + 0.5, stop - 0.5)))
    return np.array(segments, np.float64).reshape(-1, 2, 2)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Find the runs of True in each row: (row, first, one past the last)."""
    padded = np.pad(flags.astype(np.int8), ((0, 0), (1, 1)))
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    _, stops = np.nonzero(steps == -1)
    return list(zip(rows.tolist(), starts.tolist(), stops.tolist(), strict=True))
