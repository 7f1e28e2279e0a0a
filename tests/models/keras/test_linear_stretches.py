"""What the configuration says of linear maps between layers is what the graph itself says."""

from functools import partial
from types import SimpleNamespace

import pytest

from netlens.models.backend import keras
from netlens.models.built_inspection import LINEAR_OPERATIONS, frozen_facts
from netlens.models.frozen.frozen_network import freeze
from netlens.models.frozen.operations import ALLOWED_OPERATIONS
from netlens.models.frozen.structure import layer_edges
from netlens.models.inspection import facts_of_config
from netlens.models.network import network_of
from netlens.models.preprocessing import Preprocessing
from netlens.weights.expanded.linear_graph import has_linear_map
from netlens.weights.expanded.linear_operations import _PASSING, OperationReader
from netlens.weights.selection.layers import shown_layers

L = keras.layers

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_graph")]


def row(*between, activation="linear"):
    """Convolutions a, b and c, with layers behind each."""

    def build(image):
        values = image
        for name, make in zip("abc", between, strict=True):
            values = L.Conv2D(4, 3, padding="same", activation=activation, name=name)(values)
            values = make(values) if make else values
        return values

    return build


def gated(values):
    gate = L.Activation("sigmoid", name="gate_act")(L.Conv2D(4, 1, name="gate_conv")(values))
    return L.Multiply(name="gate")([values, gate])


def gated_block(values):
    """A block whose shortcut is linear and whose other branch is not."""
    return L.Add(name="add")([values, gated(L.Conv2D(4, 3, padding="same", name="inside")(values))])


def excited(values):
    """A squeeze and excitation, whose layers have one position."""
    squeezed = L.GlobalAveragePooling2D(keepdims=True, name="squeeze")(values)
    squeezed = L.Conv2D(2, 1, activation="relu", name="reduce")(squeezed)
    gate = L.Conv2D(4, 1, activation="sigmoid", name="excite")(squeezed)
    return L.Multiply(name="gate")([values, gate])


def scaled(image):
    return row(None, None, None)(L.Rescaling(1 / 127.5, -1, name="scale")(image) * 2.0)


# The network, the obstacle that is named, and the layers that are chosen for source and target.
NETWORKS = {
    "relu": (row(L.ReLU(), None, None, activation="relu"), "", ("a", "b")),
    "relu6": (row(L.ReLU(6.0), L.BatchNormalization(), L.LeakyReLU()), "", None),
    "scaled": (scaled, "", ("a", "b")),
    "swish": (row(None, None, None, activation="swish"), "layer 'a' (Conv2D with the activation swish)", None),
    "own layer": (
        row(L.Activation("gelu", name="x"), None, None), "layer 'x' (Activation with the activation gelu)", None,
    ),
    "capped": (row(L.ReLU(5.0, name="x"), None, None), "layer 'x' (ReLU)", None),
    "parametric": (row(*[L.PReLU(shared_axes=[1, 2], name=name) for name in "xyz"]), "layer 'x' (PReLU)", None),
    "norm in front": (row(L.LayerNormalization(name="x"), None, None), "", ("b", "c")),
    "norm behind": (row(None, L.LayerNormalization(name="x"), None), "", ("a", "b")),
    "norms between": (
        row(L.LayerNormalization(name="x"), L.LayerNormalization(name="y"), None),
        "layer 'x' (LayerNormalization)", None,
    ),
    "gates": (row(gated, None, None), "", ("b", "c")),
    "squeezes": (row(excited, None, None), "", ("b", "c")),
    "nothing but a squeeze": (
        lambda image: excited(L.Conv2D(4, 3, name="a")(image)), "layer 'squeeze' (GlobalAveragePooling2D)", None,
    ),
    "gate in a branch": (row(gated_block, None, None), "", None),
}  # fmt: skip


@pytest.mark.parametrize("kind", NETWORKS)
def test_two_layers_have_a_linear_map_where_the_configuration_says_so(kind):
    build, obstacle, chosen = NETWORKS[kind]
    image = keras.Input((16, 16, 3), name="image")
    model = keras.Model(image, L.Dense(3, name="out")(L.GlobalAveragePooling2D(name="mean")(build(image))))
    facts = facts_of_config({"class_name": "Functional", "config": model.get_config()})
    assert facts.linear_obstacle == obstacle
    network = freeze(network_of("net", model, preprocessing=Preprocessing(), classes=None, sha256=""))
    is_linear = partial(has_linear_map, network)
    found = shown_layers(network.layers, edges=layer_edges(network), is_linear=is_linear)
    shown = is_linear(network.layers[0].name, found.first) and is_linear(found.source, found.target)
    assert shown == (not obstacle)
    assert not found.next or is_linear(found.target, found.next)
    assert chosen is None or (found.source, found.target) == chosen
    # Of the same network as a frozen graph.
    assert bool(frozen_facts(network).linear_obstacle) == bool(obstacle)


def test_linear_operations_are_those_that_weights_are_expanded_through():
    reader = OperationReader(SimpleNamespace(name="net"), "a", "b", {}, None)
    found = {op for op in ALLOWED_OPERATIONS | LINEAR_OPERATIONS if op in _PASSING or reader._way(op)}
    assert found | {"CheckNumerics", "Snapshot"} == LINEAR_OPERATIONS
