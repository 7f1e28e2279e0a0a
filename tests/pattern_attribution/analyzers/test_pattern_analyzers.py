"""PatternNet and PatternAttribution against a backward pass written by hand in numpy float64, and against theory."""

import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from netlens.files.arrays import save_arrays
from netlens.models.backend import keras, tf, tf1
from netlens.models.errors import UnsupportedLayerError
from netlens.models.keras.folding import fold_batch_normalization
from netlens.models.keras.kernel_layers import block_diagonal, kernel_of
from netlens.models.keras.layer_kinds import KERNEL_LAYERS
from netlens.pattern_attribution.analyzers.pattern_analyzers import (
    PatternAttribution,
    PatternError,
    PatternNet,
    UnstableAnalysisWarning,
    register,
)
from netlens.pattern_attribution.analyzers.reversal import UndefinedLayerError, is_one_of
from netlens.pattern_attribution.patterns.accumulation import pattern_sums
from netlens.pattern_attribution.patterns.estimators import estimate

innvestigate = pytest.importorskip("innvestigate")

Float = NDArray[np.float64]
layers = keras.layers

METHODS = {"pattern.net": PatternNet, "pattern.attribution": PatternAttribution}


@pytest.fixture
def float64() -> Iterator[None]:
    keras.backend.set_floatx("float64")
    yield
    keras.backend.set_floatx("float32")


# The methods by hand, one image at a time -------------------------------------------------------------------------


