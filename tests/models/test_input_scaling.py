"""Networks that scale their images, with preprocessing that would do so again."""

import numpy as np
import pytest

from netlens.models.backend import keras
from netlens.models.errors import NetworkError
from netlens.models.input_scaling import InputScaling, check_scaled_once
from netlens.models.inspection import inspect_keras_file
from netlens.models.keras.folding import input_scaling
from netlens.models.loading import load_network
from netlens.models.network_files import read_model
from netlens.models.preprocessing import preprocessing_from
from netlens.workflow.image_specs import SpecError
from netlens.workflow.network_facts import network_facts

L = keras.layers


@pytest.fixture(autouse=True)
def in_own_graph(own_graph):
    """Run every test in a graph of its own."""


def saved(path, *first):
    keras.Sequential([L.Input((6, 6, 3)), *first, L.Flatten(), L.Dense(3, name="logits")]).save(path)
    return path


LAYERS = {
    "none": ([], None),
    "unit": ([L.Rescaling(1 / 255, name="scaling")], ("layer 'scaling' (Rescaling)", 1 / 255)),
    "tf": ([L.ZeroPadding2D(), L.Rescaling(1 / 127.5, -1.0, name="a")], ("layer 'a' (Rescaling)", 1 / 127.5)),
    "two": (
        [L.Rescaling(1 / 255, name="a"), L.Normalization(mean=[0.5, 0.4, 0.3], variance=[0.04, 0.09, 0.16], name="b")],
        ("layer 'a' (Rescaling)", 1 / 51),
    ),
    "augmented": ([L.RandomFlip(), L.Rescaling(1 / 255, name="scaling")], ("layer 'scaling' (Rescaling)", 1 / 255)),
    "behind an activation": ([L.Activation("relu"), L.Rescaling(1 / 255)], None),
    "behind a kernel": ([L.Conv2D(3, 1), L.Rescaling(1 / 255)], None),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_scaling_by_first_layers_is_found_in_the_file_and_in_the_model(tmp_path, kind):
    layers, expected = LAYERS[kind]
    path = saved(tmp_path / "net.h5", *(type(layer).from_config(layer.get_config()) for layer in layers))
    of_file = inspect_keras_file(path).input_scaling
    of_model = input_scaling(read_model(path))
    for found in (of_file, of_model):
        assert (found is None) == (expected is None)
        if expected is not None:
            assert found.layer == expected[0]
            assert found.factor == pytest.approx(expected[1], rel=1e-6)


@pytest.mark.parametrize(
    ("factor", "refused"),
    [(1 / 255, {"tf", "torch", "unit"}), (1 / 127.5, {"tf", "torch", "unit"}), (4.0, set()), (1.0, set())],
)
def test_preprocessing_that_leaves_next_to_nothing_is_refused(factor, refused):
    usual = {"none": "none", "caffe": "caffe", "tf": "tf", "torch": "torch", "unit": {"scale": 1 / 255}}
    for name, spec in usual.items():
        try:
            check_scaled_once(InputScaling("layer 'a' (Rescaling)", factor), preprocessing_from(spec))
            assert name not in refused
        except NetworkError as error:
            assert name in refused
            assert str(error).startswith("layer 'a' (Rescaling) scales the images by 0.00")
            assert str(error).endswith("; set preprocessing: none")
    check_scaled_once(None, preprocessing_from("tf"))


def test_rescaling_inside_and_preprocessing_outside_is_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path / "net.h5", L.Rescaling(1 / 255, name="scaling"))
    network = {"kind": "file", "file": str(path), "preprocessing": "tf"}
    with pytest.raises(
        SpecError, match=r"^networks\.mine: layer 'scaling' \(Rescaling\) scales the images by 0\.00392"
    ):
        network_facts({"networks": {"mine": network}})
    with pytest.raises(NetworkError, match=r"^network 'mine': layer 'scaling'"):
        load_network(network, name="mine")
    network_facts({"networks": {"mine": {**network, "preprocessing": "none"}}})


def test_what_a_normalization_has_learned_from_images_counts_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    learned = L.Normalization(name="learned")
    path = tmp_path / "net.h5"
    model = keras.Sequential([L.Input((6, 6, 3)), learned, L.Flatten(), L.Dense(3, name="logits")])
    stored = {"mean": np.full(3, 120.0), "variance": np.full(3, 3600.0), "count": np.zeros((), np.int64)}
    learned.set_weights([stored[weight.name.split("/")[-1].split(":")[0]] for weight in learned.weights])
    model.save(path)
    network = {"kind": "file", "file": str(path)}
    # Only the weights say so, which are not read before anything runs.
    assert inspect_keras_file(path).input_scaling is None
    load_network({**network, "preprocessing": "none"})
    with pytest.raises(NetworkError, match=r"layer 'learned' \(Normalization\) scales the images by 0\.0167, and"):
        load_network({**network, "preprocessing": {"scale": 1 / 255}}, name="mine")
