import hashlib
import json
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from netlens.models.architectures.registry import build
from netlens.models.backend import keras, tf
from netlens.models.errors import CheckpointError, NetworkError, UnsupportedLayerError
from netlens.models.keras.files import set_stored_weights
from netlens.models.keras.kernel_layers import kernel_layers
from netlens.models.loading import load_network
from netlens.models.network import without_softmax
from netlens.models.network_files import read_model
from netlens.models.preparation import prepare, save_prepared
from netlens.models.training import save_checkpoint

L = keras.layers

KERAS3 = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np
assert keras.__version__.startswith("3"), keras.__version__
L, folder = keras.layers, sys.argv[1]
rng = np.random.default_rng(0)

def save(model, name, shape):
    for weight in model.weights:
        value = rng.normal(size=weight.shape)
        weight.assign(np.abs(value) + 0.5 if "variance" in weight.path else 0.3 * value)
    x = rng.normal(size=(3, *shape)).astype("float32")
    np.savez(f"{folder}/{name}.npz", x=x, y=model.predict(x, verbose=0))
    model.save(f"{folder}/{name}.keras")
    model.save(f"{folder}/{name}.h5")

inner = keras.Sequential([L.Input((8, 8, 4)), L.Conv2D(4, 3, name="c"), L.BatchNormalization(name="n"),
                          L.ReLU(6.0, name="r"), L.LeakyReLU(0.1, name="lr")], name="inner")
image = keras.Input((10, 10, 3), name="image")
x = L.Conv2D(4, 3, name="a", kernel_regularizer="l2")(image)
x = inner(x)
y = L.Conv2D(4, 3, padding="same", dilation_rate=2, activation="elu", use_bias=False, name="b")(x)
x = L.Concatenate(name="cat")([x, y])
x = L.Add(name="sum")([x, L.Conv2D(8, 1, name="proj")(x)])
x = L.BatchNormalization(name="bn", scale=False, epsilon=0.01)(x, training=False)
x = L.SpatialDropout2D(0.2)(L.AveragePooling2D(2, strides=1, padding="same", name="avg")(x))
x = L.Dropout(0.5, name="drop")(L.ZeroPadding2D(((0, 1), (2, 0)), name="pad")(x))
out = L.Dense(3, activation="softmax", name="out")(L.Flatten(name="flat")(x))
save(keras.Model(image, out, name="branching"), "branching", (10, 10, 3))
model = keras.Sequential([
    L.Input((12, 11, 3)), L.Rescaling(0.5, offset=1.0), L.Conv2D(2, 3, activation="relu", strides=2), L.Conv2D(3, 2),
    L.Activation("tanh"), L.MaxPooling2D(), L.GlobalMaxPooling2D(), L.Reshape((3, 1)), L.Flatten(), L.Dense(4),
    L.Softmax(),
])
save(model, "plain", (12, 11, 3))
deferred = keras.Sequential([L.Conv2D(2, 3), L.Flatten(), L.Dense(3)])
deferred.build((None, 6, 6, 3))
save(deferred, "deferred", (6, 6, 3))
for name, layer in {"depthwise": L.DepthwiseConv2D(3, name="odd"), "hard": L.Activation("hard_sigmoid", name="odd"),
                    "own": L.Activation(keras.activations.relu6, name="odd")}.items():
    keras.Sequential([L.Input((6, 6, 3)), layer, L.Flatten(), L.Dense(3)]).save(f"{folder}/{name}.keras")
image = keras.Input((6, 6, 3))
keras.Model(image, L.Dense(2)(L.Flatten()(keras.ops.relu(image) * 2.0))).save(f"{folder}/ops.keras")
"""


LEGACY = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["TF_USE_LEGACY_KERAS"] = "3", "1"
import numpy as np, tensorflow as tf, tf_keras as keras
assert tf.executing_eagerly() and keras.__version__.startswith("2"), keras.__version__
L, folder = keras.layers, sys.argv[1]
rng = np.random.default_rng(0)
inner = keras.Sequential([L.Input((7, 6, 5)), L.Conv2D(4, 3, name="c", use_bias=False),
                          L.BatchNormalization(name="n"), L.PReLU(name="p")], name="inner")
image = keras.Input((9, 8, 3), name="image")
x = inner(L.Conv2D(5, 3, name="conv", activation="relu")(image))
x = tf.nn.relu(L.BatchNormalization(name="bn")(x))
model = keras.Model(image, L.Dense(4, name="head", activation="softmax")(L.Flatten()(x)), name="classifier")
for weight in model.weights:
    value = rng.normal(size=weight.shape)
    weight.assign(np.abs(value) + 0.5 if "variance" in weight.name else 0.3 * value)
x = rng.normal(size=(3, 9, 8, 3)).astype("float32")
np.savez(f"{folder}/whole.npz", x=x, y=model.predict(x, verbose=0))
model.save(f"{folder}/whole.keras")
model.save(f"{folder}/whole.h5")
code = L.Lambda(lambda x: x, name="code")
keras.Sequential([L.Input((9, 8, 3)), code, L.Flatten(), L.Dense(2)]).save(f"{folder}/code.keras")
"""


