import json
import math
from dataclasses import replace

import numpy as np
import pytest

from netlens.models.errors import NetworkError
from netlens.models.results import Evaluation
from netlens.models.summary import NOT_APPLICABLE, quantity

EVALUATION = Evaluation(
    ("a", "b", "c"),
    heldout_logits=np.array([[2.0, 1, 0], [0, 1, 0], [3, 1, 0], [5, 1, 0]], np.float32),
    heldout_labels=np.array([0, 1, 1, 0]),
    scenes_logits=np.array([[2.0, 1, 0]], np.float32),
    scenes_labels=np.array([[0, 2, -1]]),
)
KERNELS = {"a": np.zeros((3, 3, 3, 4)), "b": np.zeros((4, 5))}


def test_numbers(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"x" * 1500)
    (tmp_path / "a.json").write_text(json.dumps({"training_cpu_s": 90.0}))
    files = [str(tmp_path / "a.h5"), str(tmp_path / "a.json")]
    expected = {
        "heldout_accuracy": (0.75, math.sqrt(0.75 * 0.25 / 4)),
        "scene_recall": (0.5, math.sqrt(0.25 / 2)),
        "kernel_layers": (2, None),
        "kernel_weights": (128, None),
        "checkpoint_size": (0.0015, None),
        "training_time": (1.5, None),
    }
    for name, value in expected.items():
        assert quantity(name, evaluation=EVALUATION, kernels=KERNELS, files=files) == pytest.approx(value)


def test_what_a_study_does_not_have():
    without = replace(EVALUATION, scenes_logits=None, scenes_labels=None)
    for name in ("scene_recall", "checkpoint_size", "training_time"):
        assert quantity(name, evaluation=without) == (NOT_APPLICABLE, None)
    assert quantity("training_time", files=["a.keras"]) == (NOT_APPLICABLE, None)
    with pytest.raises(NetworkError, match="quantity is 'beauty': it must be one of heldout_accuracy"):
        quantity("beauty")
    with pytest.raises(NetworkError, match="kernel_layers cannot be computed: what it is computed from is not given"):
        quantity("kernel_layers", evaluation=EVALUATION)
