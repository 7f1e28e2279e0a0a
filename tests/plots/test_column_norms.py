"""Norms and singular values share a panel; zeros have no place on its logarithmic axis."""

import numpy as np
from matplotlib import pyplot as plt

from netlens.plots.column_norms import norms_and_values


def test_each_matrix_has_a_panel_with_three_curves():
    first = (np.array([2.5, 0.5]), np.array([2.0, 1.0, 0.0]), np.array([3.0, 0.5]))
    fig = norms_and_values({"$W$": first, "$A$": (np.array([1.0]), np.array([1.0]), np.array([1.0]))})
    ax, other = fig.axes
    assert [ax.get_title(), other.get_title()] == ["$W$", "$A$"]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [2.5, 0.5])
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), [[1, 2.0], [2, 1.0], [3, np.nan]])
    np.testing.assert_array_equal(ax.lines[2].get_ydata(), [3.0, 0.5])
    np.testing.assert_allclose(ax.get_ylim(), (0.27, 6.0), rtol=1e-12)
    names = ["row norms (one per input), sorted", "column norms (one per unit), sorted", "singular values"]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == names
    plt.close(fig)
