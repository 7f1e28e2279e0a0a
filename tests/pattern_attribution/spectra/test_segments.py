"""A segment's matrix is that of its layers, and the product of all segments is the whole linear network."""

import numpy as np
import pytest

from netlens.models.keras.segments import segments_of
from netlens.pattern_attribution.spectra.chain import chain_spectrum
from netlens.pattern_attribution.spectra.matrices import SpectraError, layer_matrices
from netlens.pattern_attribution.spectra.segments import segment_matrices

RNG = np.random.default_rng(7)


def matrices_of(shapes):
    return {name: RNG.normal(size=shape) for name, shape in shapes.items()}


def test_a_chain_s_segments_are_its_layers(layer_graphs):
    found = segments_of(layer_graphs.chain)
    assert [segment.name for segment in found] == ["conv1", "conv2", "fc1", "logits"]
    assert [segment.layers for segment in found] == [("conv1",), ("conv2",), ("fc1",), ("logits",)]
    layers = matrices_of({"conv1": (3, 4), "conv2": (4, 5), "fc1": (5, 6), "logits": (6, 2)})
    composed = segment_matrices(layer_graphs.chain, layers)
    assert list(composed) == list(layers)
    for name, matrix in layers.items():
        np.testing.assert_array_equal(composed[name], matrix)  # to the last bit


def test_branches_side_by_side_are_one_layer_in_the_order_of_the_concatenation(layer_graphs):
    assert [segment.name for segment in segments_of(layer_graphs.fire)] == [
        "conv1",
        "fire/squeeze",
        "fire/concat",
        "conv10",
    ]
    assert segments_of(layer_graphs.fire)[2].layers == ("fire/expand1", "fire/expand3")
    layers = matrices_of(
        {"conv1": (3, 8), "fire/squeeze": (8, 2), "fire/expand1": (2, 4), "fire/expand3": (2, 5), "conv10": (9, 3)}
    )
    composed = segment_matrices(layer_graphs.fire, layers)
    expected = np.concatenate([layers["fire/expand1"], layers["fire/expand3"]], axis=1)
    np.testing.assert_array_equal(composed["fire/concat"], expected)
    np.testing.assert_array_equal(composed["conv10"], layers["conv10"])


def test_added_branches_are_summed_and_a_shortcut_without_layer_is_the_unit_matrix(layer_graphs):
    assert [segment.name for segment in segments_of(layer_graphs.residual)] == ["stem", "b1/add", "b2/add", "logits"]
    shapes = {"stem": (3, 4), "b1/a": (4, 2), "b1/b": (2, 6), "b1/shortcut": (4, 6), "b2/a": (6, 5), "b2/b": (5, 6)}
    layers = matrices_of({**shapes, "logits": (6, 3)})
    composed = segment_matrices(layer_graphs.residual, layers)
    np.testing.assert_allclose(
        composed["b1/add"], layers["b1/shortcut"] + layers["b1/a"] @ layers["b1/b"], rtol=1e-14, atol=1e-14
    )
    np.testing.assert_allclose(composed["b2/add"], np.eye(6) + layers["b2/a"] @ layers["b2/b"], rtol=1e-14, atol=1e-14)


def test_dense_connections_have_no_trunk_tensor_inside(layer_graphs):
    assert [segment.name for segment in segments_of(layer_graphs.dense)] == ["stem", "join2", "transition", "logits"]
    shapes = {"stem": (3, 4), "a": (4, 2), "b": (6, 3), "transition": (9, 5), "logits": (5, 2)}
    layers = matrices_of(shapes)
    one = np.hstack([np.eye(4), layers["a"]])
    np.testing.assert_allclose(
        segment_matrices(layer_graphs.dense, layers)["join2"],
        np.hstack([one, one @ layers["b"]]),
        rtol=1e-14,
        atol=1e-14,
    )


def test_an_average_is_a_mean(layer_graphs):
    graph = layer_graphs.graph
    made = graph(("image", "InputLayer", ""), ("a", "Conv2D", "image"), ("b", "Conv2D", "a"), ("c", "Conv2D", "a"),
                 ("mean", "Average", "b c"), ("d", "Dense", "mean"))  # fmt: skip
    layers = matrices_of({"a": (3, 4), "b": (4, 5), "c": (4, 5), "d": (5, 2)})
    np.testing.assert_allclose(segment_matrices(made, layers)["mean"], (layers["b"] + layers["c"]) / 2, rtol=1e-14)


