"""Boxes and matrices that matplotlib draws are those that seaborn would draw."""

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt

from netlens.plots import style
from netlens.plots.pattern_diagnostics import pattern_diagnostics
from netlens.plots.signed_matrix import END, directions_image


def test_boxes_of_layers_are_seaborns():
    rng = np.random.default_rng(0)
    shares = [rng.random(9), rng.random(12)]
    fig = pattern_diagnostics(shares, shares, [np.zeros(9, bool), np.zeros(12, bool)], ["a", "b"])
    other, ax = plt.subplots()
    sns.boxplot(shares, ax=ax, width=0.55, whis=(0, 100))
    assert corners(fig.axes[0]) == corners(ax)
    plt.close(fig)
    plt.close(other)


def corners(ax):
    """Heights of the boxes' corners, and of their whiskers, caps and medians, rounded."""
    heights = [patch.get_path().vertices[:, 1].round(9).tolist() for patch in ax.patches]
    lines = sorted(
        tuple(np.round(np.asarray(line.get_ydata(), float), 9)) for line in ax.lines if len(line.get_ydata())
    )
    return [sorted(set(each)) for each in heights], lines


def test_matrices_have_the_colors_of_a_heatmap():
    matrix = np.random.default_rng(1).normal(size=(4, 6))
    limit = END * np.sqrt(np.mean(matrix**2))
    fig, (ours, theirs) = plt.subplots(1, 2)
    directions_image(ours, matrix)
    sns.heatmap(matrix, ax=theirs, cmap=style.diverging(), vmin=-limit, vmax=limit, cbar=False)
    image, mesh = ours.images[0], theirs.collections[0]
    colors = mesh.to_rgba(np.asarray(mesh.get_array()).ravel())
    np.testing.assert_allclose(image.to_rgba(np.asarray(image.get_array()).ravel()), colors, atol=1e-9)
    plt.close(fig)
