import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.models.backend import keras
from netlens.models.keras.folding import FoldingError, check_foldable, fold_batch_normalization, is_folded
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


def assert_folds(layers, shape=(12, 10, 3), seed=0, positive_gamma=False, kept=()):
    image = x = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    model = randomize(keras.Model(image, x), seed)
    if positive_gamma:
        for layer in model.layers:
            if isinstance(layer, L.BatchNormalization):
                layer.set_weights([np.abs(layer.get_weights()[0]), *layer.get_weights()[1:]])
    return assert_equivalent(model, shape, kept)


AFFINE = (L.BatchNormalization, L.Rescaling, L.Normalization)


def assert_equivalent(model, shape, kept=()):
    """Fold and compare outputs; the normalizations named in `kept`, and no others, are 1x1 convolutions afterwards."""
    before = model.get_weights()
    assert not is_folded(model)
    folded = fold_batch_normalization(model)
    assert is_folded(folded)
    assert not any(isinstance(layer, AFFINE) for layer in folded.layers)
    names = {layer.name for layer in folded.layers}
    assert {layer.name for layer in model.layers if isinstance(layer, AFFINE)} & names == set(kept)
    assert all(isinstance(folded.get_layer(name), L.DepthwiseConv2D) for name in kept)
    others = {layer.name for layer in model.layers if not isinstance(layer, (*AFFINE, L.SeparableConv2D))}
    assert others <= names
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
    "before groups": lambda: [L.Conv2D(6, 3, activation="relu"), BN(), L.Conv2D(4, 3, groups=2)],
    "behind depthwise": lambda: [L.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), BN(), L.ReLU(6.0)],
    "before depthwise": lambda: [L.ReLU(), BN(), L.DepthwiseConv2D(3, depth_multiplier=2, strides=2)],
    "around separable": lambda: [L.ReLU(), BN(), L.SeparableConv2D(5, 3, depth_multiplier=2), BN(), L.ReLU()],
    "a rescaling before a convolution": lambda: [L.Rescaling(0.5, [-1.0, 0.0, 2.0]), L.Conv2D(4, 3)],
    "a given normalization": lambda: [L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0]), L.Conv2D(4, 3)],
    "a learned normalization": lambda: [L.Normalization(), L.Conv2D(4, 3)],
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_same_outputs(case):
    assert_folds(CASES[case]())


@pytest.mark.slow
@pytest.mark.parametrize("where", ["behind", "before"])
def test_max_pooling_passes_positive_scales_only(where):
    def layers():
        if where == "behind":
            return [L.Conv2D(4, 3), L.MaxPooling2D(2), BN(name="n"), L.ReLU()]
        return [L.ReLU(), BN(name="n"), L.MaxPooling2D(2), L.Conv2D(4, 3)]

    assert_folds(layers(), positive_gamma=True)
    assert_folds(layers(), kept=["n"])


@pytest.mark.slow
def test_padding_allows_a_pure_scale():
    image = keras.Input((8, 8, 3))
    norm = BN(center=False, name="n")
    model = randomize(keras.Model(image, L.Conv2D(4, 3, padding="same")(L.ZeroPadding2D()(norm(image)))))
    gamma, mean, variance = norm.get_weights()
    assert_equivalent(model, (8, 8, 3), kept=["n"])
    norm.set_weights([gamma, 0 * mean, variance])
    assert_equivalent(model, (8, 8, 3))


@pytest.mark.slow
def test_branches_each_take_it():
    image = keras.Input((9, 9, 3))
    x = BN()(L.ReLU()(image))
    a, b = L.Conv2D(4, 3)(x), L.Conv2D(2, 3)(L.Dropout(0.3)(x))
    y = L.Concatenate()([a, b])
    assert_equivalent(randomize(keras.Model(image, y)), (9, 9, 3))


@pytest.mark.slow
def test_kernel_used_elsewhere_too_sends_it_forward_or_keeps_it():
    image = keras.Input((9, 9, 3))
    conv = L.Conv2D(4, 3, name="conv")(image)
    forward = L.Conv2D(4, 3)(BN()(conv))
    assert_equivalent(randomize(keras.Model(image, L.Concatenate()([forward, L.Cropping2D(1)(conv)]))), (9, 9, 3))
    joined = keras.Model(image, L.Add(name="sum")([BN(name="norm")(conv), conv]))
    assert_equivalent(randomize(joined), (9, 9, 3), kept=["norm"])