def test_a_batch_normalization_is_no_segment_but_must_be_folded_before_matrices_are_made(layer_graphs):
    graph = layer_graphs.graph
    made = graph(("image", "InputLayer", ""), ("norm0", "BatchNormalization", "image"), ("a", "Conv2D", "norm0"),
                 ("norm1", "BatchNormalization", "a"), ("b", "Conv2D", "norm1"), ("c", "Dense", "b"))  # fmt: skip
    assert [segment.name for segment in segments_of(made)] == ["a", "b", "c"]
    with pytest.raises(SpectraError, match="batch normalization norm0 was not folded"):
        segment_matrices(made, matrices_of({"a": (3, 4), "b": (4, 5), "c": (5, 2)}))


def test_the_network_s_input_may_be_joined_again_if_its_channels_are_known(layer_graphs):
    graph = layer_graphs.graph
    nodes = [("image", "InputLayer", ""), ("a", "Conv2D", "image"), ("join", "Concatenate", "image a")]
    nodes += [("b", "Conv2D", "join"), ("c", "Dense", "b")]
    layers = matrices_of({"a": (3, 4), "b": (7, 5), "c": (5, 2)})
    np.testing.assert_array_equal(segment_matrices(graph(*nodes), layers)["join"], np.hstack([np.eye(3), layers["a"]]))
    with pytest.raises(SpectraError, match="layer join joins the network's input, whose number of channels"):
        segment_matrices(graph(*nodes, channels=None), layers)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"conv1": (3, 4)}, "layer conv2 has no matrix; the matrices are of conv1"),
        ({"conv1": (3, 4), "conv2": (5, 5)}, "layer conv2 reads 5 channels, but 4 arrive"),
        ({"conv1": (2, 4)}, "layer conv1 reads 2 channels, but 3 arrive"),
    ],
)
def test_matrices_that_do_not_fit_are_named(layer_graphs, shapes, words):
    with pytest.raises(SpectraError, match=words):
        segment_matrices(layer_graphs.chain, matrices_of(shapes))


def test_branches_of_different_widths_cannot_be_added(layer_graphs):
    layers = matrices_of({"stem": (3, 4), "b1/a": (4, 2), "b1/b": (2, 5), "b1/shortcut": (4, 6)})
    with pytest.raises(SpectraError, match="layer b1/add adds 5 and 6 channels"):
        segment_matrices(layer_graphs.residual, layers)


def _squeezenet(L, x):
    x = L.Conv2D(6, 3, strides=2, activation="relu", name="conv1")(x)
    for name in ("fire2", "fire3"):
        x = L.Conv2D(3, 1, activation="relu", name=f"{name}/squeeze")(x)
        parts = [L.Conv2D(4, size, padding="same", name=f"{name}/expand{size}")(x) for size in (1, 3)]
        x = L.MaxPooling2D(2, name=f"{name}/pool")(L.Concatenate(name=f"{name}/concat")(parts))
    return L.GlobalAveragePooling2D(name="mean")(L.Conv2D(5, 1, activation="relu", name="conv10")(x))


def _resnet(L, x):
    x = L.Conv2D(6, 3, padding="same", activation="relu", name="stem")(x)
    for name, channels in (("b1", 6), ("b2", 8)):
        y = L.Conv2D(channels, (3, 2), padding="same", activation="relu", name=f"{name}/a")(x)
        y = L.Conv2D(channels, 3, padding="same", name=f"{name}/b")(y)
        x = x if channels == x.shape[-1] else L.Conv2D(channels, 1, name=f"{name}/shortcut")(x)
        x = L.ReLU(name=f"{name}/relu")(L.Add(name=f"{name}/add")([x, y]))
    x = L.Flatten(name="flatten")(L.AveragePooling2D(2, name="pool")(x))
    return L.Dense(4, name="logits")(L.Dense(7, activation="relu", name="fc")(x))


