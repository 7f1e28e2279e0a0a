"""Spatial attribution of an image of one's own, through the real rules and notebooks, and what can be wrong with it."""

import json

import numpy as np
import pytest

from netlens.files.hashing import sha256_of

pytestmark = pytest.mark.slow


def test_the_image_is_explained_for_the_classes_that_are_named_in_the_labels_own_order(made_study):
    project = made_study.folder
    drawn = np.load(project / "figures/own/spatial_attribution/class_attribution_layers.npz")
    assert drawn["class_names"].tolist() == ["sea", "leaf"]
    assert drawn["image"].shape == (16, 24, 3)
    sea, leaf = drawn["layer.0"]
    middle = sea.shape[1] // 2
    # The sea is on the right; each of the two colours holds something of the other's.
    assert sea[:, middle:].sum() > 2 * sea[:, :middle].sum()
    assert leaf[:, :middle].sum() > 2 * leaf[:, middle:].sum()
    page = (project / "site/own/spatial_attribution.html").read_text(encoding="utf-8")
    assert (
        f"mine.png, is none of them but an image file that the study names (SHA-256 {sha256_of(project / 'mine.png')}"
        in page
    )
    # The set has no scenes of its own: they are composed of its held-out images.
    assert json.loads((project / "export_defs/own/spatialBestShare.json").read_text())["value"] > 0.6
    # The network that has patterns is explained too, in scenes of its own images.
    patterns = json.loads((project / "export_defs/own/spatialPatternNetwork.json").read_text())
    assert patterns["value"] == "tiny"


@pytest.mark.parametrize(
    ("spatial", "message"),
    [
        ({"image": "broken.png"}, "spatial_attribution.image: broken.png: cannot be read as an image"),
        ({"image_classes": ["sea", "appel"]}, "has no class 'appel'; its 3 classes include apple"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(copied_study, netlens, spatial, message):
    project = copied_study(spatial_attribution=spatial)
    (project / "broken.png").write_bytes(b"no picture")
    failed = netlens(project, "run", "class_attribution_layers")
    assert failed.returncode in {1, 2}
    errors = [line for line in failed.stderr.splitlines() if line.startswith("netlens: error: ")]
    assert len(errors) == 1, failed.stderr
    assert message in errors[0]
    assert "Traceback" not in failed.stderr
