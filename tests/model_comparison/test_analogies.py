"""Analogies: found in copies of a network, against numpy on the samples themselves, paired with their layers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.model_comparison.analogies import (
    PairMoments,
    Unit,
    analogies,
    chosen_unit,
    direction_probe,
    directions,
    drawn,
    layer_probe,
    middle_layers,
    r2_ends,
    r2_score,
)
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.second_moments import second_moments

FIRST = {"conv": 4, "mixed/a": 6, "mixed/b": 5, "logits": 3}


def network(seed, channels=FIRST, count=300):
    """Activations after ReLU; the layers share causes, so that they say something of each other."""
    rng = np.random.default_rng(seed)
    causes = np.random.default_rng(99).standard_normal((count, 6))
    return {
        name: np.maximum(
            causes @ rng.standard_normal((6, size)) + 0.5 * rng.standard_normal((count, size)) + 0.5, 0
        ).astype(np.float32)
        for name, size in channels.items()
    }


def sums(first, second):
    own = second_moments(first, first)
    return (
        PairMoments(own, own, own)
        if first is second
        else PairMoments(own, second_moments(first, second), second_moments(second, second))
    )


def split(side, at=200):
    return {name: values[:at] for name, values in side.items()}, {name: values[at:] for name, values in side.items()}


def oracle_r2(values, predicted):
    return 1 - np.sum((values - predicted) ** 2) / np.sum((values - values.mean()) ** 2)


def test_a_permuted_copy_shows_the_permuted_unit():
    first, rng = network(0), np.random.default_rng(1)
    orders = {name: rng.permutation(size) for name, size in FIRST.items()}
    copy = {name: values[:, orders[name]] for name, values in first.items()}
    for unit in (Unit("mixed/a", 4), Unit("conv", 0)):
        found = directions(unit, sums(first, copy))[unit.layer]
        # One-hot at the place where the unit went.
        expected = (orders[unit.layer] == unit.channel).astype(float)
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_permuted_copy_predicts_the_unit_on_images_never_seen():
    (first, held), rng = split(network(0)), np.random.default_rng(1)
    order = rng.permutation(FIRST["mixed/a"])
    unit = Unit("mixed/a", 4)
    found = analogies(
        unit,
        sums(first, {"copy": first["mixed/a"][:, order]}),
        held["mixed/a"][:, 4],
        {"copy": held["mixed/a"][:, order]},
    )["copy"]
    assert found.r2 == pytest.approx(1, abs=1e-12)
    assert found.ceiling == pytest.approx(1, abs=1e-12)


def test_an_invertible_linear_map_shows_its_row():
    first, rng = network(2), np.random.default_rng(3)
    mix = rng.standard_normal((6, 6)) + 2 * np.eye(6)
    mapped = {"mixed": first["mixed/a"].astype(np.float64) @ mix}
    for centred in (False, True):
        for channel in range(6):
            found = directions(Unit("mixed/a", channel), sums(first, mapped), centred=centred)["mixed"]
            np.testing.assert_allclose(found, mix[channel], atol=1e-11)
    # All of the unit is there, though not along the direction alone.
    (train, held), (mapped_train, mapped_held) = split(first), split(mapped)
    found = analogies(Unit("mixed/a", 1), sums(train, mapped_train), held["mixed/a"][:, 1], mapped_held)["mixed"]
    assert found.ceiling == pytest.approx(1, abs=1e-10)
    assert found.r2 < 0.99


@pytest.mark.parametrize("centred", [False, True])
def test_directions_are_the_rows_of_a_regression_of_the_layer_on_the_units_layer(centred):
    first, second = network(4), network(5, {"one": 7, "two": 3})
    a = first["mixed/b"].astype(np.float64)
    for layer, values in second.items():
        b = values.astype(np.float64)
        given_a, given_b = (a - a.mean(0), b - b.mean(0)) if centred else (a, b)
        rows = np.linalg.lstsq(given_a, given_b, rcond=None)[0]
        for channel in range(5):
            found = directions(Unit("mixed/b", channel), sums(first, second), centred=centred)
            np.testing.assert_allclose(found[layer], rows[channel], rtol=0, atol=1e-13 * np.abs(rows).max() * 20)


def test_what_is_decorrelated_goes_with_the_unit_and_no_other():
    first = network(6)
    a = first["mixed/a"].astype(np.float64)
    left = a @ np.linalg.solve(a.T @ a / len(a), np.eye(6)[2])
    np.testing.assert_allclose(left @ a / len(a), np.eye(6)[2], atol=1e-12)
    second = network(7, {"b": 4})
    found = directions(Unit("mixed/a", 2), sums(first, second))["b"]
    np.testing.assert_allclose(found, left @ second["b"] / len(a), atol=1e-12)


def test_r2_is_that_of_a_fit_on_the_samples():
    first, second = network(8), network(9, {"one": 7, "two": 3})
    (train, held), (second_train, second_held) = split(first), split(second)
    unit = Unit("mixed/a", 3)
    found = analogies(unit, sums(train, second_train), held["mixed/a"][:, 3], second_held)
    known, judged = (side["mixed/a"][:, 3].astype(np.float64) for side in (train, held))
    for layer, analogy in found.items():
        b, b_held = second_train[layer].astype(np.float64), second_held[layer].astype(np.float64)
        slope, intercept = np.polyfit(b @ analogy.direction, known, 1)
        predicted = slope * (b_held @ analogy.direction) + intercept
        assert analogy.r2 == pytest.approx(oracle_r2(judged, predicted), abs=1e-12)
        # With many images a penalty changes little, so that the ceiling is nearly that of least squares.
        with_ones, held_ones = (np.column_stack([side, np.ones(len(side))]) for side in (b, b_held))
        weights = np.linalg.lstsq(with_ones, known, rcond=None)[0]
        assert analogy.ceiling == pytest.approx(oracle_r2(judged, held_ones @ weights), abs=0.02)
        assert analogy.ceiling > analogy.r2


@pytest.mark.parametrize("penalty", [0.0, 0.01, 3.0, np.inf])
@pytest.mark.parametrize("with_direction", [False, True])
def test_the_probe_on_a_layer_is_ridge_regression_on_the_samples(penalty, with_direction):
    first, second = network(10), network(11, {"b": 4})
    both = sums(first, second)
    unit = Unit("conv", 1)
    along = direction_probe(unit, "b", directions(unit, both)["b"], both) if with_direction else None
    probe = layer_probe(unit, "b", both, penalty, towards=along)
    known, b = first["conv"][:, 1].astype(np.float64), second["b"].astype(np.float64)
    start = along.weights if with_direction else np.zeros(4)
    centred, left = b - b.mean(0), known - known.mean() - (b - b.mean(0)) @ start
    covariance = centred.T @ centred / len(b)
    if np.isinf(penalty):
        expected = start
    else:
        matrix = covariance + penalty * np.trace(covariance) / 4 * np.eye(4)
        expected = start + np.linalg.solve(matrix, centred.T @ left / len(b))
    np.testing.assert_allclose(probe.weights, expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(probe(b), centred @ expected + known.mean(), rtol=0, atol=1e-12)


def test_least_squares_stays_on_the_range_of_units_that_depend_on_each_other():
    first, second = network(10), network(11, {"b": 4})
    exact = second["b"].astype(np.float64)
    doubled = {"b": np.column_stack([exact, exact[:, 0] + exact[:, 1]])}
    known = first["conv"][:, 1].astype(np.float64)
    probe = layer_probe(Unit("conv", 1), "b", sums(first, doubled), 0.0)
    with_ones = np.column_stack([exact, np.ones(len(exact))])
    predicted = with_ones @ np.linalg.lstsq(with_ones, known, rcond=None)[0]
    np.testing.assert_allclose(probe(doubled["b"]), predicted, rtol=0, atol=1e-10)
    assert probe.weights @ [1, 1, 0, 0, -1] == pytest.approx(0, abs=1e-10)


def wide(seed, count, channels, noise=1.0):
    """Activations of a unit's layer and of a wider one that share few causes, and little of the wide one's variance."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(100)
    causes = rng.standard_normal((count, 4))
    first = causes @ mixing.standard_normal((4, 6)) + 0.3 * rng.standard_normal((count, 6))
    other = causes @ mixing.standard_normal((4, channels)) + noise * rng.standard_normal((count, channels))
    return {"a": first.astype(np.float32)}, {"wide": other.astype(np.float32)}


