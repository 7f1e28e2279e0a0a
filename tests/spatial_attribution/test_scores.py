"""Scores of layers and methods, against networks whose attribution is known."""

import numpy as np
import pytest

from netlens.models.backend import keras
from netlens.models.frozen.frozen_network import freeze
from netlens.models.network import Network
from netlens.models.own_graph import graph_of_its_own
from netlens.models.preprocessing import preprocessing_from
from netlens.spatial_attribution.attribution import SpatialAttribution
from netlens.spatial_attribution.choices import AttributionError
from netlens.spatial_attribution.ground_truth import MEASURES
from netlens.spatial_attribution.maps import spatial_maps
from netlens.spatial_attribution.packing import unpacked
from netlens.spatial_attribution.relevance import input_attributions
from netlens.spatial_attribution.scores import Scenes, layer_scores, method_scores

HEIGHT, WIDTH = 8, 12


@pytest.fixture(scope="module")
def channels():
    """Keras network whose logit k is the mean of color k, through two layers that change nothing."""
    layers = keras.layers
    image = keras.Input((HEIGHT, WIDTH, 3))
    same = layers.Conv2D(3, 1, activation="relu", use_bias=False, name="same")(image)
    pooled = layers.MaxPooling2D(2, name="pool")(same)
    again = layers.Conv2D(3, 1, activation="relu", use_bias=False, name="again")(pooled)
    mean = layers.GlobalAveragePooling2D(name="mean")(again)
    model = keras.Model(image, layers.Dense(3, use_bias=False, name="logits")(mean))
    for name in ("same", "again"):
        model.get_layer(name).set_weights([np.eye(3)[None, None]])
    model.get_layer("logits").set_weights([np.eye(3)])
    return model


