"""A study of the test's own, through the real rules and notebooks: networks from files, images from folders."""

import json

import numpy as np
import pytest

pytestmark = pytest.mark.slow


def test_networks_of_ones_own_need_a_configuration_and_nothing_else(made_study):
    project = made_study.folder
    paths = [
        *project.glob("figures/own/**/*.json"),
        *project.glob("export_defs/own/*.json"),
        *project.glob("site/own/*.json"),
    ]
    records = {path.stem: json.loads(path.read_text()) for path in paths}
    assert set(records) == set(made_study.targets)
    # What draws or prints starts no TensorFlow; what computes does.
    assert not any(record["tensorflow_started"] for record in records.values())
    computed = json.loads((project / "results/own/patterns/tiny/sums/1of3.json").read_text())
    assert computed["tensorflow_started"]
    # What a process imported of ours is what its outputs are said to depend on.
    for record in (*records.values(), computed):
        ours = {name.replace(".", "/") for name in record["imported"]}
        known = {path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__") for path in record["code"]}
        # The record itself hashes files, whatever the notebook does.
        assert {name for name in ours if "/workflow" not in name} <= known | {"netlens/files/hashing"}
    assert 0.2 < records["signalQualityLinear"]["value"] <= 1.05
    # Layers and units of the weights' figures are chosen where the study names none.
    assert records["weightsUnit"]["value"].startswith("second:")
    assert records["firstLayerDifference"]["value"] < 1e-6
    with np.load(project / "figures/own/weights/connection.npz") as connection:
        assert connection["weights"].shape[0] == connection["weights"].shape[1] > 3  # a pooling lies between
        assert connection["weights"].any()


def test_what_is_made_is_not_made_again(copied_study, made_study, netlens):
    again = netlens(copied_study(), "run", *made_study.targets)
    assert again.stdout.splitlines()[0] == "nothing to be done: everything is up to date"


def test_an_image_that_cannot_be_read_is_named_and_stops_the_run(copied_study, netlens):
    project = copied_study()
    (project / "images" / "red" / "99.png").write_bytes(b"no picture")
    failed = netlens(project, "run", "image_set")
    assert failed.returncode == 1
    assert "99.png" in failed.stderr
    assert "Traceback" not in failed.stderr
    errors = [line for line in failed.stderr.splitlines() if line.startswith("netlens: error: ")]
    assert len(errors) == 1
