"""What netlens does itself beside what lucid has for it: factors of channels, pictures of units, drawn graphs."""

import numpy as np
import pytest

from netlens.feature_visualization.lucid_model import lucid_model
from netlens.feature_visualization.rendering import render
from netlens.feature_visualization.requests import PictureRequest, channel_direction
from netlens.models.frozen.frozen_network import imported
from netlens.models.frozen.structure import layer_edges
from netlens.weights.factors.nmf import factorize

# isort: split
from lucid.misc.channel_reducer import ChannelReducer
from lucid.optvis import param
from lucid.optvis import render as lucid_render
from lucid.scratch.pretty_graphs.format_graph import complete_render_model_graph

from netlens.models.backend import tf, tf1

pytestmark = pytest.mark.slow

STEPS = 32


@pytest.mark.parametrize("count", [2, 3, 5])
def test_factors_explain_as_much_as_those_of_channel_reducer(count):
    rng = np.random.default_rng(count)
    maps = rng.random((5, 5, 3)) @ rng.exponential(size=(3, 40)) * (rng.random((5, 5, 40)) < 0.6)
    matrix = maps.reshape(-1, 40)
    found = factorize(matrix, count)
    reducer = ChannelReducer(count)
    scores = reducer.fit_transform(maps)
    rest = maps - scores @ reducer._reducer.components_
    # Its descent stops at a larger slope; what it finds is otherwise as good.
    assert found.explained_variance >= 1 - np.sum(rest**2) / np.sum(maps**2) - 1e-6
    # Neither ambiguous in scale nor in order, unlike its factors.
    np.testing.assert_allclose(np.linalg.norm(found.factors, axis=1), 1)
    assert np.all(np.diff(found.shares) <= 0)


def test_pictures_activate_their_channel_as_much_as_those_of_render_vis(frozen):
    network = frozen("branches")
    request = PictureRequest("mixed", channel_direction(3, 11), "everywhere", size_px=32, steps_count=STEPS)
    (ours,) = render(network, [request], batch_size=1)
    with tf.Graph().as_default():
        (theirs,) = lucid_render.render_vis(
            lucid_model(network), "mixed:3", lambda: param.image(32), thresholds=(STEPS,), verbose=False
        )
    pictures = np.stack([ours, np.rint(255 * np.clip(theirs[0], 0, 1)).astype(np.uint8)])
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = imported(network)
        maps = session.run(tensors["mixed"], {tensors["input"]: network.preprocess(pictures)})[..., 3]
    assert maps[0].mean() > 0.9 * maps[1].mean() > 0


def test_joins_have_as_many_inputs_as_in_the_graph_that_lucid_draws(frozen):
    network = frozen("residual")
    drawn = complete_render_model_graph(lucid_model(network))["svg_inner"]
    users = [user for _, user in layer_edges(network)]
    joins = [layer for layer in network.layers if layer.kind == "add"]
    assert len(joins) == 2
    for join in joins:
        assert drawn.count(f'data-dest-tf-name="{join.node}"') == users.count(join.name) == 2
