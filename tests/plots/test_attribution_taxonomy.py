"""The three explanations beside the images, each panel on its own scale."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.plots.attribution_taxonomy import SCALE_QUANTILE, attribution_taxonomy
from netlens.publish import figure


@pytest.fixture
def arrays():
    random = np.random.default_rng(0)
    explained = {
        name: random.normal(size=(2, 6, 5, 3)).astype(np.float32) for name in ("function", "signal", "attribution")
    }
    return random.integers(0, 256, (2, 6, 5, 3), np.uint8), explained


def test_panels_are_scaled_each_by_its_own_values(arrays):
    images, explained = arrays
    fig = attribution_taxonomy(images, ["cat", "dog"], **explained)
    panels = [ax.images[0].get_array() for ax in fig.axes]
    # Column by column, then the three color scales.
    assert len(panels) == 4 * 2 + 3
    for row in range(2):
        np.testing.assert_array_equal(panels[row], images[row])
        for column, name in enumerate(("function", "signal"), start=1):
            values = explained[name][row]
            scale = np.quantile(np.abs(values), SCALE_QUANTILE)
            expected = 0.5 + 0.5 * np.clip(values / scale, -1, 1)
            np.testing.assert_allclose(panels[2 * column + row], expected, atol=1e-6)
        summed = explained["attribution"][row].sum(axis=-1, dtype=np.float64)
        scale = np.quantile(np.abs(summed), SCALE_QUANTILE)
        np.testing.assert_allclose(panels[6 + row], np.clip(summed / scale, -1, 1), rtol=1e-12)
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


def test_one_pixel_does_not_take_the_whole_scale(arrays):
    images, explained = arrays
    images = np.tile(images, (1, 20, 20, 1))
    explained = {name: np.tile(values, (1, 20, 20, 1)) for name, values in explained.items()}
    before = attribution_taxonomy(images, ["cat", "dog"], **explained).axes[2].images[0].get_array()
    explained["function"][0, 0, 0, 0] = 1e6
    after = attribution_taxonomy(images, ["cat", "dog"], **explained).axes[2].images[0].get_array()
    np.testing.assert_allclose(after[1:], before[1:], atol=0.01)
    assert after[0, 0, 0] == 1
    plt.close("all")


def test_an_explanation_of_zero_is_drawn_as_such(arrays):
    images, explained = arrays
    explained["function"][:] = 0
    fig = attribution_taxonomy(images, ["cat", "dog"], **explained)
    np.testing.assert_array_equal(fig.axes[2].images[0].get_array(), 0.5)
    plt.close(fig)