@dataclass
class Conv:
    kernel: Float
    bias: Float
    strides: tuple[int, int] = (1, 1)
    padding: str = "valid"
    dilation: tuple[int, int] = (1, 1)
    relu: bool = True

    def _taps(self, shape: tuple[int, ...]) -> Iterator[tuple[int, int, int, int, int, int]]:
        """Output row, column; tap row, column; input row, column, where that is inside the input."""
        starts, sizes = [], []
        for axis in (0, 1):
            reach = (self.kernel.shape[axis] - 1) * self.dilation[axis] + 1
            if self.padding == "same":
                sizes.append(-(-shape[axis] // self.strides[axis]))
                starts.append(-(max((sizes[axis] - 1) * self.strides[axis] + reach - shape[axis], 0) // 2))
            else:
                sizes.append((shape[axis] - reach) // self.strides[axis] + 1)
                starts.append(0)
        self.out_shape = (*sizes, self.kernel.shape[3])
        for i, j in np.ndindex(*sizes):
            for di, dj in np.ndindex(*self.kernel.shape[:2]):
                row = starts[0] + i * self.strides[0] + di * self.dilation[0]
                column = starts[1] + j * self.strides[1] + dj * self.dilation[1]
                if 0 <= row < shape[0] and 0 <= column < shape[1]:
                    yield i, j, di, dj, row, column

    def forward(self, x: Float) -> Float:
        taps = list(self._taps(x.shape))
        z = np.zeros(self.out_shape) + self.bias
        for i, j, di, dj, row, column in taps:
            z[i, j] += x[row, column] @ self.kernel[di, dj]
        self.z = z
        return np.maximum(z, 0) if self.relu else z

    def backward(self, x: Float, r: Float, kernel: Float) -> Float:
        r = np.where(self.z > 0, r, 0) if self.relu else r
        result = np.zeros(x.shape)
        for i, j, di, dj, row, column in self._taps(x.shape):
            result[row, column] += kernel[di, dj] @ r[i, j]
        return result

    def layers(self) -> list[Any]:
        shape = self.kernel.shape
        return [
            layers.Conv2D(
                shape[3],
                shape[:2],
                self.strides,
                self.padding,
                dilation_rate=self.dilation,
                activation="relu" if self.relu else None,
            )
        ]


@dataclass
class Dense:
    kernel: Float
    bias: Float
    relu: bool = False
    separate: bool = False

    def forward(self, x: Float) -> Float:
        self.z = x @ self.kernel + self.bias
        return np.maximum(self.z, 0) if self.relu else self.z

    def backward(self, x: Float, r: Float, kernel: Float) -> Float:
        r = np.where(self.z > 0, r, 0) if self.relu else r
        return kernel @ r

    def layers(self) -> list[Any]:
        fused = "relu" if self.relu and not self.separate else None
        made = [layers.Dense(self.kernel.shape[1], activation=fused)]
        return [*made, layers.ReLU()] if self.relu and self.separate else made


@dataclass
class MaxPool:
    size: tuple[int, int] = (2, 2)
    strides: tuple[int, int] = (2, 2)

    def forward(self, x: Float) -> Float:
        (h, w), (sh, sw) = self.size, self.strides
        rows, columns = (x.shape[0] - h) // sh + 1, (x.shape[1] - w) // sw + 1
        y = np.empty((rows, columns, x.shape[2]))
        self.winners = {}
        for i, j, c in np.ndindex(*y.shape):
            window = x[i * sh : i * sh + h, j * sw : j * sw + w, c]
            di, dj = np.unravel_index(np.argmax(window), window.shape)
            y[i, j, c] = window[di, dj]
            self.winners[i, j, c] = (i * sh + di, j * sw + dj, c)
        return y

    def backward(self, x: Float, r: Float, _kernel: None) -> Float:
        result = np.zeros(x.shape)
        for place, winner in self.winners.items():
            result[winner] += r[place]
        return result

    def layers(self) -> list[Any]:
        return [layers.MaxPooling2D(self.size, self.strides)]


class Flatten:
    def forward(self, x: Float) -> Float:
        return x.reshape(-1)

    def backward(self, x: Float, r: Float, _kernel: None) -> Float:
        return r.reshape(x.shape)

    def layers(self) -> list[Any]:
        return [layers.Flatten()]


def by_hand(net: list[Any], x: Float, patterns: list[Float], method: str, index: int | None) -> list[Float]:
    """Relevance before each step of `net` and behind the last, for one image."""
    inputs = [x]
    for step in net:
        inputs.append(step.forward(inputs[-1]))
    logits = inputs.pop()
    r = np.zeros_like(logits)
    chosen = int(np.argmax(logits)) if index is None else index
    r[chosen] = logits[chosen]
    relevances, left = [r], list(patterns)
    for step, before in zip(reversed(net), reversed(inputs), strict=True):
        kernel = None
        if isinstance(step, Conv | Dense):
            pattern = left.pop()
            kernel = pattern if method == "pattern.net" else pattern * step.kernel
        r = step.backward(before, r, kernel)
        relevances.append(r)
    return relevances[::-1]


def model_of(net: list[Any], input_shape: tuple[int, ...]) -> Any:
    model = keras.Sequential([layers.Input(input_shape), *(layer for step in net for layer in step.layers())])
    model.set_weights([array for step in net if isinstance(step, Conv | Dense) for array in (step.kernel, step.bias)])
    return model


def random_conv(rng: np.random.Generator, *kernel_shape: int, **kwargs: Any) -> Conv:
    return Conv(rng.normal(size=kernel_shape), rng.normal(size=kernel_shape[-1]), **kwargs)


def random_dense(rng: np.random.Generator, *kernel_shape: int, **kwargs: Any) -> Dense:
    return Dense(rng.normal(size=kernel_shape), rng.normal(size=kernel_shape[-1]), **kwargs)


def kernels_of(net: list[Any]) -> list[Float]:
    return [step.kernel for step in net if isinstance(step, Conv | Dense)]


def nets() -> dict[str, tuple[tuple[int, ...], Callable[[np.random.Generator], list[Any]]]]:
    return {
        "dense": (
            (7,),
            lambda rng: [
                random_dense(rng, 7, 9, relu=True),
                random_dense(rng, 9, 6, relu=True, separate=True),
                random_dense(rng, 6, 4),
            ],
        ),
        "conv_valid_pool": (
            (9, 8, 3),
            lambda rng: [
                random_conv(rng, 3, 2, 3, 5),
                MaxPool(),
                random_conv(rng, 2, 2, 5, 4),
                Flatten(),
                random_dense(rng, 2 * 2 * 4, 3),
            ],
        ),
        "same_strided": (
            (8, 7, 2),
            lambda rng: [
                random_conv(rng, 3, 3, 2, 4, padding="same", strides=(2, 2)),
                random_conv(rng, 2, 4, 4, 3, padding="same"),
                MaxPool((3, 2), (1, 2)),
                Flatten(),
                random_dense(rng, 2 * 2 * 3, 5, relu=True),
                random_dense(rng, 5, 3),
            ],
        ),
        "dilated": (
            (11, 10, 2),
            lambda rng: [
                random_conv(rng, 3, 2, 2, 3, dilation=(2, 3)),
                random_conv(rng, 3, 3, 3, 3, dilation=(2, 2), padding="same", relu=False),
                Flatten(),
                random_dense(rng, 7 * 7 * 3, 4),
            ],
        ),
    }


def close(actual: Any, expected: Any, tolerance: float) -> None:
    """Relative to the largest value: single values pass through 0."""
    expected = np.asarray(expected)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", nets())
def test_equals_the_backward_pass_by_hand_in_every_layer(name: str, method: str, float64: None) -> None:
    rng = np.random.default_rng(len(name))
    shape, make = nets()[name]
    net = make(rng)
    patterns = [rng.normal(size=kernel.shape) for kernel in kernels_of(net)]
    images = rng.normal(size=(3, *shape))
    model = model_of(net, shape)
    analyzer = innvestigate.create_analyzer(method, model, patterns=patterns, reverse_keep_tensors=True)
    analysis = analyzer.analyze(images)
    expected = [by_hand(net, image, patterns, method, None) for image in images]
    close(analysis, [relevances[0] for relevances in expected], 1e-12)

    position = -1
    for index, step in enumerate(net, start=1):
        position += len(step.layers())
        relevance = analyzer.layer_relevances[model.layers[position].name]
        close(relevance, [relevances[index] for relevances in expected], 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_float32_stays_close_to_the_backward_pass_by_hand(method: str) -> None:
    rng = np.random.default_rng(5)
    shape, make = nets()["same_strided"]
    net = make(rng)
    patterns = [rng.normal(size=kernel.shape) for kernel in kernels_of(net)]
    images = rng.normal(size=(3, *shape))
    analysis = innvestigate.create_analyzer(method, model_of(net, shape), patterns=patterns).analyze(images)
    assert analysis.dtype == np.float32
    close(analysis, [by_hand(net, image, patterns, method, None)[0] for image in images], 1e-6)


# Theory -----------------------------------------------------------------------------------------------------------


def branched() -> Any:
    """Fused, separate and no activations, pooling, padding, dropout, concatenation."""
    entry = layers.Input((12, 11, 3), name="image")
    x = layers.ZeroPadding2D(name="pad")(entry)
    x = layers.Conv2D(6, 3, activation="relu", bias_initializer="random_normal", name="stem")(x)
    left = layers.Conv2D(4, 3, padding="same", bias_initializer="random_normal", name="left")(x)
    left = layers.Activation("relu", name="left_relu")(left)
    right = layers.Conv2D(5, 1, activation=tf.nn.relu, bias_initializer="random_normal", name="right")(x)
    x = layers.Concatenate(name="joined")([left, right])
    x = layers.MaxPooling2D(name="pool")(layers.Dropout(0.5, name="dropout")(x))
    x = layers.Reshape((-1,), name="reshaped")(x)
    x = layers.Dense(8, bias_initializer="random_normal", activation=layers.ReLU(), name="hidden")(x)
    return keras.Model(entry, layers.Dense(4, name="logits")(x))


def own_kernels(model: Any) -> dict[str, Any]:
    return {layer.name: kernel_of(layer) for layer in model.layers if is_one_of(layer, KERNEL_LAYERS)}


def gradient_times_logit(model: Any, images: Float) -> Any:
    """By TensorFlow, on the network as it is."""
    largest = keras.backend.max(model.output, axis=-1)
    gradient = keras.backend.function(model.inputs, keras.backend.gradients(largest, model.inputs))([images])[0]
    logit = keras.backend.function(model.inputs, [largest])([images])[0]
    return gradient * logit.reshape(-1, *[1] * (gradient.ndim - 1))


@pytest.mark.slow
@pytest.mark.parametrize("floatx", ["float32", "float64"])
def test_patterns_equal_to_kernels_make_pattern_net_the_gradient_times_the_logit(floatx: str) -> None:
    keras.backend.set_floatx(floatx)
    try:
        keras.utils.set_random_seed(3)
        model = branched()
        images = np.random.default_rng(0).normal(size=(4, 12, 11, 3))
        gradient = innvestigate.create_analyzer("gradient", model).analyze(images)
        logit = model.predict(images).max(axis=1)[:, None, None, None]
        analysis = innvestigate.create_analyzer("pattern.net", model, patterns=own_kernels(model)).analyze(images)
        close(analysis, gradient * logit, 1e-6 if floatx == "float32" else 1e-13)
    finally:
        keras.backend.set_floatx("float32")


@pytest.mark.slow
def test_for_every_kind_of_kernel_and_rectifier_own_kernels_give_the_gradient_times_the_logit() -> None:
    model = of_every_kind()
    images = images_of((9, 8, 4))
    folded = fold_batch_normalization(model)
    patterns = own_kernels(folded)
    assert list(patterns) == [
        *("depthwise", "separable_depthwise", "separable_pointwise", "norm", "dilated", "fused_prelu", "pointwise"),
        *("fused_leaky", "scaled", "logits"),
    ]
    analysis = PatternNet(model, patterns).analyze(images)
    close(analysis, gradient_times_logit(model, images), 2e-6)
    # Keras' own shape of a depthwise kernel serves as well.
    in_keras_shape = {name: folded.get_layer(name).get_weights()[0] for name in patterns}
    assert in_keras_shape["separable_depthwise"].shape == (3, 3, 8, 2)
    np.testing.assert_array_equal(PatternNet(model, in_keras_shape).analyze(images), analysis)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_grouped_convolution_is_the_block_diagonal_one(method: str) -> None:
    # TensorFlow has no gradient of grouped convolutions on CPUs.
    def network(groups: int) -> Any:
        return keras.Sequential(
            [
                layers.Input((9, 8, 4)),
                layers.Conv2D(6, (3, 2), 2, "same", groups=groups, activation="relu", name="conv"),
                layers.Flatten(name="flatten"),
                layers.Dense(3, name="logits"),
            ]
        )

    grouped, whole = randomize(network(2)), network(1)
    kernels = own_kernels(grouped)
    for layer in grouped.layers:
        values = layer.get_weights()
        whole.get_layer(layer.name).set_weights([block_diagonal(v, 2) if v.ndim == 4 else v for v in values])
    rng = np.random.default_rng(1)
    patterns = {name: rng.normal(size=kernel.shape) for name, kernel in kernels.items()}
    images = images_of((9, 8, 4))
    expected = METHODS[method](whole, {**patterns, "conv": block_diagonal(patterns["conv"], 2)}).analyze(images)
    close(METHODS[method](grouped, patterns).analyze(images), expected, 1e-6)


@pytest.mark.slow
def test_pattern_attribution_keeps_the_sum_through_depthwise_and_grouped_layers(float64: None) -> None:
    # Positive kernels and inputs without bias, patches inside the input: as for plain convolutions.
    rng = np.random.default_rng(1)
    model = keras.Sequential(
        [
            layers.Input((7, 6, 4)),
            layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False, activation="relu", name="depthwise"),
            layers.Conv2D(6, 2, groups=2, use_bias=False, activation="relu", name="grouped"),
            layers.Flatten(name="flatten"),
            layers.Dense(3, use_bias=False, name="logits"),
        ]
    )
    model.set_weights([rng.uniform(0.1, 1, weight.shape) for weight in model.get_weights()])
    patterns = dict(zip(own_kernels(model), unit_patterns(rng, list(own_kernels(model).values())), strict=True))
    images = rng.uniform(0.1, 1, size=(3, 7, 6, 4))
    analysis = PatternAttribution(model, patterns).analyze(images)
    assert analysis.sum(axis=(1, 2, 3)) == pytest.approx(model.predict(images).max(axis=1), rel=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("join", ["Add", "Concatenate"])
def test_a_tensor_that_a_layer_takes_twice_counts_twice_and_not_four_times(join: str) -> None:
    entry = layers.Input((6,), name="entry")
    x = layers.Dense(5, activation="relu", name="hidden")(entry)
    model = randomize(keras.Model(entry, layers.Dense(3, name="logits")(getattr(layers, join)(name="join")([x, x]))))
    images = images_of((6,))
    close(PatternNet(model, own_kernels(model)).analyze(images), gradient_times_logit(model, images), 1e-6)


@pytest.mark.slow
def test_names_of_layers_that_the_analysis_adds_may_be_taken() -> None:
    entry = layers.Input((6, 6, 2), name="entry")
    x = layers.Conv2D(2, 3, padding="same", activation="relu", name="kernel_reversal")(entry)
    y = layers.Conv2D(2, 1, name="kernel_reversal_reversal")(x)
    x = layers.Add(name="add")([x, y])
    x = layers.Add(name="add_2")([x, layers.ReLU(name="finite_check")(x)])
    x = layers.Concatenate(name="project")([x, x])
    model = randomize(keras.Model(entry, layers.Dense(3, name="logits")(layers.Flatten(name="flatten")(x))))
    images = images_of((6, 6, 2))
    expected = gradient_times_logit(model, images)
    for options in ({}, {"reverse_keep_tensors": True, "reverse_check_finite": True}):
        analyzer = PatternNet(model, own_kernels(model), **options)
        for _ in range(2):  # and may be built again
            analyzer.create_analyzer_model()
            close(analyzer.analyze(images), expected, 1e-6)
    assert {"add", "add_2", "project", "kernel_reversal"} <= set(analyzer.layer_relevances)
    projected = PatternNet(model, own_kernels(model), reverse_project_bottleneck_layers=True).analyze(images)
    close(projected, expected / np.abs(expected).max(axis=(1, 2, 3), keepdims=True), 1e-5)


@pytest.mark.parametrize("layer", [layers.Dropout(0.5, name="x"), layers.BatchNormalization(name="x")])
def test_layers_that_stay_in_training_are_refused_by_name(layer: Any) -> None:
    entry = layers.Input((6,))
    model = keras.Model(entry, layers.Dense(2)(layer(layers.Dense(3)(entry), training=True)))
    with pytest.raises(
        UnsupportedLayerError, match=rf"layer 'x' \({type(layer).__name__}\) is called with training=True"
    ):
        PatternNet(model)


def test_a_softmax_before_a_flatten_is_refused_by_name() -> None:
    model = conv_then(layers.GlobalAveragePooling2D(keepdims=True), layers.Conv2D(3, 1, activation="softmax", name="x"))
    with pytest.raises(UndefinedLayerError, match=r"layer 'x' \(Conv2D\) is a softmax"):
        PatternNet(keras.Model(model.inputs, layers.Flatten()(model.get_layer("x").output)))


def unit_patterns(rng: np.random.Generator, kernels: list[Float]) -> list[Float]:
    """Random positive patterns with w'a = 1 for every unit."""
    patterns = []
    for kernel in kernels:
        flat = kernel.reshape(-1, kernel.shape[-1])
        pattern = rng.uniform(0.1, 1, size=flat.shape) * np.sign(flat)
        patterns.append((pattern / np.sum(flat * pattern, axis=0)).reshape(kernel.shape))
    return patterns


@pytest.mark.slow
def test_pattern_attribution_keeps_the_sum_where_every_unit_is_active(float64: None) -> None:
    # Positive kernels and inputs without bias: every unit is active. Patches inside the input: no tap is lost.
    rng = np.random.default_rng(1)
    net: list[Any] = [
        Conv(rng.uniform(0.1, 1, (3, 3, 2, 4)), np.zeros(4), strides=(2, 1)),
        MaxPool(),
        Conv(rng.uniform(0.1, 1, (1, 2, 4, 5)), np.zeros(5)),
        Flatten(),
        Dense(rng.uniform(0.1, 1, (2 * 2 * 5, 6)), np.zeros(6), relu=True),
        Dense(rng.uniform(0.1, 1, (6, 3)), np.zeros(3)),
    ]
    model = model_of(net, (9, 8, 2))
    analyzer = PatternAttribution(model, unit_patterns(rng, kernels_of(net)), reverse_keep_tensors=True)
    images = rng.uniform(0.1, 1, size=(3, 9, 8, 2))
    logit = model.predict(images).max(axis=1)
    assert analyzer.analyze(images).sum(axis=(1, 2, 3)) == pytest.approx(logit, rel=1e-13)
    for relevance in analyzer.layer_relevances.values():
        assert relevance.reshape(3, -1).sum(axis=1) == pytest.approx(logit, rel=1e-13)


@pytest.mark.slow
def test_pattern_attribution_loses_exactly_what_inactive_units_hold(float64: None) -> None:
    # Kernels of any sign: at each ReLU layer the sum over its input is the sum over its ACTIVE outputs.
    rng = np.random.default_rng(2)
    net: list[Any] = [
        random_conv(rng, 3, 3, 2, 6),
        random_conv(rng, 2, 2, 6, 5),
        Flatten(),
        random_dense(rng, 3 * 3 * 5, 8, relu=True),
        random_dense(rng, 8, 3),
    ]
    model = model_of(net, (6, 6, 2))
    analyzer = PatternAttribution(model, unit_patterns(rng, kernels_of(net)), reverse_keep_tensors=True)
    images = rng.normal(size=(3, 6, 6, 2))
    analyzer.analyze(images)
    relevances = list(analyzer.layer_relevances.values())
    lost = 0
    for before, after, layer in zip(relevances[:-1], relevances[1:], model.layers, strict=True):
        output = keras.backend.function(model.inputs, [layer.output])([images])[0]
        is_rectified = getattr(layer, "activation", None) is keras.activations.relu
        kept = np.where(output > 0, after, 0) if is_rectified else after
        lost += int(is_rectified and bool(np.any(kept != after)))
        close(before.reshape(3, -1).sum(axis=1), kept.reshape(3, -1).sum(axis=1), 1e-12)
    assert lost == 3


def test_zero_padding_takes_relevance_away(float64: None) -> None:
    rng = np.random.default_rng(3)
    net: list[Any] = [
        Conv(rng.uniform(0.1, 1, (3, 3, 1, 1)), np.zeros(1), padding="same"),
        Flatten(),
        Dense(np.ones((16, 1)), np.zeros(1)),
    ]
    model = model_of(net, (4, 4, 1))
    image = rng.uniform(0.1, 1, size=(1, 4, 4, 1))
    total = PatternAttribution(model, unit_patterns(rng, kernels_of(net))).analyze(image).sum()
    assert 0 < total < 0.99 * model.predict(image)[0, 0]


def test_pattern_net_of_one_unit_is_the_signal_that_gives_its_value(float64: None) -> None:
    # x^ = a y with w'a = 1: sent forward, the signal gives y again.
    rng = np.random.default_rng(4)
    net: list[Any] = [Dense(rng.normal(size=(6, 1)), np.zeros(1))]
    model = model_of(net, (6,))
    (pattern,) = unit_patterns(rng, kernels_of(net))
    x = rng.normal(size=(5, 6))
    signal = PatternNet(model, [pattern]).analyze(x)
    close(signal, model.predict(x) * pattern[:, 0], 1e-14)
    close(model.predict(signal), model.predict(x), 1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_linear_in_the_pattern_of_each_layer(method: str, float64: None) -> None:
    rng = np.random.default_rng(6)
    shape, make = nets()["dense"]
    net = make(rng)
    patterns = unit_patterns(rng, kernels_of(net))
    images = rng.normal(size=(2, *shape))
    analyzer = METHODS[method](model_of(net, shape), patterns)
    plain = analyzer.analyze(images)

    # Nothing near the smallest float: TensorFlow takes that for 0.
    @settings(max_examples=20, deadline=None, derandomize=True)
    @given(st.lists(st.just(0.0) | st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3), min_size=3, max_size=3))
    def check(factors: list[float]) -> None:
        analyzer.patterns = [factor * pattern for factor, pattern in zip(factors, patterns, strict=True)]
        factor = float(np.prod(factors))
        np.testing.assert_allclose(
            analyzer.analyze(images), factor * plain, rtol=0, atol=1e-13 * abs(factor) * np.abs(plain).max()
        )

    check()


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_scaling_a_unit_and_undoing_it_behind_changes_nothing(method: str, float64: None) -> None:
    # w'a = 1 for a unit c times as large means a pattern 1/c times as large: the explanation is of the function.
    rng = np.random.default_rng(7)
    shape, make = nets()["dense"]
    net = make(rng)
    patterns = unit_patterns(rng, kernels_of(net))
    images = rng.normal(size=(4, *shape))
    expected = METHODS[method](model_of(net, shape), patterns).analyze(images)
    scale = rng.uniform(0.1, 10, size=9)
    net[0].kernel, net[0].bias, net[1].kernel = (
        net[0].kernel * scale,
        net[0].bias * scale,
        net[1].kernel / scale[:, None],
    )
    patterns[0], patterns[1] = patterns[0] / scale, patterns[1] * scale[:, None]
    close(METHODS[method](model_of(net, shape), patterns).analyze(images), expected, 1e-13)


# Additions ---------------------------------------------------------------------------------------------------------


def residual(size: int = 6) -> Any:
    """Two residual blocks without biases, of maps and of vectors; one has a shortcut with a kernel, too."""
    entry = layers.Input((size, size, 3), name="entry")
    x = layers.Conv2D(4, 1, use_bias=False, activation="relu", name="stem")(entry)
    y = layers.Conv2D(4, 1, use_bias=False, activation="relu", name="path_1")(x)
    y = layers.Conv2D(4, 1, use_bias=False, name="path_2")(y)
    x = layers.ReLU(name="relu")(layers.Add(name="add")([x, y, layers.Conv2D(4, 1, use_bias=False, name="third")(x)]))
    x = layers.Flatten(name="flatten")(layers.MaxPooling2D(2, name="pool")(x))
    x = layers.Dense(5, use_bias=False, activation="relu", name="hidden")(x)
    x = layers.Add(name="add_1")([x, layers.Dense(5, use_bias=False, name="path_3")(x)])
    return keras.Model(entry, layers.Dense(3, use_bias=False, name="logits")(x))


def with_positive_kernels(model: Any, rng: np.random.Generator) -> tuple[Any, dict[str, Float]]:
    """The model with positive kernels, and patterns with w'a = 1."""
    model.set_weights([rng.uniform(0.1, 1, weight.shape) for weight in model.get_weights()])
    kernels = own_kernels(model)
    return model, dict(zip(kernels, unit_patterns(rng, list(kernels.values())), strict=True))


def test_with_shares_a_residual_network_keeps_the_sum_in_every_layer(float64: None) -> None:
    rng = np.random.default_rng(2)
    model, patterns = with_positive_kernels(residual(), rng)
    images = rng.uniform(0.1, 1, size=(3, 6, 6, 3))
    logit = model.predict(images).max(axis=1)
    analyzer = PatternAttribution(model, patterns, additions="shares", reverse_keep_tensors=True)
    assert analyzer.analyze(images).sum(axis=(1, 2, 3)) == pytest.approx(logit, rel=1e-12)
    kept = {name: value.reshape(3, -1).sum(axis=1) for name, value in analyzer.layer_relevances.items()}
    # The relevance of what lies on every path is the whole.
    for name in ("stem", "add", "relu", "pool", "hidden", "add_1", "logits"):
        assert kept[name] == pytest.approx(logit, rel=1e-12), name
    # The gradient's rule multiplies it instead: by 2 at the second addition, by 3 at the first.
    assert PatternAttribution(model, patterns).analyze(images).sum(axis=(1, 2, 3)) == pytest.approx(
        6 * logit, rel=1e-12
    )


@pytest.mark.parametrize("method", METHODS)
def test_shares_are_those_of_the_backward_pass_by_hand(method: str, float64: None) -> None:
    # Additions of maps, of maps and a vector (which is repeated over positions), and of vectors; kernels of any sign.
    rng = np.random.default_rng(8)
    entry = layers.Input((4, 5, 2), name="entry")
    left = layers.Conv2D(3, 1, use_bias=False, name="left")(entry)
    right = layers.Conv2D(3, 1, use_bias=False, name="right")(entry)
    x = layers.Add(name="maps")([left, right])
    top = layers.GlobalMaxPooling2D(name="top")(x)
    x = layers.Flatten(name="flatten")(layers.Add(name="repeated")([x, top]))
    one, other = (layers.Dense(3, use_bias=False, name=name)(x) for name in ("one", "other"))
    model = keras.Model(entry, layers.Add(name="logits")([one, other]))
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    kernels = own_kernels(model)
    patterns = {name: rng.normal(size=kernel.shape) for name, kernel in kernels.items()}
    back = {name: patterns[name] * (kernels[name] if method == "pattern.attribution" else 1) for name in patterns}
    images = rng.normal(size=(2, 4, 5, 2))

    def expected(image: Float) -> Float:
        on_left, on_right = image @ kernels["left"][0, 0], image @ kernels["right"][0, 0]
        maps = on_left + on_right
        highest = maps.max(axis=(0, 1))
        flat = (maps + highest).reshape(-1)
        values = flat @ kernels["one"], flat @ kernels["other"]
        logits = sum(values)
        r = np.where(np.arange(3) == logits.argmax(), logits, 0)
        r_flat = sum(
            back[name] @ (r * (value @ logits) / (logits @ logits))
            for name, value in zip(("one", "other"), values, strict=True)
        )
        r_joined, joined = r_flat.reshape(maps.shape), maps + highest
        power = (joined**2).sum(axis=(0, 1))
        r_maps = r_joined * (maps * joined).sum(axis=(0, 1)) / power
        r_top = (r_joined * highest * joined.sum(axis=(0, 1)) / power).sum(axis=(0, 1))
        r_maps = r_maps + np.where(maps == highest, r_top, 0)
        shares = [(branch * maps).sum(axis=(0, 1)) / (maps**2).sum(axis=(0, 1)) for branch in (on_left, on_right)]
        return (r_maps * shares[0]) @ back["left"][0, 0].T + (r_maps * shares[1]) @ back["right"][0, 0].T

    analysis = METHODS[method](model, patterns, additions="shares").analyze(images)
    close(analysis, [expected(image) for image in images], 1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_with_shares_a_sum_of_equals_is_one_of_them_and_a_concatenation_keeps_the_sum(method: str) -> None:
    def network(join: Callable[[Any], Any]) -> Any:
        entry = layers.Input((5, 4, 2), name="entry")
        x = join(layers.Conv2D(3, 2, activation="relu", name="conv")(entry))
        return keras.Model(entry, layers.Dense(2, name="logits")(layers.Flatten(name="flatten")(x)))

    plain = randomize(network(lambda x: x))
    doubled = network(lambda x: layers.Add(name="add")([x, x]))
    values = plain.get_weights()
    doubled.set_weights([*values[:2], values[2] / 2, values[3]])
    images = images_of((5, 4, 2))
    patterns = own_kernels(plain)
    expected = METHODS[method](plain, patterns).analyze(images)
    # Half the weight, and for w'a = 1 twice the pattern.
    to_doubled = {**patterns, "logits": patterns["logits"] * (2 if method == "pattern.attribution" else 1)}
    close(METHODS[method](doubled, to_doubled, additions="shares").analyze(images), expected, 1e-6)
    joined = network(lambda x: layers.Concatenate(name="concatenate")([x, x]))

    def for_both_halves(kernel: Float) -> Float:
        return np.repeat(kernel.reshape(4, 3, 1, 3, 2), 2, axis=2).reshape(-1, 2)

    # Each half of the concatenation has half of the weight, or of the pattern, and so half of the relevance.
    joined.set_weights([*values[:2], for_both_halves(values[2]) / 2, values[3]])
    halves = for_both_halves(patterns["logits"])
    to_joined = {**patterns, "logits": halves if method == "pattern.attribution" else halves / 2}
    close(METHODS[method](joined, to_joined).analyze(images), expected, 1e-6)


def test_a_sum_that_is_0_has_equal_shares(float64: None) -> None:
    entry = layers.Input((3, 3, 2), name="entry")
    ones = [layers.Conv2D(1, 1, use_bias=False, name=name)(entry) for name in ("plus", "minus")]
    x = layers.Conv2D(1, 1, name="one")(layers.Add(name="dead")(ones))
    model = keras.Model(entry, layers.Flatten(name="flatten")(layers.GlobalMaxPooling2D(name="top")(x)))
    kernel = np.array([[[[1.0], [2.0]]]])
    model.set_weights([kernel, -kernel, np.ones((1, 1, 1, 1)), np.array([6.0])])
    patterns = {"plus": kernel / 3, "minus": -kernel / 3, "one": np.ones((1, 1, 1, 1))}
    analyzer = PatternAttribution(model, patterns, additions="shares", reverse_keep_tensors=True)
    analyzer.analyze(np.random.default_rng(0).normal(size=(1, 3, 3, 2)))
    kept = {name: value.sum() for name, value in analyzer.layer_relevances.items()}
    assert (kept["dead"], kept["plus"], kept["minus"]) == pytest.approx((6, 3, 3), rel=1e-15)


def test_the_warning_names_the_rule_of_additions_and_it_is_saved(tmp_path: Any) -> None:
    model = randomize(residual())
    with pytest.warns(UserWarning, match=r"shares relevance at layer 'add' \(Add\), layer 'add_1' \(Add\), which its"):
        analyzer = PatternNet(model, own_kernels(model), additions="shares")
    images = images_of((6, 6, 3))
    expected = analyzer.analyze(images)
    analyzer.save_npz(tmp_path / "analyzer.npz")
    np.testing.assert_array_equal(PatternNet.load_npz(tmp_path / "analyzer.npz").analyze(images), expected)
    with pytest.raises(ValueError, match="additions is 'share': it must be one of gradient, shares"):
        PatternNet(model, additions="share")  # type: ignore[arg-type]


# As an analyzer of iNNvestigate -----------------------------------------------------------------------------------


def test_both_are_registered_and_registering_again_changes_nothing() -> None:
    for name, analyzer in METHODS.items():
        assert innvestigate.analyzer.analyzers[name] is analyzer
    before = dict(innvestigate.analyzer.analyzers)
    register()
    assert innvestigate.analyzer.analyzers == before


def test_an_analyzer_that_innvestigate_may_bring_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(innvestigate.analyzer.analyzers, "pattern.net", innvestigate.analyzer.Gradient)
    with pytest.raises(RuntimeError, match=r"already has an analyzer 'pattern\.net'"):
        register()
    assert innvestigate.analyzer.analyzers["pattern.net"] is innvestigate.analyzer.Gradient


def some_model() -> Any:
    return keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.MaxPooling2D(name="pool"),
            layers.Flatten(name="flatten"),
            layers.Dense(3, name="logits"),
        ]
    )


def images_of(shape: tuple[int, ...], n: int = 3, seed: int = 0) -> Float:
    return np.random.default_rng(seed).normal(size=(n, *shape))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_neuron_selection_as_in_the_other_analyzers(method: str) -> None:
    model = some_model()
    patterns = own_kernels(model)
    images = images_of((8, 8, 3))
    logits = model.predict(images)

    def create(mode: str) -> Any:
        return innvestigate.create_analyzer(method, model, patterns=patterns, neuron_selection_mode=mode)

    strongest = create("max_activation").analyze(images)
    by_index = create("index")
    close(by_index.analyze(images, logits.argmax(axis=1)), strongest, 1e-6)
    each = [by_index.analyze(images, index) for index in range(3)]
    close(create("all").analyze(images), np.sum(each, axis=0), 1e-6)
    close(by_index.analyze(images, [2, 0, 1]), [each[2][0], each[0][1], each[1][2]], 1e-6)


def test_neuron_selection_mistakes() -> None:
    model = some_model()
    images = images_of((8, 8, 3))
    with pytest.raises(ValueError, match="neuron_selection_mode parameter is not valid"):
        PatternNet(model, own_kernels(model), neuron_selection_mode="best")
    analyzer = PatternNet(model, own_kernels(model), neuron_selection_mode="index")
    with pytest.raises(ValueError, match="expects 'neuron_selection'"):
        analyzer.analyze(images)
    for wrong in (3, -1, [0, 1, 7], 1.5):
        with pytest.raises(ValueError, match="choose an integer from 0 to 2, the logits of this model"):
            analyzer.analyze(images, wrong)
    with pytest.raises(ValueError, match="matching"):
        analyzer.analyze(images, [0, 1])


@pytest.mark.slow
def test_a_batch_is_its_images() -> None:
    model = branched()
    analyzer = PatternAttribution(model, own_kernels(model))
    images = images_of((12, 11, 3), n=5)
    close(analyzer.analyze(images), np.concatenate([analyzer.analyze(image[None]) for image in images]), 1e-6)


@pytest.mark.slow
def test_several_inputs_give_a_list() -> None:
    first, second = layers.Input((4,)), layers.Input((3,))
    x = layers.Dense(5, activation="relu")(layers.Dense(5, activation="relu")(first))
    model = keras.Model([first, second], layers.Dense(2)(layers.Concatenate()([x, second])))
    images = [images_of((4,)), images_of((3,))]
    analyzer = PatternNet(model, own_kernels(model), reverse_keep_tensors=True)
    analysis = analyzer.analyze(images)
    gradients = innvestigate.create_analyzer("gradient", model).analyze(images)
    logit = model.predict(images).max(axis=1)[:, None]
    assert [part.shape for part in analysis] == [(3, 4), (3, 3)]
    for part, gradient, name in zip(analysis, gradients, model.input_names, strict=True):
        close(part, gradient * logit, 1e-6)
        np.testing.assert_array_equal(analyzer.layer_relevances[name], part)


@pytest.mark.slow
def test_a_layer_used_twice_adds_up() -> None:
    entry = layers.Input((5,), name="entry")
    shared = layers.Dense(5, activation="relu", name="shared", bias_initializer="random_normal")
    model = keras.Model(entry, layers.Dense(2, name="logits")(shared(shared(entry))))
    images = images_of((5,))
    analyzer = PatternNet(model, own_kernels(model), reverse_keep_tensors=True)
    gradient = innvestigate.create_analyzer("gradient", model).analyze(images)
    close(analyzer.analyze(images), gradient * model.predict(images).max(axis=1)[:, None], 1e-6)
    assert list(analyzer.layer_relevances) == ["entry", "shared", "shared#2", "logits"]


@pytest.mark.slow
def test_relevance_of_every_layer() -> None:
    model = branched()
    images = images_of((12, 11, 3))
    analyzer = PatternAttribution(model, own_kernels(model), reverse_keep_tensors=True)
    analysis = analyzer.analyze(images)
    relevances = analyzer.layer_relevances
    assert set(relevances) == {layer.name for layer in model.layers}
    assert (list(relevances)[0], list(relevances)[-1]) == ("image", "logits")  # noqa: RUF015
    for layer in model.layers:
        assert relevances[layer.name].shape[1:] == tuple(layer.output.shape[1:])
    np.testing.assert_array_equal(relevances["image"], analysis)
    logits = model.predict(images)
    close(relevances["logits"], np.where(logits == logits.max(axis=1, keepdims=True), logits, 0), 1e-6)


def test_relevance_of_layers_must_be_asked_for() -> None:
    model = some_model()
    with pytest.raises(ValueError, match="reverse_keep_tensors=True"):
        _ = PatternNet(model, own_kernels(model)).layer_relevances
    with pytest.raises(ValueError, match="call analyze first"):
        _ = PatternNet(model, own_kernels(model), reverse_keep_tensors=True).layer_relevances


@pytest.mark.slow
def test_projection_gives_the_clean_result_over_its_largest_value() -> None:
    model = branched()
    images = images_of((12, 11, 3))
    patterns = own_kernels(model)
    clean = PatternAttribution(model, patterns).analyze(images)
    projected = PatternAttribution(model, patterns, reverse_project_bottleneck_layers=True).analyze(images)
    largest = np.abs(clean).max(axis=(1, 2, 3), keepdims=True)
    assert not np.allclose(largest, 1)
    close(projected, clean / largest, 1e-5)
    options: dict[str, Any] = {"neuron_selection_mode": "index"}
    clean = PatternAttribution(model, patterns, **options).analyze(images, 1)
    projected = PatternAttribution(model, patterns, reverse_project_bottleneck_layers=True, **options).analyze(
        images, 1
    )
    close(projected, clean / np.abs(clean).max(axis=(1, 2, 3), keepdims=True), 1e-5)
    with pytest.raises(ValueError, match="must be True or False"):
        PatternNet(model, patterns, reverse_project_bottleneck_layers=(0, 1))


@pytest.mark.slow
@pytest.mark.parametrize("selection", [{}, {"neuron_selection_mode": "index"}])
def test_projection_keeps_very_deep_networks_finite(selection: dict[str, Any]) -> None:
    model = keras.Sequential(
        [layers.Input((4, 4, 1)), *(layers.Conv2D(1, 1, use_bias=False) for _ in range(5)), layers.Flatten()]
    )
    images = images_of((4, 4, 1), n=1)
    patterns = [np.full((1, 1, 1, 1), 1e12, np.float32)] * 5
    which = (3,) if selection else ()
    with pytest.warns(UnstableAnalysisWarning, match="reverse_project_bottleneck_layers=True"):
        PatternNet(model, patterns, **selection).analyze(images, *which)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnstableAnalysisWarning)
        analyzer = PatternNet(model, patterns, reverse_project_bottleneck_layers=True, **selection)
        projected = analyzer.analyze(images, *which)
    assert np.abs(projected).max() == pytest.approx(1)


@pytest.mark.slow
def test_infinite_relevance_of_an_inactive_unit_is_dropped() -> None:
    net: list[Any] = [Dense(np.eye(2), np.array([0.0, -9.0]), relu=True), Dense(np.ones((2, 1)), np.zeros(1))]
    model = model_of(net, (2,))
    patterns = [np.eye(2), np.array([[1.0], [3e38]])]
    analysis = PatternNet(model, patterns).analyze(np.array([[7.0, 7.0]]))
    np.testing.assert_array_equal(analysis, [[7, 0]])


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_saved_and_loaded(method: str, tmp_path: Any) -> None:
    model = branched()
    images = images_of((12, 11, 3))
    patterns = {name: kernel + 0.1 for name, kernel in own_kernels(model).items()}
    analyzer = innvestigate.create_analyzer(
        method, model, patterns=patterns, pattern_type="linear", neuron_selection_mode="index"
    )
    expected = analyzer.analyze(images, 1)
    class_name, state = analyzer.save()
    for _ in range(2):  # the state is not used up
        loaded = innvestigate.analyzer.AnalyzerBase.load(class_name, state)
        assert type(loaded) is METHODS[method]
        np.testing.assert_array_equal(loaded.analyze(images, 1), expected)
    analyzer.save_npz(tmp_path / "analyzer.npz")
    loaded = PatternNet.load_npz(tmp_path / "analyzer.npz")
    assert type(loaded) is METHODS[method]
    assert loaded.save()[1]["pattern_type"] == "linear"
    np.testing.assert_array_equal(loaded.analyze(images, 1), expected)


def test_saved_before_it_has_patterns(tmp_path: Any) -> None:
    PatternNet(some_model()).save_npz(tmp_path / "analyzer.npz")
    loaded = PatternNet.load_npz(tmp_path / "analyzer.npz")
    with pytest.raises(PatternError, match="no patterns yet"):
        loaded.analyze(images_of((8, 8, 3)))


def test_loading_something_else(tmp_path: Any) -> None:
    save_arrays(tmp_path / "other.npz", {"a": np.zeros(3)})
    with pytest.raises(ValueError, match="does not hold a saved PatternNet"):
        PatternNet.load_npz(tmp_path / "other.npz")


@pytest.mark.slow
def test_beside_the_other_analyzers_of_innvestigate() -> None:
    # Dense layers only, and a graph for each of most: innvestigate takes minutes to build all of them on one network.
    def small() -> Any:
        return keras.Sequential([layers.Input((5,)), layers.Dense(4, activation="relu"), layers.Dense(3)])

    arguments: dict[str, dict[str, Any]] = {
        "lrp": {"rule": "Z"},
        "lrp.alpha_beta": {"alpha": 2},
        "deep_taylor.bounded": {"low": -3.0, "high": 3.0},
        "smoothgrad": {"augment_by_n": 2},
        "integrated_gradients": {"steps": 2},
    }
    images = images_of((5,))

    def run(name: str, model: Any, **kwargs: Any) -> Any:
        return innvestigate.create_analyzer(name, model, **arguments.get(name, {}), **kwargs).analyze(images)

    model = small()
    weights, patterns = model.get_weights(), own_kernels(model)
    beside = ("gradient", "lrp.z")
    before = {name: run(name, model) for name in beside}
    analyzers = {name: innvestigate.create_analyzer(name, model, patterns=patterns) for name in METHODS}
    first = {name: analyzer.analyze(images) for name, analyzer in analyzers.items()}
    others = set(innvestigate.analyzer.analyzers) - set(METHODS)
    assert len(others) > 20
    for name in sorted(others):
        with tf.Graph().as_default(), tf1.Session():
            assert run(name, small()).shape == images.shape
    for name in beside:
        np.testing.assert_array_equal(run(name, model), before[name])
    for name, analyzer in analyzers.items():
        np.testing.assert_array_equal(analyzer.analyze(images), first[name])
        np.testing.assert_array_equal(run(name, model, patterns=patterns), first[name])
    for array, expected in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(array, expected)


@pytest.mark.slow
def test_in_the_wrappers_of_innvestigate() -> None:
    model = some_model()
    images = images_of((8, 8, 3))
    plain = PatternNet(model, own_kernels(model)).analyze(images)
    wrapped = PatternNet(model, own_kernels(model))
    smooth = innvestigate.analyzer.GaussianSmoother(wrapped, augment_by_n=3).analyze(images)
    assert smooth.shape == plain.shape
    assert np.isfinite(smooth).all()


# Networks ---------------------------------------------------------------------------------------------------------


def normalized() -> Any:
    model = keras.Sequential(
        [
            layers.Input((8, 8, 3), name="image"),
            layers.Conv2D(4, 3, use_bias=False, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.Flatten(name="flatten"),
            layers.Dense(3, name="logits"),
        ]
    )
    rng = np.random.default_rng(8)
    model.get_layer("norm").set_weights(
        [rng.uniform(0.5, 2, 4), rng.normal(size=4), rng.normal(size=4), rng.uniform(0.5, 2, 4)]
    )
    return model


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_batch_normalization_is_folded(method: str) -> None:
    model = normalized()
    folded = fold_batch_normalization(model)
    images = images_of((8, 8, 3))
    patterns = {name: kernel * 0.5 + 0.1 for name, kernel in own_kernels(folded).items()}
    analyzer = innvestigate.create_analyzer(method, model, patterns=patterns, reverse_keep_tensors=True)
    np.testing.assert_array_equal(
        analyzer.analyze(images), innvestigate.create_analyzer(method, folded, patterns=patterns).analyze(images)
    )
    assert list(analyzer.layer_relevances) == ["image", "conv", "relu", "flatten", "logits"]


@pytest.mark.slow
def test_folding_leaves_the_gradient_times_the_logit() -> None:
    model = normalized()
    images = images_of((8, 8, 3))
    gradient = innvestigate.create_analyzer("gradient", model).analyze(images)
    analysis = PatternNet(model, own_kernels(fold_batch_normalization(model))).analyze(images)
    close(analysis, gradient * model.predict(images).max(axis=1)[:, None, None, None], 1e-5)


@pytest.mark.slow
def test_a_model_inside_the_model_is_opened() -> None:
    inner = keras.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(4, 3, activation="relu", name="conv")])
    model = keras.Sequential([layers.Input((8, 8, 3)), inner, layers.Flatten(), layers.Dense(3, name="logits")])
    images = images_of((8, 8, 3))
    patterns = {"conv": inner.get_layer("conv").get_weights()[0], "logits": model.layers[-1].get_weights()[0]}
    analysis = PatternNet(model, patterns).analyze(images)
    gradient = keras.backend.gradients(keras.backend.max(model.output, -1), model.inputs)
    close(
        analysis,
        keras.backend.function(model.inputs, gradient)([images])[0]
        * model.predict(images).max(axis=1)[:, None, None, None],
        1e-6,
    )


def randomize(model: Any, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        layer.set_weights(
            [
                np.abs(rng.normal(size=v.shape)) * rng.choice([-1, 1], v.shape[-1:])
                if v.ndim > 1
                else np.abs(rng.normal(size=v.shape))
                for v in layer.get_weights()
            ]
        )
    return model


def of_every_kind() -> Any:
    """Depthwise, separable and grouped kernels, rectifiers fused and separate, normalization before padding."""
    entry = x = layers.Input((9, 8, 4), name="image")
    x = layers.DepthwiseConv2D(3, 2, "same", depth_multiplier=2, activation="relu6", name="depthwise")(x)
    x = layers.SeparableConv2D(6, 3, padding="same", depth_multiplier=2, activation="relu", name="separable")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.DepthwiseConv2D(2, dilation_rate=2, padding="same", name="dilated")(x)
    x = layers.PReLU(name="prelu")(x)
    x = layers.Conv2D(5, 1, activation=layers.PReLU(shared_axes=[1, 2]), name="fused_prelu")(x)
    x = layers.LeakyReLU(0.3, name="leaky")(layers.Conv2D(4, 1, name="pointwise")(x))
    x = layers.Conv2D(4, 1, activation=layers.LeakyReLU(0.2), name="fused_leaky")(x)
    x = layers.ReLU(6.0, name="relu6")(layers.DepthwiseConv2D(1, name="scaled")(x))
    return randomize(keras.Model(entry, layers.Dense(3, name="logits")(layers.Flatten(name="flatten")(x))))


def conv_then(*more: Any, **kwargs: Any) -> Any:
    return keras.Sequential(
        [layers.Input((8, 8, 4)), layers.Conv2D(4, 3, name="conv", **kwargs), *more, layers.Flatten(), layers.Dense(2)]
    )


class OwnDense(layers.Dense):  # type: ignore[misc]
    """Might compute anything."""


def conv_then_named(make: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    """Make, later, a model with one layer named ``x`` behind its convolution."""
    return lambda: conv_then(make(*args, name="x"))


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "softmax": (conv_then_named(layers.Softmax), r"layer 'x' \(Softmax\) is a softmax: pass .*model_wo_softmax"),
    "softmax in a Dense": (
        lambda: keras.Sequential([layers.Input((3,)), layers.Dense(2, "softmax", name="probabilities")]),
        r"layer 'probabilities' \(Dense\) is a softmax",
    ),
    "transposed": (conv_then_named(layers.Conv2DTranspose, 3, 3), r"layer 'x' \(Conv2DTranspose\): only the kernels"),
    "recurrent": (
        lambda: keras.Sequential([layers.Input((3, 2)), layers.LSTM(4, name="lstm"), layers.Dense(2)]),
        r"layer 'lstm' \(LSTM\): only the kernels of Dense, Conv2D",
    ),
    "one-dimensional": (
        lambda: keras.Sequential([layers.Input((9, 2)), layers.Conv1D(4, 3, name="c1"), layers.Dense(2)]),
        r"layer 'c1' \(Conv1D\): only the kernels",
    ),
    "derived": (
        lambda: keras.Sequential([layers.Input((3,)), OwnDense(2, name="own")]),
        r"layer 'own' \(OwnDense\): only the kernels",
    ),
    "tanh": (
        lambda: conv_then(activation="tanh"),
        r"layer 'conv' \(Conv2D\): its activation 'tanh' is not a ReLU, capped or leaky",
    ),
    "sigmoid": (conv_then_named(layers.Activation, "sigmoid"), r"'x' \(Activation\): its activation 'sigmoid'"),
    "elu": (conv_then_named(layers.ELU), r"layer 'x' \(ELU\): it is not a ReLU, capped or leaky"),
    "thresholded": (
        conv_then_named(layers.ReLU, 6.0, 0.0, 1.0),
        r"'x' \(ReLU\): its activation ReLU\(max_value=6.0, negative_slope=0, threshold=1\) is not a ReLU, capped",
    ),
    "negative leak": (conv_then_named(layers.LeakyReLU, -0.5), r"'x' \(LeakyReLU\): its activation LeakyReLU\(-0.5\)"),
    "layer norm": (
        conv_then_named(layers.LayerNormalization),
        r"'x' \(LayerNormalization\): the methods define",
    ),
    "multiplied": (
        lambda: keras.Model(
            x := layers.Input((3,)), layers.Dense(2)(layers.Multiply(name="x")([x, layers.Dense(3)(x)]))
        ),
        r"'x' \(Multiply\): the methods define no rule for it",
    ),
    "lambda": (
        conv_then_named(layers.Lambda, lambda x: 2 * x),
        r"layer 'x' \(Lambda\): a Lambda may compute anything; allow_lambda_layers=True takes its gradient",
    ),
    "several": (
        lambda: conv_then(layers.ELU(name="elu"), layers.Conv2DTranspose(3, 3, name="up")),
        r"layer 'elu' \(ELU\): .*; layer 'up' \(Conv2DTranspose\): only the kernels",
    ),
    "two outputs": (
        lambda: keras.Model(x := layers.Input((3,)), [layers.Dense(2)(x), layers.Dense(2)(x)]),
        "a model with one output, .* has 2",
    ),
    "no model": (lambda: "vgg16", "needs a functional or Sequential Keras model with an input shape, not str"),
    "unbuilt": (lambda: keras.Sequential([layers.Dense(2)]), "with an input shape, not Sequential"),
}


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", REFUSED)
def test_refuses_what_is_not_defined_by_name_in_one_line(case: str, method: str) -> None:
    make, message = REFUSED[case]
    with pytest.raises(UndefinedLayerError) as raised:
        innvestigate.create_analyzer(method, make())
    assert isinstance(raised.value, ValueError)
    assert isinstance(raised.value, innvestigate.NotAnalyzeableModelException)
    text = str(raised.value)
    assert re.search(message, text), text
    assert text.startswith(METHODS[method].__name__)
    assert "\n" not in text
    assert "object at" not in text


def test_refuses_bare_operations() -> None:
    entry = layers.Input((3,))
    model = keras.Model(entry, layers.Dense(2)(entry * 2.0))
    with pytest.raises(UndefinedLayerError, match="the methods define no rule"):
        PatternNet(model)


@pytest.mark.slow
def test_lambda_layers_by_request() -> None:
    model = conv_then(layers.Lambda(lambda x: 2 * x), activation="relu")
    images = images_of((8, 8, 4))
    analyzer = PatternNet(model, own_kernels(model), allow_lambda_layers=True)
    gradient = innvestigate.create_analyzer("gradient", model, allow_lambda_layers=True).analyze(images)
    close(analyzer.analyze(images), gradient * model.predict(images).max(axis=1)[:, None, None, None], 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["tanh", "elu"])
def test_with_checks_disabled_other_activations_pass_their_gradient(activation: str) -> None:
    model = conv_then(activation=activation)
    images = images_of((8, 8, 4))
    analyzer = PatternNet(model, own_kernels(model), disable_model_checks=True)
    gradient = innvestigate.create_analyzer("gradient", model).analyze(images)
    close(analyzer.analyze(images), gradient * model.predict(images).max(axis=1)[:, None, None, None], 1e-6)


def test_with_checks_disabled_a_kernel_without_pattern_is_still_refused() -> None:
    model = conv_then(layers.Conv2DTranspose(3, 3, name="up"))
    analyzer = PatternNet(model, {k: v for k, v in own_kernels(model).items() if k != "up"}, disable_model_checks=True)
    with pytest.raises(UndefinedLayerError, match=r"layer 'up' \(Conv2DTranspose\): it has no pattern"):
        analyzer.analyze(images_of((8, 8, 4)))


@pytest.mark.slow
def test_one_warning_names_average_pooling_and_addition() -> None:
    entry = layers.Input((8, 8, 3))
    x = layers.Conv2D(3, 3, padding="same", name="conv")(entry)
    x = layers.AveragePooling2D(name="mean")(layers.Add(name="sum")([x, entry]))
    model = keras.Model(entry, layers.Dense(2, name="logits")(layers.GlobalAveragePooling2D(name="all")(x)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        analyzer = innvestigate.create_analyzer("pattern.net", model, patterns=own_kernels(model))
    (warning,) = [w for w in caught if "paper does not define" in str(w.message)]
    assert all(
        part in str(warning.message)
        for part in ("'sum' (Add)", "'mean' (AveragePooling2D)", "'all' (GlobalAveragePooling2D)")
    )
    assert warning.filename == __file__
    images = images_of((8, 8, 3))
    gradient = innvestigate.create_analyzer("gradient", model).analyze(images)
    close(analyzer.analyze(images), gradient * model.predict(images).max(axis=1)[:, None, None, None], 1e-6)


@pytest.mark.slow
def test_the_paper_s_layers_warn_of_nothing() -> None:
    model = branched()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        PatternNet(model, own_kernels(model))


# Patterns ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_patterns_by_name_in_order_and_from_a_file_are_the_same(tmp_path: Any) -> None:
    model = some_model()
    images = images_of((8, 8, 3))
    named = own_kernels(model)
    path = tmp_path / "patterns.npz"
    save_arrays(path, named)
    swapped = dict(reversed(named.items()))
    results = [
        PatternAttribution(model, patterns).analyze(images)
        for patterns in (named, swapped, list(named.values()), path, str(path))
    ]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.slow
def test_patterns_are_copied() -> None:
    model = some_model()
    given_patterns = own_kernels(model)
    analyzer = PatternNet(model, given_patterns)
    expected = analyzer.analyze(images_of((8, 8, 3)))
    given_patterns["conv"][...] = 0
    analyzer.create_analyzer_model()
    np.testing.assert_array_equal(analyzer.analyze(images_of((8, 8, 3))), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: {"conv": p["conv"]}, "patterns: no pattern for layer 'logits'"),
        (lambda p: {**p, "fc9": p["conv"]}, "patterns: 'fc9' is not a layer with a kernel of this network"),
        (lambda p: {**p, "conv": p["conv"][:2]}, r"'conv' has shape \(2, 3, 3, 4\), its kernel \(3, 3, 3, 4\)"),
        (lambda p: {**p, "conv": p["conv"] * np.nan}, "the pattern of layer 'conv' holds NaN or infinity"),
        (lambda p: {**p, "conv": p["conv"] * 1j}, "is of type complex64, not real numbers"),
        (lambda p: {**p, "conv": None}, "is of type object, not real numbers"),
        (lambda p: [p["conv"]], "1 arrays for 2 layers with a kernel: conv, logits"),
    ],
)
def test_patterns_that_do_not_fit(change: Callable[[dict[str, Any]], Any], message: str) -> None:
    model = some_model()
    with pytest.raises(PatternError, match=message) as raised:
        PatternNet(model, change(own_kernels(model)))
    assert "\n" not in str(raised.value)


def test_pattern_files_that_do_not_fit(tmp_path: Any) -> None:
    model = some_model()
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        PatternNet(model, tmp_path / "none.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(ValueError, match=r"broken\.npz"):
        PatternNet(model, tmp_path / "broken.npz")
    save_arrays(tmp_path / "half.npz", {"conv": own_kernels(model)["conv"]})
    with pytest.raises(PatternError, match=r"half\.npz: no pattern for layer 'logits'"):
        PatternNet(model, tmp_path / "half.npz")


def test_no_patterns_yet() -> None:
    analyzer = innvestigate.create_analyzer("pattern.attribution", some_model())
    with pytest.raises(PatternError, match=r"PatternAttribution has no patterns yet: .*fit\(images\)"):
        analyzer.analyze(images_of((8, 8, 3)))


@pytest.mark.slow
def test_new_patterns_need_no_new_graph() -> None:
    model = some_model()
    images = images_of((8, 8, 3))
    analyzer = PatternAttribution(model, own_kernels(model))
    analyzer.analyze(images)
    graph_size = len(tf1.get_default_graph().get_operations())
    doubled = {name: 2 * kernel for name, kernel in own_kernels(model).items()}
    analyzer.patterns = doubled
    result = analyzer.analyze(images)
    again = len(tf1.get_default_graph().get_operations())
    np.testing.assert_array_equal(result, PatternAttribution(model, doubled).analyze(images))
    assert again - graph_size < 40  # assigning makes placeholders, analyzing nothing


# Fitting ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("pattern_type", ["relu", "linear", "relu.negative"])
def test_fit_estimates_the_patterns_of_its_type(pattern_type: str) -> None:
    model = some_model()
    images = images_of((8, 8, 3), n=20).astype(np.float32)
    analyzer = innvestigate.create_analyzer("pattern.attribution", model, pattern_type=pattern_type)
    assert analyzer.fit(images, progress=False) is analyzer
    kernels = own_kernels(model)
    expected = estimate(pattern_sums(model, images, estimators=pattern_type, progress=False), kernels, pattern_type)
    for name, pattern in expected.items():
        np.testing.assert_array_equal(analyzer.patterns[name], pattern.astype(np.float32))
        gain = np.sum(kernels[name] * analyzer.patterns[name], axis=tuple(range(pattern.ndim - 1)))
        live = gain != 0
        assert live.any()
        np.testing.assert_allclose(gain[live], 1, rtol=2e-6)
    direct = PatternAttribution(model, expected)
    np.testing.assert_array_equal(analyzer.analyze(images), direct.analyze(images))


@pytest.mark.slow
def test_fit_again_replaces_the_patterns() -> None:
    model = some_model()
    images = images_of((8, 8, 3), n=16).astype(np.float32)
    analyzer = PatternAttribution(model).fit(images[:8], progress=False)
    first = analyzer.analyze(images)
    second = analyzer.fit(images, batch_size=4, progress=False).analyze(images)
    assert np.abs(second - first).max() > 0.01 * np.abs(first).max()
    np.testing.assert_array_equal(PatternAttribution(model).fit(images, batch_size=4).analyze(images), second)


@pytest.mark.slow
def test_fit_preprocesses_batches_of_lazily_read_images() -> None:
    class Lazy:
        def __len__(self) -> int:
            return 10

        def __getitem__(self, index: slice) -> NDArray[np.uint8]:
            return np.random.default_rng(0).integers(0, 256, (10, 8, 8, 3), np.uint8)[index]

    def preprocess(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return images.astype(np.float32) / 128 - 1

    model = some_model()
    lazy = PatternNet(model).fit(Lazy(), preprocess=preprocess, progress=False).patterns
    eager = PatternNet(model).fit(preprocess(Lazy()[:]), progress=False).patterns
    for name, pattern in eager.items():
        np.testing.assert_array_equal(lazy[name], pattern)


@pytest.mark.slow
def test_fit_of_a_network_of_every_kind_of_kernel() -> None:
    model = of_every_kind()
    images = images_of((9, 8, 4), n=12).astype(np.float32)
    analyzer = PatternAttribution(model).fit(images, progress=False)
    kernels = own_kernels(fold_batch_normalization(model))
    assert list(analyzer.patterns) == list(kernels)
    for name, pattern in analyzer.patterns.items():
        product = (kernels[name].astype(np.float64) * pattern).reshape(-1, pattern.shape[-1])
        gain, rounding = product.sum(axis=0), np.finfo(np.float32).eps * np.abs(product).sum(axis=0)
        assert np.all((gain == 0) | (np.abs(gain - 1) <= rounding))
        assert gain.any()
    assert np.isfinite(analyzer.analyze(images)).all()


@pytest.mark.slow
def test_fit_of_a_network_with_batch_normalization() -> None:
    model = normalized()
    images = images_of((8, 8, 3), n=12).astype(np.float32)
    analyzer = PatternNet(model).fit(images, progress=False)
    folded = fold_batch_normalization(model)
    expected = estimate(pattern_sums(folded, images, estimators="relu", progress=False), own_kernels(folded), "relu")
    for name, pattern in expected.items():
        close(analyzer.patterns[name], pattern, 1e-6)


@pytest.mark.slow
def test_fit_shows_its_progress(capfd: pytest.CaptureFixture[str]) -> None:
    PatternNet(some_model()).fit(images_of((8, 8, 3), n=4).astype(np.float32))
    assert "4/4" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("pattern_type", "message"),
    [("two_component", "a pair of estimators"), ("relu6", "unknown pattern estimator 'relu6'")],
)
def test_pattern_types_that_are_none(pattern_type: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PatternNet(some_model(), pattern_type=pattern_type)


@pytest.mark.slow
def test_fit_with_images_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"images .*\(9, 9, 3\)"):
        PatternNet(some_model()).fit(np.zeros((4, 9, 9, 3), np.float32), progress=False)
