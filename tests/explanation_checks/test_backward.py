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


# The tests below have graphs of their own, after which networks that other tests share are gone.


@pytest.mark.slow
@pytest.mark.usefixtures("own_graph")
@pytest.mark.parametrize("highest", [None, 6.0])
def test_lrp_goes_through_rectifiers_that_are_layers_as_through_those_of_kernels(small_images, highest):
    from netlens.models.backend import keras

    def network(apart):
        image = keras.Input((8, 8, 3))
        function = None if apart else "relu" if highest is None else "relu6"
        values = keras.layers.Conv2D(4, 3, activation=function, name="conv")(image)
        values = keras.layers.ReLU(highest, name="rectified")(values) if apart else values
        return keras.Model(image, keras.layers.Dense(3, name="logits")(keras.layers.Flatten(name="flat")(values)))

    fused, apart = network(apart=False), network(apart=True)
    # Large enough that some units are above 6.
    apart.set_weights([8 * weights for weights in fused.get_weights()])
    fused.set_weights(apart.get_weights())
    maps = []
    for model in (fused, apart):
        with explainer(model, "lrp_epsilon") as explains:
            maps.append(explains.maps(small_images, [0, 2]))
    np.testing.assert_allclose(maps[1], maps[0], rtol=1e-6, atol=1e-6 * np.abs(maps[0]).max())


def _with_layer(build):
    """Build a network of two convolutions with a layer or more between them, and a Dense layer."""
    from netlens.models.backend import keras

    image = keras.Input((8, 8, 3), name="image")
    between = build(keras.layers, keras.layers.Conv2D(4, 3, padding="same", name="conv")(image))
    values = keras.layers.Conv2D(4, 3, name="last")(between)
    return keras.Model(image, keras.layers.Dense(3, name="out")(keras.layers.Flatten(name="flat")(values)))


BETWEEN = {
    "relu": lambda L, x: L.ReLU(name="x")(x),
    "relu6": lambda L, x: L.Activation("relu6", name="x")(x),
    "relu6 layer": lambda L, x: L.ReLU(6, name="x")(x),
    "relu5": lambda L, x: L.ReLU(5, name="x")(x),
    "prelu": lambda L, x: L.PReLU(name="x")(x),
    "swish": lambda L, x: L.Activation("swish", name="x")(x),
    "gate": lambda L, x: L.Multiply(name="x")([x, L.Conv2D(4, 1, activation="sigmoid", name="of")(x)]),
    "layer normalization": lambda L, x: L.LayerNormalization(name="x")(x),
    "separable": lambda L, x: L.SeparableConv2D(4, 3, activation="relu", name="x")(x),
    "normalized": lambda L, x: L.Activation("relu", name="x")(L.BatchNormalization(name="norm")(x)),
    "shortcut": lambda L, x: L.Add(name="x")([x, L.AveragePooling2D(2, 1, padding="same", name="of")(x)]),
    "operation": lambda L, x: x * 2.0,
}


@pytest.mark.slow
@pytest.mark.usefixtures("own_graph")
@pytest.mark.parametrize("kind", BETWEEN)
def test_which_methods_are_refused_is_known_before_anything_runs(tmp_path, kind):
    from netlens.models.inspection import inspect_keras_file
    from netlens.models.loading import load_network
    from netlens.models.preparation import prepare

    path = tmp_path / "net.h5"
    _with_layer(BETWEEN[kind]).save(path)
    facts = inspect_keras_file(path)
    model = prepare(load_network({"kind": "file", "file": str(path)})).network.model
    known = {"gradient": "", "lrp_epsilon": facts.lrp_obstacle, "guided_backprop": facts.relu_obstacle}
    known |= {"deep_taylor": facts.relu_obstacle, "lrp_preset_a": facts.preset_obstacle}
    found = {}
    for method in known:
        try:
            with explainer(model, method):
                found[method] = False
        except RefusedError:
            found[method] = True
    assert found == {method: bool(obstacle) for method, obstacle in known.items()}
