import base64
import copy
from dataclasses import replace

import numpy as np
import pytest

from netlens.publish import spatial_view
from netlens.publish.page import PageError
from netlens.publish.zero_runs import long_zeros
from netlens.spatial_attribution.packing import FULL, packed, unpacked
from netlens.spatial_attribution.results import AttributionMaps


@pytest.fixture
def between():
    """Position-to-position maps of two gradients and two images; position (1, 1) of the later layer is silent."""
    maps = np.random.default_rng(1).normal(size=(2, 2, 2, 3, 5, 7)).astype(np.float32)
    maps[:, :, 1, 1] = 0
    return maps


@pytest.fixture
def maps(between):
    """Two images of 6 x 8 pixels, of two classes and of one."""
    rng = np.random.default_rng(0)
    values, scales = packed(between)
    return AttributionMaps(
        network="tiny",
        class_names=("zebra", "<b>apple</b>", "moon"),
        gradients=("true", "smooth_blur"),
        images=rng.integers(0, 255, (2, 6, 8, 3), np.uint8),
        image_names=("first", "second"),
        image_classes=np.array([[2, 0], [1, -1]]),
        masks=np.zeros((2, 6, 8), np.uint8),
        logits=rng.normal(size=(2, 3)),
        layers=("early_relu", "late"),
        layer_labels=("early", "late"),
        layer_sizes=((5, 7), (2, 3)),
        pairs=((0, 1),),
        to_classes=tuple(rng.normal(size=(2, 2, 2, *size)).astype(np.float32) for size in ((5, 7), (2, 3))),
        between=(values,),
        scales=(scales,),
    )


def floats(text):
    return np.frombuffer(base64.b64decode(text), "<f4")


def test_maps_come_back_from_the_texts(maps, between):
    data = spatial_view.view_data(maps)
    for gradient in range(2):
        for image in range(2):
            for layer in range(2):
                # The second image's second class is none, and is left out.
                known = [2, 1][image]
                expected = maps.to_classes[layer][gradient, image, :known]
                np.testing.assert_array_equal(floats(data["classes"][image][gradient][layer]), expected.ravel())
            part = data["between"][image][gradient][0]
            values = long_zeros(base64.b64decode(part["values"])).reshape(2, 3, 5, 7)
            found = unpacked(values, floats(part["scales"]).reshape(2, 3))
            expected = between[gradient, image]
            bound = np.abs(expected).max(axis=(-2, -1), keepdims=True) / (2 * FULL)
            assert (np.abs(found - expected) <= bound * 1.0001).all()
            assert not found[1, 1].any()


def test_texts_and_sizes(maps):
    data = spatial_view.view_data(maps)
    assert [[each["name"] for each in scene["classes"]] for scene in data["scenes"]] == [
        ["moon", "zebra"],
        ["<b>apple</b>"],
    ]
    assert data["scenes"][0]["classes"][1]["logit"] == pytest.approx(maps.logits[0, 0], abs=5e-5)
    assert (data["scenes"][1]["height"], data["scenes"][1]["width"]) == (6, 8)
    assert data["scenes"][0]["image"].startswith("data:image/png;base64,")
    assert data["gradients"][1] == {"name": "smooth_blur", "label": "smooth + blur"}
    assert data["layers"][0] == {"name": "early_relu", "label": "early", "height": 5, "width": 7}
    assert data["pairs"] == [[0, 1]]
    assert data["full"] == FULL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_classes": np.array([[-1, 0], [1, -1]])}, "image 0 .* after a -1"),
        ({"image_classes": np.array([[2, 0], [-1, -1]])}, "image 1 .* no class"),
        ({"logits": np.full((2, 3), np.nan)}, "image 0 .* not finite"),
        ({"pairs": (), "between": (), "scales": ()}, "at least"),
    ],
)
def test_what_cannot_be_shown_is_reported_in_one_line(maps, change, message):
    with pytest.raises(PageError, match=message) as caught:
        spatial_view.view_data(replace(maps, **change))
    assert "\n" not in str(caught.value)


def test_a_page_that_would_be_too_large_is_refused(maps):
    data = spatial_view.view_data(maps)
    spatial_view.check_size(data)
    heavy = copy.deepcopy(data)
    heavy["between"][0][0][0]["values"] = "A" * spatial_view.MOST_BYTES
    with pytest.raises(PageError, match=r"5\.1 MB.*fewer"):
        spatial_view.check_size(heavy)


def test_page_and_widget_run_the_same_view():
    page, widget = spatial_view.page_script(), spatial_view.widget_module()
    shared = page[: page.rindex("\nspatialView(")]
    assert len(shared) > 5000
    assert widget.startswith(shared)
    assert "export default" in widget
    assert "export" not in page
