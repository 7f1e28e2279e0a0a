import json
import subprocess
import sys

import numpy as np
import pytest

from netlens.models.architectures.vgg import small_vgg
from netlens.models.backend import keras
from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.keras.kernel_layers import (
    KernelLayer,
    kernel_layers,
    kernel_of,
    one_by_one_view,
    read_layers,
    write_layers,
)

L = keras.layers


def test_small_vgg():
    layers = kernel_layers(small_vgg(input_shape=(64, 48, 3), classes=5, seed=0))
    assert [layer.label for layer in layers] == [
        "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv4_1", "conv4_2", "fc1", "fc2", "logits",
    ]  # fmt: skip
    assert layers[1] == KernelLayer("block1_conv2", "conv1_2", "conv2d", (3, 3, 16, 16), (1, 1), "same", (1, 1), None)
    assert layers[8] == KernelLayer("fc1", "fc1", "dense", (4 * 3 * 128, 256), None, None, None, (4, 3, 128))
    assert layers[9].flatten_shape is None


@pytest.mark.slow
def test_geometry_and_elementwise_layers_behind_the_flatten():
    image = keras.Input((9, 12, 3))
    x = L.Conv2D(4, (2, 3), strides=(2, 1), name="a")(image)
    x = L.Conv2D(5, 3, dilation_rate=2, padding="same", name="b")(x)
    x = L.Dropout(0.5)(L.ReLU()(L.BatchNormalization()(L.Reshape((-1,))(x))))
    x = L.Dense(7, name="c")(x)
    a, b, c = kernel_layers(keras.Model(image, x))
    assert (a.strides, a.padding, a.dilation) == ((2, 1), "valid", (1, 1))
    assert (b.strides, b.padding, b.dilation) == ((1, 1), "same", (2, 2))
    assert c.flatten_shape == (4, 10, 5)


def test_kinds_and_layout_of_grouped_and_depthwise_kernels():
    image = keras.Input((9, 9, 4))
    x = L.Conv2D(6, (3, 2), groups=2, name="grouped")(image)
    x = L.DepthwiseConv2D((2, 3), depth_multiplier=3, strides=2, padding="same", name="depthwise")(x)
    model = keras.Model(image, x)
    grouped, depthwise = kernel_layers(model)
    assert (grouped.kind, grouped.kernel_shape, grouped.groups) == ("grouped_conv2d", (3, 2, 2, 6), 2)
    assert (grouped.inputs, grouped.units, grouped.channels) == (12, 6, 4)
    assert (depthwise.kind, depthwise.kernel_shape, depthwise.groups) == ("depthwise_conv2d", (2, 3, 1, 18), 6)
    assert (depthwise.inputs, depthwise.units, depthwise.channels) == (6, 18, 6)
    # Unit c * 3 + m is the m-th of channel c, in Keras' output and in the layout alike.
    keras_kernel = model.get_layer("depthwise").get_weights()[0]
    np.testing.assert_array_equal(kernel_of(model.get_layer("depthwise"))[..., 0, 7], keras_kernel[..., 2, 1])


@pytest.mark.parametrize(
    "layer",
    [
        L.Conv2D(6, 3, padding="same", use_bias=False),
        L.Conv2D(6, 3, padding="same", groups=2, use_bias=False),
        L.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False),
        L.Dense(5, use_bias=False),
    ],
)
def test_the_one_by_one_view_is_the_layer_on_a_map_of_one_pixel(layer):
    image = keras.Input((1, 1, 4))
    model = keras.Model(image, layer(image))
    (described,) = kernel_layers(model)
    x = np.random.default_rng(0).normal(size=(3, 1, 1, 4)).astype(np.float32)
    view = one_by_one_view(described, kernel_of(layer))
    np.testing.assert_allclose(x[:, 0, 0] @ view, model.predict(x, verbose=0)[:, 0, 0], atol=1e-6)
    with pytest.raises(ValueError, match="not shaped as its kernel"):
        one_by_one_view(described, kernel_of(layer)[..., :2])


def test_the_one_by_one_view_of_a_dense_layer_behind_a_flatten_is_its_center():
    image = keras.Input((3, 2, 4))
    model = keras.Model(image, L.Dense(5)(L.Flatten()(image)))
    (described,) = kernel_layers(model)
    kernel = kernel_of(model.layers[-1])
    np.testing.assert_array_equal(one_by_one_view(described, kernel), kernel.reshape(3, 2, 4, 5)[1, 1])


def test_no_flatten():
    image = keras.Input((9, 9, 3))
    pooled = kernel_layers(keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(image))))
    everywhere = kernel_layers(keras.Model(image, L.Dense(2)(image)))
    vector = keras.Input((9,))
    flat = kernel_layers(keras.Model(vector, L.Dense(2)(L.Flatten()(vector))))
    assert [layer.flatten_shape for (layer,) in (pooled, everywhere, flat)] == [None, None, None]


@pytest.mark.parametrize("layer", [L.Conv2DTranspose(2, 3), L.Conv3D(2, 3), L.LocallyConnected2D(2, 3)])
def test_other_kernels_are_named(layer):
    image = keras.Input((9, 9, 9, 3) if isinstance(layer, L.Conv3D) else (9, 9, 3))
    model = keras.Model(image, layer(image))
    with pytest.raises(UnsupportedLayerError, match=rf"'{layer.name}' \({type(layer).__name__}\) is not supported"):
        kernel_layers(model)


def test_separable_shared_and_channels_first_are_named():
    image = keras.Input((9, 9, 4))
    with pytest.raises(UnsupportedLayerError, match=r"'s' \(SeparableConv2D\) has two kernels; fold the network first"):
        kernel_layers(keras.Model(image, L.SeparableConv2D(4, 3, name="s")(image)))
    twice = L.Conv2D(4, 3, name="twice")
    with pytest.raises(UnsupportedLayerError, match=r"'twice' .* used 2 times"):
        kernel_layers(keras.Model(image, twice(twice(image))))
    first = L.Conv2D(4, 3, data_format="channels_first", name="first")
    with pytest.raises(UnsupportedLayerError, match=r"'first' .* channels first"):
        kernel_layers(keras.Model(image, first(image)))


@pytest.mark.slow
def test_json_round_trip_without_tensorflow(tmp_path):
    layers = kernel_layers(small_vgg(input_shape=(32, 32, 3), classes=5, seed=0))
    path = tmp_path / "network.json"
    write_layers(path, layers, {"class_names": ["b", "a"], "input_shape": [32, 32, 3]})
    assert read_layers(path) == layers
    assert json.loads(path.read_text())["class_names"] == ["b", "a"]
    code = (
        "import sys; from netlens.models.keras.kernel_layers import read_layers;"
        f"assert len(read_layers({str(path)!r})) == 11; assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_bad_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such description"):
        read_layers(tmp_path / "none.json")
    for text in ("{", "[]", "{}", '{"layers": [{"name": "a"}]}', '{"layers": [3]}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(NetworkError, match="not a description of a network's layers"):
            read_layers(tmp_path / "bad.json")
    with pytest.raises(ValueError, match="must not have an entry 'layers'"):
        write_layers(tmp_path / "x.json", [], {"layers": []})
