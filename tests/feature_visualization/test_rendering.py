"""Pictures of units and directions: what they show, and that they are the same whatever happens around them."""

import numpy as np
import pytest

from netlens.feature_visualization import rendering
from netlens.feature_visualization.keyed_requests import RequestError
from netlens.feature_visualization.requests import PictureRequest, channel_direction
from netlens.feature_visualization.store import PictureStore
from netlens.models.backend import keras, tf1
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import freeze, imported, save_frozen
from netlens.models.network import Network
from netlens.models.preprocessing import preprocessing_from

pytestmark = pytest.mark.slow


def request(layer="mixed", channel=3, count=11, **fields):
    return PictureRequest(layer, channel_direction(channel, count), **{"size_px": 32, "steps_count": 12, **fields})


def activations(network, layer, pictures):
    with tf1.Graph().as_default(), tf1.Session() as session:
        tensors = imported(network)
        return session.run(tensors[layer], {tensors["input"]: network.preprocessing(np.stack(pictures))})


@pytest.fixture(scope="module")
def colors():
    """One 1x1 convolution: red, minus green, and blue."""
    keras.backend.clear_session()
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 1, name="color")])
    model.layers[-1].set_weights([np.diag([1.0, -1.0, 1.0])[None, None], np.zeros(3)])
    outputs = keras.layers.GlobalAveragePooling2D()(model.output)
    model = keras.Model(model.input, outputs)
    return freeze(Network("colors", model, preprocessing_from("tf"), ("r", "g", "b"), (32, 32, 3), ""))


def test_a_linear_unit_shows_the_color_that_it_weighs(colors):
    directions = {"red": [1, 0, 0], "no green": [0, 1, 0], "red, no blue": [1, 0, -1]}
    wanted = [PictureRequest("color", values, size_px=32, steps_count=120) for values in directions.values()]
    # At the edges the random shifts show grey.
    middles = [picture[8:24, 8:24] for picture in rendering.render(colors, wanted, batch_size=4)]
    red, no_green, no_blue = (middle.mean(axis=(0, 1)) for middle in middles)
    assert red.argmax() == 0
    assert red[0] > 240
    assert no_green.argmin() == 1
    assert no_green[1] < 15
    assert no_blue[0] > 200 > 50 > no_blue[2]


def test_a_picture_makes_its_channel_more_active_than_photographs_and_other_pictures_do(frozen):
    network = frozen("branches")
    wanted = [request(channel=channel, steps_count=80) for channel in range(11)]
    pictures = rendering.render(network, wanted)
    means = activations(network, "mixed", pictures).mean(axis=(1, 2))
    noise = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3)).astype(np.uint8)
    usual = activations(network, "mixed", noise).mean(axis=(1, 2))
    live = usual.max(axis=0) > 0
    assert live.sum() == 10
    assert np.array_equal(means.argmax(axis=0)[live], np.arange(11)[live])
    assert np.all(means.diagonal()[live] > 1.2 * usual.max(axis=0)[live])


def test_the_centre_is_the_one_position_that_counts(frozen):
    network = frozen("branches")
    wanted = [request(position=position, steps_count=40) for position in ("centre", "everywhere")]
    centre, everywhere = activations(network, "mixed", rendering.render(network, wanted))[..., 3]
    assert everywhere.mean() > centre.mean()
    # Transformations move it, so what is shown is the neighbourhood of the position in the middle.
    assert centre[7:10, 7:10].mean() > 2 * centre.mean()


def test_a_direction_is_not_its_opposite(frozen):
    network, direction = frozen("flat"), np.array([1, -1, 0.5])
    wanted = [PictureRequest("logits", sign * direction, size_px=32, steps_count=20) for sign in (1, -1)]
    plus, minus = activations(network, "logits", rendering.render(network, wanted)) @ direction
    assert plus > 0 > minus


def test_the_same_request_gives_the_same_bytes_in_any_company(frozen, in_new_process, tmp_path):
    network, wanted = frozen("branches"), request(seed=5)
    others = [request(channel=channel, seed=channel) for channel in (0, 1, 5)]
    (alone,) = rendering.render(network, [wanted], batch_size=3)
    for place in (0, 2, 3):
        company = [request("stem", 2, 8), *others[:place], wanted, *others[place:]]
        pictures = rendering.render(network, company, batch_size=3)
        assert np.array_equal(pictures[place + 1], alone)
    save_frozen(network, tmp_path / "frozen.pb")
    code = """
import sys
from netlens.feature_visualization.requests import PictureRequest, channel_direction
from netlens.feature_visualization.rendering import render
from netlens.models.frozen.frozen_network import load_frozen
wanted = PictureRequest("mixed", channel_direction(3, 11), size_px=32, steps_count=12, seed=5)
other = PictureRequest("mixed", channel_direction(0, 11), size_px=32, steps_count=12)
print(render(load_frozen(sys.argv[1]), [other, wanted], batch_size=3)[1].tobytes().hex())
"""
    assert in_new_process(code, tmp_path / "frozen.pb").split()[-1] == alone.tobytes().hex()


