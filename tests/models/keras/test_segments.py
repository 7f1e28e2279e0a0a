"""Segments of a network are what lies between its trunk's tensors, told from the graph alone."""

import pytest

from netlens.models.keras.segments import NotApplicableError, chain_obstacle, checked_segments, segments_of


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("chain", ["conv1", "conv2", "fc1", "logits"]),
        ("fire", ["conv1", "fire/squeeze", "fire/concat", "conv10"]),
        ("residual", ["stem", "b1/add", "b2/add", "logits"]),
        ("dense", ["stem", "join2", "transition", "logits"]),
    ],
)
def test_segments_are_named_by_the_tensors_that_they_lead_to(layer_graphs, kind, names):
    made = getattr(layer_graphs, kind)
    assert [segment.name for segment in segments_of(made)] == names
    assert checked_segments(made) == segments_of(made)
    kernels = [node.name for node in made.nodes if node.kind in {"Conv2D", "Dense"}]
    assert [name for segment in segments_of(made) for name in segment.layers] == kernels
    nodes = [node for segment in segments_of(made) for node in segment.nodes]
    assert sorted(nodes, key=lambda node: node.name) == sorted(made.nodes, key=lambda node: node.name)


def test_batch_normalizations_are_no_segments(layer_graphs):
    graph = layer_graphs.graph
    made = graph(("image", "InputLayer", ""), ("norm0", "BatchNormalization", "image"), ("a", "Conv2D", "norm0"),
                 ("norm1", "BatchNormalization", "a"), ("b", "Conv2D", "norm1"), ("c", "Dense", "b"))  # fmt: skip
    assert [segment.name for segment in segments_of(made)] == ["a", "b", "c"]


def test_what_is_joined_to_itself_and_read_by_nobody_else_is_a_trunk_tensor(layer_graphs):
    graph = layer_graphs.graph
    made = graph(
        *[(n.name, n.kind, "join1 b" if n.name == "join2" else " ".join(n.sources)) for n in layer_graphs.dense.nodes]
    )
    assert [segment.name for segment in segments_of(made)] == ["stem", "join1", "join2", "transition", "logits"]


@pytest.mark.parametrize(
    ("nodes", "outputs", "words"),
    [
        (
            [("i", "InputLayer", ""), ("a", "Dense", "i"), ("b", "Dense", "a")],
            None,
            "the network has 2 segments between",
        ),
        ([("i", "InputLayer", ""), ("j", "InputLayer", ""), ("a", "Add", "i j")], None, "the network has 2 inputs"),
        (
            [("i", "InputLayer", ""), ("a", "Dense", "i"), ("b", "Dense", "a")],
            ["a", "b"],
            "the network has 2 outputs",
        ),
        (
            [("i", "InputLayer", ""), ("a", "Conv2D", "i"), ("gate", "Dense", "a"), ("m", "Multiply", "a gate")],
            None,
            r"layer 'm' \(Multiply\) is not a matrix",
        ),
        (
            [("i", "InputLayer", ""), ("f", "Flatten", "i"), ("d", "Dropout", "f"), ("c", "Concatenate", "d f")],
            None,
            "layer 'c' joins flattened maps",
        ),
        ([("i", "InputLayer", ""), ("c", "Conv1D", "i")], None, r"layer 'c' \(Conv1D\)"),
        ([("i", "InputLayer", "")], None, "the network has 0 segments"),
    ],
)
def test_why_a_network_is_no_chain_is_told_from_its_graph_alone(layer_graphs, nodes, outputs, words):
    made = layer_graphs.graph(*nodes, outputs=outputs)
    with pytest.raises(NotApplicableError, match=words) as caught:
        checked_segments(made)
    assert chain_obstacle(made) == str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_chain_of_three_has_no_obstacle(layer_graphs):
    assert chain_obstacle(layer_graphs.chain) == ""
    assert chain_obstacle(layer_graphs.fire) == ""