@pytest.mark.slow
@pytest.mark.parametrize("channels", [50, 150, 199, 600])
def test_with_fewer_images_than_channels_the_ceiling_is_above_the_direction_and_above_zero(channels):
    count = 200
    for seed in range(3):
        (train, second_train), (held, second_held) = (
            wide(seed, count, channels, 3.0),
            wide(seed + 50, 100, channels, 3.0),
        )
        both = sums(train, second_train)
        unit = Unit("a", 1)
        found = analogies(unit, both, held["a"][:, 1], second_held)["wide"]
        assert found.ceiling > found.r2 - 0.02
        assert found.ceiling > 0.5
        if channels == count - 1:
            # Least squares fits the noise of all training images.
            known = held["a"][:, 1].astype(np.float64)
            assert oracle_r2(known, layer_probe(unit, "wide", both, 0.0)(second_held["wide"])) < -1


def test_a_layer_that_knows_nothing_has_a_ceiling_of_zero():
    rng = np.random.default_rng(3)
    for channels in (20, 100, 400):
        (train, _), (held, _) = wide(5, 120, 5), wide(6, 80, 5)
        noise = [{"b": rng.standard_normal((count, channels)).astype(np.float32)} for count in (120, 80)]
        found = analogies(Unit("a", 0), sums(train, noise[0]), held["a"][:, 0], noise[1])["b"]
        # Standard error of R2 of a mean over 80 values.
        assert -0.15 < found.ceiling < 0.1


