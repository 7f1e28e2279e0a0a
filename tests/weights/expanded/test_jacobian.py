import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.weights.expanded.composition import expanded_weights
from netlens.weights.expanded.jacobian import expanded_weights_by_gradient

TOLERANCE = 1e-6  # of the largest weight, in float32


def both_agree(network, source, target, **options):
    composed = expanded_weights(network, source, target, dtype=np.float64)
    found = expanded_weights_by_gradient(network, source, target, **options)
    assert found.weights.dtype == np.float32
    assert (found.receptive_field, found.stride) == (composed.receptive_field, composed.stride)
    assert found.weights.shape == composed.weights.shape
    largest = np.abs(composed.weights).max()
    assert largest > 0
    np.testing.assert_allclose(found.weights, composed.weights, rtol=0, atol=TOLERANCE * largest)
    return found


def branches(tools):
    conv, kernel = tools.convolution, tools.random_kernel
    return [
        conv("stem", "input", kernel(0, 7, 7, 3, 4), stride=2),
        tools.Op("lrn", "lrn", ("stem",), {"bias": 2.0, "beta": 0.75}),
        tools.pooling("maxpool", "lrn", stride=2),
        conv("a", "maxpool", kernel(1, 3, 3, 4, 5), activation="Elu"),
        tools.pooling("pool", "maxpool"),
        conv("b", "pool", kernel(2, 1, 1, 4, 2), activation="LeakyRelu"),
        tools.Op("joined", "concat", ("a", "b", "maxpool")),
        conv("c", "joined", kernel(3, 3, 3, 11, 11), activation="Relu6"),
        tools.Op("added", "add", ("c", "joined")),
        tools.Op("end", "relu", ("added",)),
    ]


@pytest.mark.parametrize("shape", [(32, 32, 3), (31, 37, 3), (4, 4, 3)])
def test_both_ways_agree_whatever_size_the_network_has(tools, shape):
    network = tools.network_of(branches(tools), shape)
    both_agree(network, "input", "end", batch_size=4)
    both_agree(network, "stem", "joined")
    both_agree(network, "maxpool", "end", batch_size=100)


def test_past_branches_that_do_not_depend_on_the_source(tools):
    network = tools.network_of(branches(tools), (16, 16, 3))
    found = both_agree(network, "b", "end")
    assert found.weights.shape == (3, 3, 2, 11)
    both_agree(network, "a", "joined")


@pytest.mark.parametrize("padding", ["SAME", "VALID", ((2, 1), (0, 3))])
def test_paddings_and_poolings_at_every_kind_of_border(tools, padding):
    ops = [
        tools.convolution("conv", "input", tools.random_kernel(0, 3, 2, 3, 4), stride=2, padding=padding),
        tools.pooling("max", "conv", 2, stride=1, padding="VALID" if padding == "VALID" else "SAME"),
        tools.pooling("avg", "max", 3, stride=2, padding="SAME", kind="avg"),
    ]
    both_agree(tools.network_of(ops, (13, 14, 3)), "input", "avg")


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(9, 14), st.sampled_from(["SAME", "VALID"]))
def test_dilations_as_keras_makes_them(tools, first, second, size, padding):
    ops = [
        tools.convolution("a", "input", tools.random_kernel(0, 3, 2, 3, 4), dilation=first, padding=padding),
        tools.convolution("down", "a", tools.random_kernel(1, 2, 2, 4, 4), stride=2),
        tools.convolution("b", "down", tools.random_kernel(2, 2, 3, 4, 2), dilation=second),
    ]
    both_agree(tools.network_of(ops, (size, size + 1, 3)), "input", "b")


def test_a_pooling_at_the_border_itself_is_not_inflated(tools):
    """The gradient of TensorFlow's own average pooling at a corner would be 1/4 and 1/6, not 1/9."""
    from netlens.models.backend import tf, tf1

    for kind in ("MaxPool", "AvgPool"):
        with tf.Graph().as_default() as graph, graph.gradient_override_map({kind: "NetlensWholeWindow"}):
            x = tf1.placeholder(tf.float32, (1, 4, 5, 1))
            pool = tf.nn.max_pool2d if kind == "MaxPool" else tf.nn.avg_pool2d
            y = pool(x, 3, 1, "SAME")
            gradient = tf.gradients(y, x, tf.ones_like(y))[0]
            with tf1.Session(graph=graph) as session:
                found = session.run(gradient, {x: np.zeros((1, 4, 5, 1))})[0, ..., 0]
        np.testing.assert_allclose(found * 9, np.outer([2, 3, 3, 2], [2, 3, 3, 3, 2]), rtol=1e-6)


def test_units_windows_and_batches_change_nothing_else(tools):
    network = tools.network_of(branches(tools))
    whole = expanded_weights_by_gradient(network, "stem", "end").weights
    some = expanded_weights_by_gradient(network, "stem", "end", units=[9, 0, 4], batch_size=2)
    assert some.units == (9, 0, 4)
    np.testing.assert_allclose(some.weights, whole[..., [9, 0, 4]], rtol=0, atol=1e-6 * np.abs(whole).max())
    side = len(whole)
    wide = expanded_weights_by_gradient(network, "stem", "end", window=side + 20).weights
    np.testing.assert_array_equal(wide[10:-10, 10:-10], whole)
    assert np.count_nonzero(wide) == np.count_nonzero(whole)
    with pytest.warns(UserWarning, match="leaves out"):
        small = expanded_weights_by_gradient(network, "stem", "end", window=3).weights
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(small, expanded_weights(network, "stem", "end", window=3).weights, atol=1e-6)


def test_between_dense_layers(tools):
    ops = [
        tools.Op("mean", "mean", ("input",)),
        tools.Op("one", "dense", ("mean",), {"kernel": tools.random_kernel(0, 3, 4)}),
        tools.Op("two", "dense", ("one",), {"kernel": tools.random_kernel(1, 4, 5)}),
    ]
    network = tools.network_of(ops)
    both_agree(network, "mean", "two")
    with pytest.raises(UnsupportedLayerError, match=r"operation 'mean' \(Mean\) takes all positions"):
        expanded_weights_by_gradient(network, "input", "one")


def test_the_network_is_left_as_it_was(tools):
    network = tools.network_of(branches(tools))
    before = network.graph_def.SerializeToString(deterministic=True)
    expanded_weights_by_gradient(network, "input", "end")
    assert network.graph_def.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize(
    ("layers", "options", "words"),
    [
        (("input", "ende"), {}, "no layer 'ende'; the nearest are end"),
        (("end", "input"), {}, "swap the two"),
        (("input", "end"), {"batch_size": 0}, "batch_size is 0"),
        (("input", "end"), {"units": [11]}, "there is no 11"),
    ],
)
def test_what_is_not_possible_is_said(tools, layers, options, words):
    network = tools.network_of(branches(tools))
    with pytest.raises(ValueError, match=words) as told:
        expanded_weights_by_gradient(network, *layers, **options)
    assert isinstance(told.value, NetworkError) or options