@pytest.fixture(scope="module")
def legacy(tmp_path_factory):
    """Files that the legacy Keras saved eagerly, as it does for everybody else; it cannot save .keras without."""
    folder = tmp_path_factory.mktemp("legacy")
    subprocess.run([sys.executable, "-c", LEGACY, str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def keras3(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keras3")
    subprocess.run([sys.executable, "-c", KERAS3, str(folder)], check=True, capture_output=True)
    return folder


def classifier(softmax="fused", size=(9, 8), channels=3, classes=4):
    x = image = keras.Input((*size, channels), name="image")
    x = L.Conv2D(5, 3, name="conv", activation="relu")(x)
    x = L.Flatten(name="flat")(x)
    x = L.Dense(classes, name="head", activation="softmax" if softmax == "fused" else None)(x)
    if softmax == "layer":
        x = L.Softmax(name="probabilities")(x)
    if softmax == "activation":
        x = L.Activation("softmax", name="probabilities")(x)
    if softmax == "operation":
        x = tf.nn.softmax(x)
    return keras.Model(image, x, name="classifier")


def saved(path, model=None):
    (model or classifier()).save(path)
    return path


def images(n=3, size=(9, 8)):
    return np.random.default_rng(0).integers(0, 256, (n, *size, 3), np.uint8)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["branching", "plain", "deferred"])
@pytest.mark.parametrize("form", ["keras", "h5"])
def test_networks_of_keras_3_give_the_same(keras3, name, form):
    stored = np.load(keras3 / f"{name}.npz")
    model = read_model(keras3 / f"{name}.{form}")
    np.testing.assert_allclose(model.predict(stored["x"], verbose=0), stored["y"], rtol=0, atol=1e-6)


@pytest.mark.slow
def test_network_of_keras_3_is_made_ready(keras3):
    network = load_network({"kind": "file", "file": str(keras3 / "plain.keras"), "preprocessing": "tf"}, name="mine")
    stored = np.load(keras3 / "plain.npz")
    logits = network.model.predict(stored["x"], verbose=0).astype(np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, stored["y"], atol=1e-6)
    assert network.input_shape == (12, 11, 3) and network.name == "mine"
    assert [layer.kind for layer in kernel_layers(network.model)] == ["conv2d", "conv2d", "dense"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("depthwise", r"'odd' \(DepthwiseConv2D\) of Keras 3 is not supported"),
        ("hard", r"'odd' \(Activation\): activation 'hard_sigmoid' of Keras 3 is not supported"),
        ("own", r"'odd' \(Activation\): activation 'relu6' of Keras 3 is not supported"),
        ("ops", r"of Keras 3 is not supported"),
    ],
)
def test_what_is_not_translated_from_keras_3_is_named(keras3, name, message):
    with pytest.raises(UnsupportedLayerError, match=message) as caught:
        read_model(keras3 / f"{name}.keras")
    assert str(caught.value).startswith(str(keras3 / f"{name}.keras")) and "\n" not in str(caught.value)


@pytest.mark.slow
def test_keras_3_weights_that_do_not_fit_are_named(keras3, tmp_path):
    broken = tmp_path / "broken.h5"
    broken.write_bytes((keras3 / "plain.h5").read_bytes())
    with h5py.File(broken, "r+") as file:
        dense = next(name for name in file["model_weights"] if name.startswith("dense"))
        del file["model_weights"][dense]
    with pytest.raises(NetworkError, match=r"layer 'dense\w*': the file has weights of shapes \[\]"):
        read_model(broken)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["keras", "h5"])
