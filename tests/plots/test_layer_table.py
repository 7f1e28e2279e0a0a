"""The table of a network's layers: cells stay in their columns."""

import matplotlib.pyplot as plt
import pytest

from netlens.plots.layer_table import layer_table

HEADER, WIDTHS = ("layer", "kind", "segment"), (1.5, 1.35, 1.3)


@pytest.mark.parametrize("name", ["conv1", "separable_conv2d_12_pointwise_of_a_model_with_long_names", "$x$ 日本 " * 9])
@pytest.mark.parametrize("count", [3, 40])
def test_cells_keep_to_their_columns_however_long_the_names_are(name, count):
    fig = layer_table(HEADER, [(name, "depthwise", name)] * count, WIDTHS)
    fig.canvas.draw()
    ax = fig.axes[0]
    starts = [0.0, WIDTHS[0], WIDTHS[0] + WIDTHS[1], sum(WIDTHS)]
    texts = [text for text in ax.texts if text.get_text() not in HEADER]
    assert len(texts) == 3 * count
    for number, text in enumerate(texts):
        box = text.get_window_extent().transformed(ax.transData.inverted())
        column = number // count
        assert starts[column] - 1e-9 <= box.x0 and box.x1 <= starts[column + 1]
    if name == "conv1":
        assert {text.get_text() for text in texts} == {"conv1", "depthwise"}
        assert len({text.get_fontsize() for text in texts}) == 1
    plt.close(fig)
