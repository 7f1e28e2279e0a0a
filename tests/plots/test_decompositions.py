"""Grids of decompositions show every matrix once, in network order, on one scale of colors."""

import numpy as np
from matplotlib import pyplot as plt

from netlens.plots.decompositions import DecompositionRow, chain_grid, decomposition_grid, rotation_grid
from netlens.plots.signed_matrix import LINEAR_SHARE


def drawn(fig):
    return [ax.images[0].get_array() for ax in fig.axes if ax.images]


def picture(value, *shape):
    """Make a matrix with `value` in its first row and twice that, the largest entry, everywhere else."""
    made = np.full(shape, 2.0 * value)
    made[0] = value
    return made


def test_each_layer_has_its_bases_its_spectrum_and_its_ratio():
    ratios = (1.5, np.inf, 2.25)
    rows = [
        DecompositionRow(f"layer{i}", picture(i + 1.0, 4, 2), np.array([2.0, 0.0]), picture(-i - 1.0, 2, 3), ratio)
        for i, ratio in enumerate(ratios)
    ]
    fig = decomposition_grid(rows)
    by_label = {ax.get_ylabel(): ax for ax in fig.axes if ax.get_ylabel().startswith("layer")}
    assert list(by_label) == ["layer0", "layer2", "layer1"]  # in rows of two layers
    images = drawn(fig)
    assert sorted(image.shape for image in images) == sorted([(4, 2), (2, 3)] * 3)
    # Colors are relative to each picture's largest entry.
    assert {abs(image[0, 0]) for image in images} == {0.5}
    assert {abs(image[1, 0]) for image in images} == {1.0}
    titles = {ax.get_title() for ax in fig.axes if "sigma" in ax.get_title()}
    assert titles == {rf"$\sigma_1/\sigma_2 = {ratio}$" for ratio in ("1.5", r"\infty", "2.25")}
    curve = next(ax for ax in fig.axes if ax.lines).lines[0].get_ydata()
    np.testing.assert_array_equal(curve, [2.0, np.nan])  # 0 has no place on a logarithmic axis
    plt.close(fig)


def test_small_entries_beside_a_large_one_are_seen():
    matrix = np.full((3, 3), 0.05)
    matrix[0, 0] = 1.0
    fig = rotation_grid([("a, b", matrix, matrix, matrix)])
    (image,) = next(ax for ax in fig.axes if ax.images).images
    shades = image.norm(np.array([0.0, 0.05, 1.0]))
    np.testing.assert_allclose(shades[[0, 2]], [0.5, 1])
    assert shades[1] > 0.6  # on a linear scale it would be 0.525, next to gray
    assert LINEAR_SHARE == 0.01
    plt.close(fig)


def test_each_pair_has_its_rotation_its_scaled_rotation_and_its_item():
    items = [(f"{i}, {i + 1}", *(picture(i + 1.0, 2, 3 + part) for part in range(3))) for i in range(3)]
    fig = rotation_grid(items)
    assert [image.shape for image in drawn(fig)].count((2, 4)) == 3
    assert len(drawn(fig)) == 9
    labels = [ax.get_ylabel() for ax in fig.axes if ax.images and ax.get_ylabel()]
    assert sorted(labels) == ["0,\n1", "1,\n2", "2,\n3"]
    titles = [ax.get_title() for ax in fig.axes if ax.get_title()]
    assert titles == ["$R_l$", "$R_l S_{l+1}$", "$T_l$"] * 2
    plt.close(fig)


def test_a_chain_s_values_are_decades_and_zeros_are_left_out():
    logs = np.array([2.0, -5.0, -np.inf])
    fig = chain_grid({"$W$": (picture(1.0, 5, 2), logs, picture(1.0, 2, 7))})
    left, middle, right = fig.axes[:3]
    np.testing.assert_array_equal(middle.lines[0].get_ydata(), [2.0, -5.0])
    assert middle.lines[1].get_xdata()[0] == 2.5
    assert (left.images[0].get_array().shape, right.images[0].get_array().shape) == ((5, 2), (2, 7))
    assert left.get_ylabel() == "$W$"
    plt.close(fig)
