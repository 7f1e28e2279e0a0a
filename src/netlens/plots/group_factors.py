"""Factors that the weights into a group of units have in common."""

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from netlens.models.layer_names import short_label
from netlens.plots import style
from netlens.plots.fitted_text import shortened
from netlens.plots.unit_panels import draw_weights, panel, weights_key, words
from netlens.plots.unit_pictures import UnitPictures
from netlens.weights.factors.channels import strongest_channels
from netlens.weights.results import GroupFactors

_COLUMNS = 10


def draw_group(group: GroupFactors, pictures: UnitPictures) -> Figure:
    """Draw two common factors at the top, and below them each unit with its two signed maps.

    Parameters
    ----------
    group
        The factors.
    pictures
        At least those of the directions and of the units.

    Returns
    -------
    Figure
        As wide as the page, or four fifths of it for a group of four units or fewer.
    """
    layer, limit = short_label(group.source), float(np.abs(group.maps).max())
    left_in, label_in, key_in, gap_in, head_in, title_in = 0.04, 0.5, 0.5, 0.05, 0.86, 0.17
    columns = min(_COLUMNS, len(group.units))
    # A small group does not fill a page's width.
    width_in = style.FULL_WIDTH_IN if columns > 4 else 0.8 * style.FULL_WIDTH_IN
    room_in = width_in - left_in - label_in - key_in
    side_in = min(0.8, (room_in + gap_in) / columns - gap_in)
    row_in = title_in + 4 * (side_in + gap_in)
    rows = -(-len(group.units) // _COLUMNS)
    fig = plt.figure(figsize=(width_in, 0.06 + head_in + 0.1 + rows * row_in), layout="none")
    half_in = (width_in - left_in - label_in) / 2
    for index, direction in enumerate(group.directions):
        place_in = left_in + label_in + index * half_in
        key, crops_in = group.keys[index], place_in + head_in + 0.03
        pictures.draw(panel(fig, place_in, 0.06, head_in), key)
        pictures.draw_examples(fig, (crops_in, 0.06, (head_in - 0.025) / 2), key, 2, columns=1)
        strongest = "\n".join(
            shortened(f"{layer}:{channel} ({direction[channel]:.2f})", half_in - 1.5 * head_in - 0.1, 7)
            for channel in strongest_channels(direction, 3)
        )
        text = f"factor {index + 1}: {100 * group.shares[index]:.0f} %\n{strongest}"
        words(fig, crops_in + head_in / 2 + 0.06, 0.06 + head_in / 2, text, va="center", linespacing=1.4)
    for place, unit in enumerate(group.units):
        place_in = left_in + label_in + place % _COLUMNS * (side_in + gap_in)
        top_in = 0.06 + head_in + 0.1 + place // _COLUMNS * row_in
        words(fig, place_in + side_in / 2, top_in + 0.02, str(unit), ha="center")
        tops_in = [top_in + title_in + line * (side_in + gap_in) for line in range(4)]
        pictures.draw(panel(fig, place_in, tops_in[0], side_in), group.unit_keys[place])
        pictures.draw_example(panel(fig, place_in, tops_in[1], side_in), group.unit_keys[place])
        for index in range(2):
            draw_weights(panel(fig, place_in, tops_in[2 + index], side_in), group.maps[place, index], limit)
        if place % _COLUMNS == 0:
            for label, line_in in zip(("unit", "crop"), tops_in[:2], strict=True):
                words(fig, left_in + label_in - 0.06, line_in + side_in / 2, label, ha="right", va="center")
            # The direction again, beside its maps.
            small_in = min(side_in - title_in, label_in - 0.08)
            for index, line_in in enumerate(tops_in[2:]):
                small_top_in = line_in + (side_in - small_in + title_in) / 2
                ax = panel(fig, left_in + label_in - 0.06 - small_in, small_top_in, small_in)
                pictures.draw(ax, group.keys[index], f"factor {index + 1}")
    scale_in = left_in + label_in + columns * (side_in + gap_in) + 0.04
    first_in = 0.06 + head_in + 0.1 + title_in + 2 * (side_in + gap_in)
    weights_key(fig, panel(fig, scale_in, first_in, 0.07, 2 * side_in + gap_in), limit)
    return fig
