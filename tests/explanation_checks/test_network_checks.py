"""All checks of one network together, on networks whose answers are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from netlens.explanation_checks.backward import explainer
from netlens.explanation_checks.cascade import Smoothing, cascades, random_weights, randomized, weighted_layers
from netlens.explanation_checks.choices import CheckError
from netlens.explanation_checks.convergence import random_baseline
from netlens.explanation_checks.network_checks import (
    Amounts,
    Explained,
    Subject,
    check_network,
    convergence_of,
    spread_entries,
    trunk_layers,
)
from netlens.explanation_checks.results import NetworkChecks
from netlens.explanation_checks.summary import gains_over_random, quantity_of, ratio_points
from netlens.models.keras.kernel_layers import kernel_layers
from netlens.models.keras.layer_graph import layer_graph
from netlens.statistics.intervals import Bootstrap


def linear_network(kernels):
    """Give a chain of 1x1 convolutions without bias, and the mean over positions."""
    from netlens.models.backend import keras

    image = values = keras.Input((6, 6, kernels[0].shape[0]))
    for number, kernel in enumerate(kernels):
        initial = keras.initializers.Constant(kernel)
        values = keras.layers.Conv2D(
            kernel.shape[1], 1, use_bias=False, kernel_initializer=initial, name=f"step{number}"
        )(values)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D(name="logits")(values))


def convergence_at_the_image(kernels):
    images = np.random.default_rng(0).normal(size=(2, 6, 6, len(kernels[0]))).astype(np.float32)
    with explainer(linear_network(kernels), "gradient") as explains:
        layers = ["input", *explains.backward.layers]
        found = convergence_of(explains, images, layers, [len(layers) - 2], count=5, seed=0)
    return found.percentiles[0, 0, 3]


@pytest.mark.slow
def test_convergence_is_1_for_a_rank_one_network_and_the_baseline_for_an_orthogonal_one():
    rng = np.random.default_rng(0)
    turns = [np.linalg.qr(rng.normal(size=(12, 12)))[0] for _ in range(3)]
    # 720 cosines: the standard error of their median is 0.008.
    assert convergence_at_the_image(turns) == pytest.approx(random_baseline(12), abs=0.03)
    one = [turns[0], np.outer(rng.normal(size=12), rng.normal(size=12)), turns[2]]
    assert convergence_at_the_image(one) > 1 - 1e-6


@pytest.mark.slow
def test_a_cascade_of_no_layer_is_the_original_and_all_layers_meet(small_convnet, small_images):
    weights = small_convnet.get_weights()
    with explainer(small_convnet, "gradient", weights=weights) as explains:
        found = cascades(
            small_convnet, explains, small_images, [0, 1], weights=weights, counts=[0, 1, 3], smoothing=Smoothing(2)
        )
    assert set(found) == {"top_down", "bottom_up", "smoothed"}
    for each in found.values():
        np.testing.assert_array_equal(each.ssim[0], 1)
        np.testing.assert_array_equal(each.ranks[0], 1)
        assert (each.ranks[-1] < 0.9).all()
    np.testing.assert_array_equal(found["top_down"].ranks[-1], found["bottom_up"].ranks[-1])
    assert (found["top_down"].ranks[1] != found["bottom_up"].ranks[1]).all()


@pytest.mark.slow
def test_images_of_a_cascade_pass_in_groups(small_convnet, small_images, monkeypatch):
    weights, found = small_convnet.get_weights(), []
    for at_once in (1, 16):
        monkeypatch.setattr("netlens.explanation_checks.cascade._AT_ONCE", at_once)
        with explainer(small_convnet, "gradient", weights=weights) as explains:
            found.append(cascades(small_convnet, explains, small_images, [0, 1], weights=weights, counts=[0, 2]))
    for name, each in found[0].items():
        np.testing.assert_allclose(each.ssim, found[1][name].ssim, atol=1e-5)


@pytest.mark.slow
def test_weights_are_drawn_by_a_seed_and_replaced_from_one_end(small_convnet):
    drawn = random_weights(small_convnet, 3)
    again = random_weights(small_convnet, 3)
    assert list(drawn) == weighted_layers(small_convnet) == ["first", "second", "logits"]
    np.testing.assert_array_equal(drawn["second"][0], again["second"][0])
    own = small_convnet.get_weights()
    top = randomized(small_convnet, own, drawn, 1, "top_down")
    assert [np.array_equal(a, b) for a, b in zip(top, own, strict=True)] == [True, True, False]
    bottom = randomized(small_convnet, own, drawn, 1, "bottom_up")
    assert [np.array_equal(a, b) for a, b in zip(bottom, own, strict=True)] == [False, True, True]


@pytest.fixture(scope="module")
def checked(small_convnet):
    """Checks of a small network by three methods, of which one is refused."""
    network = SimpleNamespace(
        name="small", model=small_convnet, class_names=("a", "b", "c"),
        preprocess=lambda images: (np.asarray(images, np.float32) - 128) / 64,
    )  # fmt: skip
    images = np.random.default_rng(0).integers(0, 256, size=(3, 8, 8, 3), dtype=np.uint8)
    layers = kernel_layers(small_convnet)
    kernels = {layer.name: small_convnet.get_layer(layer.name).get_weights()[0] for layer in layers}
    subject = Subject(network, layer_graph(small_convnet), layers, kernels, {})
    amounts = Amounts(
        methods=("gradient", "input_t_gradient", "pattern_net"), entries_count=2, shares_count=2,
        random_orders_count=2, cascade_steps_count=1, smoothing=None, chains_count=2,
    )  # fmt: skip
    return check_network(subject, Explained(images, np.array([0, -1, 2]), images[0], (0, 1)), amounts)


def test_a_method_that_is_refused_is_left_out_and_listed(checked):
    assert checked.methods == ("gradient", "input_t_gradient")
    assert checked.refused == ("pattern_net",)
    assert checked.reasons == ("PatternNet needs patterns",)
    with pytest.raises(CheckError, match="small has no PatternNet: PatternNet needs patterns"):
        quantity_of([checked], "convergence", "pattern_net", Bootstrap())


@pytest.mark.slow
@pytest.mark.usefixtures("own_graph")
def test_a_network_that_normalizes_layers_is_checked_by_gradients():
    from netlens.models.backend import keras

    image = keras.Input((8, 8, 3), name="image")
    values = keras.layers.LayerNormalization(name="norm")(keras.layers.Conv2D(4, 3, name="first")(image))
    values = keras.layers.Dense(3, name="logits")(keras.layers.Flatten(name="flat")(values))
    model = keras.Model(image, values)
    network = SimpleNamespace(
        name="normalized", model=model, class_names=("a", "b", "c"),
        preprocess=lambda images: (np.asarray(images, np.float32) - 128) / 64,
    )  # fmt: skip
    images = np.random.default_rng(0).integers(0, 256, size=(2, 8, 8, 3), dtype=np.uint8)
    amounts = Amounts(
        methods=("gradient", "lrp_epsilon"), draws_count=2, entries_count=2, shares_count=1, random_orders_count=1,
        cascade_steps_count=1, smoothing=None, chains_count=1,
    )  # fmt: skip
    subject = Subject(network, layer_graph(model), kernel_layers(model), {}, {})
    found = check_network(subject, Explained(images, np.array([0, 1]), images[0], (0, 1)), amounts)
    assert found.methods == ("gradient",) and found.refused == ("lrp_epsilon",)
    assert "norm" in found.layers and found.chain_names == () and np.isnan(found.ratios).all()


def test_what_was_checked_is_read_again(checked, tmp_path):
    checked.save(tmp_path / "checks.npz")
    again = NetworkChecks.load(tmp_path / "checks.npz")
    assert again.layers == checked.layers
    np.testing.assert_array_equal(again.convergence, checked.convergence)
    np.testing.assert_array_equal(again.two_image, checked.two_image)
    # Below the first layer only the last step differs between the two methods.
    np.testing.assert_array_equal(again.convergence[0, :, 1:], again.convergence[1, :, 1:])
    assert np.isnan(again.cascade_ssim[2]).all()
    assert (again.cascade_ssim[0, :, 0] == 1).all()


@pytest.mark.parametrize("quantity", ["convergence", "logit_ssim", "randomized_rank"])
def test_sampled_quantities_have_intervals(checked, quantity):
    found = quantity_of([checked], quantity, "gradient", Bootstrap(resamples_count=100))
    assert found.interval.count == 3
    assert found.interval.low <= found.value <= found.interval.high


def test_names_and_counts(checked):
    bootstrap = Bootstrap(resamples_count=100)
    assert quantity_of([checked], "images", "", bootstrap).value == 3
    assert quantity_of([checked], "refused", "", bootstrap).value == "PatternNet"
    assert set(gains_over_random(checked, bootstrap)) == {"gradient", "input_t_gradient"}
    assert {point.layer for point in ratio_points([checked])} == {"first", "add"}
    assert {point.method for point in ratio_points([checked])} == {"gradient"}
    with pytest.raises(CheckError, match="there is no quantity 'size'"):
        quantity_of([checked], "size", "", bootstrap)


def test_relevance_enters_at_the_logits_and_evenly_below():
    assert spread_entries(10, 1) == [9]
    assert spread_entries(10, 3) == [9, 6, 3]
    assert spread_entries(3, 8) == [2, 1]


def test_the_trunk_ends_in_the_logits(small_convnet):
    names = ["first", "pool", "second", "add", "flat", "logits"]
    assert trunk_layers(layer_graph(small_convnet), names) == ["first", "add", "logits"]
    assert trunk_layers(layer_graph(small_convnet), [*names, "mean"])[-1] == "mean"


def test_one_logit_and_unknown_methods_are_refused(small_images):
    with pytest.raises(CheckError, match="there is no method 'gradcam'"):
        Amounts(methods=["gradcam"])
    model = linear_network([np.ones((3, 1))])
    model = SimpleNamespace(predict_on_batch=lambda inputs: np.ones((len(inputs), 1)), get_weights=model.get_weights)
    network = SimpleNamespace(name="single", model=model, preprocess=lambda images: images)
    with pytest.raises(CheckError, match="single has one logit"):
        check_network(
            Subject(network, None, [], {}, {}), Explained(small_images, np.zeros(2), small_images[0], (0, 0)), Amounts()
        )
