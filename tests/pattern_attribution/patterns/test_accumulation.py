"""Sums and the patterns made from them, against the patch matrix in float64."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netlens.images.batches import BatchError
from netlens.models.errors import UnsupportedLayerError
from netlens.models.keras.folding import fold_batch_normalization
from netlens.models.keras.kernel_layers import describe_kernel, kernel_layers, kernel_of
from netlens.pattern_attribution.patterns.accumulation import pattern_sums as with_progress
from netlens.pattern_attribution.patterns.accumulation import sums_by_shard
from netlens.pattern_attribution.patterns.diagnostics import dead_units, unit_gain
from netlens.pattern_attribution.patterns.estimators import estimate
from netlens.pattern_attribution.patterns.statistics import ESTIMATORS, PatternSumsError, merge

pytestmark = pytest.mark.slow

NETWORKS = ["plain", "strides", "dilation", "activations", "branches", "grouped"]
#: Layers whose activity another layer's output shows.
SHOWN_BY = {"threshold": "relu", "valid": "relu", "before_reshape": "thresholded_relu", "dilated_groups": "relu6"}
#: Largest difference that was seen: 1.7e-7 and 3.1e-14.
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}


def pattern_sums(*args, **options):
    return with_progress(*args, **{"progress": False, **options})


def oracle_layers(brute_force, model, images):
    """Each layer with a kernel as the network itself sees it: its input, and where it is active."""
    from netlens.models.backend import keras, tf

    layers = {}
    for layer in model.layers:
        if type(layer).__name__ not in {"Conv2D", "Dense", "DepthwiseConv2D"}:
            continue
        shown_by = model.get_layer(SHOWN_BY.get(layer.name, layer.name))
        x, output = keras.backend.function(model.inputs, [tf.identity(layer.input), shown_by.output])([images])
        layers[layer.name] = brute_force.Layer(
            x=x,
            kernel=kernel_of(layer),
            active=output > 0,
            strides=getattr(layer, "strides", (1, 1)),
            padding=getattr(layer, "padding", "valid"),
            dilation=getattr(layer, "dilation_rate", (1, 1)),
            groups=describe_kernel(layer).groups,
        )
    return layers


def kernels_of(model):
    return {layer.name: kernel_of(layer) for layer in kernel_layers_of(model)}


def kernel_layers_of(model):
    return [model.get_layer(layer.name) for layer in kernel_layers(model)]


def largest_difference(a, b):
    """Relative to the largest entry of each unit of `b`."""
    scale = np.abs(b).max(axis=tuple(range(b.ndim - 1)))
    return float(np.max(np.abs(a - b) / np.where(scale > 0, scale, 1)))


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_patterns_equal_those_of_the_patch_matrix(brute_force, make_network, images, name, precision):
    model = make_network(name, precision=precision)
    sums = pattern_sums(model, images, precision=precision)
    oracles = oracle_layers(brute_force, model, images)
    assert list(sums.layers) == list(oracles)
    for layer, oracle in oracles.items():
        for estimator in ESTIMATORS:
            found = estimate(sums, kernels_of(model), estimator)[layer]
            expected = brute_force.pattern(oracle, estimator)
            assert largest_difference(found, expected) < TOLERANCE[precision], (layer, estimator)


def test_sums_are_those_of_the_patch_matrix(brute_force, make_network, images):
    model = make_network("plain", precision="float64")
    sums = pattern_sums(model, images, precision="float64")
    for name, oracle in oracle_layers(brute_force, model, images).items():
        X = brute_force.patch_matrix(oracle)
        W = oracle.kernel.reshape(X.shape[1], -1)
        Y, m = X @ W, oracle.active.reshape(len(X), -1)
        layer = sums.layers[name]
        assert layer.samples == len(X)
        assert layer.kernel_shape == oracle.kernel.shape
        np.testing.assert_array_equal(layer.active, m.sum(axis=0))
        for found, expected in (
            (layer.x, X.sum(axis=0)),
            (layer.y, Y.sum(axis=0)),
            (layer.x_active, X.T @ m),
            (layer.xy_active, X.T @ (Y * m)),
            (layer.xy_inactive, X.T @ (Y * ~m)),
        ):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11 * np.abs(expected).max())


def test_dead_and_always_active_units(make_network, images):
    model = make_network("plain")
    sums = pattern_sums(model, images)
    np.testing.assert_array_equal(sums.layers["fc1"].active[:2], [0, len(images)])
    positive, negative = (estimate(sums, kernels_of(model), name)["fc1"] for name in ("relu", "relu.negative"))
    assert not positive[:, 0].any()
    assert negative[:, 0].any()
    assert not negative[:, 1].any()
    assert positive[:, 1].any()


def test_live_units_of_grouped_and_depthwise_layers_have_gain_one(make_network, images):
    model = make_network("grouped")
    sums, kernels = pattern_sums(model, images), kernels_of(model)
    live = 0
    for estimator in ESTIMATORS:
        for name, pattern in estimate(sums, kernels, estimator).items():
            gain = unit_gain(kernels[name], pattern)
            np.testing.assert_allclose(gain[~dead_units(pattern)], 1, rtol=1e-12)
            np.testing.assert_array_equal(gain[dead_units(pattern)], 0)
            live += int((~dead_units(pattern)).sum())
    assert live > 100


def test_a_separable_convolution_has_the_patterns_of_the_two_layers_that_it_is(brute_force, images):
    from netlens.models.backend import keras

    L = keras.layers
    model = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            L.SeparableConv2D(4, 3, padding="same", depth_multiplier=2, activation="relu", name="separable"),
            L.BatchNormalization(name="norm"),
            L.Conv2D(3, 3, padding="same", name="logits"),
        ]
    )
    rng = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights(
            [np.abs(rng.normal(size=value.shape)) - 0.2 * (value.ndim > 1) for value in layer.get_weights()]
        )
    folded = fold_batch_normalization(model)
    sums = pattern_sums(folded, images, precision="float64")
    assert list(sums.layers) == ["separable_depthwise", "separable_pointwise", "norm", "logits"]
    oracles = oracle_layers(brute_force, folded, images)
    for name, pattern in estimate(sums, kernels_of(folded), "relu").items():
        assert largest_difference(pattern, brute_force.pattern(oracles[name], "relu")) < 1e-5, name


@pytest.mark.parametrize(("name", "parts"), [("plain", 3), ("plain", 16), ("grouped", 3)])
def test_any_number_of_shards_gives_the_same_sums(make_network, images, name, parts):
    model = make_network(name)
    options = {"batch_size": 2, "block_images": 4}
    whole = pattern_sums(model, images, **options)
    if parts < 4:
        shards = [pattern_sums(model, images, shard=(part, parts), **options) for part in range(1, parts + 1)]
    else:
        shards = list(sums_by_shard(model, images, range(1, parts + 1), parts, **options))
    assert [shard.missing_shards for shard in shards[:2]] == [(*range(2, parts + 1),), (1, *range(3, parts + 1))]
    merged = merge(reversed(shards))
    assert merged.images == len(images)
    assert merged.missing_shards == ()
    assert len(whole.layers) > 3
    for name, layer in whole.layers.items():
        other = merged.layers[name]
        assert other.samples == layer.samples
        np.testing.assert_array_equal(other.active, layer.active)
        for field in ("x", "y", "x_active", "xy_active", "xy_inactive"):
            a, b = getattr(other, field), getattr(layer, field)
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14 * np.abs(b).max())


def test_batches_and_blocks_change_nothing_but_rounding(make_network, images):
    model = make_network("plain")
    whole = estimate(pattern_sums(model, images, batch_size=37), kernels_of(model), "relu")
    for options in ({"batch_size": 1}, {"batch_size": 5, "block_images": 1}, {"batch_size": 4, "block_images": 7}):
        other = estimate(pattern_sums(model, images, **options), kernels_of(model), "relu")
        for name, pattern in whole.items():
            # Within a batch, sums are in the network's precision: 1.5e-6 measured.
            assert largest_difference(other[name], pattern) < 2e-6, (name, options)


@pytest.mark.parametrize("estimators", ["linear", "relu", "relu.positive", "relu.negative", ["relu", "linear"]])
def test_sums_for_some_estimators_give_what_the_sums_for_all_give(make_network, images, estimators):
    model = make_network("plain")
    everything, some = pattern_sums(model, images), pattern_sums(model, images, estimators=estimators)
    for estimator in [estimators] if isinstance(estimators, str) else estimators:
        expected = estimate(everything, kernels_of(model), estimator)
        found = estimate(some, kernels_of(model), estimator)
        for name, pattern in expected.items():
            assert largest_difference(found[name], pattern) < 1e-6, name


def test_the_same_again_to_the_last_bit_and_the_model_is_left_alone(make_network, images):
    model = make_network("plain")
    before = model.predict(images, verbose=0)
    first, second = (pattern_sums(model, images, batch_size=5) for _ in range(2))
    for name, layer in first.layers.items():
        for field in ("x", "y", "active", "x_active", "xy_active", "xy_inactive"):
            assert getattr(layer, field).tobytes() == getattr(second.layers[name], field).tobytes()
    np.testing.assert_array_equal(model.predict(images, verbose=0), before)


def test_images_are_sliced_and_preprocessed(make_network, images):
    class Lazy:
        def __init__(self):
            self.read = []

        def __len__(self):
            return len(images)

        def __getitem__(self, index):
            self.read.append((index.start, index.stop))
            return images[index].astype(np.float64) * 2 + 1

    model, lazy = make_network("plain"), Lazy()
    found = pattern_sums(model, lazy, preprocess=lambda batch: (batch - 1) / 2, batch_size=16)
    expected = pattern_sums(model, images, batch_size=16)
    assert lazy.read == [(0, 16), (16, 32), (32, 37)]
    np.testing.assert_allclose(found.layers["conv2"].xy_active, expected.layers["conv2"].xy_active, rtol=1e-5)


def test_networks_inside_networks_and_of_any_input_size(make_network, images):
    from netlens.models.backend import keras

    inner = make_network("strides")
    outer = keras.Sequential([keras.Input((None, None, 3)), *inner.layers])
    nested = keras.Sequential([keras.Input(images.shape[1:]), inner])
    expected = pattern_sums(inner, images)
    for model in (outer, nested):
        found = pattern_sums(model, images)
        np.testing.assert_allclose(found.layers["even"].x_active, expected.layers["even"].x_active, rtol=1e-6)


def test_progress_is_drawn_on_stderr(make_network, images, capsys):
    with_progress(make_network("plain"), images, shard=(1, 2), block_images=8)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "pattern sums, shard 1 of 2: 100%" in shown.err
    assert "16/16" in shown.err


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32 - 1),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    dilation=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["valid", "same"]),
    size=st.tuples(st.integers(10, 13), st.integers(10, 13)),
)
def test_any_convolution(brute_force, seed, kernel, stride, dilation, padding, size):
    from netlens.models.backend import keras

    keras.backend.clear_session()
    dilation = dilation if stride == 1 else (1, 1)  # Keras allows one of the two
    model = keras.Sequential(
        [
            keras.Input((*size, 2)),
            keras.layers.Conv2D(3, kernel, stride, padding, dilation_rate=dilation, activation="relu", name="conv"),
        ]
    )
    rng = np.random.default_rng(seed)
    kernels = {"conv": rng.normal(size=(*kernel, 2, 3)).astype(np.float32)}
    model.set_weights([kernels["conv"], rng.normal(0, 0.3, 3)])
    images = rng.normal(0.2, 1, (6, *size, 2)).astype(np.float32)
    sums = pattern_sums(model, images, batch_size=4, precision="float64")
    layer = sums.layers["conv"]
    oracle = brute_force.Layer(images, kernels["conv"], np.zeros(0, bool), (stride, stride), padding, dilation)
    X = brute_force.patch_matrix(oracle)
    Y = X @ kernels["conv"].astype(np.float64).reshape(-1, 3)
    m = Y + model.get_weights()[1].astype(np.float64) > 0
    assert layer.samples == len(X)
    np.testing.assert_array_equal(layer.active, m.sum(axis=0))
    np.testing.assert_allclose(layer.x, X.sum(axis=0), atol=1e-10)
    np.testing.assert_allclose(layer.x_active, X.T @ m, atol=1e-10)
    np.testing.assert_allclose(layer.xy_active, X.T @ (Y * m), atol=1e-10)
    np.testing.assert_allclose(layer.xy_inactive, X.T @ (Y * ~m), atol=1e-10)


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_haufe_data_give_back_their_pattern(kind):
    """x = a s + d (Haufe et al. 2014), d independent of s; w reads s: every estimator finds a, not w."""
    from netlens.models.backend import keras

    rng = np.random.default_rng(0)
    n, k = 8 * 36, 5
    s = rng.normal(size=n)
    d = rng.normal(size=(n, k - 1))
    for side in (s > 0, s <= 0):  # exactly no correlation, on either side of the ReLU
        d[side] -= _explained(s[side], d[side])
    mixing, a = rng.normal(size=(k - 1, k)), rng.normal(size=k)
    w = np.linalg.svd(mixing)[2][-1]
    a /= w @ a
    x = (np.outer(s, a) + d @ mixing).astype(np.float32)
    if kind == "dense":
        model = keras.Sequential([keras.Input((k,)), keras.layers.Dense(1, "relu", name="unit")])
        kernel = w[:, None]
    else:
        model = keras.Sequential([keras.Input((6, 6, k)), keras.layers.Conv2D(1, 1, activation="relu", name="unit")])
        x, kernel = x.reshape(8, 6, 6, k), w[None, None, :, None]
    model.set_weights([kernel, np.zeros(1)])
    sums = pattern_sums(model, x, batch_size=3)
    for estimator in ESTIMATORS:
        found = estimate(sums, {"unit": kernel.astype(np.float32)}, estimator)["unit"].ravel()
        np.testing.assert_allclose(found, a, atol=1e-6 * np.abs(a).max())


def _explained(s, d):
    design = np.stack([s, np.ones_like(s)], axis=1)
    return design @ np.linalg.lstsq(design, d, rcond=None)[0]


def _with(layers, training=None):
    def make(keras):
        image = x = keras.Input((9, 8, 4))
        made = layers(keras.layers)
        for layer in made:
            x = layer(x, training=True) if training and layer is made[-1] else layer(x)
        return keras.Model(image, x)

    return make


def _shared(keras):
    layer = keras.layers.Conv2D(4, 3, padding="same", name="twice")
    image = keras.Input((9, 8, 4))
    return keras.Model(image, layer(layer(image)))


def _two_inputs(keras):
    images = [keras.Input((9, 8, 4)) for _ in range(2)]
    joined = keras.layers.Concatenate()(images)
    return keras.Model(images, keras.layers.Conv2D(2, 3)(joined))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_with(lambda L: [L.SeparableConv2D(3, 3, name="separable")]), "'separable'.* fold"),
        (_with(lambda L: [L.Conv2D(3, 3, activation=L.PReLU(), name="leaking")]), "'leaking'.* fold"),
        (_with(lambda L: [L.Conv2D(3, 3), L.Dropout(0.5, name="drop")], training=True), "'drop'.* training=True"),
        (_with(lambda L: [L.Conv2DTranspose(3, 3, name="transposed")]), "'transposed'"),
        (_with(lambda L: [L.Reshape((72, 4)), L.Conv1D(3, 3, name="line")]), "'line'"),
        (_with(lambda L: [L.Reshape((72, 4)), L.LSTM(3, name="memory")]), "'memory'"),
        (_with(lambda L: [L.Conv2D(3, 3), L.BatchNormalization(name="norm")]), "'norm'.* fold"),
        (_with(lambda L: [L.Conv2D(3, 3), L.LayerNormalization(name="other_norm")]), "'other_norm'"),
        (_with(lambda L: [L.MaxPooling2D(2)]), "no layer with a kernel"),
        (_shared, "'twice'"),
        (_two_inputs, "2 inputs"),
    ],
)
def test_networks_without_patterns_are_refused_by_name(make, message):
    from netlens.models.backend import keras

    with pytest.raises(UnsupportedLayerError, match=message) as caught:
        pattern_sums(make(keras), np.zeros((2, 9, 8, 4), np.float32))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shard": (0, 2)}, "no shard 0 of 2"),
        ({"shard": (3, 2)}, "no shard 3 of 2"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"block_images": 0}, "block_images is 0"),
        ({"precision": "float16"}, "precision is 'float16'"),
        ({"estimators": "relu.both"}, "unknown pattern estimator 'relu.both'"),
        ({"estimators": []}, "no pattern estimator is given"),
        (
            {"preprocess": lambda batch: batch[:, 1:]},
            r"shape \(12, 11, 3\), but the network takes \(13, 11, 3\)",
        ),
        ({"preprocess": lambda batch: batch * np.nan}, "'conv1': x is not finite"),
    ],
)
def test_bad_arguments_are_refused(make_network, images, options, message):
    with pytest.raises((PatternSumsError, BatchError), match=message):
        pattern_sums(make_network("plain"), images, **options)


def test_no_images(make_network, images):
    with pytest.raises(BatchError, match="there are no images"):
        pattern_sums(make_network("plain"), images[:0])
