"""A network's graph: as in the network, with drawings of the right layers and distinct labels, also from a file."""

from types import SimpleNamespace

import numpy as np
import pytest

from netlens.files.arrays import ArrayFileError, load_arrays, save_arrays
from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.graph_layout import drawing_of
from netlens.model_comparison.network_graph import NO_POSITIONS, NetworkGraph, layer_labels, network_graph

#: name, kind, channels, height, width, and what it takes from; two residual blocks and a mean.
LAYERS = [
    ("input", "input", 3, 8, 6, []),
    ("conv1", "conv", 4, 8, 6, ["input"]),
    ("conv2", "conv", 4, 8, 6, ["conv1"]),
    ("sum", "add", 4, 8, 6, ["conv1", "conv2"]),
    ("left", "conv", 2, 4, 3, ["sum"]),
    ("right", "conv", 3, 4, 3, ["sum"]),
    ("both", "concat", 5, 4, 3, ["left", "right"]),
    ("mean", "pool", 5, None, None, ["both"]),
    ("logits", "dense", 7, None, None, ["mean"]),
]


@pytest.fixture
def network():
    """What of a frozen network its structure is read from, without TensorFlow."""
    layers = [
        SimpleNamespace(name=name, node=f"{name}/node", kind=kind, channels=channels, height=height, width=width)
        for name, kind, channels, height, width, _ in LAYERS
    ]
    nodes = [
        SimpleNamespace(name=f"{name}/node", input=[f"{source}/node:0" for source in sources])
        for name, *_, sources in LAYERS
    ]
    return SimpleNamespace(
        name="tiny",
        layers=tuple(layers),
        graph_def=SimpleNamespace(node=nodes),
        input_node="input/node",
        output_node="logits/node",
    )


def test_layers_and_edges_are_those_of_the_network(network):
    found = network_graph(network, ["conv1", "sum", "both", "logits"])
    graph = found.layers
    assert graph.names == tuple(layer[0] for layer in LAYERS)
    assert graph.kinds == tuple(layer[1] for layer in LAYERS)
    assert graph.channels.tolist() == [layer[2] for layer in LAYERS]
    assert graph.heights.tolist() == [8] * 4 + [4] * 3 + [NO_POSITIONS] * 2
    assert graph.widths.tolist() == [6] * 4 + [3] * 3 + [NO_POSITIONS] * 2
    edges = {(graph.names[source], graph.names[user]) for source, user in graph.edges}
    assert edges == {(source, name) for name, *_, sources in LAYERS for source in sources}
    assert [name for name, alone in zip(graph.names, graph.trunk, strict=True) if not alone] == [
        "conv2", "left", "right",
    ]  # fmt: skip
    assert [name for name, kept in zip(graph.names, found.is_compared, strict=True) if kept] == [
        "conv1", "sum", "both", "logits",
    ]  # fmt: skip
    np.testing.assert_array_equal(graph.drawing.places, drawing_of(len(LAYERS), graph.edges).places)
    shortcut = graph.edges[graph.drawing.shortcuts].tolist()
    assert shortcut == [[graph.names.index("conv1"), graph.names.index("sum")]]


def test_the_compared_graph_is_of_the_compared_layers(network):
    graph = network_graph(network, ["conv1", "sum", "right", "logits"]).compared
    assert graph.names == ("conv1", "sum", "right", "logits")
    assert graph.kinds == ("conv", "add", "conv", "dense")
    assert graph.channels.tolist() == [4, 4, 3, 7]
    # Past the branch that is not compared there is a way from the sum to the logits.
    assert graph.edges.tolist() == [[0, 1], [1, 2], [1, 3], [2, 3]]
    assert graph.drawing.places[:, 1].tolist() == [0, 1, 2, 3]
    assert graph.drawing.shortcuts.tolist() == [False, False, True, False]
    assert len(graph.labels) == 4


