"""Which layers and pairs are looked at."""

import pytest

from netlens.models.backend import keras
from netlens.models.errors import NetworkError
from netlens.spatial_attribution.choices import AttributionError
from netlens.spatial_attribution.layers import checked_layers, layer_pairs, main_layers


@pytest.mark.slow
def test_of_each_size_the_last_layer_is_chosen_and_then_the_deepest(inception):
    assert main_layers(inception, 3) == ["conv2d2", "mixed3b", "mixed4b"]
    assert main_layers(inception, 5) == ["conv2d2", "mixed3a", "mixed3b", "mixed4a", "mixed4b"]


def test_layers_inside_branches_and_layers_of_many_positions_are_not_chosen(inception):
    assert main_layers(inception, 99) == ["conv2d1", "conv2d2", "mixed3a", "mixed3b", "mixed4a", "mixed4b"]
    assert "conv2d0" in main_layers(inception, 99, most_positions=64 * 64)


@pytest.mark.slow
def test_a_layer_that_a_shortcut_goes_around_is_not_chosen(frozen):
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    first = layers.Conv2D(4, 3, padding="same", name="first")(image)
    inner = layers.Conv2D(4, 3, padding="same", name="inner")(first)
    joined = layers.Add(name="joined")([first, inner])
    logits = layers.Dense(2, name="logits")(layers.Flatten()(joined))
    assert main_layers(frozen(keras.Model(image, logits)), 9) == ["first", "joined"]


def test_joins_are_spread_over_the_network_before_other_layers(frozen):
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    tensor = layers.Conv2D(4, 3, padding="same", name="stem")(image)
    for number in range(6):
        squeezed = layers.Conv2D(2, 1, name=f"squeeze{number}")(tensor)
        sides = [layers.Conv2D(2, size, padding="same", name=f"expand{number}_{size}")(squeezed) for size in (1, 3)]
        tensor = layers.Concatenate(name=f"join{number}")(sides)
    logits = layers.Dense(2, name="logits")(layers.Flatten()(tensor))
    network = frozen(keras.Model(image, logits))
    assert main_layers(network, 4) == ["join1", "join3", "join4", "join5"]
    # In network order.
    assert main_layers(network, 7) == [*(f"join{number}" for number in range(5)), "squeeze5", "join5"]


def test_poolings_are_chosen_where_nothing_else_is(frozen):
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    pooled = layers.MaxPooling2D(2, name="early")(image)
    pooled = layers.AveragePooling2D(2, name="late")(pooled)
    logits = layers.Dense(2, name="logits")(layers.Flatten()(pooled))
    assert main_layers(frozen(keras.Model(image, logits)), 3) == ["early", "late"]


def test_a_network_without_positions_is_refused(frozen):
    image = keras.Input((4, 4, 3))
    logits = keras.layers.Dense(2, name="logits")(keras.layers.Flatten()(image))
    with pytest.raises(AttributionError, match="no layer with positions that every path passes through"):
        main_layers(frozen(keras.Model(image, logits)), 3)


@pytest.mark.slow
def test_named_layers_are_put_in_network_order_and_checked(tiny):
    assert checked_layers(tiny, ["late", "early"], 1) == ["early", "late"]
    with pytest.raises(NetworkError, match="no layer 'erly'; the nearest are early"):
        checked_layers(tiny, ["erly"], 1)
    with pytest.raises(AttributionError, match="layer 'logits' of network 'tiny' has no positions"):
        checked_layers(tiny, ["logits"], 1)


@pytest.mark.slow
def test_pairs_with_the_largest_maps_are_left_out_until_the_rest_fits(tiny):
    layers = ["early", "mixed", "late"]  # 12 x 16, 6 x 8, 6 x 8
    every = [("early", "mixed"), ("early", "late"), ("mixed", "late")]
    assert layer_pairs(tiny, layers, [], 10**9) == every
    assert layer_pairs(tiny, layers, [], 48 * 48) == [("mixed", "late")]
    assert layer_pairs(tiny, layers, [], 48 * 48 + 192 * 48) == [("early", "mixed"), ("mixed", "late")]
    assert layer_pairs(tiny, layers, [], 1) == [("mixed", "late")]


@pytest.mark.slow
def test_named_pairs_are_taken_whatever_their_size(tiny):
    assert layer_pairs(tiny, [], [["early", "late"], ["early", "late"]], 1) == [("early", "late")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (["late", "early"], r"late comes after early in network 'tiny'; name the earlier layer first: \[early, late\]"),
        (["late", "late"], "name two different layers"),
        (["early", "logits"], "has no positions"),
    ],
)
def test_pairs_that_cannot_be_are_told_in_one_line(tiny, pair, message):
    with pytest.raises(AttributionError, match=message) as told:
        layer_pairs(tiny, [], [pair], 1)
    assert "\n" not in str(told.value)


@pytest.mark.slow
def test_one_layer_makes_no_pair(tiny):
    with pytest.raises(AttributionError, match="a pair needs two layers"):
        layer_pairs(tiny, ["late"], [], 1)