def _inception(L, x):
    x = L.Conv2D(6, 3, padding="same", activation="relu", name="stem")(x)
    for name in ("mixed1", "mixed2"):
        one = L.Conv2D(4, 1, name=f"{name}/one")(x)
        three = L.Conv2D(5, 3, padding="same", name=f"{name}/three")(L.Conv2D(3, 1, name=f"{name}/reduce")(x))
        pooled = L.MaxPooling2D(3, strides=1, padding="same", name=f"{name}/pool")(x)
        x = L.Concatenate(name=name)([one, three, L.Conv2D(2, 1, name=f"{name}/pooled")(pooled)])
    return L.Dense(4, name="logits")(L.GlobalAveragePooling2D(name="mean")(x))


def _densenet(L, x):
    x = L.Conv2D(4, 3, padding="same", name="stem")(x)
    a = L.Conv2D(3, 3, padding="same", name="a")(x)
    b = L.Conv2D(2, 3, padding="same", name="b")(L.Concatenate(name="a/join")([a, x]))
    x = L.Concatenate(name="ab/join")([b, x, a])
    return L.Dense(4, name="logits")(L.GlobalMaxPooling2D(name="max")(L.Conv2D(5, 1, name="transition")(x)))


def _mobilenet(L, x):
    x = L.Conv2D(6, 3, padding="same", activation="relu", name="stem")(x)
    for name in ("b1", "b2"):
        y = L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name=f"{name}/depthwise")(x)
        x = L.Add(name=f"{name}/add")([x, L.Conv2D(6, 1, name=f"{name}/project")(y)])
    x = L.DepthwiseConv2D((5, 3), padding="same", name="last/depthwise")(x)
    return L.Dense(4, name="logits")(L.GlobalAveragePooling2D(name="mean")(x))


SEGMENTS = {
    _squeezenet: ["conv1", "fire2/squeeze", "fire2/concat", "fire3/squeeze", "fire3/concat", "conv10"],
    _resnet: ["stem", "b1/add", "b2/add", "fc", "logits"],
    _inception: ["stem", "mixed1", "mixed2", "logits"],
    _densenet: ["stem", "ab/join", "transition", "logits"],
    _mobilenet: ["stem", "b1/add", "b2/add", "last/depthwise", "logits"],
}


@pytest.mark.slow
@pytest.mark.parametrize("build", SEGMENTS, ids=lambda build: build.__name__)
def test_the_chain_is_the_linear_network_at_its_center_taps(build):
    """The oracle is Keras: the network itself with all taps but the center ones 0, on constant positive maps.

    Kernels without negative numbers keep every rectifier open, and constant maps make every pooling the identity.
    """
    from netlens.models.backend import keras
    from netlens.models.keras.kernel_layers import kernel_layers
    from netlens.models.keras.layer_graph import layer_graph

    keras.backend.set_floatx("float64")
    try:
        image = keras.Input((12, 12, 3), name="image")
        model = keras.Model(image, build(keras.layers, image))
        layers = {layer.name: layer for layer in kernel_layers(model)}
        kernels = {}
        for layer in model.layers:
            if not layer.weights:
                continue
            kernel = RNG.uniform(0.1, 1, size=layer.get_weights()[0].shape)
            described = layers[layer.name]
            kernels[layer.name], flat = kernel.reshape(described.kernel_shape), described.flatten_shape
            middle = np.zeros_like(kernel)
            whole, seen = (a.reshape(*flat, -1) if flat else a for a in (kernel, middle))
            if seen.ndim == 4:
                place = seen.shape[0] // 2, seen.shape[1] // 2
                seen[place] = whole[place]
            else:
                seen[:] = whole
            layer.set_weights([middle, np.zeros(layer.get_weights()[1].shape)])
        expected = model.predict_on_batch(np.ones((3, 12, 12, 1)) * np.eye(3)[:, None, None])
        made = layer_graph(model)
    finally:
        keras.backend.set_floatx("float32")
    composed = segment_matrices(made, layer_matrices("weights", kernels, {}, list(layers.values())))
    assert list(composed) == SEGMENTS[build]
    np.testing.assert_allclose(np.linalg.multi_dot(list(composed.values())), expected, rtol=1e-12)
    values = 10.0 ** chain_spectrum(list(composed.values())).log10_values
    np.testing.assert_allclose(values[0], np.linalg.svd(expected, compute_uv=False)[0], rtol=1e-12)
