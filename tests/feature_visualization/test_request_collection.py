"""Requests that share their settings are collected once each and named by their keys."""

import numpy as np
import pytest

from netlens.feature_visualization.keyed_requests import RequestError
from netlens.feature_visualization.request_collection import RequestCollection, load_requests
from netlens.feature_visualization.requests import PictureRequest, channel_direction
from netlens.files.arrays import save_arrays

SHA256 = "ab" * 32


def test_a_key_is_that_of_the_request_with_the_common_settings(tmp_path):
    settings = {"position": "centre", "size_px": 32, "steps_count": 5, "seed": 3, "cosine_power": 2.0}
    collection = RequestCollection(SHA256, **settings)
    direction = np.array([1.0, -2.0])
    keys = (*collection.direction_keys("a", [direction]), *collection.unit_keys("b", [2], 4))
    requests = [PictureRequest("a", direction, **settings), PictureRequest("b", channel_direction(2, 4), **settings)]
    assert keys == tuple(request.key(SHA256) for request in requests)
    collection.save(tmp_path / "requests.npz")
    assert load_requests(tmp_path / "requests.npz") == requests == collection.requests


def test_the_same_is_asked_for_once_and_zeros_not_at_all(tmp_path):
    collection = RequestCollection(SHA256)
    first = collection.unit_key("a", 1, 3)
    assert collection.direction_key("a", [0, 7, 0]) == first  # any scale
    assert collection.direction_keys("a", np.zeros((2, 3))) == ("", "")
    assert len(collection.requests) == 1
    empty = RequestCollection(SHA256)
    empty.save(tmp_path / "empty.npz")
    assert load_requests(tmp_path / "empty.npz") == []


def test_impossible_requests_are_refused():
    collection = RequestCollection(SHA256)
    with pytest.raises(RequestError, match="there is no channel 3: the layer has 3, from 0"):
        collection.unit_key("a", 3, 3)
    with pytest.raises(RequestError, match="direction must be numbers of shape"):
        collection.direction_key("a", [])
    with pytest.raises(RequestError, match="NaN"):
        collection.direction_key("a", [np.nan, 0])
    with pytest.raises(RequestError, match="size_px"):
        RequestCollection(SHA256, size_px=0).unit_key("a", 0, 3)


def test_a_file_without_requests_is_refused_by_its_path(tmp_path):
    path = tmp_path / "other.npz"
    save_arrays(path, {"a": np.zeros(2)})
    with pytest.raises(
        RequestError, match=rf"^{path}: no requests for feature visualizations here: .* is missing; delete the file"
    ):
        load_requests(path)


def test_other_settings_share_the_collection():
    collection = RequestCollection("ab" * 32, size_px=64, steps_count=128, position="centre", seed=5)
    small = collection.using(size_px=32, steps_count=7)
    keys = {collection.unit_key("a", 1, 3), small.unit_key("a", 1, 3), collection.using().unit_key("a", 1, 3)}
    assert len(keys) == 2
    assert [(r.size_px, r.steps_count, r.position, r.seed) for r in collection.requests] == [
        (64, 128, "centre", 5), (32, 7, "centre", 5),
    ]  # fmt: skip
    assert small.requests == collection.requests
