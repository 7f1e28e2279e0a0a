"""The checkpoints that are published in models/ are what their records say."""

import json
from pathlib import Path

import numpy as np
import pytest

from netlens.files.hashing import sha256_of
from netlens.images.photos import PHOTOGRAPHS, Cropping, heldout_crops
from netlens.models.loading import load_network

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parents[2] / "models" / "demo"
CHECKPOINTS = sorted(FOLDER.glob("*.h5"))


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.stem)
def test_record(path):
    record = json.loads(path.with_suffix(".json").read_text())
    assert record["checkpoint"] == {"sha256": sha256_of(path), "size_bytes": path.stat().st_size}
    assert path.stat().st_size <= 6_000_000
    assert record["heldout_accuracy"] >= 0.85
    assert record["training_cpu_s"] <= 2 * 6 * 60, "at most 6 minutes on 2 cores"
    assert len(record["history"]["loss"]) == record["training"]["epochs"]
    assert {"numpy", "tf-keras", "python"} <= set(record["trained_with"])


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.stem)
def test_recognises_crops_of_another_seed(path):
    network = load_network({"kind": "trained", "checkpoint": str(path)})
    assert network.class_names == tuple(PHOTOGRAPHS)
    crops = heldout_crops(network.class_names, 10, Cropping(size_px=network.input_shape[0]), seed=99)
    logits = network.model.predict_on_batch(network.preprocess(crops.images))
    assert np.mean(logits.argmax(axis=1) == crops.labels) > 0.85
