"""Which layers are shown: of branching networks, of chains, of what a study names."""

from dataclasses import dataclass, replace

import pytest

from netlens.weights.selection.layers import LayerChoiceError, ShownLayers, layer_before, pooling_behind, shown_layers


@dataclass(frozen=True)
class Layer:
    name: str
    kind: str
    height: int | None = 8
    channels: int = 4


def network(*layers):
    return [Layer("input", "input"), *(Layer(name, kind) for name, kind in layers), Layer("logits", "dense", None)]


BRANCHING = network(
    ("conv0", "conv"), ("pool0", "pool"), ("conv1", "conv"), ("conv2", "conv"),
    ("a_1x1", "conv"), ("a_3x3", "conv"), ("a", "concat"),
    ("b_1x1", "conv"), ("b_3x3", "conv"), ("b", "concat"), ("pool1", "pool"),
    ("c_1x1", "conv"), ("c_3x3", "conv"), ("c", "concat"), ("d_1x1", "conv"), ("d", "concat"),
)  # fmt: skip
CHAIN = network(*((f"conv{number}", "conv") for number in range(6)))


def test_joins_of_a_branching_network():
    assert shown_layers(BRANCHING) == ShownLayers("conv0", "conv1", "a", "b", "c")


def test_convolutions_of_a_chain_behind_the_first_two():
    assert shown_layers(CHAIN) == ShownLayers("conv0", "conv1", "conv2", "conv3", "conv4")


@pytest.mark.parametrize(
    ("count", "chosen"),
    [(2, ("conv0", "conv1", "")), (3, ("conv0", "conv1", "conv2")), (4, ("conv0", "conv1", "conv2"))],
)
def test_short_chains_begin_at_their_first_convolution(count, chosen):
    found = shown_layers(network(*((f"conv{number}", "conv") for number in range(count))))
    assert (found.source, found.target, found.next) == chosen


def test_two_joins_are_too_few_for_source_target_and_next():
    two = network(*((f"conv{number}", "conv") for number in range(5)), ("a", "add"), ("b", "add"))
    assert shown_layers(two).target == "conv3"


@pytest.mark.parametrize(
    ("named", "chosen"),
    [
        ({"source": "b"}, ("b", "c", "d")),
        ({"target": "c"}, ("b", "c", "d")),
        ({"target": "d"}, ("c", "d", "")),
        ({"next_layer": "d"}, ("b", "c", "d")),
        ({"source": "a", "target": "d"}, ("a", "d", "")),
        ({"target": "conv2", "source": "conv0"}, ("conv0", "conv2", "a")),
        ({"source": "a_3x3"}, ("a_3x3", "a", "b")),
    ],
)
def test_named_layers_are_kept_and_the_others_follow(named, chosen):
    found = shown_layers(BRANCHING, **named)
    assert (found.source, found.target, found.next) == chosen


def test_an_unknown_layer_is_told_with_the_nearest():
    with pytest.raises(LayerChoiceError, match=r"no layer 'conv9'; the nearest are conv\d"):
        shown_layers(CHAIN, source="conv9")


def test_a_layer_without_positions_is_refused():
    with pytest.raises(LayerChoiceError, match="'logits' has no positions"):
        shown_layers(CHAIN, target="logits")


def test_layers_in_the_wrong_order_are_refused():
    with pytest.raises(LayerChoiceError, match="must follow each other in the network, not c, a"):
        shown_layers(BRANCHING, source="c", target="a")
    with pytest.raises(LayerChoiceError, match="must follow each other"):
        shown_layers(BRANCHING, source="b", target="b")


@pytest.mark.parametrize("layers", [network(), network(("conv0", "conv"))])
def test_a_network_without_two_layers_to_connect_is_refused(layers):
    with pytest.raises(LayerChoiceError, match=r"no convolution|no two layers"):
        shown_layers(layers)


def test_nothing_lies_before_the_first_candidate():
    with pytest.raises(LayerChoiceError, match="no two layers"):
        shown_layers(BRANCHING, target="a")


def test_uses_are_counted_from_the_pooling_right_behind_the_layer():
    trunk = network(("a", "conv"), ("b", "concat"), ("pool", "pool"), ("c", "conv"))
    assert pooling_behind(trunk, "b") == "pool"
    assert pooling_behind(trunk, "a") == pooling_behind(trunk, "c") == pooling_behind(trunk, "gone") == ""
    assert ShownLayers("a", "", "a", "b", "c").used == "b"
    assert ShownLayers("a", "", "a", "b", "c", "pool").used == "pool"
    assert pooling_behind([*trunk[:3], replace(trunk[3], height=None)], "b") == ""
    assert pooling_behind([*trunk[:3], replace(trunk[3], channels=99)], "b") == ""


def test_the_first_convolution_reads_the_input_or_what_scales_it():
    edges = [("input", "scaled"), ("scaled", "conv1"), ("scaled", "conv2"), ("conv1", "sum"), ("conv2", "sum")]
    assert layer_before(edges, "conv1", "input") == "scaled"
    assert layer_before(edges, "scaled", "input") == layer_before(edges, "sum", "input") == "input"
    assert layer_before([], "conv1", "input") == "input"


def test_layers_that_lie_beside_each_other_are_not_joined():
    # conv0 -> left1 -> left2 -> sum, with a shortcut beside; then right1 -> right2 -> right3 beside far.
    layers = network(*((name, "add" if name == "sum" else "conv") for name in (
        "conv0", "shortcut", "left1", "left2", "sum", "far", "right1", "right2", "right3")))  # fmt: skip
    edges = [
        ("input", "conv0"), ("conv0", "shortcut"), ("conv0", "left1"), ("left1", "left2"), ("left2", "sum"),
        ("shortcut", "sum"), ("sum", "far"), ("sum", "right1"), ("right1", "right2"), ("right2", "right3"),
        ("far", "logits"), ("right3", "logits"),
    ]  # fmt: skip
    assert shown_layers(layers, edges=edges) == ShownLayers("conv0", "shortcut", "left2", "right1", "right2")


def test_two_convolutions_beside_each_other_have_no_weights_between_them():
    edges = [("input", "left"), ("input", "right"), ("left", "logits"), ("right", "logits")]
    with pytest.raises(LayerChoiceError, match="no two layers to show connections between; the candidates are left"):
        shown_layers(network(("left", "conv"), ("right", "conv")), edges=edges)


def test_layers_without_a_linear_map_between_them_are_passed_over():
    def is_linear(source, target):
        return {source, target}.isdisjoint({"conv2", "conv4"})

    assert shown_layers(CHAIN, is_linear=is_linear) == ShownLayers("conv0", "conv1", "conv0", "conv1", "")
    assert shown_layers(CHAIN, is_linear=lambda *_: True) == shown_layers(CHAIN)
    assert shown_layers(CHAIN, source="conv2", is_linear=is_linear).target == "conv3", "what is named is kept"
    assert shown_layers(CHAIN, is_linear=lambda source, _: source != "conv0").second == ""