def test_networks_of_the_legacy_keras_give_the_same(legacy, form):
    stored = np.load(legacy / "whole.npz")
    model = read_model(legacy / f"whole.{form}")
    np.testing.assert_allclose(model.predict(stored["x"], verbose=0), stored["y"], rtol=0, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("softmax", ["fused", "layer", "activation", "none"])
def test_softmax_is_removed(tmp_path, softmax):
    model = classifier(softmax)
    path = saved(tmp_path / "a.h5", model)
    x = images()
    expected = model.predict(x.astype(np.float32), verbose=0).astype(np.float64)
    network = load_network({"kind": "file", "file": str(path), "class_names": ["z", "y", "b", "a"]})
    assert network.class_names == ("z", "y", "b", "a") and network.sha256 == digest(path)
    logits = network.model.predict(network.preprocess(x), verbose=0).astype(np.float64)
    if softmax != "none":
        logits = np.exp(logits - logits.max(axis=1, keepdims=True))
        logits /= logits.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-6)
    last = network.model.layers[-1]
    assert last.name == "head" and last.activation.__name__ == "linear"


@pytest.mark.parametrize("softmax", ["fused", "layer"])
def test_softmax_before_a_flatten_is_removed(softmax):
    image = x = keras.Input((9, 8, 3))
    x = L.GlobalAveragePooling2D(keepdims=True)(x)
    x = L.Conv2D(4, 1, activation="softmax" if softmax == "fused" else None, name="head")(x)
    x = L.Softmax(name="probabilities")(x) if softmax == "layer" else x
    model = keras.Model(image, L.Dropout(0.5)(L.Flatten(name="flat")(x)))
    images = np.random.default_rng(0).normal(size=(3, 9, 8, 3)).astype(np.float32)
    logits = without_softmax(model).predict(images, verbose=0).astype(np.float64)
    assert not np.allclose(logits.sum(axis=1), 1)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-6)


def test_softmax_at_every_position_is_refused_by_name():
    image = keras.Input((9, 8, 3))
    model = keras.Model(image, L.Flatten()(L.Conv2D(4, 3, activation="softmax", name="head")(image)), name="segmenter")
    with pytest.raises(
        NetworkError, match=r"'segmenter' ends in a softmax at each of 7 x 6 positions, at layer 'head'"
    ):
        without_softmax(model)


def test_softmax_operation_is_removed():
    model = classifier("operation")
    x = images().astype(np.float32) / 255
    expected = np.log(model.predict(x, verbose=0).astype(np.float64))
    logits = without_softmax(model).predict(x, verbose=0).astype(np.float64)
    np.testing.assert_allclose(
        logits - logits.mean(axis=1, keepdims=True), expected - expected.mean(axis=1, keepdims=True), atol=1e-4
    )


@pytest.mark.slow
def test_prepared_network_on_disk(tmp_path):
    x = image = keras.Input((9, 8, 3))
    x = L.ReLU(name="relu")(L.BatchNormalization(name="norm")(L.Conv2D(5, 3, name="conv", use_bias=False)(x)))
    model = keras.Model(image, L.Dense(4, activation="softmax", name="head")(L.Flatten()(x)))
    path = saved(tmp_path / "a.h5", model)
    network = load_network({"kind": "file", "file": str(path), "preprocessing": "torch"}, name="mine")
    save_prepared(prepare(network), tmp_path / "out" / "kernels.npz", tmp_path / "out" / "network.h5")
    again = load_network(tmp_path / "out" / "network.h5")
    assert (again.name, again.class_names, again.input_shape) == ("mine", network.class_names, (9, 8, 3))
    assert again.sha256 == digest(path) and again.preprocessing == network.preprocessing
    assert "norm" not in [layer.name for layer in again.model.layers]
    inputs = network.preprocess(images())
    expected = network.model.predict(inputs, verbose=0)
    np.testing.assert_allclose(again.model.predict(inputs, verbose=0), expected, rtol=1e-4, atol=1e-5)
    with np.load(tmp_path / "out" / "kernels.npz") as kernels:
        assert list(kernels) == ["conv", "head"]
        assert all(kernel.dtype == np.float32 for kernel in kernels.values())
    first = digest(tmp_path / "out" / "network.h5"), digest(tmp_path / "out" / "kernels.npz")
    save_prepared(prepare(network), tmp_path / "kernels.npz", tmp_path / "network.h5")
    assert first == (digest(tmp_path / "network.h5"), digest(tmp_path / "kernels.npz"))


