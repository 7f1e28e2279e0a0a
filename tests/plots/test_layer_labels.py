"""Names of layers, and of the blocks that they are in."""

from itertools import pairwise

import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Annotation

from netlens.plots import style
from netlens.plots.layer_labels import SHADE, blocks, figure_width_in, name_layers
from netlens.publish.figure import overflow

SQUEEZENET = [
    "conv1",
    *(f"fire{place}/{name}" for place in range(2, 10) for name in ("squeeze1x1", "expand1x1", "expand3x3")),
    "conv10",
]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["conv1", "fire2/a", "fire2/b", "fire3/a", "fire3/b"], [("conv1", 1), ("fire2", 2), ("fire3", 2)]),
        (["conv1_1", "conv1_2", "fc1"], [("conv1", 2), ("fc1", 1)]),
        (["block_1_expand", "block_1_project", "block_10_expand"], [("block_1", 2), ("block_10_expand", 1)]),
        # Keras' own names, and a layer that is called what others begin with, make no blocks.
        (["conv2d", "conv2d_1", "conv2d_2"], [("conv2d", 1), ("conv2d_1", 1), ("conv2d_2", 1)]),
        (["fire2/squeeze1x1", "fire2"], [("fire2/squeeze1x1", 1), ("fire2", 1)]),
        # Only neighbors are in one block.
        (["a1/x", "b1/x", "a1/y"], [("a1/x", 1), ("b1/x", 1), ("a1/y", 1)]),
        (["слой1/а", "слой1/б"], [("слой1", 2)]),
        (["only"], [("only", 1)]),
        ([], []),
    ],
)
def test_neighbors_whose_names_begin_alike_are_a_block(labels, expected):
    found = blocks(labels)
    assert [(block.name, block.stop - block.start) for block in found] == expected
    assert [place for block in found for place in range(block.start, block.stop)] == list(range(len(labels)))


def named(labels):
    style.paper()
    fig, ax = plt.subplots(figsize=(figure_width_in(labels), 3))
    name_layers(ax, labels)
    fig.canvas.draw()
    return fig, ax


def test_blocks_are_named_once_and_shaded_in_turn():
    fig, ax = named(SQUEEZENET)
    ticks = [tick.get_text() for tick in ax.get_xticklabels()]
    assert ticks[:4] == ["conv1", "squeeze1x1", "expand1x1", "expand3x3"]
    assert [text.get_text() for text in ax.texts] == [f"fire{place}" for place in range(2, 10)]
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in ax.patches]
    assert spans[0] == (0.5, 3.5)
    assert spans[-1] == (24.5, 25.5)
    assert {patch.get_facecolor()[0] for patch in ax.patches} == {float(SHADE)}
    plt.close(fig)


def test_a_network_without_blocks_is_not_shaded():
    fig, ax = named(["conv1", "conv2", "logits"])
    assert not ax.patches
    assert not ax.texts
    plt.close(fig)


@pytest.mark.parametrize(
    "labels",
    [
        SQUEEZENET,
        ["only"],
        ["a", "b", "c"],
        [f"stage{place // 9}/layer_{place}" for place in range(160)],
        [f"Очень длинное имя блока {place // 3}/слой {place}" for place in range(30)],
        [f"{'long' * 12}{place}" for place in range(5)],
    ],
)
def test_no_name_is_cut_off_or_overlaps_another_or_is_too_small(labels):
    fig, ax = named(labels)
    assert overflow(fig) == []
    ticks = [tick for tick in ax.get_xticklabels() if tick.get_text()]
    assert ticks[0].get_text()
    assert all(tick.get_fontsize() >= 6 for tick in ticks)
    for texts in (ticks, [text for text in ax.texts if isinstance(text, Annotation)]):
        boxes = [text.get_window_extent() for text in texts]
        assert all(one.x1 <= other.x0 + 1.5 for one, other in pairwise(boxes))
    lowest = min(tick.get_window_extent().y0 for tick in ticks)
    assert all(text.get_window_extent().y1 <= lowest + 1 for text in ax.texts)
    plt.close(fig)
