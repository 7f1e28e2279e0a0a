from dataclasses import replace

import numpy as np
import pytest

from netlens.models.backend import keras, tf1
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import INPUT, imported
from netlens.spatial_attribution.attribution import SpatialAttribution, class_indices
from netlens.spatial_attribution.choices import AttributionError
from netlens.spatial_attribution.pooling_gradients import pooling_gradient

GRADIENTS = ("true", "smooth", "smooth_blur")


def one_position_at_a_time(network, image, source, target, gradient):
    """Do it as everybody does: one session call a position, from the whole image."""
    with tf1.Graph().as_default() as graph, pooling_gradient(graph, gradient), tf1.Session() as session:
        layers = imported(network, {INPUT: tf1.constant(image[None])})
        i, j = tf1.placeholder(tf1.int32, ()), tf1.placeholder(tf1.int32, ())
        norm = tf1.norm(layers[target][0, i, j])
        change = tf1.gradients(norm, layers[source])[0]
        attribution = tf1.reduce_sum(change * layers[source], -1)[0]
        height, width = layers[target].shape[1:3]
        rows = [[session.run(attribution, {i: y, j: x}) for x in range(width)] for y in range(height)]
        alive = session.run(tf1.norm(layers[target][0], axis=-1)) > 0
    return np.where(alive[:, :, None, None], np.array(rows), 0)


@pytest.mark.slow
@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize(("source", "target"), [("early", "late"), ("pool", "mixed"), ("early", "mixed")])
def test_between_equals_one_position_at_a_time(tiny, images, source, target, gradient):
    with SpatialAttribution(tiny, gradient=gradient) as attribution:
        found = attribution.between(images[0], source, target)
    expected = one_position_at_a_time(tiny, images[0], source, target, gradient)
    assert found.shape == expected.shape
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=3e-6 * np.abs(expected).max())


@pytest.mark.slow
def test_chunks_do_not_change_the_result(tiny, images):
    calls = []
    with SpatialAttribution(tiny, memory_mb=1e-6) as careful, SpatialAttribution(tiny) as at_once:
        apart = careful.between(images[0], "early", "late", progress=lambda done, of: calls.append((done, of)))
        together = at_once.between(images[0], "early", "late")
        np.testing.assert_allclose(apart, together, atol=1e-5 * np.abs(together).max())
        maps = careful.to_classes(images, "pool", [0, 3])
        np.testing.assert_allclose(maps, at_once.to_classes(images, "pool", [0, 3]), atol=1e-5 * np.abs(maps).max())
    assert calls[0][0] == 1
    assert calls[-1][0] == calls[-1][1] == len(calls)


@pytest.mark.slow
def test_class_attribution_equals_central_differences(tiny, images):
    """Without max-pooling behind the layer, so that a small step stays on the same linear piece nearly everywhere."""
    with SpatialAttribution(tiny) as attribution:
        activations = attribution.activations(images[:1], "mixed")
        found = attribution.to_classes(images[:1], "mixed", [2])[0, 0]
    with tf1.Graph().as_default(), tf1.Session() as session:
        start = tf1.placeholder(tf1.float32, (None, *activations.shape[1:]))
        layers = imported(tiny, {"mixed": start, INPUT: tf1.placeholder(tf1.float32, (None, 12, 16, 3))})
        step = 1e-3
        for i, j in [(0, 0), (2, 5), (5, 7)]:
            total = 0.0
            for channel in range(activations.shape[-1]):
                changed = np.repeat(activations, 2, axis=0)
                changed[0, i, j, channel] += step
                changed[1, i, j, channel] -= step
                up, down = session.run(layers["logits"], {start: changed})[:, 2]
                total += float(activations[0, i, j, channel]) * (float(up) - float(down)) / (2 * step)
            assert found[i, j] == pytest.approx(total, rel=2e-3, abs=2e-3 * float(np.abs(found).max()))


def test_class_attribution_of_a_linear_network_sums_to_the_logit_without_bias(frozen, images):
    layers = keras.layers
    image = keras.Input((12, 16, 3), name="input")
    early = layers.Conv2D(5, 3, strides=2, name="early")(image)
    late = layers.Conv2D(4, 3, use_bias=False, name="late")(early)
    logits = layers.Dense(3, use_bias=False, name="logits")(layers.Flatten()(late))
    network = frozen(keras.Model(image, logits))
    with SpatialAttribution(network) as attribution:
        maps = attribution.to_classes(images, "early", [0, 1, 2])
        ends = attribution.logits(images)
    np.testing.assert_allclose(maps.sum(axis=(2, 3)), ends, rtol=1e-5, atol=1e-5 * np.abs(ends).max())


