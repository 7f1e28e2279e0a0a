"""The computation that devices are compared by is the same each time."""

import numpy as np
import pytest

from netlens.models import device_comparison

pytestmark = pytest.mark.slow


def test_one_device_gives_the_same_result_twice():
    (first, seconds), (second, _) = device_comparison.compute_on("/CPU:0"), device_comparison.compute_on("/CPU:0")
    assert first.shape == (4, 112, 112, 3) and first.dtype == np.float32
    assert np.abs(first).max() > 1 and seconds > 0
    np.testing.assert_array_equal(first, second)


def test_without_a_gpu_there_is_no_comparison(monkeypatch):
    monkeypatch.setattr(device_comparison.tf.config, "list_physical_devices", lambda kind: [])
    assert device_comparison.compare() == {"device": None}
