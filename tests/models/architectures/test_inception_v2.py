import numpy as np
import pytest

from netlens.models.architectures.inception_v2 import small_inception_v2
from netlens.models.backend import keras, tf, tf1
from netlens.models.frozen.frozen_network import freeze, imported
from netlens.models.frozen.graph_files import frozen_from_graph
from netlens.models.frozen.structure import layer_edges, trunk
from netlens.models.keras.folding import fold_batch_normalization
from netlens.models.keras.kernel_layers import kernel_layers
from netlens.models.network import Network, without_softmax
from netlens.models.preprocessing import Preprocessing
from netlens.models.training import save_checkpoint

pytestmark = pytest.mark.slow

SCOPE = "InceptionV2/InceptionV2"
#: Of a mixed layer, and of one that halves the map: operations of slim's branches.
BRANCHES = {
    "Branch_0": ["Conv2d_0a_1x1"],
    "Branch_1": ["Conv2d_0a_1x1", "Conv2d_0b_3x3"],
    "Branch_2": ["Conv2d_0a_1x1", "Conv2d_0b_3x3", "Conv2d_0c_3x3"],
    "Branch_3": ["AvgPool_0a_3x3", "Conv2d_0b_1x1"],
}
REDUCING = {
    "Branch_0": ["Conv2d_0a_1x1", "Conv2d_1a_3x3"],
    "Branch_1": ["Conv2d_0a_1x1", "Conv2d_0b_3x3", "Conv2d_1a_3x3"],
    "Branch_2": ["MaxPool_1a_3x3"],
}
MIXED = {name: REDUCING if name.endswith("a") else BRANCHES for name in ("3b", "3c", "4a", "4b", "5a", "5b")}


def units():
    """Names of all convolutions and poolings, without their operations."""
    stem = ["Conv2d_1a_7x7", "MaxPool_2a_3x3", "Conv2d_2b_1x1", "Conv2d_2c_3x3", "MaxPool_3a_3x3"]
    branches = [
        f"Mixed_{mixed}/{branch}/{name}"
        for mixed, branches in MIXED.items()
        for branch, names in branches.items()
        for name in names
    ]
    return [f"{SCOPE}/{name}" for name in [*stem, *branches]]


def with_moments(model, seed=0):
    """Give batch normalization moments and shifts of its own, so that nothing passes by chance."""
    rng = np.random.default_rng(seed)
    values = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.moving_mean.shape
            values += [(layer.beta, rng.normal(size=size)), (layer.moving_mean, rng.normal(size=size))]
            values.append((layer.moving_variance, rng.uniform(0.5, 2, size=size)))
    keras.backend.batch_set_value(values)
    return model


@pytest.fixture(scope="module", autouse=True)
def in_own_graph():
    """Run all tests of this module in one graph, which the first finds empty."""


@pytest.fixture(scope="module")
def model():
    """Give one network to all tests, none of which changes it: to build its 300 layers takes seconds."""
    return with_moments(small_inception_v2(input_shape=(64, 64, 3), classes=16, seed=0))


@pytest.fixture(scope="module")
def frozen(model):
    return frozen_of(model)


def test_layers_are_named_as_slims(model):
    named = []
    for unit in units():
        operation = unit.rsplit("/", 1)[1].split("_")[0]
        parts = ["Conv2D", "BatchNorm", "Relu"] if operation == "Conv2d" else [operation]
        named += [f"{unit}/{part}" for part in parts]
    named += [f"{SCOPE}/Mixed_{mixed}/concat" for mixed in MIXED]
    named += [f"InceptionV2/{name}" for name in ("Logits/AvgPool_1a/AvgPool", "Logits/Conv2d_1c_1x1/BiasAdd")]
    assert {layer.name for layer in model.layers} == {"image", *named, "InceptionV2/Predictions/Softmax"}


def test_maps_have_a_quarter_of_inception_v2s_channels(model):
    shapes = {layer.name: layer.output_shape[1:] for layer in model.layers[1:]}
    assert [shapes[f"{SCOPE}/Conv2d_{name}/Relu"] for name in ("1a_7x7", "2b_1x1", "2c_3x3")] == [
        (64, 64, 16), (32, 32, 16), (32, 32, 48),
    ]  # fmt: skip
    # Of slim's: 256, 320, 576, 576, 1024, 1024.
    assert [shapes[f"{SCOPE}/Mixed_{name}/concat"] for name in MIXED] == [
        (16, 16, 64), (16, 16, 80), (8, 8, 144), (8, 8, 144), (4, 4, 256), (4, 4, 256),
    ]  # fmt: skip
    assert model.count_params() < 340_000


def test_convolutions_have_no_bias_and_normalization_no_scale(model):
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            assert not layer.use_bias, layer.name
        if isinstance(layer, keras.layers.BatchNormalization):
            assert layer.center and not layer.scale, layer.name