@pytest.mark.slow
def test_nested_model():
    inner = keras.Sequential([L.Input((10, 8, 4)), BN(name="inner_norm"), L.ReLU()], name="inner")
    randomize(inner)
    image = keras.Input((12, 10, 3))
    model = keras.Model(image, inner(L.Conv2D(4, 3, name="outer")(image)))
    folded = fold_batch_normalization(model)
    x = images((12, 10, 3))
    np.testing.assert_allclose(folded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=0, atol=1e-5)
    assert [layer.name for layer in kernel_layers(folded)] == ["outer"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "layers",
    [
        lambda: [BN(name="n"), L.Conv2D(4, 3, padding="same")],
        lambda: [L.ReLU(), BN(name="n"), L.ZeroPadding2D(), L.Conv2D(4, 3)],
        lambda: [L.Conv2D(4, 3, activation="relu"), BN(name="n"), L.ReLU()],
        lambda: [L.Conv2D(4, 3), L.ZeroPadding2D(), BN(name="n"), L.ReLU()],
        lambda: [L.Conv2D(4, 3), L.MaxPooling2D(), L.ReLU(), BN(name="n"), L.DepthwiseConv2D(3, padding="same")],
        lambda: [L.ReLU(), BN(name="n")],
        lambda: [L.ReLU(), BN(name="n"), L.Dropout(0.5)],
        lambda: [L.Flatten(), L.Dense(5, activation="relu"), BN(name="n"), L.ReLU(), L.Dense(3)],
        lambda: [L.Reshape((30, 12)), BN(name="n"), L.ReLU(), L.Flatten(), L.Dense(3)],
        lambda: [L.Rescaling(2.0, -1.0, name="n"), L.Conv2D(4, 3, padding="same")],
    ],
)
def test_what_fits_into_no_kernel_stays_as_a_convolution_of_its_own(layers):
    assert_folds(layers(), kept=["n"])


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (lambda: [L.Conv2D(4, 3), BN(axis=1, name="n"), L.ReLU()], "'n' .* axis"),
        (lambda: [L.Normalization(axis=2, name="n"), L.Conv2D(4, 3)], "'n' .* axis"),
        (lambda: [L.Normalization(mean=0.0, variance=2.0, invert=True, name="n"), L.Conv2D(4, 3)], "'n' .* inverted"),
    ],
)
def test_what_cannot_be_folded_is_named_without_reading_a_weight(layers, message):
    model = keras.Sequential([L.Input((12, 10, 3)), *layers()])
    for refuse in (check_foldable, fold_batch_normalization):
        with pytest.raises(FoldingError, match=message) as caught:
            refuse(model)
        assert "\n" not in str(caught.value)


def residual(x, channels, norm, stride=1):
    """A block of ResNet, of the second version: normalization and ReLU before each convolution."""
    y = L.ReLU()(BN(name=norm)(x))
    shortcut = L.Conv2D(channels, 1, strides=stride)(y) if stride > 1 else x
    y = L.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False)(y)
    y = L.Conv2D(channels, 3, padding="same")(L.ReLU()(BN()(y)))
    return L.Add()([shortcut, y])


def inverted_residual(x, channels, stride=1):
    """A block of MobileNetV2: ZeroPadding2D before the strided depthwise convolution, ReLU6."""
    y = L.ReLU(6.0)(BN()(L.Conv2D(2 * channels, 1, use_bias=False)(x)))
    y = L.ZeroPadding2D(((0, 1), (0, 1)))(y) if stride > 1 else y
    y = L.DepthwiseConv2D(3, strides=stride, padding="valid" if stride > 1 else "same", use_bias=False)(y)
    y = BN()(L.Conv2D(channels, 1, use_bias=False)(L.ReLU(6.0)(BN()(y))))
    return y if stride > 1 else L.Add()([x, y])


def separable_block(x, channels):
    """A block of Xception."""
    shortcut = BN()(L.Conv2D(channels, 1, strides=2, padding="same", use_bias=False)(x))
    y = BN()(L.SeparableConv2D(channels, 3, padding="same", use_bias=False)(L.ReLU()(x)))
    return L.Add()([shortcut, L.MaxPooling2D(3, 2, padding="same")(y)])


NETWORKS = {
    "resnet": lambda x: residual(residual(L.Conv2D(4, 3)(x), 4, "n1"), 6, "n2", stride=2),
    "mobilenet": lambda x: inverted_residual(inverted_residual(L.Conv2D(4, 3)(x), 6, stride=2), 6),
    "xception": lambda x: separable_block(separable_block(L.Conv2D(4, 3)(x), 4), 6),
    "densenet": lambda x: L.Conv2D(4, 3, padding="same")(
        L.ReLU()(BN(name="n1")(L.Concatenate()([x, L.Conv2D(3, 1)(x)])))
    ),
    "after pooling": lambda x: L.Conv2D(4, 3, padding="same")(BN(name="n1")(L.AveragePooling2D()(L.ReLU()(x)))),
}
KEPT = {"resnet": ["n1", "n2"], "densenet": ["n1"], "after pooling": ["n1"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_blocks_of_real_networks(name):
    image = keras.Input((14, 13, 3))
    outputs = L.Dense(5)(L.GlobalAveragePooling2D()(L.ReLU()(NETWORKS[name](image))))
    assert_equivalent(randomize(keras.Model(image, outputs)), (14, 13, 3), kept=KEPT.get(name, ()))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["MobileNet"])
def test_networks_of_keras_applications(name):
    shape = (96, 96, 3)
    model = getattr(keras.applications, name)(weights=None, input_shape=shape, classes=10, classifier_activation=None)
    rng = np.random.default_rng(0)
    variables = [v for v in model.weights if v.name.rpartition("/")[2][:4] in {"gamm", "beta", "movi"}]
    values = [
        np.abs(1 + 0.2 * rng.normal(size=v.shape)) if "beta" not in v.name else rng.normal(size=v.shape)
        for v in variables
    ]
    keras.backend.batch_set_value(list(zip(variables, values, strict=True)))
    folded = fold_batch_normalization(model)
    x = images(shape, n=2)
    expected, found = (network.predict(x, verbose=0) for network in (model, folded))
    assert is_folded(folded)
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.slow
def test_layers_used_twice_are_named():
    image = keras.Input((9, 9, 3))
    norm = BN(name="norm")
    model = keras.Model(image, norm(L.Conv2D(3, 3)(norm(L.Conv2D(3, 3)(image)))))
    with pytest.raises(FoldingError, match=r"'norm' .* used 2 times"):
        fold_batch_normalization(randomize(model))


@pytest.mark.slow
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
    # A ReLU could leave only outputs that are small beside what was added up, and their rounding is not.
    assert_folds([L.Conv2D(3, size, padding=padding, use_bias=bias), BN(), L.LeakyReLU()], (6, 5, 2), seed)
