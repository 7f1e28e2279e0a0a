"""What a figure's record says of its drawing: enough to see that a figure is another one."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from netlens.publish.drawing import drawing


@pytest.fixture
def figure():
    fig, ax = plt.subplots()
    ax.plot([0, 1, 2], [0, 1, 4], color="#0072b2", label="weights")
    ax.plot([0, 1, 2], [0, 1, 2], color="#d55e00", label="patterns")
    ax.set(xlabel="layer", ylabel="ratio", xlim=(0, 2), ylim=(1, 10), yscale="log", title="ratios")
    ax.legend()
    yield fig
    plt.close(fig)


def test_lines_limits_and_legend_are_named(figure):
    (axes,) = drawing(figure)
    assert axes["title"] == "ratios"
    assert axes["x"] == {"label": "layer", "scale": "linear", "limits": [0, 2]}
    assert axes["y"] == {"label": "ratio", "scale": "log", "limits": [1, 10]}
    assert axes["lines"] == [[["#0072b2ff", "weights", 3], 1], [["#d55e00ff", "patterns", 3], 1]]
    assert axes["legend"] == [["weights", "#0072b2ff"], ["patterns", "#d55e00ff"]]


def test_images_points_and_bars_are_counted(figure):
    ax = figure.axes[0]
    ax.clear()
    ax.imshow(np.arange(6.0).reshape(2, 3), cmap="gray", vmax=9)
    ax.scatter([1, 2], [1, 2], color="#000000")
    ax.bar([1, 2, 3], [1, 2, 3], color="#ffffff")
    ax.axis("off")
    (axes,) = drawing(figure)
    assert axes["images"] == [[[2, 3, "gray", 0.0, 9.0], 1]]
    assert axes["points"] == [[["#000000ff", "", 2], 1]]
    assert axes["patches"] == [[["#ffffffff", ""], 3]]
    assert "x" not in axes and "legend" not in axes


def test_a_legend_of_the_whole_figure_is_read(figure):
    figure.legend(handles=figure.axes[0].lines)
    assert drawing(figure)[-1] == {"legend": [["weights", "#0072b2ff"], ["patterns", "#d55e00ff"]]}
