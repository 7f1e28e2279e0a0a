"""Published networks: the weights that come with the environment, checked on photographs whose class is known."""

import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from netlens.models.errors import CheckpointError, NetworkError
from netlens.models.label_space import imagenet
from netlens.models.loading import load_network
from netlens.models.pretrained.registry import (
    PRETRAINED,
    build_pretrained,
)
from netlens.models.pretrained.weight_files import DIGESTS, weight_file
from netlens.workflow.network_specs import WITHOUT_CLASSES

ROOT = Path(__file__).parents[3]
#: 600 photographs, one each of 600 classes; they are not part of the project.
SAMPLE = ROOT.parent / "shared" / "data" / "imagenet_sample" / "sample.zip"

# Photograph of scikit-image -> the classes that are right for it: three kinds of cat, and a cup with coffee in it.
KNOWN = {"chelsea": {"tabby", "tiger cat", "Egyptian cat"}, "coffee": {"espresso", "coffee mug", "cup"}}


def centre_crop(image, size_px):
    height, width = image.shape[:2]
    scale = (size_px + 32) / min(height, width)
    resized = Image.fromarray(image).resize((round(width * scale), round(height * scale)), Image.Resampling.BILINEAR)
    left, top = (resized.width - size_px) // 2, (resized.height - size_px) // 2
    return np.asarray(resized.crop((left, top, left + size_px, top + size_px)))


def test_the_pins_and_the_digests_are_the_same():
    pins = json.loads((ROOT / "requirements" / "weights.json").read_text(encoding="utf-8"))
    assert {name: pin["sha256"] for name, pin in pins.items()} == DIGESTS


def test_class_names_and_synsets_are_unique_and_in_order():
    names, synsets = imagenet().names, imagenet().ids
    assert len(set(names)) == len(set(synsets)) == 1000
    assert (names[0], synsets[0]) == ("tench", "n01440764")
    assert sorted(name for name in names if "(n" in name) == [
        "crane (n02012849)", "crane (n03126707)", "maillot (n03710637)", "maillot (n03710721)",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["squeezenet", "efficientnet_lite0"])
def test_photographs_of_known_classes_are_recognized(name):
    network = load_network({"kind": "pretrained", "published": name})
    assert network.sha256 == DIGESTS[PRETRAINED[name].file]
    size_px = network.input_shape[0]
    for photograph, classes in KNOWN.items():
        crop = centre_crop(getattr(skimage.data, photograph)(), size_px)
        logits = network.model.predict(network.preprocess(crop[None]), verbose=0)[0]
        assert network.class_names[int(logits.argmax())] in classes


@pytest.mark.slow
def test_mobilenet_gives_features_that_tell_photographs_apart():
    model, _ = build_pretrained("mobilenet_v2")
    crops = np.stack([centre_crop(image, 224) for image in (skimage.data.chelsea(), skimage.data.coffee())])
    both = np.concatenate([crops, crops[:, :, ::-1]])
    features = model.predict(PRETRAINED["mobilenet_v2"].preprocessing(both), verbose=0)
    assert features.shape == (4, 1280)
    similarity = np.corrcoef(features)
    # A photograph is more like its mirror image than like another photograph.
    assert min(similarity[0, 2], similarity[1, 3]) > 0.9
    assert similarity[:2, :2][0, 1] < 0.5


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the sample of ImageNet is not part of the project")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size_px", "top1", "top5"),
    [("squeezenet", 227, 0.630, 0.845), ("squeezenet", 224, 0.615, 0.843), ("efficientnet_lite0", 224, 0.883, 0.980)],
)
def test_accuracy_on_the_sample_of_imagenet(name, size_px, top1, top5):
    indices = {synset: index for index, synset in enumerate(imagenet().ids)}
    crops, classes = [], []
    with zipfile.ZipFile(SAMPLE) as sample:
        for member in sorted(sample.namelist()):
            image = Image.open(io.BytesIO(sample.read(member))).convert("RGB")
            left, top = (image.width - size_px) // 2, (image.height - size_px) // 2
            crops.append(np.asarray(image.crop((left, top, left + size_px, top + size_px))))
            classes.append(indices[member.split("/")[0]])
    model, _ = build_pretrained(name, (size_px, size_px))
    logits = model.predict(PRETRAINED[name].preprocessing(np.stack(crops)), batch_size=32, verbose=0)
    best = np.argsort(-logits, axis=1)[:, :5] == np.array(classes)[:, None]
    assert best[:, 0].mean() == pytest.approx(top1, abs=0.002)
    assert best.any(axis=1).mean() == pytest.approx(top5, abs=0.002)


@pytest.mark.slow
def test_an_unknown_network_and_a_small_image_are_refused():
    with pytest.raises(NetworkError, match="no published network 'resnet'; take one of squeezenet, "):
        build_pretrained("resnet")
    with pytest.raises(NetworkError, match="squeezenet does not take images of 16 x 16 pixels"):
        build_pretrained("squeezenet", (16, 16))


@pytest.mark.slow
def test_missing_and_changed_weights_are_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match="run `make env`"):
        weight_file("squeezenet.pkl", tmp_path)
    shutil.copy(weight_file("squeezenet.pkl"), tmp_path)
    with (tmp_path / "squeezenet.pkl").open("r+b") as file:
        file.write(b"x")
    with pytest.raises(CheckpointError, match=r"delete it and run `make env`"):
        build_pretrained("squeezenet", folder=tmp_path)


def test_the_workflow_knows_which_networks_have_no_classes():
    assert {name for name, network in PRETRAINED.items() if not network.has_classes} == WITHOUT_CLASSES
