"""Our caricatures beside lucid's own recipe: after as many steps, their activations are nearer to the image's."""

import numpy as np
import pytest

from netlens.feature_visualization import inversion
from netlens.feature_visualization.caricature_requests import CaricatureRequest
from netlens.feature_visualization.lucid_model import lucid_model
from netlens.images.photos import Cropping, heldout_crops
from netlens.models.backend import tf1
from netlens.models.frozen.frozen_network import freeze, imported
from netlens.models.loading import load_network

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("own_graph")]

LAYERS = ("block2_conv2", "block3_conv2")
STEPS = 48


@pytest.fixture
def network():
    return freeze(load_network({"kind": "trained", "checkpoint": "models/demo/small_vgg.h5"}))


@pytest.mark.timeout(600)
def test_positions_are_nearer_to_the_image_than_with_lucids_recipe(network):
    from lucid.recipes.caricature import feature_inversion

    names = [layer.name for layer in network.layers]
    chosen = [layer for layer in LAYERS if layer in names]
    assert len(chosen) == 2
    image = heldout_crops(network.class_names, 1, Cropping(), seed=1).images[list(network.class_names).index("coffee")]
    ours = inversion.invert(network, [CaricatureRequest(layer, image, 1.0, STEPS) for layer in chosen])
    found = feature_inversion(
        image / np.float32(255), lucid_model(network), chosen, n_steps=STEPS, cossim_pow=1.0, verbose=False
    )
    theirs = np.rint(255 * np.clip(found[1:], 0, 1)).astype(np.uint8)
    for layer, our, their in zip(chosen, ours, theirs, strict=True):
        cosines = [cosine(network, layer, image, picture) for picture in (our, their)]
        print(layer, cosines)
        assert cosines[0] > cosines[1], (layer, cosines)
        assert cosines[0] > 0.5


def cosine(network, layer, image, picture):
    """Mean over positions of the cosine of the activations of a picture and of an image, away from the edge."""
    with tf1.Graph().as_default(), tf1.Session() as session:
        tensors = imported(network)
        inputs = network.preprocess(np.stack([image, picture]))
        first, second = session.run(tensors[layer], {tensors["input"]: inputs}).astype(np.float64)
    edge = max(1, len(first) // 8)
    first, second = (each[edge:-edge, edge:-edge].reshape(-1, each.shape[-1]) for each in (first, second))
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return float(np.mean(np.sum(first * second, axis=1)[lengths > 0] / lengths[lengths > 0]))