@pytest.mark.parametrize(
    ("compared", "message"),
    [
        (["conv3"], "network 'tiny' has no layer 'conv3'"),
        (["sum", "conv1"], "not in network order"),
        (["sum", "sum"], "not in network order"),
        ([], "not in network order"),
    ],
)
def test_compared_layers_are_checked(network, compared, message):
    with pytest.raises(ComparisonError, match=message):
        network_graph(network, compared)


def test_a_file_keeps_both_graphs(network, tmp_path):
    found = network_graph(network, ["conv1", "sum", "right", "logits"])
    found.save(tmp_path / "g.npz")
    back = NetworkGraph.load(tmp_path / "g.npz")
    np.testing.assert_array_equal(back.is_compared, found.is_compared, strict=True)
    for got, expected in ((back.layers, found.layers), (back.compared, found.compared)):
        assert (got.network, got.names, got.labels, got.kinds) == (
            expected.network, expected.names, expected.labels, expected.kinds,
        )  # fmt: skip
        for name in ("channels", "heights", "widths", "trunk", "edges"):
            np.testing.assert_array_equal(getattr(got, name), getattr(expected, name), strict=True)
        np.testing.assert_array_equal(got.drawing.places, expected.drawing.places, strict=True)
        np.testing.assert_array_equal(got.drawing.shortcuts, expected.drawing.shortcuts, strict=True)
        for route, other in zip(got.drawing.routes, expected.drawing.routes, strict=True):
            np.testing.assert_array_equal(route, other, strict=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": None}, "array 'labels' is missing"),
        ({"channels": np.array([3, 4])}, r"array 'channels' has shape \(2,\), where 2 should be 9"),
        ({"compared_edges": np.array([[0, 1], [1, 2], [1, 4], [2, 3]])}, "names a layer that is not among the 4"),
        ({"edges": np.array([[0, 1]])}, "array 'route_ends' has shape"),
        ({"compared_points": np.zeros((2, 2))}, "the arrays of a drawing do not fit each other"),
        ({"extra": np.zeros(2)}, "array 'extra' does not belong in it"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(network, tmp_path, change, message):
    network_graph(network, ["conv1", "sum", "right", "logits"]).save(tmp_path / "g.npz")
    arrays = load_arrays(tmp_path / "g.npz") | change
    save_arrays(tmp_path / "g.npz", {name: values for name, values in arrays.items() if values is not None})
    with pytest.raises(ArrayFileError, match=rf"g\.npz: .*{message}"):
        NetworkGraph.load(tmp_path / "g.npz")


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["input", "mixed3a_3x3", "mixed3a"], ["input", "3a_3x3", "mixed3a"]),
        (["net/one/Conv2D", "net/one/Relu", "net/two"], ["one/Conv2D", "one/Relu", "two"]),
        (["stem/Relu6", "block2/project/Conv2D", "block3/add"], ["stem", "block2/project", "block3"]),
        (["fire2/squeeze1x1", "fire2/concat", "fire3/concat"], ["fire2/squeeze1x1", "fire2", "fire3"]),
        (
            ["block_13_expand_relu", "block_13_expand_BN", "block_13_add"],
            ["block_13_expand_relu", "block_13_expand_BN", "block_13_add"],
        ),
        (["block_13_expand_relu", "block_13_project"], ["block_13_expand", "block_13_project"]),
        (["block1/add", "block1"], ["block1/add", "block1"]),
        (["net/one", "other/two"], ["net/one", "other/two"]),
        (["net/one"], ["net/one"]),
        (["net/one", "one", "net/two"], ["net/one", "one", "net/two"]),
        (["block1_conv1", "predictions"], ["conv1_1", "logits"]),
    ],
)
def test_labels_are_short_and_differ(names, labels):
    assert layer_labels(names) == labels


def test_operations_of_one_scope_are_told_apart():
    scope = "InceptionV2/InceptionV2/Conv2d_1a_7x7"
    labels = layer_labels([f"{scope}/{operation}" for operation in ("Conv2D", "BatchNorm", "Relu")])
    assert [label.rpartition("/")[2] for label in labels] == ["conv", "norm", "relu"]
    assert len({label.rpartition("/")[0] for label in labels}) == 1
    assert max(map(len, labels)) <= 12
