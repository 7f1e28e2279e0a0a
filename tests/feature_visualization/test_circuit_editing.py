"""Networks without connections: the unit answers as if it did not see the source unit, and the others as before."""

import numpy as np
import pytest

from netlens.feature_visualization.circuit_editing import activations_of, without_connections
from netlens.models.backend import keras, tf, tf1
from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.frozen.frozen_network import FrozenLayer, FrozenNetwork, freeze, imported
from netlens.models.network import network_of
from netlens.models.preprocessing import Preprocessing

L = keras.layers

pytestmark = pytest.mark.usefixtures("own_graph")


def network(build, size=12):
    """Freeze a network with random biases and positive scales; one weight in ten is negative."""
    image = keras.Input((size, size, 3), name="image")
    model = keras.Model(image, L.GlobalAveragePooling2D(name="mean")(build(image)))
    rng = np.random.default_rng(2)
    for layer in model.layers:
        shapes = [weights.shape for weights in layer.get_weights()]
        signs = [rng.choice([-1, 1], shape, p=(0.1, 0.9)) for shape in shapes]
        layer.set_weights([np.abs(rng.normal(size=sign.shape)) * sign for sign in signs])
    return freeze(network_of("small", model, preprocessing=Preprocessing(), classes=None, sha256=""))


def direct(image):
    first = L.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    return L.Conv2D(5, 3, padding="same", activation="relu", name="second")(L.MaxPooling2D(name="pool")(first))


def fire(image):
    first = L.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    squeezed = L.Conv2D(3, 1, activation="relu", name="squeeze")(first)
    small = L.Conv2D(3, 1, activation="relu", name="small")(squeezed)
    large = L.Conv2D(2, 3, padding="same", activation="relu", name="large")(first)
    return L.Concatenate(name="second")([small, large])


def dense(image):
    first = L.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    joined = L.Concatenate(name="join")([L.Conv2D(3, 1, name="other")(image), first])
    return L.Conv2D(5, 3, activation="relu", name="second")(joined)


def depthwise(image):
    first = L.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    return L.DepthwiseConv2D(3, depth_multiplier=2, activation="relu", name="second")(first)


def separable(image):
    first = L.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    return L.SeparableConv2D(5, 3, activation="relu", name="second")(first)


def grouped(image):
    first = L.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    return L.Conv2D(6, 3, groups=2, activation="relu", name="second")(first)


def through_groups(image):
    first = L.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    between = L.Conv2D(6, 3, groups=2, activation="relu", name="between")(first)
    return L.Conv2D(5, 3, activation="relu", name="second")(between)


def residual(image):
    first = L.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    inside = L.Conv2D(4, 3, padding="same", activation="relu", name="inside")(first)
    return L.Add(name="second")([first, inside])


def answers(found, images, replaced=None):
    """Give the activations of the layer `second`, with the layer `first` replaced where that is given."""
    with tf.Graph().as_default(), tf1.Session() as session:
        given = {} if replaced is None else {"first": tf1.constant(replaced)}
        tensors = imported(found, given)
        first = session.run(tensors["first"], {tensors["input"]: images}) if replaced is None else replaced
        feed = {} if replaced is not None and "input" not in tensors else {tensors["input"]: images}
        return first, session.run(tensors["second"], feed)


# Whether other units of the target stay as they were: not where units between are common to all of them.
@pytest.mark.parametrize(
    ("build", "source_unit", "unit", "others_stay"),
    [
        (direct, 1, 2, True),
        (fire, 1, 1, False),
        (fire, 1, 4, False),
        (dense, 1, 2, True),
        (depthwise, 2, 5, True),
        (separable, 2, 3, False),
        (grouped, 2, 4, True),
        (through_groups, 2, 3, False),
        (residual, 1, 2, True),
    ],
)
def test_the_unit_does_not_see_the_source_unit_any_more(build, source_unit, unit, others_stay):
    whole = network(build)
    edited = without_connections(whole, "first", "second", [(source_unit, unit)])
    assert edited.sha256 != whole.sha256
    images = np.random.default_rng(0).normal(size=(2, 12, 12, 3)).astype(np.float32)
    first, before = answers(whole, images)
    _, after = answers(edited, images)
    masked = first.copy()
    masked[..., source_unit] = 0
    _, wanted = answers(whole, images, masked)
    assert np.abs(after[..., unit] - before[..., unit]).max() > 0.1
    # What lies between is at most a pooling or a ReLU, which keep zeros.
    np.testing.assert_allclose(after[..., unit], wanted[..., unit], atol=1e-4)
    if others_stay:
        others = np.arange(before.shape[-1]) != unit
        assert np.array_equal(after[..., others], before[..., others])