def test_folded_it_is_the_same_network(model):
    x = np.random.default_rng(1).uniform(-1, 1, (3, 64, 64, 3)).astype(np.float32)
    folded = fold_batch_normalization(model)
    assert not [layer for layer in folded.layers if isinstance(layer, keras.layers.BatchNormalization)]
    np.testing.assert_allclose(folded.predict_on_batch(x), model.predict_on_batch(x), rtol=0, atol=1e-6)
    assert len(kernel_layers(folded)) == sum("Conv2d" in name for name in units()) + 1


def frozen_of(model):
    logits = without_softmax(model)
    classes = tuple(map(str, range(logits.output_shape[-1])))
    return freeze(Network("small", logits, Preprocessing(), classes, (64, 64, 3), ""))


def test_frozen_its_layers_are_the_activations(frozen):
    expected = {}
    for unit in units():
        operation = unit.rsplit("/", 1)[1].split("_")[0]
        expected[f"{unit}/{'Relu' if operation == 'Conv2d' else operation}"] = (
            "conv" if operation == "Conv2d" else "pool"
        )
    expected |= {f"{SCOPE}/Mixed_{mixed}/concat": "concat" for mixed in MIXED}
    ends = {"InceptionV2/Logits/AvgPool_1a/AvgPool": "pool", "InceptionV2/Logits/Conv2d_1c_1x1/BiasAdd": "dense"}
    assert {layer.name: layer.kind for layer in frozen.layers} == {"input": "input", **expected, **ends}
    # Read as somebody else's graph it has the same layers, whose names are short.
    read = frozen_from_graph(frozen.graph_def, name="read")
    assert [(layer.node, layer.kind) for layer in read.layers] == [(layer.node, layer.kind) for layer in frozen.layers]


def test_frozen_its_trunk_and_edges_are_those_of_inception(frozen):
    stem = ["Conv2d_1a_7x7/Relu", "MaxPool_2a_3x3/MaxPool", "Conv2d_2b_1x1/Relu", "Conv2d_2c_3x3/Relu"]
    stem += ["MaxPool_3a_3x3/MaxPool", *(f"Mixed_{mixed}/concat" for mixed in MIXED)]
    assert [layer.name for layer in trunk(frozen)] == [
        "input", *(f"{SCOPE}/{name}" for name in stem), "InceptionV2/Logits/AvgPool_1a/AvgPool",
        "InceptionV2/Logits/Conv2d_1c_1x1/BiasAdd",
    ]  # fmt: skip
    edges = layer_edges(frozen)
    ends = {branch: names[-1] for branch, names in BRANCHES.items()}
    assert {source for source, user in edges if user == f"{SCOPE}/Mixed_3b/concat"} == {
        f"{SCOPE}/Mixed_3b/{branch}/{name}/Relu" for branch, name in ends.items()
    }
    starts = ["Branch_0/Conv2d_0a_1x1/Relu", "Branch_1/Conv2d_0a_1x1/Relu", "Branch_2/MaxPool_1a_3x3/MaxPool"]
    assert {user for source, user in edges if source == f"{SCOPE}/Mixed_4b/concat"} == {
        f"{SCOPE}/Mixed_5a/{name}" for name in starts
    }


def test_frozen_it_normalizes_by_its_stored_moments(model, frozen):
    x = np.random.default_rng(1).uniform(-1, 1, (3, 64, 64, 3)).astype(np.float32)
    wanted = [f"{SCOPE}/Conv2d_1a_7x7/Relu", f"{SCOPE}/Mixed_4a/concat", "InceptionV2/Logits/Conv2d_1c_1x1/BiasAdd"]
    expected = keras.Model(model.input, [model.get_layer(name).output for name in wanted]).predict_on_batch(x)
    with tf.Graph().as_default(), tf1.Session() as session:
        tensors = imported(frozen)
        # One image alone: by the moments of the batch it would be another answer.
        found = session.run([tensors[name] for name in wanted], {tensors["input"]: x[:1]})
    for name, value, other in zip(wanted, expected, found, strict=True):
        np.testing.assert_allclose(other, value[:1], rtol=0, atol=3e-6 * np.abs(value).max(), err_msg=name)


def test_saved_and_loaded_it_is_the_same(model, tmp_path):
    # Names hold slashes, which are groups in the file.
    # Below the tests that take the same network, which ends with its graph.
    x = np.random.default_rng(1).uniform(-1, 1, (3, 64, 64, 3)).astype(np.float32)
    expected = model.predict_on_batch(x)
    weights = {weight.name: value for weight, value in zip(model.weights, model.get_weights(), strict=True)}
    save_checkpoint(model, tmp_path / "small.h5", {})
    keras.backend.clear_session()
    loaded = keras.models.load_model(tmp_path / "small.h5")
    for weight, value in zip(loaded.weights, loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(value, weights[weight.name])
    np.testing.assert_allclose(loaded.predict_on_batch(x), expected, rtol=0, atol=1e-6)


def test_same_seed_same_weights():
    one, two, other = (small_inception_v2(input_shape=(16, 16, 3), classes=4, seed=s).get_weights() for s in (7, 7, 8))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one[0], other[0])
    # He et al. 2015: variance 2 / fan in.
    assert np.std(one[0]) == pytest.approx(np.sqrt(2 / (49 * 3)), rel=0.03)
