"""Frozen networks as models of lucid."""

import numpy as np
import pytest

from netlens.feature_visualization.lucid_model import lucid_model
from netlens.models.backend import tf1
from netlens.models.frozen.frozen_network import imported

# isort: split
from lucid.modelzoo.vision_base import Model
from lucid.optvis import render

CAFFE = {"scale": 1.0, "mean": (103.9, 116.8, 123.7), "std": (1.0, 2.0, 3.0), "channel_order": "bgr"}
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)


def by_lucid(network, layers, pixels=PIXELS):
    with tf1.Graph().as_default(), tf1.Session() as session:
        tensor_of = lucid_model(network).import_graph(tf1.constant(pixels / np.float32(255)))
        return session.run([tensor_of(layer) for layer in layers])


def by_network(network, layers, pixels=PIXELS):
    with tf1.Graph().as_default(), tf1.Session() as session:
        tensors = imported(network)
        feed = {tensors["input"]: network.preprocess(pixels)}
        return session.run([tensors[layer] for layer in layers], feed)


@pytest.mark.slow
@pytest.mark.parametrize("preprocessing", ["none", "tf", "torch", "caffe", CAFFE], ids=str)
def test_layers_are_those_of_the_network_for_any_preprocessing(frozen, preprocessing):
    network = frozen("branches", tuple(preprocessing.items()) if isinstance(preprocessing, dict) else preprocessing)
    layers = [layer.name for layer in network.layers[1:]]
    for ours, lucids in zip(by_network(network, layers), by_lucid(network, layers), strict=True):
        assert ours.shape == lucids.shape
        assert np.abs(ours - lucids).max() <= 2e-6 * np.abs(ours).max()


def test_it_is_a_model_of_lucid(frozen):
    network = frozen("branches")
    model = lucid_model(network)
    assert isinstance(model, Model)
    assert [layer.name for layer in model.layers] == [layer.name for layer in network.layers[1:]]
    assert model.get_layer("mixed").depth == 11
    assert model.labels == ["a", "b", "c"]
    assert str(model) == "branches"
    assert model == lucid_model(network)
    assert model != lucid_model(frozen("flat"))


def test_any_size_goes_through_what_has_positions(frozen):
    (mixed,) = by_lucid(frozen("branches"), ["mixed"], np.zeros((1, 20, 24, 3), np.uint8))
    assert mixed.shape == (1, 10, 12, 11)


@pytest.mark.slow
def test_lucids_own_loop_makes_a_channel_more_active(frozen):
    images = render.render_vis(
        lucid_model(frozen("branches")), "mixed:3", transforms=[], thresholds=(0, 20), verbose=False
    )
    before, after = (
        by_lucid(frozen("branches"), ["mixed"], np.rint(image * 255).astype(np.uint8))[0][..., 3].mean()
        for image in images
    )
    assert after > 5 * before


def test_get_activations(frozen):
    network = frozen("branches")
    activations = lucid_model(network).get_activations("mixed", PIXELS / np.float32(255), center_only=True)
    (expected,) = by_network(network, ["mixed"])
    assert np.abs(activations - expected[:, 8, 8]).max() <= 2e-6 * np.abs(expected).max()