def test_within_a_network_the_ceiling_of_the_units_own_layer_is_one():
    first = network(8)
    train, held = split(first)
    found = analogies(Unit("mixed/a", 3), sums(train, train), held["mixed/a"][:, 3], held)
    assert found["mixed/a"].ceiling == pytest.approx(1, abs=1e-9)
    # And of a layer with more channels than training images, which holds the unit beside noise.
    rng = np.random.default_rng(1)
    more = {name: np.column_stack([first["mixed/a"], 0.1 * rng.standard_normal((300, 300))]) for name in ("more",)}
    more_train, more_held = split(more)
    found = analogies(Unit("mixed/a", 3), sums(train, more_train), held["mixed/a"][:, 3], more_held)
    assert found["more"].ceiling > 0.95


def test_units_that_always_rise_together_share_their_own_direction():
    first = network(12, {"a": 3})
    first["a"][:, 2] = 2 * first["a"][:, 0]
    found = directions(Unit("a", 0), sums(first, first))["a"]
    np.testing.assert_allclose(found, [1 / 5, 0, 2 / 5], atol=1e-12)


def test_directions_belong_to_the_layers_that_they_were_made_for():
    # Layers of different sizes and of the same size, a subset of them, in an order that is not the network's.
    channels = {"c0": 5, "c1": 7, "c2": 7, "c3": 4}
    first, second = network(13), network(14, channels)
    (train, held), (second_train, second_held) = split(first), split(second)
    unit, some = Unit("mixed/a", 0), ["c2", "c0", "c1"]
    subset = {layer: second_train[layer] for layer in some}
    # Held-out activations of all layers, in the network's order.
    found = analogies(unit, sums(train, subset), held["mixed/a"][:, 0], second_held)
    assert list(found) == some
    for layer in some:
        alone = {layer: second_train[layer]}
        expected = analogies(unit, sums(train, alone), held["mixed/a"][:, 0], {layer: second_held[layer]})[layer]
        assert found[layer].direction.shape == (channels[layer],)
        np.testing.assert_allclose(found[layer].direction, expected.direction, rtol=0, atol=1e-14)
        assert found[layer].r2 == pytest.approx(expected.r2, abs=1e-13)
        assert found[layer].ceiling == pytest.approx(expected.ceiling, abs=1e-13)
    assert not np.allclose(found["c1"].direction, found["c2"].direction)
    with pytest.raises(ComparisonError, match="layer 'c0' has 5 channels, but its direction has shape"):
        direction_probe(unit, "c0", found["c1"].direction, sums(train, subset))


