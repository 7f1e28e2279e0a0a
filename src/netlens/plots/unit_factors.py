"""Non-negative factors of the weights into single units: maps beside the feature visualizations of their directions."""

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from netlens.models.layer_names import short_label
from netlens.plots import style
from netlens.plots.factor_maps import COLOR_NAMES, COLORS, draw_colors, draw_factor
from netlens.plots.fitted_text import shortened
from netlens.plots.unit_panels import panel, words
from netlens.plots.unit_pictures import UnitPictures
from netlens.weights.results import WeightFactors

_ROW_COLUMNS = 10
# Distance of the keys of three factors from the right edge.
_KEYS_IN = (2.05, 1.15, 0.55)


def draw_three_factors(factors: WeightFactors, pictures: UnitPictures) -> Figure:
    """Draw three factors of a unit, as the colors of one image and each by itself.

    Parameters
    ----------
    factors
        Those with three factors of the unit are drawn.
    pictures
        At least those of the unit and of the three directions.

    Returns
    -------
    Figure
        As wide as a column.
    """
    three = factors.unit_factors[3]
    source, target = short_label(factors.source), short_label(factors.target)
    side_in, gap_in, left_in, top_in, between_in, crops_count = 0.9, 0.05, 0.04, 0.34, 0.22, 2
    crop_in = (side_in + 0.025) / crops_count - 0.025
    crops_in, below_in = top_in + side_in + gap_in, top_in + side_in + 2 * gap_in + crop_in
    fig = plt.figure(figsize=(style.WIDTH_IN, below_in + side_in + 0.2), layout="none")
    columns_in = [left_in, *(left_in + side_in + between_in + index * (side_in + gap_in) for index in range(3))]
    for place_in, key in zip(columns_in, (factors.unit_key, *three.keys), strict=True):
        pictures.draw(panel(fig, place_in, top_in, side_in), key)
        pictures.draw_examples(fig, (place_in, crops_in, side_in), key, crops_count)
    draw_colors(panel(fig, left_in, below_in, side_in), three.maps)
    words(fig, left_in, top_in - 0.14, shortened(f"{target}:{factors.unit}", side_in + between_in - 0.05, 7))
    words(fig, left_in, below_in + side_in + 0.05, "its weights")
    words(fig, columns_in[1], 0.04, shortened(f"factors: direction in {source}, and map", 2.8, 7))
    for index, color in enumerate(COLOR_NAMES[:3]):
        place_in = columns_in[1 + index]
        draw_factor(panel(fig, place_in, below_in, side_in), three.maps, index)
        words(fig, place_in + side_in / 2, top_in - 0.14, f"{color}: {100 * three.shares[index]:.0f} %", ha="center")
        words(fig, place_in + side_in / 2, below_in + side_in + 0.05, f"map {index + 1}", ha="center")
    return fig


def draw_numbers_of_factors(factors: WeightFactors, pictures: UnitPictures) -> Figure:
    """Draw the unit's weights as two, three, ... factors, one row for each number of factors.

    Parameters
    ----------
    factors
        All numbers of factors of the unit are drawn.
    pictures
        At least those of the unit and of all its factors' directions.

    Returns
    -------
    Figure
        As wide as the page.
    """
    target = short_label(factors.target)
    left_in, label_in, mixed_in, side_in, near_in, far_in, top_in = 0.04, 0.5, 0.74, 0.45, 0.02, 0.07, 0.2
    row_in = 2 * side_in + near_in + 0.2
    start_in = left_in + label_in + mixed_in + 0.1
    height_in = top_in + len(factors.unit_factors) * row_in - 0.14
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, height_in), layout="none")
    for row, (count, found) in enumerate(factors.unit_factors.items()):
        line_in = top_in + row * row_in
        middle_in = line_in + side_in + near_in / 2
        explained = 100 * factors.unit_explained_variances[count - 1]
        words(fig, left_in, middle_in, f"{count} factors\nexplain\n{explained:.1f} %", va="center", fontsize=6.5)
        draw_colors(panel(fig, left_in + label_in, middle_in - mixed_in / 2, mixed_in), found.maps)
        for index, color in enumerate(COLORS[:count]):
            place_in = start_in + index * (2 * side_in + near_in + far_in)
            right_in, lower_in = place_in + side_in + near_in, line_in + side_in + near_in
            pictures.draw(panel(fig, place_in, line_in, side_in), found.keys[index])
            pictures.draw_example(panel(fig, right_in, line_in, side_in), found.keys[index])
            draw_factor(panel(fig, place_in, lower_in, side_in), found.maps, index)
            pictures.draw_example(panel(fig, right_in, lower_in, side_in), found.keys[index], 1)
            # A swatch in the factor's color, and its share.
            panel(fig, place_in + 0.02, line_in - 0.12, 0.09).set(facecolor=color, xticks=[], yticks=[])
            words(fig, place_in + 0.15, line_in - 0.14, f"{100 * found.shares[index]:.0f} %")
    # The row of two leaves room for the unit itself.
    own_in = style.FULL_WIDTH_IN - left_in - row_in + 0.2
    pictures.draw(panel(fig, own_in, top_in, 2 * side_in + near_in), factors.unit_key)
    name = shortened(f"{target}:{factors.unit}", 0.8, 7)
    words(fig, own_in - 0.06, top_in + side_in, f"the unit,\n{name}", ha="right", va="center")
    return fig


def draw_row_of_units(factors: WeightFactors, pictures: UnitPictures) -> Figure:
    """Draw units of a layer, each above its own three factors in three colors.

    Parameters
    ----------
    factors
        The units of `WeightFactors.row` are drawn.
    pictures
        At least those of these units.

    Returns
    -------
    Figure
        As wide as the page.
    """
    row = factors.row
    left_in, gap_in, near_in, top_in, title_in = 0.04, 0.06, 0.03, 0.22, 0.16
    side_in = (style.FULL_WIDTH_IN - 2 * left_in + gap_in) / _ROW_COLUMNS - gap_in
    row_in = title_in + 3 * side_in + 2 * near_in
    rows = -(-len(row.units) // _ROW_COLUMNS)
    fig = plt.figure(figsize=(style.FULL_WIDTH_IN, top_in + rows * row_in + (rows - 1) * gap_in + 0.04), layout="none")
    words(fig, left_in, 0.04, shortened(f"units of {short_label(factors.target)}, and the weights into each", 3.9, 7))
    for place, (color, name) in enumerate(zip(COLORS[:3], ("first factor", "second", "third"), strict=True)):
        # The first name is the longest.
        key_in = style.FULL_WIDTH_IN - _KEYS_IN[place]
        panel(fig, key_in, 0.05, 0.09).set(facecolor=color, xticks=[], yticks=[])
        words(fig, key_in + 0.13, 0.04, name)
    for place, (unit, key) in enumerate(zip(row.units, row.keys, strict=True)):
        place_in = left_in + place % _ROW_COLUMNS * (side_in + gap_in)
        line_in = top_in + place // _ROW_COLUMNS * (row_in + gap_in)
        tops_in = [line_in + title_in + line * (side_in + near_in) for line in range(3)]
        words(fig, place_in + side_in / 2, line_in + 0.02, str(unit), ha="center")
        pictures.draw(panel(fig, place_in, tops_in[0], side_in), key)
        pictures.draw_example(panel(fig, place_in, tops_in[1], side_in), key)
        draw_colors(panel(fig, place_in, tops_in[2], side_in), row.maps[place])
    return fig
