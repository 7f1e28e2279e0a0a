"""The widget's Python side: choices, what they compute, and what is wrong in one line."""

import base64
import io
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from netlens.models.backend import keras
from netlens.models.errors import NetworkError
from netlens.models.frozen.frozen_network import freeze
from netlens.models.network import Network
from netlens.models.preprocessing import preprocessing_from
from netlens.publish.spatial_attribution_widget import SpatialExplorer
from netlens.publish.zero_runs import long_zeros
from netlens.spatial_attribution.attribution import SpatialAttribution
from netlens.spatial_attribution.choices import AttributionError

NAMES = ("zebra", "apple", "moon", "coffee")  # not sorted: indices are the logits' own


@pytest.fixture(scope="module")
def network():
    """A small network on 12 x 16 pixels with seeded weights."""
    layers = keras.layers
    image = keras.Input((12, 16, 3), name="input")
    early = layers.Conv2D(5, 3, padding="same", activation="relu", name="early")(image)
    pooled = layers.MaxPooling2D(3, 2, padding="same", name="pool")(early)
    late = layers.Conv2D(6, 3, padding="same", activation="relu", name="late")(pooled)
    logits = layers.Dense(4, name="logits")(layers.Flatten(name="flatten")(late))
    model = keras.Model(image, logits)
    rng = np.random.default_rng(7)
    model.set_weights([rng.normal(0, 0.4, weights.shape) for weights in model.get_weights()])
    return freeze(Network("tiny", model, preprocessing_from("tf"), NAMES, (12, 16, 3), ""))


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(3)
    return {name: rng.integers(0, 256, (12, 16, 3), np.uint8) for name in ("one", "two")}


@pytest.fixture
def explorer(network, images):
    with SpatialExplorer(network, images) as explorer:
        yield explorer


def floats(text):
    return np.frombuffer(base64.b64decode(text), "<f4")


def png(pixels, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()


def upload(explorer, name, content):
    entry = {"name": name, "type": "", "size": len(content), "content": memoryview(content)}
    explorer.upload.value = ({**entry, "last_modified": datetime.now(UTC)},)


def shown_classes(explorer):
    return [each["name"] for each in explorer.view.data["scenes"][0]["classes"]]


def check_against_the_method(explorer, network, pixels, gradient):
    """What the view is given is what the method computes."""
    data = explorer.view.data
    names = [layer["name"] for layer in data["layers"]]
    inputs = network.preprocess(pixels[None])
    with SpatialAttribution(network, gradient=gradient) as attribution:
        between = attribution.between(inputs[0], *names)
        classes = [NAMES.index(name) for name in shown_classes(explorer)]
        for place, name in enumerate(names):
            expected = attribution.to_classes(inputs, name, classes)
            np.testing.assert_allclose(floats(data["classes"][0][0][place]), expected.ravel(), rtol=1e-5, atol=1e-6)
    part = data["between"][0][0][0]
    values = long_zeros(base64.b64decode(part["values"])).reshape(between.shape)
    scales = floats(part["scales"]).reshape(between.shape[:2])
    found = values / data["full"] * scales[..., None, None]
    np.testing.assert_allclose(found, between, atol=float(scales.max()) / 250)
    assert between.any()


@pytest.mark.slow
def test_begins_with_two_layers_and_the_two_largest_logits(explorer, network, images):
    assert explorer.view.message == ""
    assert [layer["name"] for layer in explorer.view.data["layers"]] == ["early", "late"]
    with SpatialAttribution(network) as attribution:
        logits = attribution.logits(network.preprocess(images["one"][None]))[0]
    assert shown_classes(explorer) == [NAMES[index] for index in np.argsort(-logits)[:2]]
    check_against_the_method(explorer, network, images["one"], "true")


@pytest.mark.slow
def test_choices_are_computed_when_they_are_made(explorer, network, images):
    explorer.image.value = "two"
    check_against_the_method(explorer, network, images["two"], "true")
    explorer.source.value = "pool"
    assert explorer.view.data["layers"][0] == {"name": "pool", "label": "pool", "height": 6, "width": 8}
    explorer.source.value = "early"
    explorer.gradient.value = "smooth_blur"
    assert explorer.view.data["gradients"] == [{"name": "smooth_blur", "label": "smooth + blur"}]
    check_against_the_method(explorer, network, images["two"], "smooth_blur")
    explorer.first.value, explorer.second.value = 3, 0
    assert shown_classes(explorer) == ["coffee", "zebra"]
    check_against_the_method(explorer, network, images["two"], "smooth_blur")


@pytest.mark.slow
def test_given_choices(network, images):
    with SpatialExplorer(
        network, images, source="pool", target="late", classes=("moon", "zebra"), gradient="smooth"
    ) as explorer:
        assert shown_classes(explorer) == ["moon", "zebra"]
        assert [layer["name"] for layer in explorer.view.data["layers"]] == ["pool", "late"]
        assert explorer.view.data["gradients"][0]["name"] == "smooth"


@pytest.mark.slow
def test_an_upload_is_cut_to_the_networks_size_and_chosen(explorer, network):
    pixels = np.zeros((24, 40, 3), np.uint8)
    pixels[:, 4:36] = (200, 30, 60)
    upload(explorer, "mine.png", png(pixels))
    assert explorer.image.value == "mine.png"
    assert explorer.image.options == ("one", "two", "mine.png")
    assert explorer.view.message == ""
    # 24 x 40 becomes 12 x 20, of which the middle 16 columns are the red ones.
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(explorer.view.data["scenes"][0]["image"].split(",")[1]))))
    assert shown.shape == (12, 16, 3)
    assert (np.abs(shown[:, 2:-2].astype(int) - (200, 30, 60)) <= 2).all()
    check_against_the_method(explorer, network, shown, "true")


