"""What a picture is to show, and its key."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from netlens.feature_visualization import requests as module
from netlens.feature_visualization.keyed_requests import RequestError
from netlens.feature_visualization.requests import PictureRequest, channel_direction, pack, unpack

NETWORK = "0" * 64
BASE = PictureRequest("mixed3a", np.array([1.0, -2.0, 0.5]))

finite = hnp.arrays(np.float32, st.integers(1, 6), elements=st.integers(-(10**6), 10**6)).filter(np.any)
some_requests = st.builds(
    PictureRequest,
    layer=st.text(min_size=1, max_size=8).filter(lambda text: not text.endswith("\0")),
    direction=finite,
    position=st.sampled_from(["everywhere", "centre"]),
    size_px=st.integers(16, 512),
    steps_count=st.integers(1, 4096),
    seed=st.integers(0, 2**62),
    cosine_power=st.floats(0, 4),
)


@pytest.mark.slow
def test_no_tensorflow_is_started(in_new_process):
    code = (
        "import sys, netlens.feature_visualization.requests, netlens.feature_visualization.store\n"
        "assert not {name.partition('.')[0] for name in sys.modules} & {'tensorflow', 'keras', 'lucid'}"
    )
    in_new_process(code)


@pytest.mark.slow
@given(finite)
def test_a_direction_has_one_form_whatever_its_scale(direction):
    request = PictureRequest("layer", direction)
    assert np.abs(request.direction).max() == 1
    for factor in (1, 2, 0.125):
        assert PictureRequest("layer", factor * request.direction) == request
    assert not np.signbit(request.direction[request.direction == 0]).any()


def test_a_direction_cannot_be_changed_afterwards():
    given_direction = np.array([1.0, 0.0], np.float32)
    request = PictureRequest("layer", given_direction)
    given_direction[:] = 7
    assert list(request.direction) == [1, 0]
    with pytest.raises(ValueError, match="read-only"):
        request.direction[0] = 2


def test_a_channel_is_a_direction():
    assert list(channel_direction(2, 4)) == [0, 0, 1, 0]
    assert channel_direction(2, 4).dtype == np.float32
    for channel in (-1, 4):
        with pytest.raises(RequestError, match=f"no channel {channel}: the layer has 4, from 0"):
            channel_direction(channel, 4)


OTHER = {
    "layer": "mixed3b",
    "direction": np.array([1.0, -2.0, 0.25]),
    "position": "centre",
    "size_px": 65,
    "steps_count": 129,
    "seed": 1,
    "cosine_power": 1.0,
}


def test_the_key_depends_on_all_fields_the_network_and_the_procedure(monkeypatch):
    assert set(OTHER) == {field.name for field in dataclasses.fields(PictureRequest)}
    keys = [BASE.key(NETWORK), BASE.key("1" * 64)]
    keys += [dataclasses.replace(BASE, **{name: value}).key(NETWORK) for name, value in OTHER.items()]
    monkeypatch.setattr(module, "PROCEDURE", module.PROCEDURE + 1)
    keys.append(BASE.key(NETWORK))
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in keys)


def test_the_key_is_the_same_in_another_process(in_new_process):
    code = (
        "import numpy as np; from netlens.feature_visualization.requests import PictureRequest\n"
        "print(PictureRequest('mixed3a', np.array([1, -2, 0.5])).key('0' * 64))"
    )
    assert in_new_process(code).strip() == BASE.key(NETWORK)


def test_equal_requests_are_equal():
    same = PictureRequest("mixed3a", [2, -4, 1], size_px=np.int64(64))
    assert same == BASE
    assert hash(same) == hash(BASE)
    assert same != "mixed3a"
    assert all(dataclasses.replace(BASE, **{name: value}) != BASE for name, value in OTHER.items())


@pytest.mark.slow
@given(st.lists(some_requests, max_size=5))
def test_packed_requests_come_back(requests):
    again = unpack({**pack(requests), "other": np.zeros(3)})
    assert again == requests
    assert [request.key(NETWORK) for request in again] == [request.key(NETWORK) for request in requests]


def test_packed_requests_come_back_from_a_file(tmp_path):
    requests = [BASE, PictureRequest("conv", channel_direction(1, 5), position="centre", seed=3)]
    np.savez(tmp_path / "requests.npz", **pack(requests), weights=np.ones(2))
    with np.load(tmp_path / "requests.npz") as arrays:
        assert unpack(arrays) == requests


def test_arrays_that_hold_no_requests_are_told():
    arrays = pack([BASE])
    with pytest.raises(RequestError, match="array 'picture_seed' is missing"):
        unpack({name: array for name, array in arrays.items() if name != "picture_seed"})
    with pytest.raises(RequestError, match="do not fit each other"):
        unpack({**arrays, "picture_direction": np.ones(2, np.float32)})
    with pytest.raises(RequestError, match="do not fit each other"):
        unpack({**arrays, "picture_seed": np.zeros(2, np.int64)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layer": ""}, "needs the name of a layer"),
        ({"direction": np.zeros(3)}, "0 everywhere, so there is nothing to visualize"),
        ({"direction": [1, np.nan]}, "NaN or infinity"),
        ({"direction": [1, np.inf]}, "NaN or infinity"),
        ({"direction": np.ones((2, 2))}, r"shape \(channels,\), not of shape \(2, 2\)"),
        ({"direction": []}, r"not of shape \(0,\)"),
        ({"direction": ["a"]}, "must be numbers"),
        ({"position": "left"}, "'everywhere' or 'centre', not 'left'"),
        ({"size_px": 15}, "size_px must be a whole number of at least 16, not 15"),
        ({"size_px": 64.0}, "size_px must be a whole number"),
        ({"steps_count": 0}, "steps_count must be a whole number of at least 1"),
        ({"steps_count": True}, "steps_count must be a whole number"),
        ({"seed": -1}, "seed must be a whole number of at least 0"),
        ({"cosine_power": -1.0}, "cosine_power must be at least 0"),
        ({"cosine_power": np.nan}, "cosine_power must be at least 0"),
    ],
)
def test_impossible_requests_are_told_in_one_line(change, words):
    with pytest.raises(RequestError, match=words) as caught:
        dataclasses.replace(BASE, **change)
    assert "\n" not in str(caught.value)