def scenes_of_colours():
    """Two scenes, of two and of three parts, each part in the colour of its class."""
    masks = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    masks[0, :, : WIDTH // 2], masks[0, :, WIDTH // 2 :] = 1, 2
    masks[1, : HEIGHT // 2], masks[1, HEIGHT // 2 :, : WIDTH // 2], masks[1, HEIGHT // 2 :, WIDTH // 2 :] = 1, 2, 3
    classes = np.array([[2, 0, -1], [1, 2, 0]])
    inputs = np.zeros((2, HEIGHT, WIDTH, 3), np.float32)
    for scene, place in zip(*np.nonzero(classes >= 0), strict=True):
        inputs[scene, masks[scene] == 1 + place, classes[scene, place]] = 1
    return Scenes(inputs, masks, classes)


def frozen_of(model):
    return freeze(Network("colours", model, preprocessing_from("none"), ("r", "g", "b"), (HEIGHT, WIDTH, 3), ""))


@pytest.mark.slow
@pytest.mark.parametrize("gradient", ["true", "smooth"])
def test_a_network_that_sees_each_class_only_on_its_part_is_always_right(channels, gradient):
    scenes = scenes_of_colours()
    found = layer_scores(frozen_of(channels), scenes, ["input", "same", "again"], gradient)
    known = scenes.classes >= 0
    assert found.shape == (len(MEASURES), 3, 2, 3)
    np.testing.assert_allclose(found[:2, :, known], 1, atol=1e-6)
    np.testing.assert_allclose(found[:, 2, known], 1, atol=1e-6)
    # The true gradient of a pooling leaves three of four positions of a part at 0, as all others are.
    rank = 1 if gradient == "smooth" else (12 + 36 * 36 / 84) / 48
    np.testing.assert_allclose(found[2, :2, 0, 0], rank, atol=1e-6)
    assert np.isnan(found[..., ~known]).all()


def test_where_the_part_is_painted_out_its_place_is_found_no_better_than_by_chance(channels):
    scenes = scenes_of_colours()
    control = scenes.painted_out()
    assert control.inputs.shape == (5, HEIGHT, WIDTH, 3)
    # Each part has the mean color of the rest, so nothing of its own class is left in it.
    np.testing.assert_allclose(control.inputs[0, :, : WIDTH // 2], scenes.inputs[0, :, WIDTH // 2 :], atol=1e-6)
    found = scenes.gathered(layer_scores(frozen_of(channels), control, ["same"], "true"))
    share, point, rank, curve = found[:, 0]
    assert np.isnan(share).all()  # no attribution is positive
    known = scenes.classes >= 0
    for measure in (point, rank):
        np.testing.assert_allclose(measure[known], scenes.areas()[known], atol=1e-6)
    np.testing.assert_allclose(curve[known], 0.5, atol=1e-6)


def test_scenes_are_joined_and_chosen():
    scenes = scenes_of_colours()
    both = scenes[:1] + scenes
    assert len(both.classes) == 3
    np.testing.assert_array_equal(both[1:].masks, scenes.masks)


def test_a_blur_shows_nothing_where_nothing_of_the_class_is_active(channels):
    found = layer_scores(frozen_of(channels), scenes_of_colours(), ["same"], "smooth_blur")
    np.testing.assert_allclose(found[0, 0, 0, :2], 1, atol=1e-6)


def test_areas_are_those_of_the_parts():
    np.testing.assert_allclose(scenes_of_colours().areas(), [[0.5, 0.5, np.nan], [0.5, 0.25, 0.25]])


def test_scenes_that_do_not_fit_are_refused():
    scenes = scenes_of_colours()
    with pytest.raises(AttributionError, match="do not fit"):
        Scenes(scenes.inputs, scenes.masks[:1], scenes.classes)


@pytest.mark.slow
def test_methods_of_innvestigate_explain_the_class_that_is_asked_for(channels):
    scenes = scenes_of_colours()
    methods, (shares, points, _, _) = method_scores(channels, scenes, batch_size=2)
    assert {"gradient", "input_t_gradient", "lrp.epsilon", "deep_taylor"} <= set(methods)
    assert "pattern.net" not in methods
    known = scenes.classes >= 0
    for method in ("input_t_gradient", "lrp.epsilon", "lrp.alpha_1_beta_0"):
        np.testing.assert_allclose(shares[methods.index(method)][known], 1, atol=1e-5)
        np.testing.assert_allclose(points[methods.index(method)][known], 1, atol=1e-5)
    # The gradient alone does not know where the image is not zero.
    assert (shares[methods.index("gradient")][known] <= 1).all()


@pytest.mark.slow
def test_input_times_gradient_is_the_attribution_to_the_input(tiny_model, images):
    model, network = tiny_model
    classes = np.array([3, 0, 2])
    found = dict(input_attributions(model, images, classes, batch_size=2))
    with SpatialAttribution(network) as attribution:
        ours = attribution.to_classes(images, "input", classes[:, None])[:, 0]
    np.testing.assert_allclose(found["input_t_gradient"], ours, rtol=1e-4, atol=1e-5 * np.abs(ours).max())


def kernels_of(model):
    return {layer.name: layer.get_weights()[0] for layer in model.layers if layer.weights}


@pytest.mark.slow
def test_patterns_equal_to_kernels_give_the_gradient_times_the_logit(tiny_chain, images):
    model, network = tiny_chain
    classes = np.array([1, 2, 0])
    kernels = kernels_of(model)
    found = dict(input_attributions(model, images, classes, patterns=kernels))
    with SpatialAttribution(network) as attribution:
        logits = attribution.logits(images)[np.arange(3), classes]
    wanted = found["gradient"] * logits[:, None, None]
    np.testing.assert_allclose(found["pattern.net"], wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.slow
def test_maps_of_patterns_that_amplify_beyond_float32_are_known_up_to_their_scale(tiny_chain, images):
    model, _ = tiny_chain
    classes = np.array([1, 2, 0])
    kernels = kernels_of(model)
    wanted = dict(input_attributions(model, images, classes, patterns=kernels))
    huge = {name: kernel * np.float32(1e15) for name, kernel in kernels.items()}
    found = dict(input_attributions(model, images, classes, patterns=huge))
    for method in ("pattern.net", "pattern.attribution"):
        assert np.isfinite(found[method]).all()
        scaled = [
            maps / np.abs(maps).max(axis=(1, 2), keepdims=True)
            for maps in (found[method].astype(np.float64), wanted[method].astype(np.float64))
        ]
        np.testing.assert_allclose(*scaled, rtol=0, atol=2e-5)
    np.testing.assert_array_equal(found["gradient"], wanted["gradient"])


@pytest.mark.slow
def test_names_of_layers_that_the_reverse_engine_adds_may_be_taken():
    layers = keras.layers
    with graph_of_its_own():
        image = keras.Input((6, 6, 3))
        x = layers.Conv2D(3, 3, padding="same", name="multiply")(image)
        x = layers.ReLU(name="re_lu")(layers.Add(name="add")([x, image]))
        model = keras.Model(image, layers.Dense(2, name="add_1")(layers.GlobalAveragePooling2D(name="add_7")(x)))
        x = np.random.default_rng(0).normal(size=(2, 6, 6, 3))
        found = dict(input_attributions(model, x, np.array([0, 1])))
    # LRP goes through ReLU where it is a layer, too.
    assert {"gradient", "input_t_gradient", "lrp.epsilon"} <= found.keys()


@pytest.mark.slow
def test_a_layer_that_no_method_goes_back_through_leaves_no_method():
    layers = keras.layers
    with graph_of_its_own():
        image = keras.Input((6, 6, 3))
        x = layers.GroupNormalization(2, name="norm")(layers.Conv2D(4, 3, name="conv")(image))
        model = keras.Model(image, layers.Dense(2, name="logits")(layers.GlobalAveragePooling2D(name="mean")(x)))
        assert not list(input_attributions(model, np.zeros((2, 6, 6, 3)), np.array([0, 1])))


@pytest.mark.slow
def test_the_network_that_is_explained_stays_as_it_is(tiny_model, images):
    model, _ = tiny_model
    before = model.predict_on_batch(images)
    list(input_attributions(model, images, np.array([0, 0, 0])))
    np.testing.assert_array_equal(model.predict_on_batch(images), before)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classes", "message"),
    [([0, 1], "need one class each"), ([0, 1, 9], "between 0 and 3"), ([0.5, 1, 1], "one class")],
)
def test_classes_that_do_not_fit_are_refused(tiny_model, images, classes, message):
    with pytest.raises(AttributionError, match=message):
        list(input_attributions(tiny_model[0], images, np.array(classes)))


@pytest.mark.slow
def test_maps_are_those_of_each_gradient_image_and_pair(tiny, images):
    classes = np.array([[0, 1], [2, -1], [3, 0]])
    found = spatial_maps(
        tiny, images, classes, layers=["early", "late"], pairs=[("pool", "late")], gradients=["smooth"]
    )
    with SpatialAttribution(tiny, gradient="smooth") as attribution:
        early = attribution.to_classes(images, "early", np.maximum(classes, 0))
        between = attribution.between(images[1], "pool", "late")
    np.testing.assert_allclose(found.to_classes[0][0, 0], early[0], rtol=1e-5)
    np.testing.assert_array_equal(found.to_classes[0][0, 1, 1], 0)
    restored = unpacked(found.between[0][0, 1], found.scales[0][0, 1])
    assert np.abs(restored - between).max() <= np.abs(between).max() / 250


@pytest.mark.slow
def test_several_layers_at_once_are_as_each_by_itself(tiny, images):
    with SpatialAttribution(tiny, gradient="smooth_blur") as attribution:
        together = attribution.to_classes_at(images, ["early", "late"], [1, 3])
        for name, maps in zip(["early", "late"], together, strict=True):
            np.testing.assert_allclose(maps, attribution.to_classes(images, name, [1, 3]), rtol=1e-5, atol=1e-6)
