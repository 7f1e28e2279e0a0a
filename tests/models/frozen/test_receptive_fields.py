"""What positions of layers see of the image."""

import numpy as np
import pytest

from netlens.models.backend import keras
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import freeze
from netlens.models.frozen.receptive_fields import part_for, receptive_fields
from netlens.models.network import Network
from netlens.models.preprocessing import preprocessing_from

L = keras.layers


@pytest.fixture(scope="module")
def network():
    """Explicit padding, strides, a depthwise convolution, an addition, and a squeeze-and-excitation at the end."""
    keras.backend.clear_session()
    image = keras.Input((32, 24, 3))
    stem = L.ReLU(6.0, name="stem")(L.Conv2D(4, 3, strides=2, name="conv")(L.ZeroPadding2D(1)(image)))
    deep = L.DepthwiseConv2D(3, padding="same", name="deep")(stem)
    joined = L.Add(name="joined")([stem, deep])
    scale = L.Dense(4, activation="sigmoid", name="scale")(L.GlobalAveragePooling2D(keepdims=True)(joined))
    scaled = L.Multiply(name="scaled")([joined, scale])
    model = keras.Model(image, L.Dense(2, name="logits")(L.GlobalAveragePooling2D()(scaled)))
    return freeze(Network("mixed", model, preprocessing_from("tf"), ("a", "b"), (32, 24, 3), ""))


def test_fields_of_a_padded_strided_network(network):
    fields = receptive_fields(network, ["stem", "joined", "scaled"])
    rows, columns = fields["stem"]
    assert (rows.first[:3].tolist(), rows.last[:3].tolist()) == ([0, 1, 3], [1, 3, 5])
    assert (len(rows.first), len(columns.first)) == (16, 12)
    rows, _ = fields["joined"]
    assert (rows.first[5], rows.last[5], rows.widest()) == (7, 13, 7)
    assert [reach.widest() for reach in fields["scaled"]] == [32, 24]


def test_another_size(network):
    rows, columns = receptive_fields(network, ["joined"], (48, 16))["joined"]
    assert (len(rows.first), len(columns.first)) == (24, 8)


def test_only_what_layers_need_is_kept(network):
    kept = {node.name for node in part_for(network, ["stem"]).node}
    assert network.layer("stem").node in kept
    assert network.layer("joined").node not in kept
    assert np.all(
        [
            network.layer(name).node in {n.name for n in part_for(network, ["scaled"]).node}
            for name in ("deep", "scaled")
        ]
    )
    with pytest.raises(NetworkError, match="no layer 'stemm'"):
        part_for(network, ["stemm"])