@given(st.integers(1, 199), st.sampled_from([False, True]))
@settings(max_examples=20, deadline=None)
def test_shards_change_nothing(cut, centred):
    first, second = network(15), network(16, {"one": 7, "two": 3})
    (train, held), (second_train, second_held) = split(first), split(second)
    (one, more), (other, others) = split(train, cut), split(second_train, cut)
    whole = sums(train, second_train)
    merged = PairMoments(*(part + rest for part, rest in zip(sums(one, other), sums(more, others), strict=True)))
    unit = chosen_unit([whole])
    assert chosen_unit([merged]) == unit
    values = held[unit.layer][:, unit.channel]
    expected = analogies(unit, whole, values, second_held, centred=centred)
    for layer, analogy in analogies(unit, merged, values, second_held, centred=centred).items():
        scale = np.abs(expected[layer].direction).max()
        np.testing.assert_allclose(analogy.direction, expected[layer].direction, rtol=0, atol=1e-12 * scale)
        assert analogy.r2 == pytest.approx(expected[layer].r2, abs=1e-12)
        assert analogy.ceiling == pytest.approx(expected[layer].ceiling, abs=1e-12)


@given(st.floats(1e-3, 1e3))
@settings(max_examples=20, deadline=None)
def test_the_scale_of_a_layer_changes_the_length_of_its_direction_only(scale):
    first, second = network(17), network(18, {"b": 5})
    scaled = {"b": scale * second["b"].astype(np.float64)}
    (train, held), (plain, plain_held), (larger, larger_held) = split(first), split(second), split(scaled)
    values = held["conv"][:, 2]
    expected = analogies(Unit("conv", 2), sums(train, plain), values, plain_held)["b"]
    found = analogies(Unit("conv", 2), sums(train, larger), values, larger_held)["b"]
    np.testing.assert_allclose(found.direction, scale * expected.direction, rtol=1e-10)
    assert found.r2 == pytest.approx(expected.r2, abs=1e-10)
    assert found.ceiling == pytest.approx(expected.ceiling, abs=1e-10)


def test_a_prediction_that_does_not_hold_keeps_its_negative_r2():
    rng = np.random.default_rng(19)
    train, held = ({"a": rng.standard_normal((count, 1))} for count in (50, 40))
    # What goes together on the training images goes against each other on the held-out ones.
    found = analogies(Unit("a", 0), sums(train, {"b": train["a"]}), held["a"][:, 0], {"b": -held["a"]})["b"]
    assert found.r2 < -1
    # The probe on the whole layer may fall back on the mean.
    assert -0.2 < found.ceiling <= 0


def test_r2_by_definition():
    assert r2_score([1, 2, 3], [1, 2, 3]) == 1
    assert r2_score([1, 2, 3], [2, 2, 2]) == 0
    assert r2_score([1, 2, 3], [3, 2, 1]) == -3
    with pytest.raises(ComparisonError, match="all 3 values are 2"):
        r2_score([2, 2, 2], [1, 2, 3])
    with pytest.raises(ComparisonError, match=r"\(3,\) and \(2,\)"):
        r2_score([1, 2, 3], [1, 2])
    with pytest.raises(ComparisonError, match="shape"):
        r2_score([], [])


def test_a_silent_layer_has_no_direction_and_predicts_the_mean():
    (train, held), (second_train, second_held) = split(network(20)), split({"off": np.zeros((300, 4), np.float32)})
    values = held["conv"][:, 1].astype(np.float64)
    found = analogies(Unit("conv", 1), sums(train, second_train), values, second_held)["off"]
    np.testing.assert_array_equal(found.direction, np.zeros(4))
    mean = np.full(len(values), train["conv"][:, 1].mean(dtype=np.float64))
    assert found.r2 == pytest.approx(oracle_r2(values, mean), abs=1e-12)
    assert found.ceiling == found.r2 <= 0


