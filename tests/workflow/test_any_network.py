"""Studies of networks that no analysis was written for: what they have is planned, what they lack is told."""

import contextlib
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from netlens.workflow.applicability import absent_items
from netlens.workflow.catalogue import load_catalogue
from netlens.workflow.study import load_study

pytestmark = pytest.mark.slow

# Kind: sections that are all absent, and some items of the others.
LACKING = {
    "dense_net": ({"weights", "spatial_attribution"}, {"inter_layer", "similarity_pairs"}),
    "residual_net": (set(), {"pooling_gradients", "analogies_third"}),
    "mobile_net": (
        {"spatial_attribution", "explanation_checks"},
        {"taxonomy", "attribution_example", "heldoutAccuracy"},
    ),
    "two_branches": (
        {"spatial_attribution", "weights", "explanation_checks"},
        {"taxonomy", "chain_spectrum", "heldoutAccuracy"},
    ),
    "inception": (
        {"pattern_attribution", "explanation_checks"},
        {"taxonomy", "networkLayerCount", "spatialPatternNetwork"},
    ),
    "layer_norm_net": (
        {"pattern_attribution", "weights"},
        {"taxonomy", "chain_convergence", "cscPatternNet", "spatialPatternNetwork"},
    ),
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, network_builders, linked_checkout):
    """A folder like the repository's, with a study of each kind of network; the Inception is a frozen graph."""
    from netlens.models.backend import keras, tf, tf1
    from netlens.models.frozen.frozen_network import freeze
    from netlens.models.network import network_of
    from netlens.models.preprocessing import Preprocessing

    folder = linked_checkout(tmp_path_factory.mktemp("checkout"))
    rng = np.random.default_rng(0)
    for name in ("cat", "dog", "fox", "owl"):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 255, (32, 32, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "images" / name / f"{number}.png")
    for kind in LACKING:
        path = folder / f"{kind}.{'pb' if kind == 'inception' else 'h5'}"
        with tf.Graph().as_default(), tf1.Session():
            image = keras.Input((32, 32, 3), name="image")
            model = keras.Model(image, network_builders[kind](image))
            if kind == "inception":
                network = network_of(kind, model, preprocessing=Preprocessing(), classes=None, sha256="")
                path.write_bytes(freeze(network).graph_def.SerializeToString())
            else:
                model.save(path)
        study = {
            "study": kind,
            "title": kind,
            "images_are": "noise",
            "images": {"noise": {"kind": "folder", "folder": "images", "size_px": [32, 32]}},
            "networks": {"net": {"kind": "file", "file": path.name, "images": "noise"}},
        }
        (folder / "config" / f"{kind}.yaml").write_text(yaml.safe_dump(study))
    return folder


def run(checkout, *command):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=checkout, capture_output=True, text=True, check=False, env=environment
    )


@pytest.mark.parametrize("kind", LACKING)
def test_everything_that_a_network_allows_is_planned_and_the_rest_is_told(checkout, planned_jobs, kind):
    with contextlib.chdir(checkout):
        catalogue = load_catalogue()
        absent = absent_items(load_study(kind), catalogue)
    sections, items = LACKING[kind]
    whole = {
        item.section
        for item in catalogue.values()
        if all(other.name in absent for other in catalogue.values() if other.section == item.section)
    }
    assert whole == sections
    assert items <= absent.keys()
    assert catalogue.keys() & planned_jobs(checkout, kind) == catalogue.keys() - absent.keys()


def test_an_absent_item_is_refused_in_one_line(checkout):
    refused = run(checkout, "netlens", "run", "similarity_pairs", "--study", "dense_net")
    assert refused.returncode == 2
    assert refused.stderr.strip() == (
        "netlens: error: similarity_pairs is absent from study dense_net: needs at least two networks; the study "
        "compares one"
    )


def test_names_that_mean_something_to_snakemake_are_names(checkout, planned_parameters):
    odd = '{x} <b> $y $$ ~^"|>% 北京 😀'
    for name in (odd, f"{odd}2"):
        shutil.copytree(checkout / "images" / "cat", checkout / f"{odd} set" / name)
    shutil.copy(checkout / "dense_net.h5", checkout / f"{odd}.h5")
    study = yaml.safe_load((checkout / "config" / "dense_net.yaml").read_text())
    study |= {"study": "odd", "title": odd, "authors": [odd], "images_are": odd}
    study["images"]["noise"]["folder"] = f"{odd} set"
    study["networks"]["net"]["file"] = f"{odd}.h5"
    (checkout / "config" / "odd.yaml").write_text(yaml.safe_dump(study))
    planned = planned_parameters(checkout, "odd")
    for rule, name, path in (("folder", "source", f"{odd} set"), ("kernels", "files", f"{odd}.h5")):
        assert json.loads(planned[rule].files)["inputs"][name] == [path]
        assert len(planned[rule].content) == 64
    assert planned["paper_parts"].title == odd
