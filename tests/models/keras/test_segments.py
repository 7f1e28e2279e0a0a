"""Segments of a network are what lies between its trunk's tensors, told from the graph alone."""

import pytest

from netlens.models.keras.layer_graph import LayerGraph, LayerNode
from netlens.models.keras.segments import NotApplicableError, chain_obstacle, checked_segments, segments_of


def graph(*nodes, outputs=None, channels=3):
    """Make a graph of (name, kind, sources); the sources are names in one string."""
    made = tuple(LayerNode(name, kind, tuple(sources.split()), *rest) for name, kind, sources, *rest in nodes)
    return LayerGraph(made, tuple(outputs or [made[-1].name]), channels)


CHAIN = graph(
    ("image", "InputLayer", ""),
    ("conv1", "Conv2D", "image"),
    ("relu", "ReLU", "conv1"),
    ("pool", "MaxPooling2D", "relu"),
    ("conv2", "Conv2D", "pool"),
    ("flatten", "Flatten", "conv2"),
    ("fc1", "Dense", "flatten"),
    ("dropout", "Dropout", "fc1"),
    ("logits", "Dense", "dropout"),
)
FIRE = graph(
    ("image", "InputLayer", ""),
    ("conv1", "Conv2D", "image"),
    ("fire/squeeze", "Conv2D", "conv1"),
    ("fire/expand1", "Conv2D", "fire/squeeze"),
    ("fire/expand3", "Conv2D", "fire/squeeze"),
    ("fire/concat", "Concatenate", "fire/expand1 fire/expand3"),
    ("pool", "MaxPooling2D", "fire/concat"),
    ("conv10", "Conv2D", "pool"),
    ("mean", "GlobalAveragePooling2D", "conv10"),
)
RESIDUAL = graph(
    ("image", "InputLayer", ""),
    ("stem", "Conv2D", "image"),
    ("b1/a", "Conv2D", "stem"),
    ("b1/b", "Conv2D", "b1/a"),
    ("b1/shortcut", "Conv2D", "stem"),
    ("b1/add", "Add", "b1/shortcut b1/b"),
    ("b1/relu", "Activation", "b1/add"),
    ("b2/a", "Conv2D", "b1/relu"),
    ("b2/b", "Conv2D", "b2/a"),
    ("b2/add", "AddV2", "b1/relu b2/b"),
    ("mean", "GlobalAveragePooling2D", "b2/add"),
    ("logits", "Dense", "mean"),
)
DENSE = graph(
    ("image", "InputLayer", ""),
    ("stem", "Conv2D", "image"),
    ("a", "Conv2D", "stem"),
    ("join1", "Concatenate", "stem a"),
    ("b", "Conv2D", "join1"),
    ("join2", "Concatenate", "stem a b"),
    ("transition", "Conv2D", "join2"),
    ("logits", "Dense", "transition"),
)


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (CHAIN, ["conv1", "conv2", "fc1", "logits"]),
        (FIRE, ["conv1", "fire/squeeze", "fire/concat", "conv10"]),
        (RESIDUAL, ["stem", "b1/add", "b2/add", "logits"]),
        (DENSE, ["stem", "join2", "transition", "logits"]),
    ],
    ids=["chain", "fire", "residual", "dense"],
)
def test_segments_are_named_by_the_tensors_that_they_lead_to(made, names):
    assert [segment.name for segment in segments_of(made)] == names
    assert checked_segments(made) == segments_of(made)
    kernels = [node.name for node in made.nodes if node.kind in {"Conv2D", "Dense"}]
    assert [name for segment in segments_of(made) for name in segment.layers] == kernels
    nodes = [node for segment in segments_of(made) for node in segment.nodes]
    assert sorted(nodes, key=lambda node: node.name) == sorted(made.nodes, key=lambda node: node.name)


def test_batch_normalizations_are_no_segments():
    made = graph(("image", "InputLayer", ""), ("norm0", "BatchNormalization", "image"), ("a", "Conv2D", "norm0"),
                 ("norm1", "BatchNormalization", "a"), ("b", "Conv2D", "norm1"), ("c", "Dense", "b"))  # fmt: skip
    assert [segment.name for segment in segments_of(made)] == ["a", "b", "c"]


def test_what_is_joined_to_itself_and_read_by_nobody_else_is_a_trunk_tensor():
    made = graph(*[(n.name, n.kind, "join1 b" if n.name == "join2" else " ".join(n.sources)) for n in DENSE.nodes])
    assert [segment.name for segment in segments_of(made)] == ["stem", "join1", "join2", "transition", "logits"]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            graph(("i", "InputLayer", ""), ("a", "Dense", "i"), ("b", "Dense", "a")),
            "the network has 2 segments between",
        ),
        (graph(("i", "InputLayer", ""), ("j", "InputLayer", ""), ("a", "Add", "i j")), "the network has 2 inputs"),
        (
            graph(("i", "InputLayer", ""), ("a", "Dense", "i"), ("b", "Dense", "a"), outputs=["a", "b"]),
            "the network has 2 outputs",
        ),
        (
            graph(("i", "InputLayer", ""), ("a", "Conv2D", "i"), ("gate", "Dense", "a"), ("m", "Multiply", "a gate")),
            r"layer 'm' \(Multiply\) is not a matrix",
        ),
        (
            graph(("i", "InputLayer", ""), ("f", "Flatten", "i"), ("d", "Dropout", "f"), ("c", "Concatenate", "d f")),
            "layer 'c' joins flattened maps",
        ),
        (graph(("i", "InputLayer", ""), ("c", "Conv1D", "i")), r"layer 'c' \(Conv1D\)"),
        (graph(("i", "InputLayer", "")), "the network has 0 segments"),
    ],
)
def test_why_a_network_is_no_chain_is_told_from_its_graph_alone(made, words):
    with pytest.raises(NotApplicableError, match=words) as caught:
        checked_segments(made)
    assert chain_obstacle(made) == str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_chain_of_three_has_no_obstacle():
    assert chain_obstacle(CHAIN) == ""
    assert chain_obstacle(FIRE) == ""
