"""Caricatures: they look like the image, each stands for itself, and they are the same whatever happens around them."""

import numpy as np
import pytest

from netlens.feature_visualization import inversion
from netlens.feature_visualization.caricature_requests import CaricatureRequest
from netlens.feature_visualization.keyed_requests import RequestError
from netlens.feature_visualization.store import PictureStore
from netlens.models.backend import keras, tf1
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import freeze, imported, save_frozen
from netlens.models.network import Network
from netlens.models.preprocessing import preprocessing_from

pytestmark = pytest.mark.slow


def disc_image(size=32):
    """A red disc on a blue ground that is darker to the right."""
    rows, columns = np.mgrid[:size, :size] / size
    disc = (rows - 0.4) ** 2 + (columns - 0.5) ** 2 < 0.09
    image = np.where(disc[..., None], [0.85, 0.2, 0.1], (0.9 - 0.6 * columns)[..., None] * [0.2, 0.4, 1.0])
    return np.rint(255 * image).astype(np.uint8)


IMAGE = disc_image()


def request(layer="mixed", image=IMAGE, **fields):
    return CaricatureRequest(layer, image, **{"steps_count": 6, **fields})


def correlation(picture, image):
    """Of all values at least 4 pixels from the edge, where the random shifts show grey."""
    return np.corrcoef(picture[4:-4, 4:-4].ravel(), image[4:-4, 4:-4].ravel())[0, 1]


@pytest.fixture(scope="module")
def colors():
    """Three opponent colors, linear: a caricature of them is known."""
    keras.backend.clear_session()
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 1, name="color")])
    model.layers[-1].set_weights([np.eye(3)[None, None], np.zeros(3)])
    outputs = keras.layers.GlobalAveragePooling2D(name="mean")(model.output)
    model = keras.Model(model.input, outputs)
    return freeze(Network("colors", model, preprocessing_from("tf"), ("r", "g", "b"), (32, 32, 3), ""))


def test_a_caricature_of_the_colors_exaggerates_them(colors):
    (picture,) = inversion.invert(colors, [request("color", steps_count=60)])
    signs = np.sign(IMAGE / 127.5 - 1)
    sure = np.abs(IMAGE / 127.5 - 1) > 0.3
    sure[:4], sure[-4:], sure[:, :4], sure[:, -4:] = False, False, False, False
    agree = np.mean((np.sign(picture / 127.5 - 1) == signs)[sure])
    stronger = np.mean(np.abs(picture / 127.5 - 1)[sure] > np.abs(IMAGE / 127.5 - 1)[sure])
    # All but single pixels: moves between pixels blend neighbors.
    assert agree > 0.99
    assert stronger > 0.98


@pytest.mark.parametrize("power", [0, 1])
def test_the_layer_nearest_to_the_input_shows_the_image(frozen, power):
    (picture,) = inversion.invert(frozen("branches"), [request("stem", cosine_power=power, steps_count=60)])
    assert correlation(picture, IMAGE) > (0.6, 0.8)[power]
    others = [correlation(picture, other) for other in (IMAGE[::-1], IMAGE[:, ::-1], IMAGE[..., ::-1])]
    assert correlation(picture, IMAGE) > max(others) + 0.25


def test_the_power_of_the_cosine_keeps_the_activations_direction(frozen):
    network = frozen("branches")
    pictures = inversion.invert(network, [request(cosine_power=power, steps_count=60) for power in (0, 1, 3)])
    with tf1.Graph().as_default(), tf1.Session() as session:
        tensors = imported(network)
        inputs = network.preprocessing(np.stack([IMAGE, *pictures]))
        target, *found = session.run(tensors["mixed"], {tensors["input"]: inputs})
    dots = [np.mean(np.sum(values * target, -1)) for values in found]
    lengths = [np.linalg.norm(values, axis=-1) * np.linalg.norm(target, axis=-1) for values in found]
    cosines = [np.mean(np.sum(found[k] * target, -1) / (lengths[k] + 1e-9)) for k in range(3)]
    assert cosines[0] < cosines[1] < cosines[2]
    assert min(dots) > np.mean(np.sum(target * target, -1))


