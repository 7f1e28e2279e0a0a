import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netlens.models.backend import keras
from netlens.models.errors import NetworkError
from netlens.models.preprocessing import Preprocessing, preprocessing_from

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), np.uint8)


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_named_modes_are_those_of_keras(mode):
    expected = keras.applications.imagenet_utils.preprocess_input(IMAGES.astype(np.float32), mode=mode)
    result = preprocessing_from(mode)(IMAGES)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


def test_options_against_float64():
    spec = {"scale": 0.5, "mean": [1, 2, 3], "std": [4, 5, 6], "channel_order": "bgr"}
    expected = (0.5 * IMAGES[..., ::-1].astype(np.float64) - [1, 2, 3]) / [4, 5, 6]
    np.testing.assert_allclose(preprocessing_from(spec)(IMAGES), expected, rtol=1e-6)
    np.testing.assert_array_equal(preprocessing_from({})(IMAGES), IMAGES)
    np.testing.assert_array_equal(preprocessing_from({"mode": "tf"})(IMAGES), preprocessing_from("tf")(IMAGES))


def test_the_callers_images_stay():
    before = IMAGES.copy()
    preprocessing_from("caffe")(IMAGES)
    np.testing.assert_array_equal(IMAGES, before)


@given(st.floats(0.001, 2), st.lists(st.floats(-200, 200), min_size=3, max_size=3), st.floats(0.1, 90), st.booleans())
def test_undo_and_specification(scale, mean, std, reverse):
    made = Preprocessing(scale, tuple(mean), (std,), "bgr" if reverse else "rgb")
    np.testing.assert_array_equal(made.undo(made(IMAGES)), IMAGES)
    assert preprocessing_from(made.as_spec()) == made


def test_limits():
    low, high = preprocessing_from("caffe").limits()
    np.testing.assert_allclose(low, [-103.939, -116.779, -123.68], rtol=1e-6)
    np.testing.assert_allclose(high - low, 255, rtol=1e-6)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("vgg", "there is no mode 'vgg'; the modes are caffe, tf, torch, none"),
        ({"sclae": 1}, "unknown key 'sclae'"),
        ({"mean": [1, 2]}, "mean must be one number or three"),
        ({"std": [1, 0, 1]}, "std must not be 0"),
        ({"scale": 0}, "scale must be a number other than 0"),
        ({"scale": "big"}, "could not convert"),
        ({"mean": float("nan")}, "mean must be one number or three"),
        ({"channel_order": "rbg"}, "channel_order must be 'rgb' or 'bgr'"),
    ],
)
def test_bad_specifications(spec, message):
    with pytest.raises(NetworkError, match=message) as caught:
        preprocessing_from(spec)
    assert str(caught.value).startswith("preprocessing: ")
