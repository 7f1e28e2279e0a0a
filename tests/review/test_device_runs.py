"""The same numbers on two devices: which are chosen, what a run made, and whether they agree."""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from netlens.cli.doctor import device_verdicts
from netlens.files.hashing import sha256_of
from netlens.publish import macro
from netlens.review.device_runs import CPU, DeviceRun, cheapest, pairs, read_run, run_in_copy, telling
from netlens.review.item_parts import Parts, item_parts
from netlens.review.job_costs import Cost
from netlens.review.published import Reference
from netlens.review.spread import save_spread
from netlens.review.tolerances import Spread
from netlens.workflow.catalogue import Item
from netlens.workflow.errors import UserError
from netlens.workflow.planned_jobs import PlannedJob

STUDY = "small"
NUMBER = Item("number", "data", "macro", "a number")


def job(name, outputs, inputs=(), *, notebook="n.ipynb", gpu=False):
    return PlannedJob(name, name, tuple(inputs), tuple(outputs), notebook, gpu=gpu)


def cost(seconds):
    return Cost(seconds, seconds, 100, 1)


def test_the_cheapest_numbers_that_need_tensorflow_each_from_another_notebook():
    jobs = [
        (job("weights", ["w"]), cost(1)),
        (job("network", ["n"], gpu=True), cost(50)),
        (job("maps", ["m"], gpu=True), cost(60)),
        (job("plain", ["a"], ["w"], notebook="a.ipynb"), cost(1)),
        (job("first", ["b"], ["n", "w"], notebook="b.ipynb"), cost(2)),
        (job("twin", ["c"], ["n"], notebook="b.ipynb"), cost(1)),
        (job("shared", ["d"], ["n"], notebook="d.ipynb"), cost(30)),
        (job("other", ["e"], ["m"], notebook="e.ipynb"), cost(1)),
        (job("unknown", ["f"], ["n"], notebook="f.ipynb"), None),
    ]
    macros = {"plain", "first", "twin", "shared", "other", "unknown"}
    # `twin` alone is cheapest; with its network paid for, `shared` costs 30 and `other` 61.
    assert cheapest(jobs, macros, 2) == ["twin", "shared"]
    assert cheapest(jobs, macros, 9) == ["twin", "shared", "other"]
    assert cheapest(jobs, {"plain"}, 3) == []


def make(root, value, devices, duration_s):
    """A number and the job above it, as the runner leaves them."""
    *files, path = NUMBER.files(STUDY)
    (root / path).parent.mkdir(parents=True)
    (root / "results" / STUDY).mkdir(parents=True)
    macro.save(root / NUMBER.stem(STUDY), value, rounding=macro.fixed(3))
    common = {
        "study": STUDY,
        "notebook": {"path": "n.ipynb", "sha256": "a"},
        "inputs": {},
        "code": {},
        "machine": {"processor": "P"},
        "duration_s": duration_s,
        "devices": devices,
    }
    outputs = {str(file): sha256_of(root / file) for file in files}
    (root / path).write_text(
        json.dumps({**json.loads((root / path).read_text()), **common, "rule": "number", "outputs": outputs})
    )
    (root / "results" / STUDY / "maps.json").write_text(
        json.dumps({**common, "rule": "maps", "outputs": {"results/small/maps.npz": "b"}})
    )


