import base64
import copy

import numpy as np
import pytest

from netlens.publish import spatial_view
from netlens.publish.page import PageError
from netlens.spatial_attribution.packing import FULL, packed, unpacked

LABELS = {"true": "true", "smooth_blur": "smooth + blur"}
SIZES, PAIRS = [(5, 7), (2, 3)], [(0, 1)]


@pytest.fixture
def arrays():
    """Two images of 6 x 8 pixels, of two classes and of one."""
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(2, 2, 2, 3, 5, 7)).astype(np.float32)
    maps[:, :, 1, 1] = 0
    values, scales = packed(maps)
    return {
        "images": rng.integers(0, 255, (2, 6, 8, 3), np.uint8),
        "image_names": np.array(["first", "second"]),
        "class_names": np.array(["zebra", "<b>apple</b>", "moon"]),
        "image_classes": np.array([[2, 0], [1, -1]]),
        "logits": rng.normal(size=(2, 3)),
        "gradients": np.array(["true", "smooth_blur"]),
        "layers": np.array(["early_relu", "late"]),
        "layer_labels": np.array(["early", "late"]),
        "layer_sizes": np.array(SIZES),
        "pairs": np.array(PAIRS),
        "classes.0": rng.normal(size=(2, 2, 2, 5, 7)).astype(np.float32),
        "classes.1": rng.normal(size=(2, 2, 2, 2, 3)).astype(np.float32),
        "between.0": values,
        "scales.0": scales,
        "maps": maps,
    }


def floats(text):
    return np.frombuffer(base64.b64decode(text), "<f4")


def test_maps_come_back_from_the_texts(arrays):
    data = spatial_view.view_data(arrays, LABELS, full=FULL)
    for gradient in range(2):
        for image in range(2):
            for layer in range(2):
                # The second image's second class is none, and is left out.
                known = [2, 1][image]
                expected = arrays[f"classes.{layer}"][gradient, image, :known]
                np.testing.assert_array_equal(floats(data["classes"][image][gradient][layer]), expected.ravel())
            part = data["between"][image][gradient][0]
            values = np.frombuffer(base64.b64decode(part["values"]), "i1").reshape(2, 3, 5, 7)
            found = unpacked(values, floats(part["scales"]).reshape(2, 3))
            expected = arrays["maps"][gradient, image]
            bound = np.abs(expected).max(axis=(-2, -1), keepdims=True) / (2 * FULL)
            assert (np.abs(found - expected) <= bound * 1.0001).all()
            assert not found[1, 1].any()


def test_texts_and_sizes(arrays):
    data = spatial_view.view_data(arrays, LABELS, full=FULL)
    assert [[each["name"] for each in scene["classes"]] for scene in data["scenes"]] == [
        ["moon", "zebra"],
        ["<b>apple</b>"],
    ]
    assert data["scenes"][0]["classes"][1]["logit"] == pytest.approx(arrays["logits"][0, 0], abs=5e-5)
    assert (data["scenes"][1]["height"], data["scenes"][1]["width"]) == (6, 8)
    assert data["scenes"][0]["image"].startswith("data:image/png;base64,")
    assert data["gradients"][1] == {"name": "smooth_blur", "label": "smooth + blur"}
    assert data["layers"][0] == {"name": "early_relu", "label": "early", "height": 5, "width": 7}
    assert data["pairs"] == [[0, 1]]
    assert data["full"] == FULL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes.1": None}, "lack classes.1"),
        ({"images": None, "logits": None}, "lack images, logits"),
        ({"classes.1": np.zeros((2, 2, 2, 3, 2))}, r"classes.1 has shape \(2, 2, 2, 3, 2\).* \(2, 2, 2, 2, 3\)"),
        ({"scales.0": np.full((2, 2, 2, 3), np.nan)}, "scales.0 holds NaN"),
        ({"image_classes": np.array([[-1, 0], [1, -1]])}, "image 0 .* behind a -1"),
        ({"image_classes": np.array([[2, 0], [-1, -1]])}, "image 1 .* no class"),
        ({"image_classes": np.array([[2, 3], [1, -1]])}, "3 class names"),
        ({"pairs": np.zeros((0, 2), int)}, "at least"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(arrays, change, message):
    wrong = {name: value for name, value in {**arrays, **change}.items() if value is not None}
    with pytest.raises(PageError, match=message) as caught:
        spatial_view.view_data(wrong, LABELS, full=FULL)
    assert "\n" not in str(caught.value)


def test_a_page_that_would_be_too_heavy_is_refused(arrays):
    data = spatial_view.view_data(arrays, LABELS, full=FULL)
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
