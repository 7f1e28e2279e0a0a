import numpy as np
import pytest

from netlens.models.backend import keras
from netlens.models.keras.graph import graph_of
from netlens.models.keras.splitting import is_composite, split_composite_layers

L = keras.layers


@pytest.mark.slow
def test_same_outputs_from_layers_of_one_kernel():
    image = keras.Input((9, 8, 3), name="image")
    x = L.SeparableConv2D(4, 3, 2, "same", depth_multiplier=2, activation=L.PReLU(shared_axes=[1, 2]), name="a")(image)
    x = L.SeparableConv2D(5, 2, dilation_rate=2, use_bias=False, activation="relu", name="b")(x)
    x = L.Conv2D(2, 1, use_bias=False, activation=L.PReLU(), name="c")(x)
    x = L.Activation("relu", name="b_depthwise")(x)
    model = keras.Model(image, x)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=value.shape) for value in model.get_weights()])
    split = split_composite_layers(model)
    assert [layer.name for layer in split.layers] == [
        *("image", "a_depthwise", "a_pointwise", "a_activation", "b_depthwise_2", "b_pointwise", "c", "c_activation"),
        "b_depthwise",
    ]
    assert sum(is_composite(step) for step in graph_of(model).steps) == 3
    assert not any(is_composite(step) for step in graph_of(split).steps)
    images = rng.normal(size=(4, 9, 8, 3)).astype(np.float32)
    expected = model.predict(images, verbose=0)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(split.predict(images, verbose=0), expected, rtol=0, atol=1e-6 * np.abs(expected).max())


def test_a_network_without_such_layers_is_copied():
    model = keras.Sequential([L.Input((5,)), L.Dense(3, activation="relu", name="a"), L.PReLU(name="b")])
    model.set_weights([np.full(value.shape, 0.5) for value in model.get_weights()])
    copy = split_composite_layers(model)
    assert copy is not model
    for value, other in zip(model.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(value, other)


@pytest.mark.parametrize("join", [L.Add, L.Concatenate, L.Maximum])
def test_a_tensor_that_a_layer_takes_twice_passes_an_identity_the_second_time(join):
    image = keras.Input((5,), name="image")
    x = L.Dense(3, name="a")(image)
    model = keras.Model(
        image, join(name="join")([x, x, image, x]) if join is L.Concatenate else join(name="join")([x, x])
    )
    split = split_composite_layers(model)
    assert any(is_composite(step) for step in graph_of(model).steps)
    assert not any(is_composite(step) for step in graph_of(split).steps)
    assert [layer.name for layer in split.layers if "again" in layer.name] == [
        *("join_again", *(["join_again_2"] if join is L.Concatenate else []))
    ]
    inputs = np.random.default_rng(0).normal(size=(4, 5))
    np.testing.assert_array_equal(split.predict(inputs, verbose=0), model.predict(inputs, verbose=0))
    (gradient,) = keras.backend.gradients(model.output, model.inputs)
    (other,) = keras.backend.gradients(split.output, split.inputs)
    one, same = keras.backend.function([*model.inputs, *split.inputs], [gradient, other])([inputs, inputs])
    np.testing.assert_array_equal(one, same)
