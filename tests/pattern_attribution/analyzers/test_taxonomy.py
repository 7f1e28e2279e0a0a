import numpy as np
import pytest

from netlens.models.backend import keras
from netlens.models.preprocessing import Preprocessing
from netlens.pattern_attribution.analyzers.pattern_analyzers import PatternAttribution, PatternNet
from netlens.pattern_attribution.analyzers.taxonomy import attributed_sums, explain

layers = keras.layers

PREPROCESSING = {
    "rgb": Preprocessing(scale=1 / 255, mean=(0.4, 0.5, 0.6), std=(0.1, 0.2, 0.4)),
    "bgr": Preprocessing(mean=(100.0, 110.0, 120.0), std=(50.0, 60.0, 70.0), channel_order="bgr"),
}


def model():
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            layers.Input((6, 5, 3)),
            layers.Conv2D(4, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(3, name="logits"),
        ]
    )


def images():
    return np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3), np.uint8)


def relative(values):
    return values / np.abs(values).max(axis=(1, 2, 3), keepdims=True)


def kernels(network):
    return {layer.name: layer.get_weights()[0] for layer in network.layers if layer.weights}


@pytest.mark.slow
@pytest.mark.parametrize("order", PREPROCESSING)
def test_the_function_is_the_change_of_the_logit_with_a_pixel_of_the_image(order):
    network, preprocessing = model(), PREPROCESSING[order]
    function = explain(network, kernels(network), images(), preprocessing).function
    base = network.predict(preprocessing(images()))
    chosen = base.argmax(axis=1)
    for place in [(0, 0, 0), (3, 2, 1), (5, 4, 2)]:
        changed = images().astype(np.float32)
        changed[:, *place] += 0.25
        change = (network.predict(preprocessing(changed)) - base)[[0, 1], chosen]
        np.testing.assert_allclose(function[:, *place], change / 0.25, rtol=0, atol=2e-3 * np.abs(function).max())


@pytest.mark.slow
@pytest.mark.parametrize("order", PREPROCESSING)
def test_signal_and_attribution_are_those_of_the_analyzers_in_the_images_channels(order):
    network, preprocessing = model(), PREPROCESSING[order]
    patterns = {name: kernel + 0.05 for name, kernel in kernels(network).items()}
    taxonomy = explain(network, patterns, images(), preprocessing)
    inputs = preprocessing(images())
    np.testing.assert_allclose(np.abs(taxonomy.signal).max(axis=(1, 2, 3)), 1, rtol=1e-6)
    # Back to the network's input, the signal is what PatternNet gives, but for a factor: the way there is linear.
    there = preprocessing(1e4 * taxonomy.signal) - preprocessing(np.zeros_like(taxonomy.signal))
    signal = PatternNet(network, patterns).analyze(inputs)
    np.testing.assert_allclose(relative(there), relative(signal), rtol=0, atol=2e-6)
    attribution = PatternAttribution(network, patterns).analyze(inputs)
    reverse = -1 if order == "bgr" else 1
    np.testing.assert_array_equal(taxonomy.attribution[..., ::reverse], attribution)
    sums = attributed_sums(network, patterns, images(), preprocessing, batch_size=1)
    np.testing.assert_allclose(sums, attribution.sum(axis=(1, 2, 3), dtype=np.float64), rtol=1e-5)


@pytest.mark.slow
def test_patterns_equal_to_kernels_tie_the_three_together():
    # Then the signal is the gradient times the logit, both in the network's units.
    network, preprocessing = model(), PREPROCESSING["rgb"]
    taxonomy = explain(network, kernels(network), images(), preprocessing)
    logit = network.predict(preprocessing(images())).max(axis=1)[:, None, None, None]
    step = preprocessing.scale / np.array(preprocessing.std)
    expected = relative(taxonomy.function / step**2 * logit)
    np.testing.assert_allclose(taxonomy.signal, expected, rtol=0, atol=5e-6)
