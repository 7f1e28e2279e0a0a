"""Connections between units: one as a heat map, the strongest ones at one side of a unit."""

from typing import Literal

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from netlens.models.layer_names import short_label, short_labels
from netlens.plots import style
from netlens.plots.fitted_text import shortened
from netlens.plots.unit_panels import draw_arrow, draw_weights, panel, weights_key, words
from netlens.plots.unit_pictures import UnitPictures
from netlens.weights.results import Selection

_CROPS_COUNT = 3


def draw_connection(selection: Selection, pictures: UnitPictures) -> Figure:
    """Draw the weights of one connection alone, and between the pictures of its two units.

    Parameters
    ----------
    selection
        Which connection, and its weights.
    pictures
        At least those of the two units.

    Returns
    -------
    Figure
        As wide as the page. The target unit is at position zero; the colors end at the largest weight of any connection
        into it.
    """
    weights, limit = selection.connection, selection.largest_weight
    source, target = short_labels([selection.source, selection.target])
    units = [f"{source}:{selection.source_unit}", f"{target}:{selection.unit}"]
    top_in, side_in = 0.2, 1.12
    below_in = top_in + side_in + 0.04
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, below_in + side_in / _CROPS_COUNT + 0.03), layout="none")
    side, reach = weights.shape[0], weights.shape[0] // 2
    alone = panel(fig, 0.36, top_in, side_in)
    draw_weights(alone, weights, limit)
    step = max(1, reach // 2)
    ticks = np.arange(-(reach // step) * step, side - reach, step)
    for axis in (alone.xaxis, alone.yaxis):
        axis.set_ticks(ticks + reach, [f"{tick}".replace("-", "\N{MINUS SIGN}") for tick in ticks])
    alone.tick_params(length=2, pad=1.5, labelsize=6.5)
    alone.set_title(shortened(f"{units[0]} to {units[1]}", 2.0, 7), fontsize=7, pad=3, loc="left")
    alone.set_xlabel("column", fontsize=6.5, labelpad=1)
    alone.set_ylabel("row", fontsize=6.5, labelpad=1)
    weights_key(fig, panel(fig, 0.36 + side_in + 0.07, top_in, 0.07, side_in), limit)
    panels = [panel(fig, 2.46 + 1.43 * column, top_in, side_in) for column in range(3)]
    keys = (selection.source_unit_key, selection.unit_key)
    for column, ax, key, name in zip((0, 2), panels[::2], keys, units, strict=True):
        pictures.draw(ax, key, shortened(name, side_in + 0.25, 7), size_pt=7)
        pictures.draw_examples(fig, (2.46 + 1.43 * column, below_in, side_in), key, _CROPS_COUNT)
    draw_weights(panels[1], weights, limit)
    panels[1].set_title("weights", fontsize=7, pad=2.5)
    for ax in panels[:2]:
        draw_arrow(ax, 1.03, 1.25)
    return fig


def draw_strongest(selection: Selection, side: Literal["inputs", "uses"], pictures: UnitPictures) -> Figure:
    """Draw the strongest connections at one side of a unit, each map under the unit at its other end.

    Parameters
    ----------
    selection
        The unit and its connections, strongest first.
    side
        ``inputs``: connections into the unit; ``uses``: connections from it.
    pictures
        At least those of the unit and of the units at the other ends.

    Returns
    -------
    Figure
        As wide as the page. All maps share one color scale. That of the inputs ends at the largest weight into the
        unit, as in the figure of one connection.
    """
    inputs = side == "inputs"
    connections = selection.inputs if inputs else selection.uses
    unit, key = (selection.unit, selection.unit_key) if inputs else (selection.used_unit, selection.used_key)
    layer = short_label(selection.target if inputs else selection.used_layer)
    other_layer = short_label(selection.source if inputs else selection.using_layer)
    # A unit that nothing reads has uses of zero.
    limit = selection.largest_weight if inputs else float(np.abs(connections.weights).max()) or 1.0
    left_in, unit_in, arrow_in, key_in, gap_in, top_in = 0.04, 0.82, 0.3, 0.46, 0.05, 0.34
    start_in = left_in + unit_in + arrow_in
    side_in = min(0.56, (style.FULL_WIDTH_IN - start_in - key_in) / len(connections.units) - gap_in)
    rows_in = [top_in + row * (side_in + gap_in) for row in range(4)]
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, rows_in[-1] + side_in + 0.05), layout="none")
    own = panel(fig, left_in, top_in, unit_in)
    pictures.draw(own, key, shortened(f"{layer}:{unit}", unit_in + left_in, 7), size_pt=7)
    draw_arrow(own, *((1.28, 1.04) if inputs else (1.04, 1.28)))
    pictures.draw_examples(fig, (left_in, top_in + unit_in + gap_in, unit_in), key, 4, columns=2)
    words(fig, start_in, 0.03, shortened(f"units of {other_layer}", 4.5, 7))
    drawn = zip(connections.units, connections.weights, connections.keys, strict=True)
    for column, (other, weights, other_key) in enumerate(drawn):
        place_in = start_in + column * (side_in + gap_in)
        pictures.draw(panel(fig, place_in, rows_in[0], side_in), other_key, str(other))
        for rank in range(2):
            pictures.draw_example(panel(fig, place_in, rows_in[1 + rank], side_in), other_key, rank)
        draw_weights(panel(fig, place_in, rows_in[3], side_in), weights, limit)
    end_in = start_in + len(connections.units) * (side_in + gap_in)
    weights_key(fig, panel(fig, end_in + 0.02, rows_in[3], 0.06, side_in), limit)
    return fig