def test_kernels_that_are_not_finite_are_refused(tmp_path):
    model = classifier()
    model.get_layer("conv").set_weights([np.full((3, 3, 3, 5), np.inf), np.zeros(5)])
    network = load_network({"kind": "file", "file": str(saved(tmp_path / "a.h5", model))})
    with pytest.raises(NetworkError, match="kernel of layer 'conv' holds NaN or infinity"):
        prepare(network)


def test_trained_network_reads_its_record(tmp_path):
    path = tmp_path / "net.h5"
    spec = {"kind": "trained", "checkpoint": str(path)}
    record = {"preprocessing": {"scale": 2.0}, "class_names": ["d", "c", "b", "a"]}
    save_checkpoint(classifier(), path, record)
    network = load_network(spec)
    assert network.class_names == ("d", "c", "b", "a") and network.preprocessing.scale == 2.0
    expected = digest(path)

    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(
        CheckpointError, match=rf"truncated or changed: its sha256 is [0-9a-f]{{64}} instead of {expected}; restore"
    ) as e:
        load_network(spec)
    assert str(path) in str(e.value) and "\n" not in str(e.value)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=rf"net\.h5: no such checkpoint \(sha256 {expected}\)"):
        load_network(spec)
    path.with_suffix(".json").write_text("{")
    with pytest.raises(NetworkError, match=r"net\.json: not valid JSON"):
        load_network(spec)
    path.with_suffix(".json").unlink()
    with pytest.raises(FileNotFoundError, match=r"net\.json: no such file"):
        load_network(spec)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["h5", "keras"])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.95])
def test_truncated_file_tells_its_sha256(tmp_path, legacy, form, kept):
    path = tmp_path / f"a.{form}"
    content = (legacy / f"whole.{form}").read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(CheckpointError, match=rf"truncated or damaged \(sha256 {digest(path)}\)") as caught:
        load_network({"kind": "file", "file": str(path)})
    assert "\n" not in str(caught.value)


def test_expected_sha256_of_a_file(tmp_path):
    path = saved(tmp_path / "a.h5")
    load_network({"kind": "file", "file": str(path), "sha256": digest(path)})
    with pytest.raises(CheckpointError, match=rf"instead of {'0' * 64}; restore"):
        load_network({"kind": "file", "file": str(path), "sha256": "0" * 64})


@pytest.mark.slow
def test_named_architecture_with_and_without_weights(tmp_path):
    spec = {"kind": "named", "architecture": "small_vgg", "size_px": [32, 24], "classes_count": 7, "seed": 4}
    network = load_network(spec)
    assert network.sha256 == "" and network.class_names[-1] == "class_6" and network.input_shape == (32, 24, 3)
    assert network.preprocessing.channel_order == "bgr"
    other = build("small_vgg", input_shape=(32, 24, 3), classes=7, seed=5)
    other.save_weights(tmp_path / "weights.h5")
    network = load_network({**spec, "weights_file": str(tmp_path / "weights.h5")})
    for name in ("block1_conv1", "predictions"):
        kernel, expected = (model.get_layer(name).get_weights()[0] for model in (network.model, other))
        np.testing.assert_array_equal(kernel, expected)
    with pytest.raises(CheckpointError, match=r"not weights of small_vgg \(sha256 [0-9a-f]{64}\)"):
        load_network({**spec, "classes_count": 8, "weights_file": str(tmp_path / "weights.h5")})
    with pytest.raises(FileNotFoundError, match="no such checkpoint"):
        load_network({**spec, "weights_file": str(tmp_path / "none.h5")})


