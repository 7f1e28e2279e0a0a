"""Non-negative factors of the weights into single units: maps beside the feature visualizations of their directions."""

from collections.abc import Mapping
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.models.layer_names import short_label
from netlens.plots import style
from netlens.plots.factor_maps import COLOR_NAMES, draw_colors, draw_direction, draw_factor
from netlens.plots.unit_panels import panel, words
from netlens.weights.results import WeightFactors

Visualizations = Mapping[str, NDArray[Any]]

_ROW_COLUMNS = 10


def draw_three_factors(factors: WeightFactors, visualizations: Visualizations) -> Figure:
    """Draw three factors of a unit, as the red, green and blue of one image and each by itself.

    Parameters
    ----------
    factors
        Those with three factors of the unit are drawn.
    visualizations
        Feature visualizations by key: at least those of the unit and of the three directions.

    Returns
    -------
    Figure
        As wide as a column.
    """
    three = factors.unit_factors[3]
    source, target = short_label(factors.source), short_label(factors.target)
    side_in, gap_in, left_in, top_in, between_in = 0.9, 0.05, 0.04, 0.34, 0.22
    fig = plt.figure(figsize=(style.WIDTH_IN, top_in + 2 * side_in + gap_in + 0.2), layout="none")
    below_in = top_in + side_in + gap_in
    draw_direction(panel(fig, left_in, top_in, side_in), visualizations, factors.unit_key)
    draw_colors(panel(fig, left_in, below_in, side_in), three.maps)
    words(fig, left_in, top_in - 0.14, f"{target}:{factors.unit}")
    words(fig, left_in, below_in + side_in + 0.05, "its weights")
    words(fig, left_in + side_in + between_in, 0.04, f"factors: direction in {source}, and map")
    for index, color in enumerate(COLOR_NAMES):
        place_in = left_in + side_in + between_in + index * (side_in + gap_in)
        draw_direction(panel(fig, place_in, top_in, side_in), visualizations, three.keys[index])
        draw_factor(panel(fig, place_in, below_in, side_in), three.maps, index)
        words(fig, place_in + side_in / 2, top_in - 0.14, f"{color}: {100 * three.shares[index]:.0f} %", ha="center")
        words(fig, place_in + side_in / 2, below_in + side_in + 0.05, f"map {index + 1}", ha="center")
    return fig


def draw_numbers_of_factors(factors: WeightFactors, visualizations: Visualizations) -> Figure:
    """Draw the unit's weights as two, three, ... factors, one row for each number of factors.

    Parameters
    ----------
    factors
        All numbers of factors of the unit are drawn.
    visualizations
        Feature visualizations by key: at least those of the unit and of all its factors' directions.

    Returns
    -------
    Figure
        As wide as the page.
    """
    target = short_label(factors.target)
    left_in, label_in, side_in, near_in, far_in, top_in, row_in = 0.04, 0.86, 0.51, 0.02, 0.06, 0.2, 0.72
    height_in = top_in + len(factors.unit_factors) * row_in - 0.14
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, height_in), layout="none")
    for row, (count, found) in enumerate(factors.unit_factors.items()):
        line_in = top_in + row * row_in
        explained = 100 * factors.unit_explained_variances[count - 1]
        words(fig, left_in, line_in + side_in / 2, f"{count} factors\nexplain\n{explained:.1f} %", va="center")
        for index in range(count):
            place_in = left_in + label_in + index * (2 * side_in + near_in + far_in)
            draw_direction(panel(fig, place_in, line_in, side_in), visualizations, found.keys[index])
            draw_factor(panel(fig, place_in + side_in + near_in, line_in, side_in), found.maps, index)
            share = f"{100 * found.shares[index]:.0f} %"
            words(fig, place_in + side_in + near_in / 2, line_in - 0.14, share, ha="center")
    # The row of two leaves room for the unit itself.
    own_in = style.FULL_WIDTH_IN - left_in - side_in
    draw_direction(panel(fig, own_in, top_in, side_in), visualizations, factors.unit_key)
    words(fig, own_in - 0.06, top_in + side_in / 2, f"the unit,\n{target}:{factors.unit}", ha="right", va="center")
    return fig


def draw_row_of_units(factors: WeightFactors, visualizations: Visualizations) -> Figure:
    """Draw units of a layer, each above its own three factors in red, green and blue.

    Parameters
    ----------
    factors
        The units of `WeightFactors.row` are drawn.
    visualizations
        Feature visualizations by key: at least those of these units.

    Returns
    -------
    Figure
        As wide as the page.
    """
    row = factors.row
    left_in, gap_in, top_in, title_in = 0.04, 0.06, 0.22, 0.16
    side_in = (style.FULL_WIDTH_IN - 2 * left_in + gap_in) / _ROW_COLUMNS - gap_in
    row_in = title_in + 2 * side_in + 0.03
    rows = -(-len(row.units) // _ROW_COLUMNS)
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, top_in + rows * row_in + (rows - 1) * gap_in + 0.04), layout="none")
    words(fig, left_in, 0.04, f"units of {short_label(factors.target)}, and the weights into each")
    for place, (unit, key) in enumerate(zip(row.units, row.keys, strict=True)):
        place_in = left_in + place % _ROW_COLUMNS * (side_in + gap_in)
        line_in = top_in + place // _ROW_COLUMNS * (row_in + gap_in)
        words(fig, place_in + side_in / 2, line_in + 0.02, str(unit), ha="center")
        draw_direction(panel(fig, place_in, line_in + title_in, side_in), visualizations, key)
        draw_colors(panel(fig, place_in, line_in + title_in + side_in + 0.03, side_in), row.maps[place])
    return fig
