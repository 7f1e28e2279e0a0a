import re
from types import SimpleNamespace

import pytest
from PIL import Image

from netlens.workflow.image_specs import (
    SpecError,
    downloads_of,
    image_files,
    names_of,
    scene_files,
    spec_of,
    value_of,
)
from netlens.workflow.network_specs import (
    check_files,
    download_file,
    image_file,
    images_of,
    network_files,
    network_spec,
    prepared_file,
    preprocessing_spec,
)

CONFIG = {
    "study": "mine",
    "images": {
        "photos": {"kind": "photos", "seed": 3},
        "cats": {"kind": "folder", "folder": "cats.zip"},
        "dogs": {"kind": "folder", "folder": "dogs", "heldout_folder": "more dogs"},
    },
    "networks": {
        "small": {
            "kind": "trained", "architecture": "small_vgg", "images": "photos", "checkpoint": "m/s.h5",
            "retrain": False, "preprocessing": "tf",
        },
        "own": {
            "kind": "trained", "images": "photos", "checkpoint": "m/s.h5", "retrain": True,
            "preprocessing": {"scale": 2},
        },
        "given": {"kind": "file", "images": "cats", "file": "g.keras", "class_names": "names.txt"},
        "big": {"kind": "named", "images": "dogs", "architecture": "vgg16", "download": "w.1.h5"},
        "random": {"kind": "named", "images": "dogs", "architecture": "vgg16", "class_names": ["a", "b"]},
    },
}  # fmt: skip


def test_names_as_expressions():
    assert names_of(CONFIG["images"], "folder") == "cats|dogs"
    assert names_of(CONFIG["networks"]) == "small|own|given|big|random"
    assert re.search(names_of(CONFIG["images"], "zip"), "photos") is None
    assert re.fullmatch(downloads_of(CONFIG), "w.1.h5") and not re.fullmatch(downloads_of(CONFIG), "wx1.h5")
    assert re.search(downloads_of({"networks": {}}), "") is None


def test_files_in_the_folder_of_downloads_are_downloaded():
    config = {
        "images": {"cifar": {"folder": "data/downloads/c.tar.gz"}, "own": {"folder": "data/downloads.zip"}},
        "networks": {"a": {"file": "data/downloads/a.pb", "class_names": ["data/downloads/names.txt"]}},
    }
    found = downloads_of(config)
    assert [name for name in ("a.pb", "c.tar.gz", "names.txt", "downloads.zip") if re.fullmatch(found, name)] == [
        "a.pb", "c.tar.gz", "names.txt",
    ]  # fmt: skip


def test_image_sets():
    assert image_files(CONFIG, "photos") == []
    assert image_files(CONFIG, "cats") == ["cats.zip"]
    assert image_files(CONFIG, "dogs") == ["dogs", "more dogs"]
    assert scene_files(CONFIG, "photos") == ["results/mine/images/photos/scenes.npz"]
    assert scene_files(CONFIG, "dogs") == []
    assert value_of(CONFIG, "images", "seed")(SimpleNamespace(images="photos")) == 3
    assert value_of(CONFIG, "networks", "file")(SimpleNamespace(network="given")) == "g.keras"


def test_networks():
    assert network_files(CONFIG, "small") == ["m/s.h5", "m/s.json"]
    own = "results/mine/networks/own/checkpoint"
    assert network_files(CONFIG, "own") == [f"{own}.h5", f"{own}.json"]
    assert network_spec(CONFIG, "own")["checkpoint"] == f"{own}.h5"
    assert CONFIG["networks"]["own"]["checkpoint"] == "m/s.h5", "the study itself is not changed"
    assert network_files(CONFIG, "given") == ["g.keras", "names.txt"]
    assert network_files(CONFIG, "big") == [download_file("w.1.h5")]
    assert network_files(CONFIG, "random") == []
    assert preprocessing_spec(CONFIG, "small") == {"mode": "tf"}
    assert preprocessing_spec(CONFIG, "own") == {"scale": 2}
    assert images_of(CONFIG, "given") == "cats"
    assert image_file(CONFIG, "big", "heldout") == "results/mine/images/dogs/heldout.npz"


def test_unknown_names():
    with pytest.raises(SpecError, match="networks: 'tiny' is not defined; defined: small, own"):
        spec_of(CONFIG, "networks", "tiny")


def test_missing_files_are_told_all_at_once(tmp_path):
    def study(**networks):
        return {
            "study": "mine",
            "images": {"photos": {"kind": "photos"}, "cats": {"kind": "folder", "folder": str(tmp_path / "cats")}},
            "networks": networks,
        }

    (tmp_path / "s.json").write_text('{"checkpoint": {"sha256": "abc"}}')
    networks = {
        "small": {"kind": "trained", "images": "photos", "checkpoint": str(tmp_path / "s.h5")},
        "own": {"kind": "trained", "images": "photos", "checkpoint": "none.h5", "retrain": True},
        "given": {"kind": "file", "images": "photos", "file": str(tmp_path / "g.keras")},
        "big": {"kind": "named", "images": "photos", "architecture": "vgg16", "download": "w.h5"},
    }
    with pytest.raises(SpecError) as caught:
        check_files(study(**networks))
    assert str(caught.value).splitlines() == [
        f"images.cats: {tmp_path}/cats: no such folder or zip of images",
        f"networks.small: {tmp_path}/s.h5: no such file (its sha256 is abc); restore it",
        f"networks.given: {tmp_path}/g.keras: no such file",
    ]
    for name in ("cats", "s.h5", "g.keras"):
        (tmp_path / name).write_text("x")
    check_files(study(**networks))


def test_an_image_of_ones_own_that_cannot_be_read_is_told_before_anything_runs(tmp_path):
    image = tmp_path / "mine.png"
    study = {"study": "mine", "images": {}, "networks": {}, "spatial_attribution": {"image": str(image)}}
    with pytest.raises(SpecError, match="no such file"):
        check_files(study)
    image.write_bytes(b"no picture")
    with pytest.raises(SpecError) as caught:
        check_files(study)
    assert str(caught.value).startswith(f"spatial_attribution.image: {image}: cannot be read as an image: ")
    assert "\n" not in str(caught.value)
    Image.new("RGB", (1, 3000), "red").save(image)
    check_files(study)


def test_a_frozen_graph_can_be_the_network_of_a_study(tmp_path):
    (tmp_path / "g.pb").write_text("x")
    study = {
        "study": "mine",
        "images": {},
        "networks": {"given": {"kind": "file", "images": "photos", "file": str(tmp_path / "g.pb")}},
        "models": {"network": "given"},
    }
    check_files(study)
    assert prepared_file(study, "given") == "results/mine/networks/given/frozen.pb"
    assert prepared_file(study, "given", ".json") == "results/mine/networks/given/frozen.json"
    assert prepared_file(CONFIG, "given") == "results/mine/networks/given/network.h5"
