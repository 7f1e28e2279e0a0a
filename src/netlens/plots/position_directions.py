"""What one unit looks for at each position of its window."""

from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.plots import style
from netlens.plots.fitted_text import shortened
from netlens.plots.unit_panels import bare, draw_picture, panel, words
from netlens.plots.unit_pictures import UnitPictures
from netlens.weights.results import Selection


def draw_positions(
    tiles: NDArray[Any],
    strengths: NDArray[Any],
    selection: Selection,
    pictures: UnitPictures,
    labels: tuple[str, str],
) -> Figure:
    """Draw the directions' faded feature visualizations and strongest crops as grids, beside the unit's own picture.

    Parameters
    ----------
    tiles
        (w, w, size, size, 3), 0..1: feature visualizations of the directions, faded by their norms.
    strengths
        (w, w), each direction's norm over the largest.
    selection
        The unit, and the keys of the directions.
    pictures
        At least those of the unit and of the directions.
    labels
        The source layer, and the unit.

    Returns
    -------
    Figure
        As wide as the page.
    """
    layer, unit = labels
    left_in, top_in, grid_in, between_in, side_in = 0.04, 0.34, 2.6, 0.1, 0.86
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, top_in + grid_in + 0.04), layout="none")
    crops_in = left_in + grid_in + between_in
    words(fig, left_in, 0.03, shortened(f"directions among the units of {layer}", 5.2, 7))
    words(fig, left_in, top_in - 0.14, "feature visualizations")
    words(fig, crops_in, top_in - 0.14, "crops that activate them most")
    tile_in = grid_in / len(tiles)
    for row, line in enumerate(tiles):
        for column, tile in enumerate(line):
            place_in, line_in = column * tile_in, top_in + row * tile_in
            draw_picture(panel(fig, left_in + place_in, line_in, tile_in * 0.96), tile)
            ax = panel(fig, crops_in + place_in, line_in, tile_in * 0.96)
            pictures.draw_example(ax, selection.position_keys[row][column])
    start_in = crops_in + grid_in + between_in
    pictures.draw(panel(fig, start_in, top_in, side_in), selection.unit_key, shortened(unit, 1.0, 7), size_pt=7)
    pictures.draw_examples(fig, (start_in, top_in + side_in + 0.03, side_in), selection.unit_key, 4, columns=2)
    small_in = 0.42
    norms = panel(fig, start_in, top_in + grid_in - small_in - 0.25, small_in)
    drawn = norms.imshow(strengths, cmap="Greys", vmin=0, vmax=1)
    bare(norms)
    norms.set_title("norm / largest", fontsize=6.5, pad=2.5, loc="left")
    key = panel(fig, start_in, top_in + grid_in - 0.18, side_in, 0.05)
    fig.colorbar(drawn, cax=key, orientation="horizontal").outline.set(linewidth=0.4, edgecolor="0.6")  # type: ignore[operator]
    key.set_xticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=6.5)
    key.tick_params(length=2, pad=1.5)
    return fig
