"""The middle layer of a network is one that mixes channels, and rows of a table say what each layer is."""

import pytest

from netlens.models.keras.kernel_layers import KernelLayer
from netlens.models.keras.layer_graph import LayerGraph, LayerNode
from netlens.pattern_attribution.spectra.layer_choice import middle_layer
from netlens.pattern_attribution.spectra.layer_rows import HEADER, WIDTHS, layer_rows
from netlens.pattern_attribution.spectra.matrices import SpectraError


def layer(name, kind="conv2d", shape=(1, 1, 4, 4), groups=1, flatten_shape=None):
    strides = None if kind == "dense" else (2, 2)
    return KernelLayer(name, f"{name}!", kind, shape, strides, None, None, flatten_shape, groups)


def test_the_middle_layer_mixes_channels():
    deep = [layer("a"), layer("b", "depthwise_conv2d", (3, 3, 1, 4), 4), layer("c"), layer("d")]
    assert middle_layer(deep).name == "c"
    assert middle_layer(deep, "b").name == "b"
    assert middle_layer(deep[1:2]).name == "b"
    with pytest.raises(SpectraError, match="there is no layer 'e' with a kernel; choose one of a, b, c, d"):
        middle_layer(deep, "e")


def test_a_row_says_what_a_layer_is_and_which_segment_it_belongs_to():
    names = ("a", "b1", "b2", "join", "fc")
    sources = ("i", "a", "a", "b1 b2", "join")
    kinds = ("Conv2D", "DepthwiseConv2D", "Conv2D", "Add", "Dense")
    nodes = [LayerNode("i", "InputLayer", ())]
    nodes += [LayerNode(*row, tuple(source.split())) for *row, source in zip(names, kinds, sources, strict=True)]
    layers = [
        layer("a", shape=(3, 3, 3, 1000)),
        layer("b1", "depthwise_conv2d", (3, 3, 1, 1000), 1000),
        layer("b2", shape=(1, 1, 1000, 1000)),
        layer("fc", "dense", (9000, 10), flatten_shape=(3, 3, 1000)),
    ]
    rows = layer_rows(layers, LayerGraph(tuple(nodes), ("fc",), 3))
    assert rows == [
        ("a!", "convolution", "3×3×3×1000", "2×2", "3×1000", "27,000", "a"),
        ("b1!", "depthwise", "3×3×1×1000", "2×2", "1000×1000", "9,000", "join"),
        ("b2!", "convolution", "1×1×1000×1000", "2×2", "1000×1000", "1,000,000", "join"),
        ("fc!", "dense", "9000×10", "", "1000×10", "90,000", "fc"),
    ]
    assert {len(row) for row in rows} == {len(HEADER)} == {len(WIDTHS)}
    single = layer_rows(layers[:1], LayerGraph(tuple(nodes[:2]), ("a",), 3))
    assert single[0][-1] == "–"