@pytest.mark.parametrize("power", [0, 1])
def test_pictures_of_many_layers_share_a_batch_and_are_the_same_as_alone(frozen, monkeypatch, power):
    network = frozen("branches")
    layers = [layer for layer in network.layers if layer.kind != "input"]
    wanted = [request(layer.name, 1, layer.channels, steps_count=20, cosine_power=power) for layer in reversed(layers)]
    alone = [rendering.render(network, [each], batch_size=8)[0] for each in wanted]
    built = []
    program = rendering._Program

    def counted(model, setting, shared, batch_size):
        built.append(shared)
        return program(model, setting, shared, batch_size)

    monkeypatch.setattr(rendering, "_Program", counted)
    together = rendering.render(network, wanted, batch_size=8)
    # All see 32 pixels, the network's own size, but the first one, whose units see only five.
    assert built == [tuple(layer.name for layer in layers[1:]), ("stem",)]
    # The objectives of several layers make another program, which may round otherwise: no byte differs on a CPU with
    # AVX-512, and one of the pictures by one level in a few values on one with AVX2.
    differences = [np.abs(one.astype(int) - other) for one, other in zip(together, alone, strict=True)]
    assert max(difference.max() for difference in differences) <= 1
    assert max(difference.mean() for difference in differences) < 0.01
    assert all(picture.std() > 1 for picture in together)


def test_batches_are_of_one_layer_while_they_are_full():
    asked = {"late": [0, 3, 4], "early": [1, 2, 5, 6, 7]}
    assert list(rendering._batches(asked, {"early": 0, "late": 1}, 2)) == [[1, 2], [5, 6], [0, 3], [7, 4]]
    assert list(rendering._batches({}, {}, 2)) == []


def test_another_seed_is_another_picture(frozen):
    one, two, again = rendering.render(frozen("branches"), [request(seed=seed) for seed in (0, 1, 0)])
    assert not np.array_equal(one, two)
    assert np.array_equal(one, again)


def test_other_peoples_random_numbers_stay_as_they_are(frozen):
    before = str(np.random.get_state())  # noqa: NPY002
    rendering.render(frozen("branches"), [request(steps_count=1)])
    assert str(np.random.get_state()) == before  # noqa: NPY002


def test_dense_layers_see_the_networks_own_size(frozen):
    pictures = rendering.render(frozen("flat"), [request("hidden", 1, 7, size_px=size) for size in (48, 33)])
    assert [picture.shape for picture in pictures] == [(48, 48, 3), (33, 33, 3)]
    assert all(picture.dtype == np.uint8 and picture.std() > 5 for picture in pictures)


def test_progress_counts_pictures(frozen):
    told = []
    rendering.render(frozen("branches"), [request(steps_count=1)] * 5, batch_size=2, progress=told.append)
    assert told == [2, 2, 1]


def test_no_requests_are_no_pictures(frozen, tmp_path):
    assert rendering.render(frozen("branches"), []) == []
    assert rendering.visualizations(frozen("branches"), [], PictureStore(tmp_path)) == []


def test_only_what_is_missing_is_rendered(frozen, tmp_path, monkeypatch):
    network, store = frozen("branches"), PictureStore(tmp_path)
    wanted = [request(channel=channel, steps_count=3) for channel in (0, 1, 0, 2)]
    rendered = []
    run = rendering._Program.run

    def counted(program, requests):
        rendered.extend(requests)
        return run(program, requests)

    monkeypatch.setattr(rendering._Program, "run", counted)
    told = []
    first = rendering.visualizations(network, wanted, store, told.append)
    assert rendered == [wanted[0], wanted[1], wanted[3]]
    assert sum(told) == len(wanted)
    assert np.array_equal(first, rendering.render(network, wanted))

    rendered.clear()
    assert np.array_equal(rendering.visualizations(network, wanted, store), first)
    assert rendered == []

    store.path(wanted[1].key(network.sha256)).write_bytes(b"damaged")
    assert np.array_equal(rendering.visualizations(network, wanted, store), first)
    assert rendered == [wanted[1]]
    assert np.array_equal(store.read(network.sha256, wanted), first)


def test_what_was_rendered_is_kept_when_a_later_batch_fails(frozen, tmp_path):
    network, store = frozen("branches"), PictureStore(tmp_path)
    wanted = [request(steps_count=1), request(steps_count=2)]

    def stop(count, seen=[]):  # noqa: B006
        seen.append(count)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rendering.visualizations(network, wanted, store, stop)
    assert store.get(wanted[0].key(network.sha256)) is not None
    assert store.get(wanted[1].key(network.sha256)) is None


def test_what_cannot_be_rendered_is_told_before_anything_is(frozen, monkeypatch):
    monkeypatch.setattr(rendering, "_Program", None)
    network, good = frozen("branches"), request()
    with pytest.raises(NetworkError, match="no layer 'mixxed'; the nearest are mixed"):
        rendering.render(network, [good, request("mixxed")])
    with pytest.raises(RequestError, match="'mixed': the direction has 4 channels, the layer 11"):
        rendering.render(network, [good, request(count=4)])
    with pytest.raises(RequestError, match="batch_size is 0"):
        rendering.render(network, [good], batch_size=0)
