"""Which layers are compared: chosen from the graph, or named."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from netlens.model_comparison.errors import ComparisonError
from netlens.model_comparison.layers import compared_layers, with_caricatures
from netlens.models.architectures.inception import small_inception
from netlens.models.backend import keras
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import freeze
from netlens.models.network import Network
from netlens.models.preprocessing import preprocessing_from

layers = keras.layers


pytestmark = pytest.mark.usefixtures("own_graph")


def frozen(image, logits):
    classes = tuple("abcdefgh"[: logits.shape[-1]])
    model = keras.Model(image, logits)
    return freeze(Network("tiny", model, preprocessing_from("none"), classes, tuple(image.shape[1:]), ""))


@pytest.mark.slow
def test_the_main_layers_of_an_inception_network():
    model = small_inception(input_shape=(64, 64, 3), classes=3, seed=0)
    logits = model.get_layer("softmax2_pre_activation").output
    assert compared_layers(frozen(model.input, logits)) == [
        "conv2d0", "conv2d1", "conv2d2", "mixed3a", "mixed3b", "mixed4a", "mixed4b", "softmax2_pre_activation",
    ]  # fmt: skip


@pytest.mark.slow
def test_with_batch_normalization_the_activation_counts():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="one")(image)
    x = layers.BatchNormalization(name="one_norm")(x)
    x = layers.Activation("relu", name="one_relu")(x)
    x = layers.Conv2D(4, 3, activation="relu", name="two")(x)
    x = layers.BatchNormalization(name="two_norm")(x)
    x = layers.Conv2D(4, 1, name="three")(x)
    x = layers.ReLU(name="three_relu")(x)
    x = layers.Conv2D(5, 1, name="four")(x)
    x = layers.BatchNormalization(name="four_norm")(x)
    logits = layers.Dense(2, name="logits")(layers.Flatten()(x))
    # Normalization behind an activation, or without one, adds nothing of its own.
    assert compared_layers(frozen(image, logits)) == ["one_relu", "two", "three_relu", "four", "logits"]


@pytest.mark.slow
def test_an_activation_counts_only_if_it_sees_nothing_but_its_layer():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(image)
    inner = layers.Conv2D(4, 3, padding="same", name="inner")(x)
    joined = layers.Add(name="joined")([x, inner])
    x = layers.Activation("relu", name="joined_relu")(joined)
    gate = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(x)
    x = layers.Multiply(name="gated")([x, gate])
    linear = layers.Conv2D(4, 1, name="linear")(x)
    squeezed = layers.Conv2D(4, 1, activation="sigmoid", name="squeezed")(linear)
    x = layers.Multiply(name="excited")([linear, squeezed])
    logits = layers.Dense(2, name="logits")(layers.GlobalAveragePooling2D(name="mean")(x))
    assert compared_layers(frozen(image, logits)) == ["stem", "joined_relu", "linear", "logits"]


def test_named_layers_are_checked_and_put_in_network_order():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="first")(image)
    x = layers.MaxPooling2D(name="pool")(x)
    network = frozen(image, layers.Dense(2, name="logits")(layers.Flatten()(x)))
    assert compared_layers(network, ["logits", "pool", "input"]) == ["input", "pool", "logits"]
    with pytest.raises(NetworkError, match=r"no layer 'frist'; the nearest are first"):
        compared_layers(network, ["frist"])
    with pytest.raises(ComparisonError, match="named twice: pool, first, pool"):
        compared_layers(network, ["pool", "first", "pool"])


def test_a_network_without_such_layers_is_told_so():
    image = keras.Input((8, 8, 3))
    network = frozen(image, layers.GlobalAveragePooling2D(name="mean")(image))
    with pytest.raises(ComparisonError, match="model_comparison"):
        compared_layers(network)


def linear_network(names_and_kinds, edges=None):
    """Structure of a network, without TensorFlow; a chain unless edges are given."""
    names = [name for name, _ in names_and_kinds]
    sources = edges or {name: [before] for before, name in pairwise(names)}
    return SimpleNamespace(
        name="many",
        layers=tuple(
            SimpleNamespace(name=name, node=name, kind=kind, channels=4, height=8, width=8)
            for name, kind in names_and_kinds
        ),
        graph_def=SimpleNamespace(
            node=[SimpleNamespace(name=name, op="Relu", input=sources.get(name, [])) for name in names]
        ),
        input_node=names[0],
        output_node=names[-1],
    )


def residual_network(stages):
    """A stem, stages of one block without and some with a shortcut, each of three convolutions, and a pooling."""
    named, sources, last = [("input", "input"), ("stem", "conv")], {"stem": ["input"]}, "stem"
    for stage, blocks in enumerate(stages):
        for block in range(blocks):
            start, name = last, f"s{stage}b{block}"
            for part in ("expand", "depthwise", "project"):
                named.append((f"{name}/{part}", "conv"))
                sources[f"{name}/{part}"] = [last]
                last = f"{name}/{part}"
            if block:
                named.append((f"{name}/add", "add"))
                sources[f"{name}/add"] = [start, last]
                last = f"{name}/add"
    return linear_network([*named, ("mean", "pool")], sources | {"mean": [last]})


def places_of(network, chosen):
    return [[layer.name for layer in network.layers].index(name) for name in chosen]


def test_of_many_convolutions_the_outputs_of_blocks_are_chosen():
    network = residual_network([1, 2, 2, 3, 3, 4, 1])
    chosen = compared_layers(network)
    assert len(chosen) == 12
    assert (chosen[0], chosen[-1]) == ("stem", "mean")
    joins = [layer.name for layer in network.layers if layer.kind == "add"]
    assert set(joins) < set(chosen)
    gaps = np.diff(places_of(network, chosen))
    assert gaps.max() <= 8  # two blocks


def test_too_many_joins_are_thinned_out_evenly():
    network = residual_network([9, 9, 9])
    chosen = compared_layers(network, count=8)
    assert len(chosen) == 8
    assert (chosen[0], chosen[-1]) == ("stem", "mean")
    assert {layer.kind for layer in network.layers if layer.name in chosen[1:-1]} == {"add"}
    gaps = np.diff(places_of(network, chosen))
    assert gaps.max() - gaps.min() <= 7
    assert len(compared_layers(network, count=0)) == 3 * 8 + 3 * 3 + 2


@pytest.mark.parametrize(("length", "count"), [(13, 12), (40, 12), (40, 2), (100, 7)])
def test_a_chain_without_joins_is_sampled_evenly(length, count):
    network = linear_network([("input", "input"), *((f"conv{place}", "conv") for place in range(length))])
    chosen = compared_layers(network, count=count)
    gaps = np.diff(places_of(network, chosen))
    assert (chosen[0], chosen[-1], len(chosen)) == ("conv0", f"conv{length - 1}", count)
    assert gaps.max() - gaps.min() <= 1


def test_an_impossible_number_of_layers_is_refused():
    network = linear_network([("input", "input"), ("conv", "conv"), ("last", "conv")])
    assert compared_layers(network, count=1) == ["last"]
    with pytest.raises(ComparisonError, match="set at least 1, or 0 for all"):
        compared_layers(network, count=-1)


def test_caricatures_are_of_the_compared_layers_and_of_others_between():
    network = residual_network([3, 3])
    compared = compared_layers(network, count=4)
    every = [layer.name for layer in network.layers][1:]
    assert with_caricatures(network, compared) == every
    assert with_caricatures(network, compared, 4) == compared
    assert with_caricatures(network, compared, 2) == compared
    some = with_caricatures(network, compared, 9)
    assert len(some) == 9
    assert set(compared) < set(some)
    assert [name for name in every if name in some] == some
    assert with_caricatures(network, compared, 500) == every
