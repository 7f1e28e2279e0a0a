"""What one unit looks for at each position of its window."""

from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style
from netlens.plots.unit_panels import bare, draw_picture, panel, words


def draw_positions(
    tiles: NDArray[Any], strengths: NDArray[Any], visualization: NDArray[Any], labels: tuple[str, str]
) -> Figure:
    """Draw the directions' faded feature visualizations as a grid, beside the unit's own and the norms.

    Parameters
    ----------
    tiles
        (w, w, size, size, 3), 0..1: feature visualizations of the directions, faded by their norms.
    strengths
        (w, w), each direction's norm over the largest.
    visualization
        (size, size, 3), uint8: the unit's own.
    labels
        The source layer, and the unit.

    Returns
    -------
    Figure
        As wide as a column.
    """
    layer, unit = labels
    left_in, top_in, grid_in, side_in = 0.04, 0.2, 2.9, 0.86
    fig = plt.figure(figsize=(style.WIDTH_IN, top_in + grid_in + 0.04), layout="none")
    words(fig, left_in, 0.03, f"directions among the units of {layer}")
    tile_in = grid_in / len(tiles)
    for row, line in enumerate(tiles):
        for column, tile in enumerate(line):
            draw_picture(panel(fig, left_in + column * tile_in, top_in + row * tile_in, tile_in * 0.96), tile)
    start_in = left_in + grid_in + 0.14
    draw_picture(panel(fig, start_in, top_in, side_in), visualization, unit, size_pt=7)
    norms = panel(fig, start_in, top_in + grid_in - side_in - 0.32, side_in)
    drawn = norms.imshow(strengths, cmap="Greys", vmin=0, vmax=1)
    bare(norms)
    norms.set_title("norm / largest", fontsize=6.5, pad=2.5)
    key = panel(fig, start_in, top_in + grid_in - 0.25, side_in, 0.06)
    fig.colorbar(drawn, cax=key, orientation="horizontal").outline.set(linewidth=0.4, edgecolor="0.6")  # type: ignore[operator]
    key.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=6)
    key.tick_params(length=2, pad=1.5)
    return fig
