"""The scatter plots: what each panel holds, and that the arrows have the directions and lengths that they claim."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import Polygon

from netlens.plots.distractor_scatter import ARROW_LENGTH, distractor_scatter
from netlens.publish import figure
from netlens.signal_distractor import two_dimensions as sd


@pytest.fixture
def drawn():
    t_over_pi = [0.0, 0.25, 1.0, 1.25]
    samples = [sd.make_sample(sd.draw_noise(30, 1), t * np.pi) for t in t_over_pi]
    directions = [sd.directions(sample) for sample in samples]
    fig = distractor_scatter(samples, directions, t_over_pi)
    yield fig, samples, directions
    plt.close(fig)


@pytest.mark.slow
def test_panels_show_the_points_in_the_color_of_the_target(drawn):
    fig, samples, _ = drawn
    panels = [ax for ax in fig.axes if ax.get_visible() and ax.get_title()]
    assert [ax.get_title() for ax in panels] == ["t = 0", "t = 0.25 π", "t = π", "t = 1.25 π"]
    for ax, sample in zip(panels, samples, strict=True):
        alone, points = ax.collections
        np.testing.assert_array_equal(alone.get_offsets(), sample.distractor)
        np.testing.assert_array_equal(points.get_offsets(), sample.x)
        np.testing.assert_array_equal(points.get_array(), sample.y)
    assert figure.overflow(fig) == []


def test_heads_end_where_the_directions_point_and_missing_weights_are_remarked_on(drawn):
    fig, _, directions = drawn
    for ax, arrows in zip(fig.axes, directions, strict=False):
        expected = [ARROW_LENGTH * direction for direction in arrows.by_name().values() if direction is not None]
        heads = [patch for patch in ax.patches if isinstance(patch, Polygon)]
        # Each head is drawn twice: its ground and itself.
        np.testing.assert_allclose([head.get_xy()[0] for head in heads[1::2]], expected, atol=1e-15)
        texts = [text.get_text() for text in ax.texts]
        letters = [text for text in texts if len(text) == 1]
        assert letters == (["s", "d", "a"] if arrows.weight is None else ["s", "d", "w", "a"])
        assert any("w is undefined" in text for text in texts) == (arrows.weight is None)
