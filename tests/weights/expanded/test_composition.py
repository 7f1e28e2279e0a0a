"""The oracle everywhere: the Jacobian of the linearized network, in float64 by numpy, far from all borders."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.weights.expanded.composition import cheaper_start, expanded_weights
from netlens.weights.expanded.linear_graph import linear_graph
from netlens.weights.expanded.window import receptive_field

EXACT = 1e-12  # of the largest weight, in float64


def check(tools, ops, source, target, *, shape=(16, 16, 3), size=18):
    """Compare both directions with the oracle, and give what was found."""
    network = tools.network_of(ops, shape)
    expected = tools.bounding(tools.jacobian_of(ops, source, target, size))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for start in ("source", "target"):
            found = expanded_weights(network, source, target, dtype=np.float64, start=start)
            assert found.receptive_field == max(expected.shape[:2]) == receptive_field(network, source, target)
            extra = int(found.stride > 1)
            side = found.receptive_field + extra
            assert found.weights.shape == (side, side, *expected.shape[2:])
            # The middle of the receptive field, with the odd row and column in front.
            before = [-(-(side - own) // 2) for own in expected.shape[:2]]
            wide = np.zeros_like(found.weights)
            wide[before[0] : before[0] + expected.shape[0], before[1] : before[1] + expected.shape[1]] = expected
            np.testing.assert_allclose(found.weights, wide, rtol=0, atol=EXACT * np.abs(wide).max())
            single = expanded_weights(network, source, target, start=start).weights
            assert single.dtype == np.float32
            np.testing.assert_allclose(single, wide, rtol=0, atol=2e-6 * np.abs(wide).max())
    return found


def mixed(tools, x, inputs, seed=0):
    """List the operations of a mixed layer, which is the last of them."""
    conv, kernel = tools.convolution, tools.random_kernel
    return [
        conv("one", x, kernel(seed, 1, 1, inputs, 3)),
        conv("middle", x, kernel(seed + 1, 1, 1, inputs, 2)),
        conv("three", "middle", kernel(seed + 2, 3, 3, 2, 4)),
        conv("narrow", x, kernel(seed + 3, 1, 1, inputs, 2)),
        conv("five", "narrow", kernel(seed + 4, 5, 5, 2, 3)),
        tools.pooling("pool", x),
        conv("reduced", "pool", kernel(seed + 5, 1, 1, inputs, 2)),
        tools.Op("mixed", "concat", ("one", "three", "five", "reduced")),
    ]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 3), (5, 2)])
def test_between_adjacent_layers_they_are_the_kernel(tools, height, width):
    kernel = tools.random_kernel(0, height, width, 3, 4)
    network = tools.network_of([tools.convolution("conv", "input", kernel)])
    found = expanded_weights(network, "input", "conv")
    before = -(-(max(height, width) - width) // 2)
    np.testing.assert_array_equal(found.weights[:, before : before + width], kernel)
    assert found.receptive_field == max(height, width)
    assert found.stride == 1


@pytest.mark.parametrize("shape", [(16, 16, 3), (15, 13, 3)])
def test_a_strided_first_layer_gives_the_kernel_behind_zeros(tools, shape):
    kernel = tools.random_kernel(0, 7, 7, 3, 4)
    network = tools.network_of([tools.convolution("conv", "input", kernel, stride=2)], shape)
    found = expanded_weights(network, "input", "conv")
    assert found.weights.shape == (8, 8, 3, 4)
    assert (found.receptive_field, found.stride) == (7, 2)
    np.testing.assert_array_equal(found.weights[1:, 1:], kernel)
    assert not found.weights[0].any()
    assert not found.weights[:, 0].any()


@pytest.mark.slow
def test_through_the_branches_of_a_mixed_layer(tools):
    found = check(tools, mixed(tools, "input", 3), "input", "mixed")
    assert found.weights.shape == (5, 5, 3, 12)
    # The branches reach differently far.
    assert not found.weights[0, :, :, :7].any()
    assert found.weights[0, 0, :, 7:10].all()


def test_from_one_branch_only_what_it_feeds_is_not_0(tools):
    found = check(tools, mixed(tools, "input", 3), "narrow", "mixed")
    assert found.weights.shape == (5, 5, 2, 12)
    assert not found.weights[..., [*range(7), 10, 11]].any()


@pytest.mark.slow
def test_two_mixed_layers_with_a_pooling_between(tools):
    second = [
        tools.Op(f"{op.name}_b", op.kind, tuple(f"{name}_b" if name != "down" else name for name in op.inputs),
                 op.options)
        for op in mixed(tools, "down", 12, 7)
    ]  # fmt: skip
    ops = [*mixed(tools, "input", 3), tools.pooling("down", "mixed", stride=2), *second]
    check(tools, ops, "input", "mixed_b", size=20)
    check(tools, ops, "mixed", "mixed_b", size=16)


@pytest.mark.parametrize("kind", ["max", "avg"])
def test_poolings_divide_by_the_whole_window_also_where_every_window_meets_a_border(tools, kind):
    ops = [
        tools.pooling("pool", "input", kind=kind),
        tools.convolution("conv", "pool", np.ones((3, 3, 3, 1), np.float32)),
    ]
    found = expanded_weights(tools.network_of(ops, (2, 2, 3)), "input", "conv", dtype=np.float64)
    expected = np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]) / 9
    np.testing.assert_allclose(found.weights[..., 0, 0], expected, rtol=1e-15)


@pytest.mark.slow
@pytest.mark.parametrize("size", [16, 17])
@pytest.mark.parametrize("padding", ["SAME", "VALID", ((2, 1), (0, 3))])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_paddings_and_strides(tools, size, padding, stride):
    ops = [
        tools.convolution("first", "input", tools.random_kernel(0, 3, 2, 3, 4), stride=stride, padding=padding),
        tools.convolution("second", "first", tools.random_kernel(1, 3, 3, 4, 5), stride=2, padding="SAME"),
        tools.convolution("third", "second", tools.random_kernel(2, 2, 2, 5, 2), padding="VALID"),
    ]
    check(tools, ops, "input", "third", shape=(size, size, 3), size=size + 6 * stride)


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_dilations_as_keras_makes_them(tools, padding):
    ops = [
        tools.convolution("dilated", "input", tools.random_kernel(0, 3, 2, 3, 4), dilation=3, padding=padding),
        tools.convolution("conv", "dilated", tools.random_kernel(1, 3, 3, 4, 2)),
    ]
    found = check(tools, ops, "input", "conv", size=20)
    assert found.receptive_field == 9


def test_a_dilation_given_as_an_attribute(tools):
    network = tools.network_of([tools.convolution("conv", "input", np.ones((3, 3, 3, 2), np.float32))])
    for node in network.graph_def.node:
        if node.op == "Conv2D":
            node.attr["dilations"].list.i[:] = [1, 2, 2, 1]
    found = expanded_weights(network, "input", "conv")
    assert found.receptive_field == 5
    np.testing.assert_array_equal(found.weights[..., 0, 0], np.outer([1, 0, 1, 0, 1], [1, 0, 1, 0, 1]))


@pytest.mark.slow
@pytest.mark.parametrize("joined", ["add", "subtract"])
def test_residual_joins(tools, joined):
    ops = [
        tools.convolution("stem", "input", tools.random_kernel(0, 3, 3, 3, 4)),
        tools.convolution("a", "stem", tools.random_kernel(1, 3, 3, 4, 4)),
        tools.Op("joined", joined, ("stem", "a")),
        tools.Op("relu", "relu", ("joined",)),
        tools.convolution("b", "relu", tools.random_kernel(2, 3, 3, 4, 4), activation=None),
        tools.Op("end", joined, ("b", "relu")),
    ]
    check(tools, ops, "stem", "end")
    check(tools, ops, "input", "end")
    check(tools, ops, "a", "end")  # past the shortcut of the first join


@pytest.mark.slow
def test_scales(tools):
    rng = np.random.default_rng(0)
    ops = [
        tools.convolution("first", "input", tools.random_kernel(0, 3, 3, 3, 4), activation="Elu"),
        tools.Op("scaled", "scale", ("first",), {"factor": rng.standard_normal(4).astype(np.float32)}),
        tools.Op("lrn", "lrn", ("scaled",), {"bias": 2.0, "beta": 0.75}),
        tools.convolution("second", "lrn", tools.random_kernel(1, 3, 3, 4, 5), activation="LeakyRelu"),
        tools.Op("norm", "norm", ("second",), {
            "gamma": rng.standard_normal(5).astype(np.float32), "variance": rng.uniform(1, 2, 5).astype(np.float32)
        }),
        tools.Op("halved", "scale", ("norm",), {"factor": np.float32(0.5)}),
    ]  # fmt: skip
    check(tools, ops, "input", "halved")
    check(tools, ops, "first", "norm")


@pytest.mark.slow
def test_grouped_and_depthwise_convolutions_split_channels_and_explicit_zeros(tools):
    ops = [
        tools.convolution("first", "input", tools.random_kernel(0, 3, 3, 3, 6)),
        tools.convolution("grouped", "first", tools.random_kernel(1, 3, 3, 2, 9)),
        tools.Op("deep", "depthwise", ("grouped",),
                 {"kernel": tools.random_kernel(2, 3, 3, 9, 2), "stride": 2, "padding": "SAME"}),
        tools.Op("part", "part", ("deep",), {"channels": (4, 7)}),
        tools.Op("zeros", "pad", ("part",), {"amounts": ((1, 2), (0, 1))}),
        tools.convolution("last", "zeros", tools.random_kernel(3, 2, 2, 7, 3), padding="VALID"),
    ]  # fmt: skip
    check(tools, ops, "input", "last", size=22)
    check(tools, ops, "first", "deep")
    check(tools, ops, "grouped", "part")


@pytest.mark.slow
def test_a_layer_that_joins_its_input(tools):
    ops = [
        tools.convolution("new", "input", tools.random_kernel(0, 3, 3, 3, 2)),
        tools.Op("wide", "concat", ("input", "new", "input")),
        tools.convolution("conv", "wide", tools.random_kernel(1, 3, 3, 8, 4)),
    ]
    check(tools, ops, "input", "wide")
    check(tools, ops, "input", "conv")


@st.composite
def chains(draw, tools):
    ops, last, channels = [], "input", 3
    for number in range(draw(st.integers(1, 3))):
        seed, name = draw(st.integers(0, 99)), f"op{number}"
        kind = draw(st.sampled_from(["conv", "pool", "residual", "mixed", "scale"]))
        padding = draw(st.sampled_from(["SAME", "VALID"]))
        stride = draw(st.sampled_from([1, 1, 2]))
        height, width, count = (draw(st.integers(1, 3)) for _ in range(3))
        kernel = tools.random_kernel(seed, height, width, channels, count)
        if kind == "conv":
            dilation = draw(st.integers(1, 2)) if stride == 1 else 1
            op = tools.convolution(name, last, kernel, stride=stride, padding=padding, dilation=dilation)
            ops.append(op)
            channels = count
        elif kind == "pool":
            ops.append(tools.pooling(name, last, draw(st.integers(2, 3)), stride=stride, padding=padding))
        elif kind == "scale":
            factor = np.random.default_rng(seed).uniform(1, 2, channels).astype(np.float32)
            ops.append(tools.Op(name, "scale", (last,), {"factor": factor}))
        else:
            square = tools.random_kernel(seed, height, width, channels, channels)
            ops.append(tools.convolution(f"{name}_a", last, square))
            ops.append(tools.Op(name, "add" if kind == "residual" else "concat", (last, f"{name}_a")))
            channels *= 1 if kind == "residual" else 2
        last = name
    return ops


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_random_chains(tools, data):
    ops = data.draw(chains(tools))
    size = data.draw(st.integers(20, 23))
    try:
        tools.bounding(tools.jacobian_of(ops, "input", ops[-1].name, size))
    except AssertionError:
        assume(False)
    check(tools, ops, "input", ops[-1].name, shape=(size, size, 3), size=size)


def test_windows_of_other_sizes(tools):
    kernel = tools.random_kernel(0, 3, 3, 3, 4)
    network = tools.network_of([tools.convolution("conv", "input", kernel)])
    wide = expanded_weights(network, "input", "conv", window=6).weights
    np.testing.assert_array_equal(wide[2:5, 2:5], kernel)
    assert np.count_nonzero(wide) == kernel.size
    with pytest.warns(UserWarning, match="a window of 1 leaves out some of the receptive field, 3 positions"):
        centre = expanded_weights(network, "input", "conv", window=1).weights
    np.testing.assert_array_equal(centre, kernel[1:2, 1:2])


def test_of_a_strided_layer_a_window_as_large_as_its_kernel_is_the_kernel_without_warning(tools):
    kernel = tools.random_kernel(0, 3, 3, 3, 4)
    network = tools.network_of([tools.convolution("conv", "input", kernel, stride=2)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = expanded_weights(network, "input", "conv", window=3).weights
    np.testing.assert_array_equal(found, kernel)


@pytest.mark.parametrize("start", ["source", "target"])
@pytest.mark.parametrize("units", [[4], [11, 0, 8, 3, 4], list(range(12))[::-1]])
def test_some_units_are_the_same_as_of_all(tools, units, start):
    network = tools.network_of(mixed(tools, "input", 3))
    everything = expanded_weights(network, "input", "mixed", dtype=np.float64).weights
    found = expanded_weights(network, "input", "mixed", units=units, start=start, dtype=np.float64)
    assert found.units == tuple(units)
    np.testing.assert_allclose(found.weights, everything[..., units], rtol=0, atol=1e-14)


def test_few_units_are_computed_from_the_target_and_few_source_channels_from_the_source(tools):
    ops, channels, last = [], 3, "input"
    for number, count in enumerate([40, 40, 40, 40]):
        ops.append(tools.convolution(f"c{number}", last, tools.random_kernel(number, 3, 3, channels, count)))
        channels, last = count, f"c{number}"
    graph = linear_graph(tools.network_of(ops), "input", "c3")
    assert cheaper_start(graph, 40) == "source"
    assert cheaper_start(graph, 1) == "target"


def test_a_dense_layer_behind_a_global_mean_and_behind_a_flattening(tools):
    kernel = tools.random_kernel(0, 4, 5)
    ops = [
        tools.convolution("conv", "input", tools.random_kernel(1, 3, 3, 3, 4)),
        tools.Op("mean", "mean", ("conv",)),
        tools.Op("dense", "dense", ("mean",), {"kernel": kernel}),
    ]
    network = tools.network_of(ops, (6, 6, 3))
    found = expanded_weights(network, "conv", "dense", dtype=np.float64)
    np.testing.assert_allclose(found.weights, np.broadcast_to(kernel / 36, (6, 6, 4, 5)), rtol=1e-6)
    np.testing.assert_array_equal(expanded_weights(network, "mean", "dense").weights, kernel[None, None])

    flat = tools.random_kernel(2, 6 * 6 * 4, 5)
    ops = [ops[0], tools.Op("flat", "flatten", ("conv",)), tools.Op("dense", "dense", ("flat",), {"kernel": flat})]
    found = expanded_weights(tools.network_of(ops, (6, 6, 3)), "conv", "dense")
    np.testing.assert_array_equal(found.weights, flat.reshape(6, 6, 4, 5))


def test_the_network_is_left_as_it_was(tools):
    network = tools.network_of(mixed(tools, "input", 3))
    before = network.graph_def.SerializeToString(deterministic=True)
    expanded_weights(network, "input", "mixed").weights[:] = 7
    assert network.graph_def.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("start", ["source", "target"])
def test_weights_do_not_depend_on_what_else_is_asked_for(tools, start):
    network = tools.network_of(mixed(tools, "input", 3))
    first, second = (expanded_weights(network, "input", "mixed", start=start).weights for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_unknown_layers_name_the_nearest(tools):
    network = tools.network_of(mixed(tools, "input", 3))
    with pytest.raises(NetworkError, match="no layer 'mixd'; the nearest are mixed"):
        expanded_weights(network, "input", "mixd")


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("mixed", "input", "no path leads from 'mixed' to 'input', which comes before it: swap the two"),
        ("one", "five", "no path leads from 'one' to 'five', which does not depend on it"),
        ("one", "one", "source and target are both 'one'"),
    ],
)
def test_layers_without_a_path_between(tools, source, target, words):
    network = tools.network_of(mixed(tools, "input", 3))
    with pytest.raises(NetworkError, match=words) as told:
        expanded_weights(network, source, target)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": 0}, "at least 1, not 0"),
        ({"window": 2.5}, r"at least 1, not 2\.5"),
        ({"window": True}, "at least 1, not True"),
        ({"units": [0, 12]}, "units 0 to 11; there is no 12"),
        ({"units": [-1]}, "there is no -1"),
        ({"units": []}, "at least one"),
        ({"units": [1, 1]}, "each once"),
    ],
)
def test_windows_and_units_that_are_not_possible(tools, options, words):
    network = tools.network_of(mixed(tools, "input", 3))
    with pytest.raises(ValueError, match=words):
        expanded_weights(network, "input", "mixed", **options)


def test_branches_of_different_strides_are_refused_by_name(tools):
    ops = [
        tools.convolution("fast", "input", tools.random_kernel(0, 2, 2, 3, 4), stride=2),
        tools.Op("zeros", "pad", ("fast",), {"amounts": ((4, 4), (4, 4))}),
        tools.convolution("slow", "input", tools.random_kernel(1, 1, 1, 3, 4)),
        tools.Op("joined", "add", ("zeros", "slow")),
    ]
    with pytest.raises(UnsupportedLayerError, match=r"'joined'.* strides 1x1 and 2x2"):
        expanded_weights(tools.network_of(ops), "input", "joined")


def test_all_directions_agree_on_every_pair_of_layers(tools):
    ops = mixed(tools, "input", 3)
    network = tools.network_of(ops)
    for source, target in itertools.permutations(["input", *(op.name for op in ops)], 2):
        try:
            found = expanded_weights(network, source, target, dtype=np.float64, start="source").weights
        except NetworkError:
            continue
        other = expanded_weights(network, source, target, dtype=np.float64, start="target").weights
        np.testing.assert_allclose(found, other, rtol=0, atol=1e-14 * max(1, np.abs(found).max()))
