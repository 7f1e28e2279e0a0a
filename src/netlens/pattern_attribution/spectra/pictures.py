"""What a picture shows of a decomposition: its leading directions, and how strongly directions meet, in tiles."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netlens.pattern_attribution.spectra.decomposition import checked
from netlens.pattern_attribution.spectra.matrices import Array, SpectraError
from netlens.statistics.even_samples import spread_evenly

#: Directions whose entries a picture shows, of the largest singular values.
DIRECTIONS: Final = 16

#: Largest number of tiles along each side of a picture of how directions meet.
TILES: Final = 14


def leading_directions(U: ArrayLike, Vh: ArrayLike, units: int) -> tuple[Array, Array]:
    """Return the first `DIRECTIONS` of two bases, at some of the units.

    Parameters
    ----------
    U
        (m, r), columns are directions among the inputs.
    Vh
        (r, n), rows are directions among the outputs.
    units
        Largest number of inputs, and of outputs, that are returned; of more, as many are spread evenly.

    Returns
    -------
    tuple of ndarray
        (min(m, units), min(r, DIRECTIONS)) and (min(r, DIRECTIONS), min(n, units)); units in their own order.

    Raises
    ------
    SpectraError
        `units` is below 1, or the bases are no matrices of equally many directions.
    """
    inputs, outputs = checked(U), checked(Vh)
    if units < 1:
        raise SpectraError(f"a picture of {units} units cannot be drawn; it must have at least 1")
    if inputs.shape[1] != outputs.shape[0]:
        raise SpectraError(f"{inputs.shape[1]} directions among the inputs, but {outputs.shape[0]} among the outputs")
    rows, columns = (spread_evenly(count, units) for count in (inputs.shape[0], outputs.shape[1]))
    return inputs[rows, :DIRECTIONS], outputs[:DIRECTIONS, columns]


def tile_starts(count: int) -> NDArray[np.int64]:
    """Return where tiles of an axis of directions start: the first ones are alone, later tiles grow with their index.

    Examples
    --------
    >>> tile_starts(16).tolist()
    [0, 1, 2, 3, 4, 6, 7, 9, 12]
    """
    if count < 1:
        raise SpectraError(f"{count} directions have no tiles; there must be at least 1")
    bounds = np.floor(np.geomspace(1, count + 1, TILES)[:-1] + 1e-9).astype(np.int64)
    # The first direction has a tile of its own, however many there are.
    starts: NDArray[np.int64] = np.union1d(bounds - 1, np.arange(min(count, 2)))
    return starts


def tiled(matrix: ArrayLike) -> tuple[Array, NDArray[np.int64], NDArray[np.int64]]:
    """Reduce a matrix between two bases to the root mean square of its entries in each tile.

    The signs of singular vectors are arbitrary, and single entries among many are noise, so this is what can be read.

    Parameters
    ----------
    matrix
        (m, n), from directions to directions, each in the order of the singular values.

    Returns
    -------
    values : ndarray
        (a, b), not negative.
    rows, columns : ndarray
        (a,) and (b,), first row and column of each tile, from `tile_starts`.
    """
    squares = checked(matrix) ** 2
    rows, columns = tile_starts(squares.shape[0]), tile_starts(squares.shape[1])
    sums = np.add.reduceat(np.add.reduceat(squares, rows, axis=0), columns, axis=1)
    heights, widths = np.diff(rows, append=squares.shape[0]), np.diff(columns, append=squares.shape[1])
    return np.sqrt(sums / np.outer(heights, widths)), rows, columns
