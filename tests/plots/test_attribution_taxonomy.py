"""The three explanations beside the images, each panel on its own scale."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.plots.attribution_taxonomy import attribution_taxonomy
from netlens.publish import figure


@pytest.fixture
def arrays():
    random = np.random.default_rng(0)
    explained = {
        name: random.normal(size=(2, 6, 5, 3)).astype(np.float32) for name in ("function", "signal", "attribution")
    }
    return random.integers(0, 256, (2, 6, 5, 3), np.uint8), explained


def test_panels_are_scaled_each_by_its_own_largest_value(arrays):
    images, explained = arrays
    fig = attribution_taxonomy(images, ["cat", "dog"], **explained)
    panels = [ax.images[0].get_array() for ax in fig.axes]
    # Column by column, then the three color scales.
    assert len(panels) == 4 * 2 + 3
    for row in range(2):
        np.testing.assert_array_equal(panels[row], images[row])
        for column, name in enumerate(("function", "signal"), start=1):
            values = explained[name][row]
            np.testing.assert_allclose(panels[2 * column + row], 0.5 + 0.5 * values / np.abs(values).max(), atol=1e-6)
        summed = explained["attribution"][row].sum(axis=-1, dtype=np.float64)
        np.testing.assert_allclose(panels[6 + row], summed / np.abs(summed).max(), rtol=1e-12)
        assert np.abs(panels[6 + row]).max() == 1
    assert [fig.axes[row].get_ylabel() for row in range(2)] == ["cat", "dog"]
    assert figure.overflow(fig) == []
    plt.close(fig)


def test_zero_is_mid_gray(arrays):
    images, explained = arrays
    explained["signal"][:, 0, 0] = 0
    fig = attribution_taxonomy(images, ["cat", "dog"], **explained)
    np.testing.assert_array_equal(fig.axes[4].images[0].get_array()[0, 0], 0.5)
    plt.close(fig)
