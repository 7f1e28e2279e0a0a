import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.models.backend import keras
from netlens.models.keras.folding import FoldingError, fold_batch_normalization
from netlens.models.keras.kernel_layers import kernel_layers

L = keras.layers


def randomize(model, seed=0):
    """Give every weight a random value (variances positive), so that nothing agrees by being zero or one."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        values = []
        for weight in layer.weights:
            value = rng.normal(size=weight.shape)
            if "variance" in weight.name:
                value = np.abs(value) + 0.5
            elif "kernel" in weight.name:
                value = value / np.sqrt(np.prod(weight.shape[:-1]))
            values.append(value)
        if values:
            layer.set_weights(values)
    return model


def images(shape, n=4, seed=1):
    return np.random.default_rng(seed).normal(size=(n, *shape)).astype(np.float32)


def assert_folds(layers, shape=(12, 10, 3), seed=0, positive_gamma=False):
    image = x = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    model = randomize(keras.Model(image, x), seed)
    if positive_gamma:
        for layer in model.layers:
            if "normalization" in layer.name:
                layer.set_weights([np.abs(layer.get_weights()[0]), *layer.get_weights()[1:]])
    return assert_equivalent(model, shape)


def assert_equivalent(model, shape):
    before = model.get_weights()
    folded = fold_batch_normalization(model)
    assert not any("Normalization" in type(layer).__name__ for layer in folded.layers)
    kept = [layer.name for layer in model.layers if "Normalization" not in type(layer).__name__]
    assert sorted(layer.name for layer in folded.layers) == sorted(kept)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    x = images(shape)
    expected = model.predict(x, verbose=0)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(folded.predict(x, verbose=0) / scale, expected / scale, rtol=0, atol=2e-6)
    return folded


BN = L.BatchNormalization
CASES = {
    "behind a convolution": lambda: [L.Conv2D(4, 3, padding="same"), BN(), L.ReLU()],
    "behind a convolution without bias": lambda: [L.Conv2D(4, 3, strides=2, use_bias=False), BN(), L.ReLU()],
    "behind a dense layer": lambda: [L.Flatten(), L.Dense(5), BN(), L.ReLU(), L.Dense(3)],
    "without gamma or beta": lambda: [L.Conv2D(4, 3), BN(scale=False), L.ReLU(), L.Conv2D(4, 3), BN(center=False)],
    "behind dropout and means": lambda: [L.Conv2D(4, 3), L.Dropout(0.5), L.AveragePooling2D(2, padding="same"), BN()],
    "two in a row behind": lambda: [L.Conv2D(4, 3), BN(), BN(), L.ReLU()],
    "before a convolution": lambda: [BN(), L.Conv2D(4, 3)],
    "before a padded 1 x 1": lambda: [L.Conv2D(4, 3, activation="relu"), BN(), L.Conv2D(4, 1, padding="same")],
    "before a flatten and a dense": lambda: [L.Conv2D(4, 3, activation="relu"), BN(), L.Flatten(), L.Dense(3)],
    "before a reshape and a dense": lambda: [L.ReLU(), BN(), L.Reshape((-1,)), L.Dense(3)],
    "before means": lambda: [L.ReLU(), BN(), L.GlobalAveragePooling2D(), L.Dense(3, use_bias=False)],
    "before a padded mean": lambda: [L.ReLU(), BN(), L.AveragePooling2D(3, 2, padding="same"), L.Conv2D(4, 3)],
    "between dense layers": lambda: [L.Flatten(), L.Dense(5, activation="relu"), BN(), L.Dense(3)],
    "two in a row before": lambda: [L.ReLU(), BN(), BN(), L.Conv2D(4, 3)],
    "on a flattened map": lambda: [L.Conv2D(4, 3), L.ReLU(), L.Flatten(), BN(), L.Dense(4)],
    "a dense layer at every pixel": lambda: [BN(), L.Dense(4), L.ReLU(), BN(), L.Dense(4)],
    "a dilated convolution": lambda: [BN(), L.Conv2D(4, 3, dilation_rate=2), BN()],
    "behind groups": lambda: [L.Conv2D(6, 3, groups=3), BN()],
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_same_outputs(case):
    assert_folds(CASES[case]())


@pytest.mark.parametrize("where", ["behind", "before"])
def test_max_pooling_passes_positive_scales_only(where):
    def layers():
        if where == "behind":
            return [L.Conv2D(4, 3), L.MaxPooling2D(2), BN(), L.ReLU()]
        return [L.ReLU(), BN(), L.MaxPooling2D(2), L.Conv2D(4, 3)]

    assert_folds(layers(), positive_gamma=True)
    with pytest.raises(FoldingError, match=r"BatchNormalization\) cannot be folded"):
        assert_folds(layers())


def test_padding_allows_a_pure_scale():
    image = keras.Input((8, 8, 3))
    norm = BN(center=False)
    model = randomize(keras.Model(image, L.Conv2D(4, 3, padding="same")(L.ZeroPadding2D()(norm(image)))))
    gamma, mean, variance = norm.get_weights()
    with pytest.raises(FoldingError, match="ZeroPadding2D"):
        fold_batch_normalization(model)
    norm.set_weights([gamma, 0 * mean, variance])
    assert_equivalent(model, (8, 8, 3))


def test_branches_each_take_it():
    image = keras.Input((9, 9, 3))
    x = BN()(L.ReLU()(image))
    a, b = L.Conv2D(4, 3)(x), L.Conv2D(2, 3)(L.Dropout(0.3)(x))
    y = L.Concatenate()([a, b])
    assert_equivalent(randomize(keras.Model(image, y)), (9, 9, 3))


def test_kernel_used_elsewhere_too_sends_it_forward_or_is_named():
    image = keras.Input((9, 9, 3))
    conv = L.Conv2D(4, 3, name="conv")(image)
    forward = L.Conv2D(4, 3)(BN()(conv))
    assert_equivalent(randomize(keras.Model(image, L.Concatenate()([forward, L.Cropping2D(1)(conv)]))), (9, 9, 3))
    joined = keras.Model(image, L.Add(name="sum")([BN(name="norm")(conv), conv]))
    with pytest.raises(FoldingError, match=r"'norm' .* 'sum' \(Add\) joins it with other layers"):
        fold_batch_normalization(randomize(joined))


def test_nested_model():
    inner = keras.Sequential([L.Input((10, 8, 4)), BN(name="inner_norm"), L.ReLU()], name="inner")
    randomize(inner)
    image = keras.Input((12, 10, 3))
    model = keras.Model(image, inner(L.Conv2D(4, 3, name="outer")(image)))
    folded = fold_batch_normalization(model)
    x = images((12, 10, 3))
    np.testing.assert_allclose(folded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=0, atol=1e-5)
    assert [layer.name for layer in kernel_layers(folded)] == ["outer"]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (lambda: [BN(name="n"), L.Conv2D(4, 3, padding="same", name="c")], "'n' .* 'c' .* pads its input"),
        (lambda: [L.Conv2D(4, 3, activation="relu"), BN(name="n"), L.ReLU(name="r")], "'n' .* 'r' .* not linear"),
        (lambda: [L.ReLU(), BN(name="n")], "'n' .* is an output of the network, so"),
        (lambda: [L.ReLU(), BN(name="n"), L.Dropout(0.5, name="d")], "'n' .* layer 'd' .* is an output of the network"),
        (lambda: [L.Conv2D(4, 3), BN(axis=1, name="n"), L.ReLU()], "'n' .* axis"),
        (lambda: [BN(name="n"), L.Conv2D(3, 3, groups=3, name="c")], "'n' .* 'c' .* 3 groups"),
    ],
)
def test_what_cannot_be_folded_is_named(layers, message):
    with pytest.raises(FoldingError, match=message) as caught:
        assert_folds(layers())
    assert "\n" not in str(caught.value)


def test_layers_used_twice_are_named():
    image = keras.Input((9, 9, 3))
    norm = BN(name="norm")
    model = keras.Model(image, norm(L.Conv2D(3, 3)(norm(L.Conv2D(3, 3)(image)))))
    with pytest.raises(FoldingError, match=r"'norm' .* used 2 times"):
        fold_batch_normalization(randomize(model))


def test_without_normalization_weights_are_untouched():
    model = randomize(keras.Sequential([L.Input((9, 9, 3)), L.Conv2D(4, 3, use_bias=False), L.Conv2D(4, 3)]))
    folded = fold_batch_normalization(model)
    for a, b in zip(model.get_weights(), folded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 3]), st.sampled_from(["valid", "same"]), st.booleans())
def test_any_weights(seed, size, padding, bias):
    keras.backend.clear_session()
    assert_folds([L.Conv2D(3, size, padding=padding, use_bias=bias), BN(), L.ReLU()], (6, 5, 2), seed)