def test_a_layer_that_is_constant_predicts_the_mean():
    (train, held), (second_train, second_held) = split(network(21)), split({"same": np.full((300, 4), 0.3, np.float32)})
    found = analogies(Unit("conv", 1), sums(train, second_train), held["conv"][:, 1], second_held)["same"]
    assert found.direction.any()
    assert found.r2 == pytest.approx(found.ceiling, abs=1e-12)
    assert -0.1 < found.r2 <= 0


@pytest.mark.parametrize("value", [0, 0.7])
def test_dead_and_constant_units_are_refused(value):
    first = network(22)
    first["conv"][:, 2] = value
    (train, held), (second_train, second_held) = split(first), split(network(23, {"b": 3}))
    both, unit = sums(train, second_train), Unit("conv", 2)
    told = "unit conv:2 is " + ("the same on all 200 training images" if value else "dead")
    with pytest.raises(ComparisonError, match=told):
        analogies(unit, both, held["conv"][:, 2], second_held)
    with pytest.raises(ComparisonError, match=told):
        directions(unit, both, centred=True)
    if value:
        # Its direction is that of the means: what the formula says, not what can be judged.
        assert directions(unit, both)["b"].any()
    else:
        with pytest.raises(ComparisonError, match=told):
            directions(unit, both)
        with pytest.raises(ComparisonError, match=told):
            chosen_unit([both], layer="conv", channel=2)


def test_a_unit_that_is_silent_on_the_held_out_images_is_told():
    (train, _), (second_train, second_held) = split(network(24)), split(network(25, {"b": 3}))
    with pytest.raises(
        ComparisonError, match="unit conv:1 on the held-out images: R2 is not defined: all 100 values are 0"
    ):
        analogies(Unit("conv", 1), sums(train, second_train), np.zeros(100), second_held)


def test_what_does_not_fit_is_told():
    first, second = network(26), network(27, {"b": 3, "c": 2})
    both = sums(first, second)
    values = first["conv"][:, 0]
    for unit, told in (
        (Unit("conv", 4), "units 0 to 3, so there is no unit 4"),
        (Unit("conv", -1), "no unit -1"),
        (Unit("cnv", 0), "'cnv' is not among those compared: conv, mixed/a, mixed/b, logits"),
    ):
        with pytest.raises(ComparisonError, match=told):
            directions(unit, both)
    with pytest.raises(ComparisonError, match="'c' has no activations at held-out images"):
        analogies(Unit("conv", 0), both, values, {"b": second["b"]})
    with pytest.raises(ComparisonError, match=r"'c': held-out activations have shape \(300, 3\), not \(300, 2\)"):
        analogies(Unit("conv", 0), both, values, {"b": second["b"], "c": second["b"]})
    with pytest.raises(ComparisonError, match=r"'b': held-out activations have shape \(299, 3\)"):
        analogies(Unit("conv", 0), both, values, {"b": second["b"][1:], "c": second["c"]})


def test_the_unit_chosen_is_the_one_whose_worst_network_predicts_it_best():
    first = network(28)
    first["mixed/a"][:, 1] = 0
    others = [network(seed, {"x": 5, "y": 4}) for seed in (29, 30)]
    scores = {}
    for layer in ("mixed/a", "mixed/b"):
        a = first[layer].astype(np.float64)
        for channel in range(a.shape[1]):
            if not a[:, channel].any():
                continue
            per_network = []
            for other in others:
                rows = {name: np.linalg.pinv(a) @ b for name, b in other.items()}
                correlations = [
                    np.corrcoef(a[:, channel], other[name].astype(np.float64) @ rows[name][channel])[0, 1]
                    for name in rows
                ]
                per_network.append(max(max(0, correlation) ** 2 for correlation in correlations))
            scores[Unit(layer, channel)] = min(per_network)
    chosen = chosen_unit([sums(first, other) for other in others])
    assert chosen == max(scores, key=scores.get)
    in_layer = {unit: score for unit, score in scores.items() if unit.layer != chosen.layer}
    (other_layer,) = {unit.layer for unit in in_layer}
    assert chosen_unit([sums(first, other) for other in others], layer=other_layer) == max(in_layer, key=in_layer.get)