def test_a_grouped_kernel_is_edited_in_the_group_of_the_source_unit():
    rng = np.random.default_rng(3)
    with tf.Graph().as_default() as graph:
        image = tf1.placeholder(tf.float32, (None, 6, 6, 4), name="input")
        tf.nn.conv2d(image, rng.normal(size=(1, 1, 2, 6)).astype(np.float32), 1, "SAME", name="second")
    layers = (FrozenLayer("input", "input", "input", 4, 6, 6), FrozenLayer("second", "second", "conv", 6, 6, 6))
    whole = FrozenNetwork(
        "grouped", graph.as_graph_def(), "input", "second", layers, (6, 6, 4), tuple("abcdef"), Preprocessing(), ""
    )
    edited = without_connections(whole, "input", "second", [(3, 4), (0, 4)])
    name = whole.graph_def.node[[node.name for node in whole.graph_def.node].index("second")].input[1]
    before, after = (
        tf.make_ndarray({node.name: node for node in found.graph_def.node}[name].attr["value"].tensor)
        for found in (whole, edited)
    )
    # Units 3 to 5 read channels 2 and 3, so unit 4 never saw channel 0.
    assert np.argwhere(before != after).tolist() == [[0, 0, 1, 4]]
    assert after[0, 0, 1, 4] == 0


def test_the_network_itself_stays_as_it_is():
    whole = network(direct)
    content = whole.graph_def.SerializeToString(deterministic=True)
    without_connections(whole, "first", "second", [(0, 0), (1, 0)])
    assert whole.graph_def.SerializeToString(deterministic=True) == content


def test_activations_are_compared_where_the_first_network_is_most_active():
    whole = network(direct)
    edited = without_connections(whole, "first", "second", [(source, 2) for source in range(4)])
    images = np.random.default_rng(1).integers(0, 255, (3, 12, 12, 3)).astype(np.uint8)
    found = activations_of([whole, edited], images, "second", 2)
    _, maps = answers(whole, whole.preprocess(images))
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found[0], maps[..., 2].max((1, 2)), rtol=1e-6)
    # Without any input, the bias remains.
    assert np.ptp(found[1]) < 1e-4 < found[0].min()


@pytest.mark.parametrize(
    ("source", "target", "connections", "words"),
    [
        ("first", "second", [(4, 0)], "layer 'first' has units 0 to 3; there is no unit 4"),
        ("first", "second", [(0, -1)], "there is no unit -1"),
        ("second", "first", [(0, 0)], "layer 'first' does not come after 'second'"),
    ],
)
def test_impossible_connections_are_told(source, target, connections, words):
    with pytest.raises(NetworkError, match=words):
        without_connections(network(direct), source, target, connections)


def test_where_no_kernel_lies_between_nothing_is_removed():
    whole = network(direct)
    images = np.ones((1, 12, 12, 3), np.float32)
    edited = without_connections(whole, "first", "pool", [(0, 0)])
    assert np.array_equal(answers(edited, images)[1], answers(whole, images)[1])


def test_a_kernel_that_is_used_twice_stays_in_its_other_use():
    def shared(image):
        twice = L.Conv2D(3, 3, padding="same", name="twice")
        first = L.ReLU(name="first")(twice(image))
        return L.ReLU(name="second")(twice(first))

    whole = network(shared)
    edited = without_connections(whole, "first", "second", [(1, 2)])
    images = np.random.default_rng(0).normal(size=(1, 12, 12, 3)).astype(np.float32)
    first, before = answers(whole, images)
    same, after = answers(edited, images)
    masked = first * [1, 0, 1]
    assert np.array_equal(same, first)
    assert np.array_equal(after[..., :2], before[..., :2])
    np.testing.assert_allclose(after[..., 2], answers(whole, images, masked.astype(np.float32))[1][..., 2], atol=1e-4)


def test_a_product_of_activations_is_refused():
    def gated(image):
        first = L.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
        return L.Conv2D(4, 3, name="second")(L.Multiply(name="gate")([first, L.Activation("sigmoid")(first)]))

    with pytest.raises(UnsupportedLayerError, match=r"\(Sigmoid\) mixes channels in a way that is not known"):
        without_connections(network(gated), "first", "second", [(0, 0)])
