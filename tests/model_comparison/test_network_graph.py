"""A network's graph as arrays: as in the network, with drawings of the right layers and labels that differ."""

from types import SimpleNamespace

import numpy as np
import pytest

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.graph_layout import drawing_of, unpack
from netlens.model_comparison.network_graph import COMPARED, NO_POSITIONS, compared_part, graph_arrays, layer_labels

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
    arrays = graph_arrays(network, ["conv1", "sum", "both", "logits"])
    names = arrays["names"].tolist()
    assert names == [layer[0] for layer in LAYERS]
    assert arrays["kinds"].tolist() == [layer[1] for layer in LAYERS]
    assert arrays["channels"].tolist() == [layer[2] for layer in LAYERS]
    assert arrays["heights"].tolist() == [8] * 4 + [4] * 3 + [NO_POSITIONS] * 2
    assert arrays["widths"].tolist() == [6] * 4 + [3] * 3 + [NO_POSITIONS] * 2
    edges = {(names[source], names[user]) for source, user in arrays["edges"]}
    assert edges == {(source, name) for name, *_, sources in LAYERS for source in sources}
    assert [name for name, alone in zip(names, arrays["trunk"], strict=True) if not alone] == ["conv2", "left", "right"]
    assert [name for name, kept in zip(names, arrays["compared"], strict=True) if kept] == [
        "conv1", "sum", "both", "logits",
    ]  # fmt: skip
    drawing = unpack(arrays)
    np.testing.assert_array_equal(drawing.places, drawing_of(len(LAYERS), arrays["edges"]).places)
    shortcut = arrays["edges"][drawing.shortcuts].tolist()
    assert shortcut == [[names.index("conv1"), names.index("sum")]]


def test_the_compared_part_is_of_the_compared_layers(network):
    part = compared_part(graph_arrays(network, ["conv1", "sum", "right", "logits"]))
    assert part["names"].tolist() == ["conv1", "sum", "right", "logits"]
    assert part["channels"].tolist() == [4, 4, 3, 7]
    # Past the branch that is not compared there is a way from the sum to the logits.
    assert part["edges"].tolist() == [[0, 1], [1, 2], [1, 3], [2, 3]]
    drawing = unpack(part)
    assert drawing.places[:, 1].tolist() == [0, 1, 2, 3]
    assert drawing.shortcuts.tolist() == [False, False, True, False]
    assert not [name for name in part if name.startswith(COMPARED)]
    assert len(part["labels"]) == 4


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
        graph_arrays(network, compared)


def test_a_part_of_other_arrays_is_refused():
    with pytest.raises(ComparisonError, match="lack compared, edges"):
        compared_part({"network": np.array("a")})


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["input", "mixed3a_3x3", "mixed3a"], ["input", "3a_3x3", "mixed3a"]),
        (["net/one/Conv2D", "net/one/Relu", "net/two"], ["one/Conv2D", "one/Relu", "two"]),
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
