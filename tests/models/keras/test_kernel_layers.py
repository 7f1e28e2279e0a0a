import json
import subprocess
import sys

import pytest

from netlens.models.architectures.vgg import small_vgg
from netlens.models.backend import keras
from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.keras.kernel_layers import KernelLayer, kernel_layers, read_layers, write_layers

L = keras.layers


def test_small_vgg():
    layers = kernel_layers(small_vgg(input_shape=(64, 48, 3), classes=5, seed=0))
    assert [layer.label for layer in layers] == [
        "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv4_1", "conv4_2", "fc1", "fc2", "logits",
    ]  # fmt: skip
    assert layers[1] == KernelLayer("block1_conv2", "conv1_2", "conv2d", (3, 3, 16, 16), (1, 1), "same", (1, 1), None)
    assert layers[8] == KernelLayer("fc1", "fc1", "dense", (4 * 3 * 128, 256), None, None, None, (4, 3, 128))
    assert layers[9].flatten_shape is None


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


def test_no_flatten():
    image = keras.Input((9, 9, 3))
    pooled = kernel_layers(keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(image))))
    everywhere = kernel_layers(keras.Model(image, L.Dense(2)(image)))
    vector = keras.Input((9,))
    flat = kernel_layers(keras.Model(vector, L.Dense(2)(L.Flatten()(vector))))
    assert [layer.flatten_shape for (layer,) in (pooled, everywhere, flat)] == [None, None, None]


@pytest.mark.parametrize("layer", [L.DepthwiseConv2D(3), L.Conv2DTranspose(2, 3), L.SeparableConv2D(2, 3)])
def test_other_kernels_are_named(layer):
    image = keras.Input((9, 9, 3))
    model = keras.Model(image, layer(image))
    with pytest.raises(UnsupportedLayerError, match=rf"'{layer.name}' \({type(layer).__name__}\) is not supported"):
        kernel_layers(model)


def test_groups_shared_and_channels_first_are_named():
    image = keras.Input((9, 9, 4))
    with pytest.raises(UnsupportedLayerError, match=r"'g' .* 2 groups"):
        kernel_layers(keras.Model(image, L.Conv2D(4, 3, groups=2, name="g")(image)))
    twice = L.Conv2D(4, 3, name="twice")
    with pytest.raises(UnsupportedLayerError, match=r"'twice' .* used 2 times"):
        kernel_layers(keras.Model(image, twice(twice(image))))
    first = L.Conv2D(4, 3, data_format="channels_first", name="first")
    with pytest.raises(UnsupportedLayerError, match=r"'first' .* channels first"):
        kernel_layers(keras.Model(image, first(image)))


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
