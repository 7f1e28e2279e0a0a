"""The images that units respond to most: planted units, whose examples are known."""

import numpy as np
import pytest

from netlens.feature_visualization.dataset_examples import dataset_examples
from netlens.feature_visualization.examples import DatasetExamples
from netlens.feature_visualization.keyed_requests import RequestError
from netlens.feature_visualization.requests import PictureRequest, channel_direction
from netlens.files.arrays import ArrayFileError
from netlens.models.backend import keras
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import freeze
from netlens.models.network import Network
from netlens.models.preprocessing import preprocessing_from


@pytest.fixture(scope="module")
def network():
    """Units for red, green, and "darker than black", which no image is; then a pooling that sees 6 x 6 pixels."""
    keras.backend.clear_session()
    L = keras.layers
    image = keras.Input((24, 30, 3))
    color = L.Conv2D(3, 3, padding="same", activation="relu", name="color")(image)
    pooled = L.AveragePooling2D(4, strides=2, name="pooled")(color)
    logits = L.Dense(2, name="logits")(L.GlobalAveragePooling2D()(pooled))
    model = keras.Model(image, logits)
    kernel = np.zeros((3, 3, 3, 3), np.float32)
    kernel[1, 1] = [[1, 0, -1], [0, 1, -1], [0, 0, -1]]
    model.get_layer("color").set_weights([kernel, np.array([0, 0, -1], np.float32)])
    return freeze(Network("planted", model, preprocessing_from({"scale": 1 / 255}), ("a", "b"), (24, 30, 3), ""))


@pytest.fixture(scope="module")
def images():
    """Black; a red square in image 2, a paler one in image 0; a green one in a corner of image 1."""
    found = np.zeros((4, 24, 30, 3), np.uint8)
    found[2, 10:14, 20:24, 0] = 255
    found[0, 4:8, 6:10, 0] = 128
    found[1, :4, :4, 1] = 255
    return found


def unit(channel, layer="pooled"):
    return PictureRequest(layer, channel_direction(channel, 3), "centre", 32, 8)


def test_the_planted_squares_are_found(network, images):
    red, green, never = wanted = [unit(channel) for channel in range(3)]
    told = []
    found = dataset_examples(network, images, [*wanted, red], examples_count=2, crop_px=6, progress=told.append)
    keys = [request.key(network.sha256) for request in (red, green, never)]
    assert found.keys == tuple(keys)
    assert found.images[0].tolist() == [2, 0]
    assert found.activations[0] == pytest.approx([1, 128 / 255], rel=1e-5)
    assert found.active_shares.tolist() == [0.5, 0.25, 0]
    assert found.boxes[0].tolist() == [[9, 19, 6, 6], [3, 5, 6, 6]]
    # The square, with the pixel around it that the convolution sees.
    assert np.array_equal(found.crops[0, 0], images[2, 9:15, 19:25])
    assert found.boxes[1, 0].tolist() == [-1, -1, 6, 6]
    assert np.all(found.crops[1, 0, 0] == 230)
    assert np.array_equal(found.crops[1, 0, 1:, 1:], images[1, :5, :5])
    assert [activation for _, activation in found.strongest(keys[0], 5)] == pytest.approx([1, 128 / 255], rel=1e-5)
    assert found.is_active(keys[0])
    assert not found.is_active(keys[2])
    assert found.strongest(keys[2], 2) == found.strongest("", 2) == []
    assert sum(told) == found.images_count == 4


def test_a_direction_and_a_layer_without_positions(network, images):
    against = PictureRequest("pooled", [1, -1, 0], "centre", 32, 8)
    whole = PictureRequest("logits", [1, 0], "everywhere", 32, 8)
    found = dataset_examples(network, images, [against, whole], examples_count=4, crop_px=12)
    assert found.images[0, :2].tolist() == [2, 0]
    # Where nothing is green, the smallest value that a map reaches is 0; image 1 has more of it than that.
    assert found.activations[0, 2:].tolist() == [0, 0]
    assert found.boxes[1, 0].tolist() == [0, 0, 24, 30]
    assert found.crops.shape == (2, 4, 12, 12, 3)


def test_only_so_many_images_are_looked_at(network, images):
    found = dataset_examples(network, images, [unit(0)], images_count=2, examples_count=9)
    assert found.images_count == 2
    assert found.images[0].tolist() == [2, 0]


def test_what_is_refused(network, images):
    with pytest.raises(RequestError, match="no images"):
        dataset_examples(network, images[:0], [unit(0)])
    with pytest.raises(RequestError, match="2 channels, the layer 3"):
        dataset_examples(network, images, [PictureRequest("pooled", [1, 0])])
    with pytest.raises(NetworkError, match="no layer 'poled'"):
        dataset_examples(network, images, [PictureRequest("poled", [1, 0, 0])])
    assert dataset_examples(network, images, []).keys == ()


def test_saved_and_loaded(network, images, tmp_path):
    path = tmp_path / "examples.npz"
    made = dataset_examples(network, images, [unit(0), unit(1)], crop_px=8)
    made.save(path)
    loaded = DatasetExamples.load(path)
    assert loaded.keys == made.keys
    for name in ("activations", "images", "boxes", "crops", "active_shares", "images_count"):
        assert np.array_equal(getattr(loaded, name), getattr(made, name))
    assert loaded.arrays([made.keys[1], ""])["example_crops"].shape == (1, 4, 8, 8, 3)
    with pytest.raises(KeyError, match="run the rule dataset_examples again"):
        loaded.is_active("ab")
    DatasetExamples(**{**vars(made), "crops": made.crops[:, :, :4]}).save(path)
    with pytest.raises(ArrayFileError, match="crops"):
        DatasetExamples.load(path)
