"""Which layer takes from which, and which of them everything passes."""

from netlens.models.backend import keras
from netlens.models.frozen.frozen_network import freeze
from netlens.models.frozen.structure import layer_edges, trunk
from netlens.models.network import Network
from netlens.models.preprocessing import preprocessing_from


def test_the_trunk_is_what_no_path_goes_around(inception):
    assert [layer.name for layer in trunk(inception)] == [
        "input", "conv2d0", "maxpool0", "conv2d1", "conv2d2", "maxpool1", "mixed3a", "mixed3b", "maxpool4", "mixed4a",
        "mixed4b", "avgpool", "softmax2_pre_activation",
    ]  # fmt: skip


def test_edges_of_a_mixed_layer_lead_through_its_branches(inception):
    edges = layer_edges(inception)
    assert {source for source, user in edges if user == "mixed3a"} == {
        "mixed3a_1x1", "mixed3a_3x3", "mixed3a_5x5", "mixed3a_pool_reduce",
    }  # fmt: skip
    assert {user for source, user in edges if source == "maxpool1"} == {
        "mixed3a_1x1", "mixed3a_3x3_bottleneck", "mixed3a_5x5_bottleneck", "mixed3a_pool",
    }  # fmt: skip
    assert ("input", "conv2d0") in edges
    assert len(set(edges)) == len(edges)


def test_every_layer_but_the_first_has_a_source_and_every_one_but_the_last_a_user(inception):
    edges = layer_edges(inception)
    names = [layer.name for layer in inception.layers]
    assert {user for _, user in edges} == set(names[1:])
    assert {source for source, _ in edges} == set(names[:-1])
    place = {name: index for index, name in enumerate(names)}
    assert all(place[source] < place[user] for source, user in edges)


def test_a_shortcut_is_an_edge_of_its_own():
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    first = layers.Conv2D(4, 3, padding="same", name="first")(image)
    inner = layers.Conv2D(4, 3, padding="same", name="inner")(first)
    joined = layers.Add(name="joined")([first, inner])
    logits = layers.Dense(2, name="logits")(layers.Flatten()(joined))
    network = freeze(
        Network("short", keras.Model(image, logits), preprocessing_from("none"), ("a", "b"), (8, 8, 3), "")
    )
    assert layer_edges(network) == [
        ("input", "first"), ("first", "inner"), ("first", "joined"), ("inner", "joined"), ("joined", "logits"),
    ]  # fmt: skip
    assert [layer.name for layer in trunk(network)] == ["input", "first", "joined", "logits"]
