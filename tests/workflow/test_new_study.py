"""Studies that ``netlens new`` writes, from networks and images made here."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from netlens.models.backend import keras
from netlens.models.errors import NetworkError
from netlens.models.preprocessing_trial import Trial, tried
from netlens.workflow.errors import UserError
from netlens.workflow.new_study import Wishes, _without_messages_of_libraries, write_study
from netlens.workflow.study import load_study

ROOT = Path(__file__).parents[2]
LAYERS = keras.layers
COLORS = {"blue": (10, 20, 230), "green": (20, 230, 10), "red": (230, 10, 20)}


@pytest.fixture
def folder(tmp_path, monkeypatch, own_graph):
    """A checkout with images of three colors."""
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config" / "schema.yaml", tmp_path / "config")
    rng = np.random.default_rng(0)
    for name, color in COLORS.items():
        (tmp_path / "colors" / name).mkdir(parents=True)
        for number in range(60):
            pixels = np.clip(np.array(color) + rng.integers(-10, 10, (8, 8, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "colors" / name / f"{number}.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def save(shift, *, scaling=False, scaling_behind=False, size=8, activation="softmax"):
    """Save a network that tells the colors apart if pixels are neither negative nor all on one side of `shift`.

    Otherwise it says red.
    """
    image = keras.Input((size, size, 3), name="image")
    values = LAYERS.Rescaling(1 / 255, name="rescaling")(image) if scaling else image
    values = LAYERS.GlobalAveragePooling2D(name="mean")(values)
    values = LAYERS.Rescaling(1.0, name="behind")(values) if scaling_behind else values
    sides = LAYERS.Dense(6, activation="sigmoid", name="sides")(values)
    model = keras.Model(image, LAYERS.Dense(3, activation=activation, name="out")(sides))
    # Which channels are above `shift`, and which are negative.
    model.get_layer("sides").set_weights(
        [1000 * np.hstack([np.eye(3), -np.eye(3)]), np.array([-1000.0 * shift] * 3 + [-100.0] * 3)]
    )
    votes = np.array([[-1.0, -1.0, 3.0], [-1.0, 3.0, -1.0], [3.0, -1.0, -1.0], *[[0.0, 0.0, 20.0]] * 3])
    model.get_layer("out").set_weights([votes, np.array([0.0, 0.0, 0.1])])
    model.save("net.h5")


def wishes(**changes):
    return Wishes(**{"name": "mine", "network": "net.h5", "images": "colors", **changes})


@pytest.mark.slow
def test_the_preprocessing_is_the_one_with_which_the_network_is_right(folder, capfd):
    # Between 0 and 1. What scales features inside the network says nothing of images.
    save(0.45, scaling_behind=True)
    capfd.readouterr()
    draft = write_study(wishes(title="My network"))
    assert not capfd.readouterr().err, "TensorFlow's own messages"
    config = load_study("mine")
    assert config["networks"]["net"]["preprocessing"] == {"scale": pytest.approx(1 / 255)}
    assert config["networks"]["net"]["class_names"] == ["blue", "green", "red"]
    assert config["images"]["colors"] == load_study(str(draft.path))["images"]["colors"]
    assert config["images"]["colors"]["size_px"] == [8, 8] and config["title"] == "My network"
    assert len(draft.path.read_text().splitlines()) <= 11
    assert draft.notes[-1] == "preprocessing: unit"
    assert "net.h5: 8 x 8 pixels, 3 outputs (classes), 2 layers with kernels" in draft.notes


@pytest.mark.slow
def test_a_network_that_scales_images_itself_is_left_to_it(folder):
    save(0.45, scaling=True)
    notes = "\n".join(write_study(wishes()).notes)
    assert load_study("mine")["networks"]["net"]["preprocessing"] == "none"
    assert "its layer 'rescaling' (Rescaling) scales the images" in notes and "warning" not in notes


@pytest.mark.slow
def test_scaling_twice_is_pointed_out(folder):
    save(0.45, scaling=True)
    notes = "\n".join(write_study(wishes(preprocessing="unit")).notes)
    assert "no better than chance; its layer 'rescaling' scales images too: scaled twice? try none" in notes


@pytest.mark.slow
def test_a_network_that_is_never_right_has_to_be_explained(folder):
    save(5000.0)
    with pytest.raises(
        UserError, match=r"correct of 36 images: caffe 33%.*no preprocessing is clearly right"
    ) as caught:
        write_study(wishes())
    assert "\n" not in str(caught.value) and not Path("config/mine.yaml").exists()


def test_features_say_nothing_of_their_scale(folder):
    save(0.45, activation="relu")
    with pytest.raises(UserError, match="say how its images are scaled; pass --preprocessing and one of caffe, tf"):
        write_study(wishes())
    notes = write_study(wishes(preprocessing="torch")).notes
    assert notes[-1] == "preprocessing torch could not be checked, as no folder is a known class"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "My-Study"}, "a study cannot be called 'My-Study'"),
        ({"network": "no.h5"}, "no.h5: no such network file"),
        ({"network": "config/schema.yaml"}, "not a network file"),
        ({"images": "nowhere"}, "nowhere: no such folder or zip of images"),
        ({"images": "colors/red"}, "no class folders"),
        ({"size_px": (9, 9)}, "takes 8 x 8 pixels; omit --size-px"),
        ({"preprocessing": "imagenet"}, "choose one of caffe, tf, torch, unit, none"),
    ],
)
def test_mistakes_are_one_line(folder, changes, message):
    save(0.45)
    with pytest.raises(UserError, match=message) as caught:
        write_study(wishes(**changes))
    assert "\n" not in str(caught.value) and not list(Path("config").glob("m*.yaml"))


@pytest.mark.slow
def test_an_existing_study_is_not_overwritten_and_any_size_is_asked_for(folder):
    save(0.45, size=None)
    with pytest.raises(UserError, match="takes images of any size; give one: --size-px HEIGHT WIDTH"):
        write_study(wishes())
    write_study(wishes(size_px=(8, 8)))
    with pytest.raises(UserError, match=r"config/mine\.yaml exists already"):
        write_study(wishes(size_px=(8, 8)))


def test_messages_of_libraries_are_shown_only_beside_an_error_of_the_code(capfd):
    with pytest.raises(ZeroDivisionError), _without_messages_of_libraries():
        os.write(2, b"first words")
        raise ZeroDivisionError
    assert capfd.readouterr().err == "first words"
    with pytest.raises(NetworkError), _without_messages_of_libraries():
        os.write(2, b"first words")
        raise NetworkError("a mistake of the user")
    assert not capfd.readouterr().err


def test_only_a_clear_lead_above_chance_counts():
    assert Trial({"tf": 0.9, "none": 0.3}, 200, 4).clear() == "tf"
    assert Trial({"tf": 0.9, "none": 0.85}, 200, 4).clear() is None, "too close"
    assert Trial({"tf": 0.3, "none": 0.1}, 200, 4).clear() is None, "chance"
    assert Trial({"tf": 0.75, "none": 0.25}, 4, 4).clear() is None, "too few images"


def test_logits_that_are_not_numbers_are_never_right():
    def predict(inputs):
        return np.where(inputs.max() > 2, np.nan, np.array([1.0, 0.0])) * np.ones((len(inputs), 2))

    found = tried(predict, np.full((3, 2, 2, 3), 200, np.uint8), [0, 0, 1], ["unit", "none"])
    assert found.shares == {"unit": pytest.approx(2 / 3), "none": 0.0}
    assert found.count == 3 and found.classes_count == 2
