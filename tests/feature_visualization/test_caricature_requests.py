"""What a caricature is made from, and its key."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from netlens.feature_visualization import caricature_requests as module
from netlens.feature_visualization.caricature_requests import CaricatureRequest, square_picture
from netlens.feature_visualization.keyed_requests import RequestError

NETWORK = "0" * 64
IMAGE = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
BASE = CaricatureRequest("mixed3a", IMAGE)
OTHER_IMAGE = IMAGE ^ (np.arange(IMAGE.size).reshape(IMAGE.shape) == 5).astype(np.uint8)


def test_no_tensorflow_is_started(in_new_process):
    in_new_process(
        "import sys, netlens.feature_visualization.caricature_requests\n"
        "assert not {name.partition('.')[0] for name in sys.modules} & {'tensorflow', 'keras', 'lucid'}"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"layer": "mixed3b"},
        {"image": OTHER_IMAGE},
        {"image": np.ascontiguousarray(IMAGE.transpose(1, 0, 2))},
        {"image": np.zeros((32, 32, 3), np.uint8)},
        {"cosine_power": 1},
        {"steps_count": 65},
        {"seed": 1},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_field_makes_another_key(changed):
    other = dataclasses.replace(BASE, **changed)
    assert other != BASE
    assert other.key(NETWORK) != BASE.key(NETWORK)


def test_the_network_and_the_procedure_are_part_of_the_key(monkeypatch):
    before = BASE.key(NETWORK)
    assert BASE.key("1" * 64) != before
    monkeypatch.setattr(module, "CARICATURE_PROCEDURE", module.CARICATURE_PROCEDURE + 1)
    assert BASE.key(NETWORK) != before


def test_the_same_request_has_the_same_key_whatever_its_numbers_are_called():
    same = CaricatureRequest("mixed3a", IMAGE[:], np.float32(0), np.int64(64), np.int64(0))
    assert same == BASE
    assert hash(same) == hash(BASE)
    assert same.key(NETWORK) == BASE.key(NETWORK)
    assert BASE != "mixed3a"
    assert BASE.size_px == 16


def test_an_image_cannot_be_changed_afterwards():
    own = IMAGE.copy()
    request = CaricatureRequest("mixed3a", own)
    own[:] = 0
    assert request == BASE
    with pytest.raises(ValueError, match="read-only"):
        request.image[0, 0, 0] = 0


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"layer": ""}, "needs the name of a layer, not ''"),
        ({"layer": 3}, "needs the name of a layer, not 3"),
        ({"steps_count": 0}, "'mixed3a': steps_count must be a whole number of at least 1, not 0"),
        ({"steps_count": True}, "steps_count must be a whole number"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"seed": 0.5}, "seed must be a whole number of at least 0, not 0.5"),
        ({"cosine_power": -1}, "cosine_power must be at least 0, not -1"),
        ({"cosine_power": float("nan")}, "cosine_power must be at least 0, not nan"),
        ({"image": IMAGE / 255}, r"must be uint8 of shape \(height, width, 3\), not float64 of \(16, 16, 3\)"),
        ({"image": IMAGE[..., 0]}, r"not uint8 of \(16, 16\)"),
        ({"image": IMAGE[..., :2]}, r"not uint8 of \(16, 16, 2\)"),
        ({"image": IMAGE[:0]}, r"not uint8 of \(0, 16, 3\)"),
        ({"image": IMAGE[:, :15]}, "must be square, 16 pixels or more, not 16 x 15; use square_picture"),
        ({"image": IMAGE[:15, :15]}, "must be square, 16 pixels or more, not 15 x 15"),
    ],
)
def test_what_cannot_be_made_is_refused(fields, told):
    with pytest.raises(RequestError, match=told):
        dataclasses.replace(BASE, **fields)


def test_a_square_of_the_right_size_stays_as_it_is():
    assert np.array_equal(square_picture(IMAGE, 16), IMAGE)


@pytest.mark.parametrize("shape", [(16, 25, 3), (25, 16, 3)])
def test_the_square_in_the_middle_is_cut_out(shape):
    image = np.zeros(shape, np.uint8)
    image[tuple(slice((side - 16) // 2, (side - 16) // 2 + 16) for side in shape[:2])] = IMAGE
    assert np.array_equal(square_picture(image, 16), IMAGE)


def test_a_square_is_brought_to_the_size():
    larger = square_picture(IMAGE, 40)
    assert larger.shape == (40, 40, 3)
    assert larger.dtype == np.uint8
    assert np.array_equal(larger, np.asarray(Image.fromarray(IMAGE).resize((40, 40), Image.Resampling.LANCZOS)))
    smooth = np.full((64, 90, 3), 77, np.uint8)
    assert np.array_equal(square_picture(smooth, 16), np.full((16, 16, 3), 77))


def test_what_is_no_image_and_no_size_is_refused():
    with pytest.raises(RequestError, match="image of caricatures: the image must be uint8"):
        square_picture(IMAGE.astype(float), 16)
    with pytest.raises(RequestError, match="size_px must be at least 16, not 8"):
        square_picture(IMAGE, 8)
