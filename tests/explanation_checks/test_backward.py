"""Relevance that enters at a layer, against gradients computed another way."""

import numpy as np
import pytest

from netlens.explanation_checks.backward import BackwardPass, RefusedError, explainer, relevances_from
from netlens.explanation_checks.choices import METHODS, CheckError


def jacobian_product(model, images, layer, relevance, wanted):
    from netlens.models.backend import keras, tf

    target, source = model.get_layer(layer).output, model.input if wanted == "input" else model.get_layer(wanted).output
    product = tf.gradients(tf.reduce_sum(target * tf.constant(relevance)), source)[0]
    return keras.backend.function(model.inputs, [product])([images])[0]


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "wanted"), [("logits", "input"), ("add", "pool"), ("second", "first")])
def test_relevance_of_the_gradient_is_a_vector_jacobian_product(small_convnet, small_images, layer, wanted):
    relevance = np.random.default_rng(1).normal(size=(2, *small_convnet.get_layer(layer).output_shape[1:]))
    expected = jacobian_product(small_convnet, small_images, layer, relevance.astype(np.float32), wanted)
    with explainer(small_convnet, "gradient") as explains:
        found = relevances_from(explains.backward, small_images, layer, relevance, [wanted])[wanted]
    # Measured: 1e-7 of the largest.
    np.testing.assert_allclose(found, expected, atol=5e-7 * np.abs(expected).max())


@pytest.mark.slow
def test_epsilon_rule_of_a_residual_network_without_bias_is_input_times_gradient(small_convnet, small_images):
    maps = {}
    for method in ("input_t_gradient", "lrp_epsilon"):
        with explainer(small_convnet, method) as explains:
            maps[method] = explains.maps(small_images, [0, 2])
    # Measured: 2e-6 of the largest; epsilon is 1e-7.
    scale = np.abs(maps["lrp_epsilon"]).max()
    np.testing.assert_allclose(maps["input_t_gradient"], maps["lrp_epsilon"], atol=1e-5 * scale)


@pytest.mark.slow
@pytest.mark.parametrize("method", [name for name, entry in METHODS.items() if not entry.needs_patterns])
def test_every_method_starts_where_relevance_enters(small_convnet, small_images, method):
    relevance = np.random.default_rng(2).normal(size=(2, 4, 4, 5)).astype(np.float32)
    with explainer(small_convnet, method) as explains:
        found = relevances_from(explains.backward, small_images, "second", relevance, ["second", "pool"])
        twice = relevances_from(explains.backward, small_images, "second", 2 * relevance, ["pool"])
    np.testing.assert_array_equal(found["second"], relevance)
    # All rules are linear in the relevance.
    np.testing.assert_allclose(twice["pool"], 2 * found["pool"], rtol=1e-5, atol=1e-5 * np.abs(found["pool"]).max())
    assert np.abs(found["pool"]).max() > 0


@pytest.mark.slow
def test_patterns_equal_to_kernels_give_the_gradient(small_convnet, small_images):
    kernels = {
        layer.name: layer.get_weights()[0]
        for layer in small_convnet.layers
        if layer.name in {"first", "second", "logits"}
    }
    relevance = np.random.default_rng(3).normal(size=(2, 3))
    found = {}
    for method in ("gradient", "pattern_net"):
        with explainer(small_convnet, method, kernels) as explains:
            found[method] = relevances_from(explains.backward, small_images, "logits", relevance)["input"]
    np.testing.assert_allclose(found["pattern_net"], found["gradient"], atol=5e-7 * np.abs(found["gradient"]).max())


def test_maps_explain_the_chosen_logit(small_convnet, small_images):
    with explainer(small_convnet, "input_t_gradient") as explains:
        maps = explains.maps(small_images, [1, 2], batch_size=1)
        logits = explains.backward.logits(small_images)
    # Without biases, input times gradient sums to the logit.
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), logits[[0, 1], [1, 2]], rtol=1e-4, atol=1e-6)


def test_bad_input_is_named(small_convnet, small_images):
    import innvestigate

    with explainer(small_convnet, "gradient") as explains:
        with pytest.raises(CheckError, match="no relevance enters at 'nowhere'; the layers are first, pool"):
            relevances_from(explains.backward, small_images, "nowhere", small_images)
        with pytest.raises(CheckError, match=r"shape \(2, 4\) cannot enter at logits for 2 images"):
            relevances_from(explains.backward, small_images, "logits", np.zeros((2, 4)))
    with pytest.raises(CheckError, match="neuron_selection_mode"):
        BackwardPass(innvestigate.create_analyzer("gradient", small_convnet))
    with pytest.raises(RefusedError, match="PatternNet needs patterns"), explainer(small_convnet, "pattern_net"):
        pass


def test_a_method_that_refuses_a_layer_names_it(small_images):
    from netlens.models.backend import keras

    image = keras.Input((8, 8, 3))
    hidden = keras.layers.Dense(4, activation="elu", name="curved")(keras.layers.Flatten()(image))
    model = keras.Model(image, keras.layers.Dense(2, name="out")(hidden))
    patterns = {name: model.get_layer(name).get_weights()[0] for name in ("curved", "out")}
    with pytest.raises(RefusedError, match="curved"), explainer(model, "pattern_net", patterns):
        pass


@pytest.mark.parametrize("method", ["gradient", "lrp_epsilon", "pattern_net"])
@pytest.mark.parametrize("as_layer", [True, False])
def test_a_softmax_is_refused_whatever_its_layer_is_called(method, as_layer):
    from netlens.models.backend import keras

    image = keras.Input((8, 8, 3))
    flat = keras.layers.Flatten()(image)
    # Named as nothing says what it is.
    if as_layer:
        output = keras.layers.Softmax(name="last")(keras.layers.Dense(2, name="out")(flat))
    else:
        output = keras.layers.Dense(2, activation="softmax", name="out")(flat)
    model = keras.Model(image, output)
    patterns = {"out": model.get_layer("out").get_weights()[0]}
    with pytest.raises(RefusedError, match=r"(?i)softmax") as refused, explainer(model, method, patterns):
        pass
    assert "\n" not in str(refused.value)
