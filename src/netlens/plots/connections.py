"""Connections between units: one as a heat map, the strongest ones at one side of a unit."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.models.layer_names import short_label, short_labels
from netlens.plots import style
from netlens.plots.unit_panels import draw_arrow, draw_picture, draw_weights, panel, weights_key, words
from netlens.weights.results import Selection

Visualizations = Mapping[str, NDArray[Any]]


def draw_connection(selection: Selection, visualizations: Visualizations) -> Figure:
    """Draw the weights of one connection alone, and between the feature visualizations of its two units.

    Parameters
    ----------
    selection
        Which connection, and its weights.
    visualizations
        Feature visualizations by key: at least those of the two units.

    Returns
    -------
    Figure
        As wide as the page. The target unit is at position zero.
    """
    weights = selection.connection
    limit = float(np.abs(weights).max())
    source, target = short_labels([selection.source, selection.target])
    units = [f"{source}:{selection.source_unit}", f"{target}:{selection.unit}"]
    top_in, side_in = 0.2, 1.12
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, top_in + side_in + 0.32), layout="none")
    side, reach = weights.shape[0], weights.shape[0] // 2
    alone = panel(fig, 0.36, top_in, side_in)
    draw_weights(alone, weights, limit)
    step = max(1, reach // 2)
    ticks = np.arange(-(reach // step) * step, side - reach, step)
    for axis in (alone.xaxis, alone.yaxis):
        axis.set_ticks(ticks + reach, [f"{tick}".replace("-", "\N{MINUS SIGN}") for tick in ticks])
    alone.tick_params(length=2, pad=1.5, labelsize=6)
    alone.set_title(f"{units[0]} to {units[1]}", fontsize=7, pad=3, loc="left")
    alone.set_xlabel("column", fontsize=6.5, labelpad=1)
    alone.set_ylabel("row", fontsize=6.5, labelpad=1)
    weights_key(fig, panel(fig, 0.36 + side_in + 0.07, top_in, 0.07, side_in), limit)
    panels = [panel(fig, 2.46 + 1.43 * column, top_in, side_in) for column in range(3)]
    for ax, key, name in zip(panels[::2], (selection.source_unit_key, selection.unit_key), units, strict=True):
        draw_picture(ax, visualizations[key], name, size_pt=7)
    draw_weights(panels[1], weights, limit)
    panels[1].set_title("weights", fontsize=7, pad=2.5)
    for ax in panels[:2]:
        draw_arrow(ax, 1.03, 1.25)
    return fig


def draw_strongest(selection: Selection, side: Literal["inputs", "uses"], visualizations: Visualizations) -> Figure:
    """Draw the strongest connections at one side of a unit, each map under the unit at its other end.

    Parameters
    ----------
    selection
        The unit and its connections, strongest first.
    side
        ``inputs``: connections into the unit; ``uses``: connections from it.
    visualizations
        Feature visualizations by key: at least those of the unit and of the units at the other ends.

    Returns
    -------
    Figure
        As wide as the page. All maps share one color scale.
    """
    inputs = side == "inputs"
    connections = selection.inputs if inputs else selection.uses
    unit, key = (selection.unit, selection.unit_key) if inputs else (selection.used_unit, selection.used_key)
    layer = short_label(selection.target if inputs else selection.used_layer)
    other_layer = short_label(selection.source if inputs else selection.using_layer)
    limit = float(np.abs(connections.weights).max())
    left_in, unit_in, arrow_in, key_in, gap_in, top_in = 0.04, 0.82, 0.3, 0.46, 0.05, 0.34
    start_in = left_in + unit_in + arrow_in
    side_in = min(0.56, (style.FULL_WIDTH_IN - start_in - key_in) / len(connections.units) - gap_in)
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, top_in + 2 * side_in + gap_in + 0.05), layout="none")
    middle_in = top_in + side_in + gap_in / 2
    own = panel(fig, left_in, middle_in - unit_in / 2, unit_in)
    draw_picture(own, visualizations[key], f"{layer}:{unit}", size_pt=7)
    draw_arrow(own, *((1.28, 1.04) if inputs else (1.04, 1.28)))
    words(fig, start_in, 0.03, f"units of {other_layer}")
    drawn = zip(connections.units, connections.weights, connections.keys, strict=True)
    for column, (other, weights, other_key) in enumerate(drawn):
        place_in = start_in + column * (side_in + gap_in)
        draw_picture(panel(fig, place_in, top_in, side_in), visualizations[other_key], str(other))
        draw_weights(panel(fig, place_in, top_in + side_in + gap_in, side_in), weights, limit)
    end_in = start_in + len(connections.units) * (side_in + gap_in)
    weights_key(fig, panel(fig, end_in + 0.02, top_in + side_in + gap_in, 0.06, side_in), limit, size_pt=6)
    return fig