def checkout(root):
    """A checkout with what was made in it, images, and a link to nothing."""
    for path in ("config/small.yaml", "src/netlens/a.py", "results/small/a.npz", "data/images/cat.jpg", ".git/HEAD"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    (root / "config/gone").symlink_to("nowhere")
    return root


def test_a_device_has_a_copy_of_the_checkout_without_what_was_made_in_it(tmp_path, monkeypatch):
    monkeypatch.chdir(checkout(tmp_path / "mine"))
    told = []

    def run(command, **options):
        told.append((command, options["cwd"], options["env"]["NETLENS_DEVICE"]))
        return SimpleNamespace(returncode=1, stderr="noise\nnetlens: error: number: no memory\nmore\n")

    monkeypatch.setattr(subprocess, "run", run)
    copy = tmp_path / "copy"
    with pytest.raises(UserError, match=r"^number: no memory$"):
        run_in_copy(copy, STUDY, [NUMBER], set(), CPU)
    assert sorted(path.name for path in copy.iterdir()) == ["config", "data", "src"]
    assert (copy / "config/small.yaml").is_file() and (copy / "data/images/cat.jpg").is_file()
    assert (copy / "data").is_symlink() and told[0][1:] == (copy, "cpu")


def test_a_checkout_that_cannot_be_copied_is_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(checkout(tmp_path / "mine"))
    os.mkfifo("config/pipe")
    with pytest.raises(UserError, match=r"config/pipe cannot be copied to a temporary folder: .*named pipe"):
        run_in_copy(tmp_path / "copy", STUDY, [NUMBER], set(), CPU)
    (tmp_path / "taken").touch()
    with pytest.raises(UserError, match="the checkout cannot be copied to"):
        run_in_copy(tmp_path / "taken" / "copy", STUDY, [NUMBER], set(), CPU)


def test_a_run_has_its_numbers_devices_and_the_time_of_jobs_that_use_tensorflow(tmp_path):
    make(tmp_path, 0.25, ["CPU", "H200"], 7.0)
    found = read_run(tmp_path, STUDY, [NUMBER], {"results/small/maps.npz"})
    assert found.values == {"number": 0.25}
    assert found.devices == {"CPU", "H200"}
    assert found.seconds == 7.0
    both = read_run(tmp_path, STUDY, [NUMBER], {"results/small/maps.npz", "export_defs/small/number.tex"})
    assert both.seconds == 14.0


def run(value, *devices, seconds=10.0):
    return DeviceRun({"number": value}, frozenset(devices), seconds, {"number": "fixed, 3 decimals"})


@pytest.mark.parametrize(
    ("value", "agrees"), [(0.25, True), (0.2504, True), (0.2506, False), (float("nan"), False), ("0.25", False)]
)
def test_numbers_without_a_reference_may_be_half_a_printed_unit_apart(tmp_path, value, agrees):
    (pair,) = pairs(run(0.25), run(value), STUDY, tmp_path)
    assert pair.agrees is agrees
    assert "not measured" in pair.words


def test_published_numbers_may_be_as_far_apart_as_verify_allows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(Path(), 0.25, ["CPU"], 1.0)
    Reference(STUDY).save("number", "macro", item_parts(NUMBER, STUDY), "first")
    save_spread(STUDY, Spread({"number": {"value": {"2 threads": 1e-6}}}))
    near, far = (pairs(run(0.25), run(0.25 + apart), STUDY)[0] for apart in (9e-6, 2e-5))
    assert (near.agrees, far.agrees) == (True, False)
    assert near.tolerance.value == pytest.approx(1e-5)
    assert "spread over 1 rerun" in near.words


def test_counts_and_rounding_errors_do_not_tell_devices_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = {"count": 3, "whole": 3.0, "error": 1e-8, "share": 0.25}
    for name, value in values.items():
        record = {"value": value, "rounding": "fixed, 3 decimals", "outputs": {}}
        Reference(STUDY).save(name, "macro", Parts(record, {"value": np.array(value)}), "first")
    save_spread(STUDY, Spread({"error": {"value": {"2 threads": 1e-8}}, "share": {"value": {"2 threads": 1e-8}}}))
    assert telling([*values, "unpublished"], STUDY) == {"share"}
    assert telling(["count", "unpublished"], STUDY) == {"count", "unpublished"}


def test_the_findings_are_device_numbers_and_speed(tmp_path):
    on_cpu, on_gpu = run(0.25, "CPU", seconds=30), run(0.3, "CPU", "H200", seconds=10)
    device, number, speed = device_verdicts(on_cpu, on_gpu, pairs(on_cpu, on_gpu, STUDY, tmp_path))
    assert (device.status, device.words) == ("ok", "jobs of the study ran on H200")
    assert (number.about, number.status) == ("number", "problem") and "0.3 on the GPU" in number.words
    assert speed.status == "ok" and speed.words.endswith("3.0 times as fast")


def test_a_gpu_that_was_not_used_and_one_that_is_slower(tmp_path):
    on_cpu, on_gpu = run(0.25, "CPU", seconds=10), run(0.25, "CPU", seconds=20)
    device, number, speed = device_verdicts(on_cpu, on_gpu, pairs(on_cpu, on_gpu, STUDY, tmp_path))
    assert (device.status, number.status, speed.status) == ("problem", "ok", "note")
    assert np.isclose(pairs(on_cpu, on_gpu, STUDY, tmp_path)[0].distance, 0)