def test_stored_layers_of_another_name_are_matched_in_their_order(tmp_path):
    def network(last):
        image = keras.Input((6, 5, 3))
        return keras.Model(image, L.Dense(2, name=last)(L.Flatten()(L.Conv2D(3, 3, name="conv")(image))))

    published, ours = network("probs"), network("predictions")
    published.save_weights(tmp_path / "weights.h5")
    set_stored_weights(ours, tmp_path / "weights.h5")
    for expected, found in zip(published.get_weights(), ours.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    larger = keras.Sequential([ours, L.Dense(2, name="more")])
    with pytest.raises(NetworkError, match="layer 'predictions': the file has weights of shapes"):
        set_stored_weights(larger, tmp_path / "weights.h5")


def test_input_of_any_size_needs_one(tmp_path):
    image = keras.Input((None, None, 3))
    model = keras.Model(image, L.Dense(2)(L.GlobalAveragePooling2D()(L.Conv2D(3, 3)(image))), name="any")
    spec = {"kind": "file", "file": str(saved(tmp_path / "a.h5", model))}
    with pytest.raises(NetworkError, match="'any' takes images of any size"):
        load_network(spec)
    network = load_network({**spec, "size_px": [12, 10]})
    assert network.input_shape == (12, 10, 3) and network.model.input_shape == (None, 12, 10, 3)
    with pytest.raises(NetworkError, match="'any' does not take"):
        load_network({**spec, "size_px": [2, 2]})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: classifier(channels=1), "takes 1 channels; it must take color images"),
        (lambda: keras.Sequential([L.Dense(3, input_shape=(4,))]), "it must take one image"),
        (lambda: keras.Sequential([L.Conv2D(3, 3, input_shape=(9, 8, 3))]), "7 x 6 x 3 values; a classifier"),
        (lambda: keras.Sequential([L.Flatten(input_shape=(9, 8, 3)), L.Dense(1, activation="sigmoid")]), "sigmoid"),
    ],
)  # fmt: skip
def test_what_is_no_classifier_of_images(tmp_path, make, message):
    with pytest.raises(NetworkError, match=message) as caught:
        load_network({"kind": "file", "file": str(saved(tmp_path / "a.h5", make()))})
    assert "\n" not in str(caught.value)


def test_several_outputs_are_refused(tmp_path):
    image = keras.Input((9, 8, 3))
    flat = L.Flatten()(image)
    path = saved(tmp_path / "a.h5", keras.Model(image, [L.Dense(2)(flat), L.Dense(3)(flat)]))
    with pytest.raises(NetworkError, match="has 2 outputs; a classifier has one"):
        load_network({"kind": "file", "file": str(path)})


def test_images_of_another_size_are_refused(tmp_path):
    network = load_network({"kind": "file", "file": str(saved(tmp_path / "a.h5"))}, name="mine")
    with pytest.raises(NetworkError, match="'mine' takes images of 9 x 8 x 3, not 8 x 9 x 3"):
        network.preprocess(images(size=(8, 9)))


def test_study_that_does_not_fit(tmp_path):
    path = str(saved(tmp_path / "a.h5"))
    with pytest.raises(NetworkError, match="has 4 outputs, but 2 class names are given"):
        load_network({"kind": "file", "file": path, "class_names": ["a", "b"]})
    with pytest.raises(NetworkError, match="takes 9 x 8 pixels, not 8 x 9"):
        load_network({"kind": "file", "file": path, "size_px": [8, 9]})
    with pytest.raises(NetworkError, match="kind must be one of trained, file, named, pretrained, not 'frozen'"):
        load_network({"kind": "frozen"})
    (tmp_path / "a.pb").write_text("x")
    with pytest.raises(NetworkError, match=r"'a' is a frozen graph \(.*a\.pb\), .* it needs a Keras model"):
        load_network({"kind": "file", "file": str(tmp_path / "a.pb")})
    with pytest.raises(NetworkError, match=r"not a network file; save the network as \.h5 or \.keras"):
        read_model(tmp_path / "a.pb")
    classifier().save_weights(tmp_path / "weights.h5")
    with pytest.raises(CheckpointError, match="weights without an architecture"):
        load_network({"kind": "file", "file": str(tmp_path / "weights.h5")})


@pytest.mark.slow
def test_code_in_a_file_is_not_run(tmp_path, legacy):
    image = keras.Input((9, 8, 3))
    model = keras.Model(image, L.Dense(2)(L.Flatten()(L.Lambda(lambda x: x, name="code")(image))))
    for path in (saved(tmp_path / "a.h5", model), legacy / "code.keras"):
        with pytest.raises(UnsupportedLayerError, match="contains a Lambda layer, whose code is not run"):
            load_network({"kind": "file", "file": str(path)})


def test_unknown_layer_is_told(tmp_path):
    class Odd(L.Layer):
        def call(self, x):
            return x

    image = keras.Input((9, 8, 3))
    path = saved(tmp_path / "a.h5", keras.Model(image, L.Dense(2)(L.Flatten()(Odd(name="odd")(image)))))
    with pytest.raises(NetworkError, match=r"cannot be read as a Keras model: .*Odd"):
        load_network({"kind": "file", "file": str(path)})


def test_not_a_keras_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(CheckpointError, match="truncated or damaged"):
        read_model(tmp_path / "a.keras")


def test_description_is_json(tmp_path):
    network = load_network({"kind": "file", "file": str(saved(tmp_path / "a.h5"))})
    assert json.loads(json.dumps(network.describe()))["input_shape"] == [9, 8, 3]
