"""Pictures of figures: their reduced form, which a reference keeps, and how far two of them are apart."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from netlens.workflow.errors import UserError

Pixels = NDArray[np.uint8]

#: What the name of a blurred picture ends with.
BLURRED: Final = "blurred"
#: A blurred picture has this many cells in either direction, or as many as it has pixels.
CELLS: Final = 8
#: A figure's picture is compared, blurred, in this many parts in either direction.
THIRDS: Final = 3

#: A kept picture has one pixel where the figure has 3 x 3: 67 dots per inch instead of 200.
REDUCTION: Final = 3
#: Side of the tiles of a reduced picture whose root mean square difference is one value: about the size of a letter.
TILE: Final = 8


class PictureError(UserError):
    """A picture cannot be read."""


def reduced(path: str | Path) -> Pixels:
    """Read a picture in the form that is kept: RGB on white, averaged over 3 x 3 pixels.

    Returns
    -------
    ndarray, shape (height, width, 3)
        Unsigned bytes.

    Raises
    ------
    PictureError
        The file is missing, damaged, or not a picture.
    """
    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGBA") if opened.mode in ("P", "LA", "RGBA") else opened.convert("RGB")
    except FileNotFoundError:
        raise PictureError(f"{path}: no such picture") from None
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PictureError(f"{path}: not a readable picture ({error}); make it again") from None
    if picture.mode == "RGBA":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    return np.asarray(picture.reduce(REDUCTION))


def read(path: str | Path) -> Pixels:
    """Read a picture as it is, in RGB.

    Raises
    ------
    PictureError
        The file is missing, damaged, or not a picture.
    """
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        raise PictureError(f"{path}: not a readable picture ({error})") from None


def picture_distance(new: Pixels, published: Pixels) -> float:
    """Largest difference between two pictures of the same size in any tile.

    Parameters
    ----------
    new, published
        Reduced pictures, shape (height, width, 3).

    Returns
    -------
    float
        Root mean square difference of the tile that differs most, as a share of full scale: 0 for equal pictures, 1 for
        black instead of white. Tiles are 8 x 8 pixels, and those at the right and lower edge overlap their neighbors.
    """
    squares = ((new.astype(np.float64) - published) ** 2).mean(axis=2)
    return float(np.sqrt(max(float(tile.mean()) for tile in _tiles(squares)))) / 255


def blurred_distances(new: Pixels, published: Pixels) -> dict[tuple[int, int], float]:
    """Distances of the nine parts of two pictures of the same size after averaging over the same tiles.

    The texture of an optimised picture varies from machine to machine, where its colors lie hardly does: what is left
    of the difference is small between two honest runs, and large between pictures of two units. Some pictures become
    others altogether, so each part of a sheet of them is measured alone.

    Parameters
    ----------
    new, published
        Reduced pictures, shape (height, width, 3).

    Returns
    -------
    dict
        By row and column, each up to `THIRDS`: the largest root mean square difference of the average colors of a tile,
        as a share of full scale. A picture of fewer tiles has fewer parts.
    """
    counts = [-(-size // TILE) for size in published.shape[:2]]
    apart = _averaged(new, *counts) - _averaged(published, *counts)
    values = np.sqrt(np.mean(apart**2, axis=2)) / 255
    return {
        (row, column): float(part.max())
        for row, band in enumerate(np.array_split(values, min(THIRDS, counts[0]), axis=0))
        for column, part in enumerate(np.array_split(band, min(THIRDS, counts[1]), axis=1))
    }


def blurred(pictures: Pixels) -> Pixels:
    """Average pictures over a grid of `CELLS` by `CELLS` cells.

    Parameters
    ----------
    pictures
        Shape (..., height, width, channels).

    Returns
    -------
    ndarray, shape (..., cells, cells, channels)
        Unsigned bytes.
    """
    height, width = pictures.shape[-3:-1]
    return np.asarray(np.round(_averaged(pictures, min(CELLS, height), min(CELLS, width))), np.uint8)


def _averaged(pictures: Pixels, rows: int, columns: int) -> NDArray[np.float64]:
    """Averages over a grid of cells whose sizes differ by at most one pixel."""
    values = pictures.astype(np.float64)
    for axis, count in ((-3, rows), (-2, columns)):
        edges = np.linspace(0, values.shape[axis], count + 1).astype(int)
        shape = [1] * values.ndim
        shape[axis] = count
        values = np.add.reduceat(values, edges[:-1], axis) / np.diff(edges).reshape(shape)
    return values


def _tiles(values: NDArray[Any]) -> list[NDArray[Any]]:
    height, width = values.shape
    tops = [*range(0, max(1, height - TILE), TILE), max(0, height - TILE)]
    lefts = [*range(0, max(1, width - TILE), TILE), max(0, width - TILE)]
    return [values[top : top + TILE, left : left + TILE] for top in tops for left in lefts]


def difference_picture(new: Pixels, published: Pixels) -> Pixels:
    """Picture of where two pictures differ: the published one, faded, with blue to orange for the size of a difference.

    Parameters
    ----------
    new, published
        Reduced pictures; if their sizes differ, the larger frame is used, and what only one of them has differs.

    Returns
    -------
    ndarray, shape (height, width, 3)
        Unsigned bytes.
    """
    height, width = (max(new.shape[axis], published.shape[axis]) for axis in (0, 1))
    frames = np.full((2, height, width, 3), 255.0)
    frames[0, : new.shape[0], : new.shape[1]] = new
    frames[1, : published.shape[0], : published.shape[1]] = published
    size = np.abs(frames[0] - frames[1]).max(axis=2, keepdims=True) / 255
    outside = np.zeros((height, width, 1), bool)
    outside[min(new.shape[0], published.shape[0]) :] = True
    outside[:, min(new.shape[1], published.shape[1]) :] = True
    size = np.where(outside, 1.0, size)
    faded = 255 - 0.25 * (255 - frames[1].mean(axis=2, keepdims=True))
    color = (1 - size) * np.array([86.0, 180.0, 233.0]) + size * np.array([213.0, 94.0, 0.0])
    strength = np.clip(4 * size, 0, 1)
    return np.asarray((1 - strength) * faded + strength * color, np.uint8)


def write(pixels: Pixels, path: Path) -> None:
    """Write pixels as a PNG without anything that varies."""
    from netlens.files.atomic import writing

    with writing(path) as temporary:
        Image.fromarray(pixels).save(temporary, format="PNG", optimize=True)
