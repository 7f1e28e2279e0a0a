"""A unit with and without its strongest inputs: what it looks for, and what it answers to images."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from netlens.models.layer_names import short_label
from netlens.plots import style
from netlens.plots.fitted_text import shortened
from netlens.plots.unit_panels import draw_picture, draw_weights, panel, weights_key, words
from netlens.plots.unit_pictures import UnitPictures
from netlens.weights.results import EditedCircuit

_BAR = style.PALETTE[0]


def draw_edited_circuit(circuit: EditedCircuit, pictures: UnitPictures) -> Figure:
    """Draw a unit's picture and its activations before and after connections into it are removed.

    Parameters
    ----------
    circuit
        The connections, the pictures without them and the activations.
    pictures
        At least those of the unit and of the removed source units.

    Returns
    -------
    Figure
        As wide as the page. Columns: the whole network and its copies; below each picture, one bar for each of the
        images that activate the unit most, all on one scale. At the right, the removed connections.
    """
    source, target = short_label(circuit.source), short_label(circuit.target)
    count, others, images = len(circuit.removed.units), len(circuit.others), circuit.activations.shape[1]
    left_in, top_in, side_in, gap_in, crop_in, near_in = 0.5, 0.48, 1.0, 0.1, 0.4, 0.05
    below_in = top_in + side_in + 0.1
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, below_in + images * (crop_in + near_in)), layout="none")
    lost = [f"{-100 * share:+.0f} %".replace("-", "\N{MINUS SIGN}") for share in circuit.lost_shares]
    titles = [
        (shortened(f"{target}:{circuit.unit}", side_in, 7), "whole network"),
        (f"without {circuit.removed.units[0]}", lost[0]),
        (f"without all {count}", lost[1]),
        (f"without {others} others", lost[2]),
    ]
    largest = float(np.abs(circuit.activations).max()) or 1.0
    for column, title in enumerate(titles):
        place_in = left_in + column * (side_in + gap_in)
        ax = panel(fig, place_in, top_in, side_in)
        if column == 0 or not pictures.examples.is_active(circuit.unit_key):
            pictures.draw(ax, circuit.unit_key)
        else:
            draw_picture(ax, circuit.pictures[column - 1])
        for line, text in enumerate(title):
            words(fig, place_in + side_in / 2, 0.1 + 0.17 * line, text, ha="center")
        for row, activation in enumerate(circuit.activations[column]):
            bar = panel(fig, place_in, below_in + row * (crop_in + near_in) + 0.1, side_in, 0.2)
            bar.barh([0], [activation / largest], color=_BAR if column else "0.35", height=1.0)
            bar.set(xlim=(min(0.0, circuit.activations.min() / largest), 1.4), ylim=(-0.5, 0.5))
            bar.set_axis_off()
            shown = f"{activation:.0f}" if largest >= 100 else f"{activation:.2g}"
            bar.text(max(activation, 0) / largest + 0.04, 0, shown, va="center", fontsize=6.5)
    for row in range(images):
        ax = panel(fig, left_in - crop_in - 0.06, below_in + row * (crop_in + near_in), crop_in)
        pictures.draw_example(ax, circuit.unit_key, row)
    _draw_removed(fig, circuit, pictures, left_in + 4 * (side_in + gap_in) + 0.06)
    words(fig, left_in + 4 * (side_in + gap_in) + 0.06, 0.1, shortened(f"inputs of {source}", 1.3, 7))
    return fig


def _draw_removed(fig: Figure, circuit: EditedCircuit, pictures: UnitPictures, left_in: float) -> None:
    """Draw the removed inputs in a column, each with its number, its picture and its weights."""
    top_in, number_in, gap_in = 0.48, 0.24, 0.04
    room_in = float(fig.get_size_inches()[1]) - top_in
    side_in = min(0.4, (room_in + gap_in) / len(circuit.removed.units) - gap_in)
    rows = zip(circuit.removed.units, circuit.removed.keys, circuit.removed.weights, strict=True)
    for row, (unit, key, weights) in enumerate(rows):
        line_in = top_in + row * (side_in + gap_in)
        words(fig, left_in + number_in - 0.04, line_in + side_in / 2, str(unit), ha="right", va="center", fontsize=6.5)
        pictures.draw(panel(fig, left_in + number_in, line_in, side_in), key)
        ax = panel(fig, left_in + number_in + side_in + gap_in, line_in, side_in)
        draw_weights(ax, weights, circuit.largest_weight)
    key_in = left_in + number_in + 2 * (side_in + gap_in) + 0.03
    weights_key(fig, panel(fig, key_in, top_in, 0.06, 2 * side_in), circuit.largest_weight)
