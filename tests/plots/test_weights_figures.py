"""Figures of connections, positions and factors show the units, the maps and the numbers of their results."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.feature_visualization.examples import DatasetExamples
from netlens.plots import style
from netlens.plots.connections import draw_connection, draw_strongest
from netlens.plots.edited_circuit import draw_edited_circuit
from netlens.plots.factor_maps import COLORS, as_colors
from netlens.plots.first_layer import draw_kernels, draw_kernels_compared
from netlens.plots.group_factors import draw_group
from netlens.plots.position_directions import draw_positions
from netlens.plots.signed_colors import signed_colors
from netlens.plots.unit_factors import draw_numbers_of_factors, draw_row_of_units, draw_three_factors
from netlens.plots.unit_pictures import NEVER_ACTIVE, UnitPictures
from netlens.publish.figure import overflow
from netlens.weights.results import (
    Connections,
    EditedCircuit,
    GroupFactors,
    RowFactors,
    Selection,
    UnitFactors,
    WeightFactors,
)

RNG = np.random.default_rng(0)
IMAGES = {key: np.full((4, 4, 3), place, np.uint8) for place, key in enumerate("abcdefgh")}
CROPS = RNG.integers(0, 255, (8, 4, 5, 5, 3)).astype(np.uint8)
PICTURES = UnitPictures(
    IMAGES,
    DatasetExamples(
        keys=tuple(IMAGES),
        activations=np.tile([4.0, 3.0, 2.0, 1.0], (8, 1)).astype(np.float32),
        images=np.zeros((8, 4), np.int64),
        boxes=np.zeros((8, 4, 4), np.int64),
        crops=CROPS,
        active_shares=np.full(8, 0.5),
        images_count=10,
    ),
)
SELECTION = Selection(
    source="low",
    target="high",
    source_unit=3,
    unit=1,
    source_unit_key="a",
    unit_key="b",
    connection=RNG.normal(size=(3, 3)),
    largest_weight=9.0,
    inputs=Connections(np.array([4, 3]), RNG.normal(size=(2, 3, 3)), ("c", "a")),
    removed=Connections(np.array([4]), RNG.normal(size=(1, 3, 3)), ("c",)),
    others=np.array([0]),
    used_layer="high",
    used_unit=1,
    used_key="b",
    using_layer="top",
    uses=Connections(np.array([7]), RNG.normal(size=(1, 5, 5)), ("d",)),
    position_strengths=np.ones((2, 2)),
    position_keys=(("a", "b"), ("c", "d")),
)


def unit_factors(count):
    maps, directions, shares = RNG.random((count, 3, 3)), RNG.normal(size=(count, 5)), np.full(count, 1 / count)
    return UnitFactors(maps, directions, shares, 0.5, tuple("abcdefgh"[:count]))


GROUP = GroupFactors(
    source="low",
    target="high",
    found=True,
    units=np.array([2, 0, 5]),
    unit_keys=("a", "b", "c"),
    maps=RNG.normal(size=(3, 2, 3, 3)),
    directions=np.array([[0.0, 0.6, 0.8, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0, 0.0]]),
    shares=np.array([0.625, 0.375]),
    keys=("d", "e"),
    error=0.5,
    explained_variances=np.linspace(0.4, 0.8, 5),
)
FACTORS = WeightFactors(
    source="low",
    target="high",
    unit=1,
    unit_key="h",
    unit_explained_variances=np.array([0.4, 0.5, 0.625, 0.75, 0.875]),
    unit_factors={count: unit_factors(count) for count in (2, 3, 4, 5)},
    row=RowFactors(np.array([1, 4]), ("a", "b"), RNG.random((2, 3, 3, 3)), np.array([0.5, 0.6])),
    first_group=GROUP,
    second_group=GROUP,
)


@pytest.fixture(autouse=True)
def _figures():
    style.pictures()
    yield
    plt.close("all")


def texts(fig):
    titles = [ax.get_title(loc=side) for ax in fig.axes for side in ("left", "center")]
    return {text.get_text() for text in fig.texts} | {title for title in titles if title}


def images(fig):
    return [np.asarray(ax.images[0].get_array()) for ax in fig.axes if ax.images]


def drawn(fig, image):
    return sum(other.shape == np.shape(image) and np.array_equal(other, image) for other in images(fig))


def test_a_connection_is_drawn_alone_and_between_its_units():
    fig = draw_connection(SELECTION, PICTURES)
    assert {"low:3 to high:1", "low:3", "high:1"} <= texts(fig)
    # By the largest weight into the unit, so that a weak connection looks weak.
    assert drawn(fig, signed_colors(SELECTION.connection, limit=9)) == 2
    assert drawn(fig, IMAGES["a"]) == drawn(fig, IMAGES["b"]) == 1
    assert all(drawn(fig, crop) == 1 for unit in CROPS[:2] for crop in unit[:3])
    assert "4" in {text.get_text() for ax in fig.axes for text in ax.texts}


def test_a_unit_is_drawn_beside_its_copies_with_what_they_lose():
    circuit = EditedCircuit(
        source="low",
        target="high",
        unit=1,
        unit_key="b",
        removed=Connections(np.array([4, 3]), RNG.normal(size=(2, 3, 3)), ("c", "a")),
        largest_weight=9.0,
        others=np.array([0, 2]),
        pictures=RNG.integers(0, 255, (3, 4, 4, 3)).astype(np.uint8),
        activations=np.array([[6, 4], [6, 3], [2, 0], [6, 5]], np.float32),
    )
    fig = draw_edited_circuit(circuit, PICTURES)
    lost = {"\N{MINUS SIGN}10 %", "\N{MINUS SIGN}80 %", "+10 %"}
    assert {"high:1", "whole network", "without 4", "without all 2", "without 2 others", "4", "3"} | lost <= texts(fig)
    assert all(drawn(fig, picture) == 1 for picture in (*circuit.pictures, IMAGES["a"], IMAGES["b"], IMAGES["c"]))
    assert all(drawn(fig, signed_colors(weights, limit=9)) == 1 for weights in circuit.removed.weights)
    assert [drawn(fig, crop) for crop in CROPS[1]] == [1, 1, 0, 0]
    bars = [ax.patches[0].get_width() for ax in fig.axes if ax.patches and not ax.images]
    assert bars == pytest.approx(circuit.activations.ravel() / 6)
    # A unit that no image activates is said to be so, four times.
    silent = replace(PICTURES.examples, active_shares=np.zeros(8), activations=np.zeros((8, 4), np.float32))
    fig = draw_edited_circuit(replace(circuit, activations=np.zeros((4, 2), np.float32)), UnitPictures(IMAGES, silent))
    assert [text.get_text() for ax in fig.axes for text in ax.texts].count(NEVER_ACTIVE) == 6


@pytest.mark.parametrize(
    ("side", "connections", "labels"),
    [
        ("inputs", SELECTION.inputs, {"units of low", "high:1", "4", "3"}),
        ("uses", SELECTION.uses, {"units of top", "high:1", "7"}),
    ],
)
def test_the_strongest_connections_share_a_scale(side, connections, labels):
    fig = draw_strongest(SELECTION, side, PICTURES)
    assert labels <= texts(fig)
    limit = 9 if side == "inputs" else np.abs(connections.weights).max()
    for weights, key in zip(connections.weights, connections.keys, strict=True):
        assert drawn(fig, signed_colors(weights, limit=limit)) == 1
        assert drawn(fig, IMAGES[key]) == 1
        assert [drawn(fig, crop) for crop in CROPS["abcdefgh".index(key)]] == [1, 1, 0, 0]
    assert all(drawn(fig, crop) == 1 for crop in CROPS[1])


def test_a_unit_that_no_image_activates_is_not_drawn():
    active_shares = np.array([0.5, 0, *[0.5] * 6])
    examples = replace(PICTURES.examples, active_shares=active_shares, activations=np.zeros((8, 4), np.float32))
    fig = draw_connection(SELECTION, UnitPictures(IMAGES, examples))
    assert drawn(fig, IMAGES["a"]) == 1
    assert drawn(fig, IMAGES["b"]) == 0
    assert [text.get_text() for ax in fig.axes for text in ax.texts if text.get_text()] == [NEVER_ACTIVE]
    assert not any(drawn(fig, crop) for unit in CROPS for crop in unit)


@pytest.mark.slow
def test_names_are_shortened_rather_than_cut_off():
    name = "block_17/inverted_residual/expanded_convolution_with_normalization$1$" * 2
    long = replace(SELECTION, source=name, target=name, using_layer=name, used_layer=name)
    group = replace(FACTORS, source=name, target=name)
    tiles, strengths = RNG.random((2, 2, 4, 4, 3)), np.ones((2, 2))
    for fig in (
        draw_connection(long, PICTURES),
        draw_strongest(long, "inputs", PICTURES),
        draw_strongest(long, "uses", PICTURES),
        draw_positions(tiles, strengths, long, PICTURES, (name, f"{name}:1")),
        draw_three_factors(group, PICTURES),
        draw_numbers_of_factors(group, PICTURES),
        draw_row_of_units(group, PICTURES),
        draw_group(replace(GROUP, source=name), PICTURES),
    ):
        assert overflow(fig) == []


def test_positions_are_a_grid_beside_the_unit_and_the_norms():
    tiles, strengths = RNG.random((2, 2, 4, 4, 3)), np.array([[1.0, 0.5], [0.25, 0.0]])
    fig = draw_positions(tiles, strengths, SELECTION, PICTURES, ("low", "high:1"))
    assert all(drawn(fig, tile) == 1 for row in tiles for tile in row)
    assert drawn(fig, strengths) == 1
    assert all(drawn(fig, unit[0]) == 1 for unit in (CROPS[0], CROPS[2], CROPS[3]))
    assert {"directions among the units of low", "high:1"} <= texts(fig)


def test_kernels_are_in_the_given_order_and_a_difference_is_stated():
    colors = RNG.random((3, 2, 2, 3))
    fig = draw_kernels(colors, [2, 0, 1], 2)
    assert [ax.get_title() for ax in fig.axes] == ["2", "0", "1"]
    for image, unit in zip(images(fig), (2, 0, 1), strict=True):
        np.testing.assert_array_equal(image, colors[unit])
    weights = RNG.normal(size=(2, 2, 3, 3))
    compared = draw_kernels_compared({"one": colors, "other": colors[::-1]}, (weights, -weights), [2, 0, 1], 0.125)
    assert drawn(compared, colors[0]) == 2
    points = compared.axes[-1].lines[-1]
    np.testing.assert_array_equal(points.get_ydata(), -points.get_xdata())
    assert len(points.get_xdata()) == weights.size
    assert compared.axes[-1].get_xlim()[1] > np.abs(weights).max()
    assert {"one", "other", "largest difference: 1.2e-01 of the largest weight"} <= texts(compared)
    assert "no difference at all" in texts(
        draw_kernels_compared({"one": colors, "other": colors}, (weights, weights), [0], 0.0)
    )


def test_three_factors_have_their_colors_and_shares():
    fig = draw_three_factors(FACTORS, PICTURES)
    assert {"orange: 33 %", "blue: 33 %", "yellow: 33 %", "high:1", "map 3"} <= texts(fig)
    maps = np.asarray(FACTORS.unit_factors[3].maps)
    assert drawn(fig, as_colors(maps)) == 1
    for color, values in zip(COLORS[:3], maps, strict=True):
        assert drawn(fig, 1 - values[..., None] / maps.max() * (1 - np.array(color))) == 1
    assert all(drawn(fig, IMAGES[key]) == 1 for key in "abch")


@pytest.mark.slow
def test_every_number_of_factors_is_a_row_with_what_it_explains():
    fig = draw_numbers_of_factors(FACTORS, PICTURES)
    explained = {2: "50.0", 3: "62.5", 4: "75.0", 5: "87.5"}
    assert {f"{count} factors\nexplain\n{share} %" for count, share in explained.items()} <= texts(fig)
    for factors in FACTORS.unit_factors.values():
        maps = np.asarray(factors.maps)
        assert drawn(fig, as_colors(maps)) == 1
        for color, values in zip(COLORS, maps, strict=False):
            assert drawn(fig, 1 - values[..., None] / maps.max() * (1 - np.array(color))) == 1
    assert drawn(fig, IMAGES["a"]) == 4


def test_each_unit_of_a_row_is_above_its_own_factors():
    fig = draw_row_of_units(FACTORS, PICTURES)
    assert {"1", "4", "units of high, and the weights into each", "first factor", "second", "third"} <= texts(fig)
    assert all(drawn(fig, as_colors(maps)) == 1 for maps in FACTORS.row.maps)


def test_a_group_shows_its_directions_and_each_unit_its_signed_maps():
    fig = draw_group(GROUP, PICTURES)
    expected = {"factor 1: 62 %\nlow:2 (0.80)\nlow:1 (0.60)", "factor 2: 38 %\nlow:0 (1.00)", "2", "0", "5"}
    assert expected <= texts(fig)
    limit = np.abs(GROUP.maps).max()
    assert all(drawn(fig, signed_colors(one, limit=limit)) == 1 for unit in GROUP.maps for one in unit)
    # Directions are at the top, and again beside their maps.
    assert all(drawn(fig, IMAGES[key]) == 2 for key in GROUP.keys)
    assert all(drawn(fig, IMAGES[key]) == 1 for key in GROUP.unit_keys)
    assert [ax.get_title() for ax in fig.axes if ax.get_title()] == ["factor 1", "factor 2"]


def test_pictures_of_several_sizes_are_kept_by_size():
    pictures = UnitPictures({**IMAGES, "b": np.ones((6, 6, 3), np.uint8)}, PICTURES.examples)
    kept = pictures.arrays(["a", "b", "", "c", "a"])
    assert kept["pictures_4px"].shape == (2, 4, 4, 3) and kept["pictures_6px"].shape == (1, 6, 6, 3)
    assert pictures.arrays(["a", "c"])["pictures"].shape == (2, 4, 4, 3)
    assert pictures.arrays([""])["pictures"].shape == (0, 1, 1, 3)