@pytest.mark.slow
def test_classes_may_differ_between_images(tiny, images):
    with SpatialAttribution(tiny) as attribution:
        every = attribution.to_classes(images, "late", [0, 1, 2, 3])
        chosen = attribution.to_classes(images, "late", np.array([[1], [3], [0]]))
    np.testing.assert_allclose(chosen[:, 0], every[[0, 1, 2], [1, 3, 0]], atol=1e-6 * np.abs(every).max())


@pytest.mark.slow
def test_positions_that_are_all_zero_get_zero(frozen, images):
    layers = keras.layers
    image = keras.Input((12, 16, 3), name="input")
    early = layers.Conv2D(2, 1, name="early")(image)
    late = layers.Conv2D(2, 1, activation="relu", name="late")(early)
    model = keras.Model(image, layers.Dense(2, name="logits")(layers.Flatten()(late)))
    network = frozen(model)
    with SpatialAttribution(network) as attribution:
        silent = attribution.activations(images[:1], "late")[0].max(axis=-1) == 0
        found = attribution.between(images[0], "early", "late")
    assert 0 < silent.sum() < silent.size
    assert np.isfinite(found).all()
    assert not found[silent].any()


@pytest.mark.slow
def test_paths_around_the_source_come_from_the_image(frozen, images):
    layers = keras.layers
    image = keras.Input((12, 16, 3), name="input")
    early = layers.Conv2D(4, 3, padding="same", activation="relu", name="early")(image)
    inner = layers.Conv2D(4, 3, padding="same", activation="relu", name="inner")(early)
    joined = layers.Add(name="joined")([early, inner])
    late = layers.Conv2D(3, 3, padding="same", activation="relu", name="late")(joined)
    network = frozen(keras.Model(image, layers.Dense(2, name="logits")(layers.Flatten()(late))))
    with SpatialAttribution(network) as attribution:
        found = attribution.between(images[1], "inner", "late")
    expected = one_position_at_a_time(network, images[1], "inner", "late", "true")
    np.testing.assert_allclose(found, expected, atol=3e-6 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda a, x: a.between(x[0], "late", "early"), AttributionError, "name the earlier layer first"),
        (lambda a, x: a.between(x[0], "late", "late"), AttributionError, "both 'late'"),
        (lambda a, x: a.between(x[0], "earl", "late"), NetworkError, "nearest are early"),
        (lambda a, x: a.between(x[0], "early", "logits"), AttributionError, "has no positions"),
        (lambda a, x: a.to_classes(x, "late", [4]), AttributionError, "there is no class 4"),
        (lambda a, x: a.to_classes(x, "late", [-1]), AttributionError, "there is no class -1"),
        (lambda a, x: a.to_classes(x, "late", [0.5]), AttributionError, "classes must be indices"),
        (lambda a, x: a.to_classes(x[:, :4], "late", [0]), AttributionError, "takes images of 12 x 16 x 3"),
        (lambda a, x: a.activations(x[:0], "late"), AttributionError, "takes images of 12 x 16 x 3"),
    ],
)
def test_refuses(tiny, images, ask, error, words):
    with SpatialAttribution(tiny) as attribution, pytest.raises(error, match=words) as raised:
        ask(attribution, images)
    assert "\n" not in str(raised.value)


@pytest.mark.slow
def test_refuses_what_cannot_be_made(tiny):
    with pytest.raises(AttributionError, match="no gradient 'max'"):
        SpatialAttribution(tiny, gradient="max")
    with pytest.raises(AttributionError, match="memory_mb"):
        SpatialAttribution(tiny, memory_mb=0)


@pytest.mark.slow
def test_class_indices_keep_the_order_of_the_names(tiny):
    assert class_indices(tiny, ["class_3", "class_0"]).tolist() == [3, 0]
    with pytest.raises(AttributionError, match=r"no class 'class_9'; .*class_"):
        class_indices(tiny, ["class_9"])


@pytest.mark.slow
def test_classes_are_known_by_their_ids_where_names_repeat(tiny):
    named = replace(
        tiny,
        class_names=("crane (n02012849)", "crane (n03126707)", "tench", "maillot"),
        class_ids=("n02012849", "n03126707", "n01440764", "n03710637"),
    )
    assert class_indices(named, ["n03126707", "tench", "crane (n02012849)"]).tolist() == [1, 2, 0]
    with pytest.raises(
        AttributionError, match=r"no class 'crane'; its 4 classes include crane \(n02012849\), crane \(n0312"
    ):
        class_indices(named, ["crane"])
