"""Grids of decompositions show every layer once, in network order."""

import numpy as np
from matplotlib import pyplot as plt

from netlens.plots.decompositions import DecompositionRow, decomposition_grid, rotation_grid


def drawn(fig):
    return [ax.images[0].get_array() for ax in fig.axes if ax.images]


def test_each_layer_has_its_bases_its_spectrum_and_its_ratio():
    rows = [
        DecompositionRow(f"layer{i}", np.full((2, 2), i + 1.0), np.array([2.0, 0.0]), np.full((3, 3), -i - 1.0), ratio)
        for i, ratio in enumerate((1.5, np.inf, 2.25))
    ]
    fig = decomposition_grid(rows)
    assert [image.flat[0] for image in drawn(fig)] == [1, -1, 2, -2, 3, -3]
    titles = [ax.get_title() for ax in fig.axes if "sigma" in ax.get_title()]
    assert titles == [rf"$\sigma_1/\sigma_2 = {ratio}$" for ratio in ("1.50", r"\infty", "2.25")]
    assert [ax.get_ylabel() for ax in fig.axes if ax.get_ylabel()] == ["layer0", "layer1", "layer2"]
    curve = next(ax for ax in fig.axes if ax.lines).lines[0].get_ydata()
    np.testing.assert_array_equal(curve, [2.0, np.nan])  # 0 has no place on a logarithmic axis
    plt.close(fig)


def test_each_pair_has_its_rotation_and_its_item():
    items = [(f"{i}, {i + 1}", np.full((2, 3), i + 1.0), np.full((2, 3), -i - 1.0)) for i in range(4)]
    fig = rotation_grid(items)
    assert [image.flat[0] for image in drawn(fig)] == [1, -1, 2, -2, 3, -3, 4, -4]
    assert [ax.get_ylabel() for ax in fig.axes if ax.get_ylabel()] == [name for name, _, _ in items]
    plt.close(fig)