def test_the_same_request_gives_the_same_bytes_in_any_company(frozen, in_new_process, tmp_path):
    network, wanted = frozen("branches"), request(seed=5, cosine_power=1)
    (alone,) = inversion.invert(network, [wanted])
    names = [layer.name for layer in network.layers[1:]]
    company = [request(name, cosine_power=power, seed=power) for name in names for power in (0, 2)]
    company += [request("stem", IMAGE[::-1]), request("stem", np.zeros_like(IMAGE)), request(steps_count=2)]
    for others in (company[:3], company):
        pictures = inversion.invert(network, [*others, wanted])
        assert np.array_equal(pictures[-1], alone)
        assert len(pictures) == len(others) + 1
    save_frozen(network, tmp_path / "frozen.pb")
    np.save(tmp_path / "image.npy", IMAGE)
    code = """
import sys
import numpy as np
from netlens.feature_visualization.caricature_requests import CaricatureRequest
from netlens.feature_visualization.inversion import invert
from netlens.models.frozen.frozen_network import load_frozen
folder = sys.argv[1]
image = np.load(folder + "/image.npy")
wanted = CaricatureRequest("mixed", image, 1, 6, 5)
other = CaricatureRequest("pool", image, 0, 6, 1)
print(invert(load_frozen(folder + "/frozen.pb"), [other, wanted])[1].tobytes().hex())
"""
    assert in_new_process(code, tmp_path).split()[-1] == alone.tobytes().hex()


def test_every_layer_image_power_and_seed_gives_a_picture_of_its_own(frozen):
    network = frozen("branches")
    asked = [request(layer.name, cosine_power=power) for layer in network.layers[1:] for power in (0, 1)]
    asked += [request(seed=1), request(image=IMAGE[::-1]), request(steps_count=7)]
    pictures = inversion.invert(network, asked)
    assert len({picture.tobytes() for picture in pictures}) == len(asked)
    assert np.array_equal(inversion.invert(network, asked[::-1])[::-1], pictures)


def test_layers_without_positions_see_the_networks_own_size(frozen):
    asked = [request(layer, disc_image(size)) for layer in ("hidden", "logits") for size in (48, 33)]
    pictures = inversion.invert(frozen("flat"), asked)
    assert [picture.shape for picture in pictures] == [(48, 48, 3), (33, 33, 3)] * 2
    assert all(picture.dtype == np.uint8 and picture.std() > 3 for picture in pictures)


def test_progress_counts_pictures_and_no_requests_are_no_pictures(frozen, tmp_path):
    told = []
    inversion.invert(frozen("branches"), [request(steps_count=1)] * 18, progress=told.append)
    assert told == [2] * 9
    assert inversion.invert(frozen("branches"), []) == []
    assert inversion.caricatures(frozen("branches"), [], PictureStore(tmp_path)) == []


def test_only_what_is_missing_is_made(frozen, tmp_path):
    network, store = frozen("branches"), PictureStore(tmp_path)
    asked = [request(layer) for layer in ("stem", "mixed", "stem")]
    made = inversion.caricatures(network, asked, store)
    assert np.array_equal(made, inversion.invert(network, asked))
    assert len(list(tmp_path.iterdir())) == 2
    kept = np.full((32, 32, 3), 9, np.uint8)
    store.put(asked[0].key(network.sha256), kept)
    store.path(asked[1].key(network.sha256)).write_bytes(b"damaged")
    told = []
    again = inversion.caricatures(network, asked, store, told.append)
    assert np.array_equal(again, [kept, made[1], kept])
    assert sum(told) == 3


def test_other_peoples_random_numbers_stay_as_they_are(frozen):
    before = str(np.random.get_state())  # noqa: NPY002
    inversion.invert(frozen("branches"), [request(steps_count=1)])
    assert str(np.random.get_state()) == before  # noqa: NPY002


def test_what_cannot_be_made_is_told_before_anything_is(frozen, monkeypatch):
    monkeypatch.setattr(inversion, "_Program", None)
    with pytest.raises(NetworkError, match="no layer 'mixxed'; the nearest are mixed"):
        inversion.invert(frozen("branches"), [request(), request("mixxed")])
    with pytest.raises(RequestError, match="layer 'input' is the image itself, which has no caricature"):
        inversion.invert(frozen("branches"), [request(), request("input")])
