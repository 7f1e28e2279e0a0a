import numpy as np
import pytest

from netlens.models.backend import keras, tf
from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.keras.graph import copy_of, free_name, graph_of, rebuild

L = keras.layers


def images(shape, n=4, seed=1):
    return np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)


def branching():
    inner = keras.Sequential([L.Input((8, 8, 4)), L.Conv2D(4, 3, name="in_a"), L.ReLU(name="in_relu")], name="inner")
    image = keras.Input((10, 10, 3), name="image")
    x = inner(L.Conv2D(4, 3, name="first")(image))
    left, right = L.Conv2D(2, 1, name="left")(x), L.MaxPooling2D(1, name="right")(x)
    x = L.Concatenate(name="join")([left, right])
    x = tf.nn.relu(x) * 2.0 + 1.0
    return keras.Model(image, L.Dense(3, name="out")(L.Flatten(name="flat")(x)), name="branching")


def test_steps_come_after_their_sources_and_nested_models_are_opened():
    graph = graph_of(branching())
    names = [step.name for step in graph.steps]
    assert names[:6] == ["image", "first", "in_a", "in_relu", "left", "right"]
    for position, step in enumerate(graph.steps):
        assert all(graph.steps.index(source) < position for source, _ in step.sources)
        assert all(step in source.users for source, _ in step.sources)
    by_name = {step.name: step for step in graph.steps}
    assert [user.name for user in by_name["in_relu"].users] == ["left", "right"]
    assert by_name["in_a"].output_shape == (6, 6, 4)
    assert [step.name for step in graph.steps if step.is_output] == ["out"]
    assert str(by_name["left"]) == "layer 'left' (Conv2D)"
    with pytest.raises(UnsupportedLayerError, match="layer 'join'"):
        _ = by_name["join"].source


@pytest.mark.slow
def test_copy_computes_the_same_and_shares_nothing():
    model = branching()
    x = images((10, 10, 3))
    expected = model.predict(x, verbose=0)
    copy = copy_of(model)
    assert not any(isinstance(layer, keras.Model) for layer in copy.layers)
    np.testing.assert_array_equal(copy.predict(x, verbose=0), expected)
    copy.get_layer("first").set_weights([np.zeros((3, 3, 3, 4)), np.zeros(4)])
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)


def test_layers_used_twice_stay_shared():
    image = keras.Input((6, 6, 2))
    twice = L.Conv2D(2, 3, padding="same", name="twice")
    model = keras.Model(image, twice(twice(image)))
    graph = graph_of(model)
    assert graph.uses(twice) == 2
    x = images((6, 6, 2))
    copy = copy_of(model)
    np.testing.assert_array_equal(copy.predict(x, verbose=0), model.predict(x, verbose=0))
    assert len(copy.weights) == 2


def test_leaving_out_a_layer_and_changing_a_configuration():
    model = keras.Sequential([L.Dense(3, input_shape=(4,), name="a", activation="relu"), L.Softmax(name="s")])
    linear = copy_of(model, change=lambda step, c: None if step.name == "s" else {**c, "activation": "linear"})
    x = images((4,))
    kernel, bias = model.get_layer("a").get_weights()
    np.testing.assert_allclose(linear.predict(x, verbose=0), x @ kernel + bias, rtol=1e-5, atol=1e-6)


def test_only_what_the_outputs_need():
    model = keras.Sequential([L.Dense(3, input_shape=(4,), name="a"), L.Dense(2, name="b")])
    head = keras.Model(model.input, model.get_layer("a").output)
    assert [step.name for step in graph_of(head).steps][1:] == ["a"]


def test_several_outputs():
    image = keras.Input((4,))
    a, b = L.Dense(3, name="a")(image), L.Dense(2, name="b")(image)
    model = keras.Model(image, [b, a])
    x = images((4,))
    for got, expected in zip(rebuilt(model).predict(x, verbose=0), model.predict(x, verbose=0), strict=True):
        assert got.shape == expected.shape


def rebuilt(model):
    return rebuild(model, lambda step: type(step.layer).from_config(step.layer.get_config()))


def test_unbuilt_and_subclassed_networks_are_refused():
    class Own(keras.Model):
        def call(self, x):
            return x

    for model in (keras.Sequential([L.Dense(3)], name="own"), Own(name="own")):
        with pytest.raises(NetworkError, match="'own' has no layer graph"):
            graph_of(model)


@pytest.mark.parametrize("inside", [False, True])
def test_layers_that_stay_in_training_are_refused_by_name(inside):
    image = keras.Input((4,))
    layer = keras.Sequential([L.Input((4,)), L.Dropout(0.5)], name="part") if inside else L.Dropout(0.5, name="part")
    model = keras.Model(image, layer(image, training=True))
    with pytest.raises(UnsupportedLayerError, match=r"layer 'part' .* is called with training=True"):
        graph_of(model)
    graph_of(keras.Model(image, L.Dropout(0.5)(image, training=False)))


def test_the_name_of_a_new_layer():
    assert free_name("a", {"b"}) == "a"
    assert free_name("a", {"a", "a_2"}) == "a_3"


def test_layers_of_equal_names_get_that_of_their_model():
    a = keras.Sequential([L.Dense(3, input_shape=(4,), name="same")], name="a")
    b = keras.Sequential([L.Dense(3, input_shape=(3,), name="same"), L.ReLU(name="alone")], name="b")
    model = keras.Sequential([a, b, L.Dense(2, name="same")], name="both")
    names = ["a_same", "b_same", "alone", "same"]
    assert [step.name for step in graph_of(model).steps if step.sources] == names
    copy = copy_of(model)
    assert [layer.name for layer in copy.layers[1:]] == names
    x = np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_array_equal(copy.predict_on_batch(x), model.predict_on_batch(x))
