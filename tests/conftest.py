"""What all tests share: they run from the repository's root, wherever they are started."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import settings

# How long an example takes on a busy machine says nothing of the code.
settings.register_profile("netlens", deadline=None)
settings.load_profile("netlens")

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def own_graph():
    """Give a test a graph and a session of its own, so that names and weights do not pile up."""
    from netlens.models.backend import keras

    keras.backend.clear_session()
    yield
    keras.backend.clear_session()


@pytest.fixture(scope="session")
def inception():
    """Give the small Inception network without softmax, untrained and frozen: three classes, 64 x 64 pixels."""
    from netlens.models.architectures.inception import small_inception
    from netlens.models.backend import keras
    from netlens.models.frozen.frozen_network import freeze
    from netlens.models.network import Network
    from netlens.models.preprocessing import preprocessing_from

    model = small_inception(input_shape=(64, 64, 3), classes=3, seed=0)
    logits = keras.Model(model.input, model.get_layer("softmax2_pre_activation").output)
    return freeze(Network("small", logits, preprocessing_from("none"), ("a", "b", "c"), (64, 64, 3), ""))


@pytest.fixture(scope="session")
def network_builders():
    """Functions from an image tensor to the output of a network that no analysis was written for, by kind."""
    from netlens.models.backend import keras

    layers = keras.layers

    def dense_net(image):
        hidden = layers.Dense(5, activation="relu", name="hidden")(layers.Flatten()(image))
        return layers.Dense(4, activation="softmax", name="out")(hidden)

    def residual_net(image):
        values = layers.Conv2D(6, 3, strides=2, padding="same", name="stem")(image)
        for block in (1, 2):
            inside = layers.Conv2D(6, 3, padding="same", use_bias=False, name=f"block{block}_conv")(values)
            inside = layers.ReLU(name=f"block{block}_relu")(
                layers.BatchNormalization(name=f"block{block}_norm")(inside)
            )
            values = layers.Add(name=f"block{block}_add")([values, inside])
        return layers.Dense(4, name="out")(layers.GlobalAveragePooling2D(name="pool")(values))

    def mobile_net(image):
        values = layers.Conv2D(4, 3, strides=2, padding="same", name="stem")(image)
        values = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(layers.ReLU(6.0, name="relu6")(values))
        values = layers.Conv2D(8, 1, name="project")(values)
        return layers.GlobalAveragePooling2D(name="features")(layers.ReLU(6.0, name="last")(values))

    def two_branches(image):
        left = layers.Conv2D(3, 3, strides=4, activation="relu", name="left")(image)
        right = layers.Conv2D(5, 5, strides=4, padding="same", activation="relu", name="right")(image)
        joined = layers.Concatenate(name="joined")([layers.Flatten(name="f")(left), layers.Flatten(name="g")(right)])
        return layers.Dense(7, activation="relu", name="embedding")(joined)

    def nested(image):
        inside = keras.Sequential([layers.Conv2D(4, 3, activation="relu", name="a"), layers.MaxPooling2D(name="pool")])
        return layers.Dense(4, activation="softmax", name="out")(layers.Flatten(name="flat")(inside(image)))

    def inception(image):
        values = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="conv1")(image)
        values = layers.MaxPooling2D(name="pool1")(values)
        for block in ("mixed1", "mixed2", "mixed3"):
            small = layers.Conv2D(4, 1, activation="relu", name=f"{block}_1x1")(values)
            large = layers.Conv2D(4, 3, padding="same", activation="relu", name=f"{block}_3x3")(values)
            values = layers.Concatenate(name=block)([small, large])
        return layers.Dense(4, activation="softmax", name="out")(layers.GlobalAveragePooling2D(name="gap")(values))

    kinds = (dense_net, residual_net, mobile_net, two_branches, inception, nested)
    return {kind.__name__: kind for kind in kinds}


@pytest.fixture(scope="session")
def layer_graphs():
    """Graphs of small networks, as plain data: a chain, a fire module, two residual blocks, dense connections."""
    from netlens.models.keras.layer_graph import LayerGraph, LayerNode

    def graph(*nodes, outputs=None, channels=3):
        """Make a graph of (name, kind, sources); the sources are names in one string."""
        made = tuple(LayerNode(name, kind, tuple(sources.split()), *rest) for name, kind, sources, *rest in nodes)
        return LayerGraph(made, tuple(outputs or [made[-1].name]), channels)

    return SimpleNamespace(
        graph=graph,
        chain=graph(
            ("image", "InputLayer", ""),
            ("conv1", "Conv2D", "image"),
            ("relu", "ReLU", "conv1"),
            ("pool", "MaxPooling2D", "relu"),
            ("conv2", "Conv2D", "pool"),
            ("flatten", "Flatten", "conv2"),
            ("fc1", "Dense", "flatten"),
            ("dropout", "Dropout", "fc1"),
            ("logits", "Dense", "dropout"),
        ),
        fire=graph(
            ("image", "InputLayer", ""),
            ("conv1", "Conv2D", "image"),
            ("fire/squeeze", "Conv2D", "conv1"),
            ("fire/expand1", "Conv2D", "fire/squeeze"),
            ("fire/expand3", "Conv2D", "fire/squeeze"),
            ("fire/concat", "Concatenate", "fire/expand1 fire/expand3"),
            ("pool", "MaxPooling2D", "fire/concat"),
            ("conv10", "Conv2D", "pool"),
            ("mean", "GlobalAveragePooling2D", "conv10"),
        ),
        residual=graph(
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
        ),
        dense=graph(
            ("image", "InputLayer", ""),
            ("stem", "Conv2D", "image"),
            ("a", "Conv2D", "stem"),
            ("join1", "Concatenate", "stem a"),
            ("b", "Conv2D", "join1"),
            ("join2", "Concatenate", "stem a b"),
            ("transition", "Conv2D", "join2"),
            ("logits", "Dense", "transition"),
        ),
    )