def test_a_unit_that_one_network_lacks_is_not_chosen():
    first = network(31)
    copy = {"all": first["mixed/a"]}
    lacking = {"rest": np.delete(first["mixed/a"], 2, axis=1)}
    noise = np.random.default_rng(32).standard_normal((300, 5)).astype(np.float32)
    first["mixed/b"] = noise
    assert chosen_unit([sums(first, copy), sums(first, lacking)]) != Unit("mixed/a", 2)
    assert chosen_unit([sums(first, copy), sums(first, {"one": first["mixed/a"][:, [2]]})]) == Unit("mixed/a", 2)


def test_a_network_by_itself_does_not_count_the_units_own_layer():
    first = network(33)
    first["logits"][:, 1] = first["mixed/b"][:, 3]
    assert chosen_unit([sums(first, first)]) == Unit("mixed/b", 3)


def test_a_named_unit_is_taken_and_an_impossible_one_refused():
    both = sums(network(34), network(35, {"b": 3}))
    assert chosen_unit([both], layer="logits", channel=2) == Unit("logits", 2)
    assert Unit("logits", 2).name == "logits:2"
    with pytest.raises(ComparisonError, match=r"set model_comparison\.unit_layer"):
        chosen_unit([both], channel=2)
    with pytest.raises(ComparisonError, match="'lgits' is not among those compared"):
        chosen_unit([both], layer="lgits")
    with pytest.raises(ComparisonError, match="at least one network"):
        chosen_unit([])
    silent = {name: np.zeros_like(values) for name, values in network(34).items()}
    with pytest.raises(ComparisonError, match="constant on all images"):
        chosen_unit([sums(silent, network(35, {"b": 3}))])


@pytest.mark.parametrize(
    ("count", "middle"), [(1, [0]), (2, [0, 1]), (3, [1]), (4, [1, 2]), (5, [2]), (8, [3, 4]), (11, [4, 5, 6])]
)
def test_the_middle_third(count, middle):
    layers = [f"layer{place}" for place in range(count)]
    assert middle_layers(layers) == [layers[place] for place in middle]


def test_what_is_drawn_is_rounded_to_thousandths_of_the_largest():
    np.testing.assert_array_equal(drawn([0.5, -2.0, 0.0009, -0.0009, 0.5011]), [0.25, -1, 0, 0, 0.251])
    assert not np.signbit(drawn([1, -1e-9])).any()
    np.testing.assert_array_equal(drawn(np.zeros(3)), np.zeros(3))
    given = np.random.default_rng(37).standard_normal(50)
    np.testing.assert_array_equal(drawn(3 * given), drawn(given))
    np.testing.assert_allclose(drawn(given), given / np.abs(given).max(), rtol=0, atol=0.5e-3)


def test_intervals_of_r2_hold_it_and_are_wider_where_positions_repeat_their_image():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(60)
    predicted = values + 0.7 * rng.standard_normal(60)
    low, high = r2_ends(values, predicted)
    assert low < r2_score(values, predicted) < high
    # Four copies of each image are no more images.
    repeated = [np.repeat(each, 4) for each in (values, predicted)]
    np.testing.assert_allclose(r2_ends(*repeated, positions_count=4), (low, high))
    narrow = r2_ends(*repeated)
    assert narrow[1] - narrow[0] < 0.7 * (high - low)
    assert r2_ends(values, values) == (1, 1)


def test_no_unit_is_chosen_that_says_nothing_on_the_held_out_images():
    both = sums(network(36), network(37, {"b": 3}))
    best = chosen_unit([both])
    varying = {name: np.ones(count, bool) for name, count in FIRST.items()}
    assert chosen_unit([both], varying=varying) == best
    varying[best.layer][best.channel] = False
    assert chosen_unit([both], varying=varying) != best


def test_where_the_middle_layers_are_dead_the_unit_is_of_another_layer():
    first = network(38)
    for name in middle_layers(list(first)):
        first[name][:] = 0
    chosen = chosen_unit([sums(first, network(39, {"b": 3}))])
    assert chosen.layer in {"conv", "logits"}
    dead = {name: np.zeros_like(values) for name, values in first.items()}
    with pytest.raises(ComparisonError, match="constant on all images; name others"):
        chosen_unit([sums(dead, network(39, {"b": 3}))])