def test_what_cannot_be_read_is_told_in_one_line_and_the_next_choice_works(explorer):
    before = explorer.image.value
    upload(explorer, "notes.txt", b"no image\nat all")
    assert explorer.view.message.startswith("notes.txt: cannot be read as an image: ")
    assert "\n" not in explorer.view.message
    assert explorer.view.data == {}
    assert explorer.image.value == before
    explorer.image.value = "two"
    assert explorer.view.message == ""
    assert explorer.view.data["scenes"][0]["name"] == "two"


@pytest.mark.slow
def test_layers_in_the_wrong_order_are_told_in_one_line(explorer):
    explorer.source.value, explorer.target.value = "late", "early"
    assert explorer.view.message == "layer 'early' does not depend on layer 'late'; name the earlier layer first"
    assert explorer.view.data == {}
    explorer.source.value, explorer.target.value = "early", "late"
    assert explorer.view.message == ""
    assert explorer.view.data["layers"]


def test_without_an_image_it_asks_for_one(network):
    with SpatialExplorer(network, {}) as explorer:
        assert "upload an image" in explorer.view.message
        assert explorer.view.data == {}
        upload(explorer, "a.jpg", png(np.full((30, 30, 3), 90, np.uint8), "JPEG"))
        assert explorer.view.message == ""
        assert explorer.view.data["scenes"][0]["name"] == "a.jpg"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"classes": ("moon", "aple")}, AttributionError, "no class 'aple'.*apple"),
        ({"classes": ("moon",)}, AttributionError, "two names or none"),
        ({"gradient": "rough"}, AttributionError, "no gradient 'rough'.*smooth_blur"),
        ({"source": "erly"}, NetworkError, "'erly'.*early"),
        ({"target": "logits"}, AttributionError, "no positions"),
    ],
)
def test_wrong_beginnings_are_refused(network, images, given, error, message):
    with pytest.raises(error, match=message) as caught:
        SpatialExplorer(network, images, **given)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_traits_are_those_that_the_script_reads(explorer):
    state = explorer.view.get_state()
    assert {"data", "message", "pointed"} <= set(state)
    assert state["pointed"] == {}
    assert 'model.get("data")' in state["_esm"]
    assert ".spatial-view" in state["_css"]
