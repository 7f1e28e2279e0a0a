"""``netlens doctor``: every line says what is wrong and what mends it, and only a problem is a failure."""

import json
from collections import namedtuple
from pathlib import Path

import pytest

from netlens.cli import main
from netlens.models.errors import CheckpointError
from netlens.workflow import health
from netlens.workflow.tex import Engine

MEMORY = health._memory


@pytest.fixture(autouse=True)
def healthy(monkeypatch):
    """A machine with everything but a GPU."""
    monkeypatch.setattr(health.tex, "find_engine", lambda: Engine("pdflatex", Path("pdflatex"), Path("bibtex")))
    monkeypatch.setattr(health.gpu, "visible_gpus", lambda: [])
    monkeypatch.setattr(health.shutil, "which", lambda name: None)
    monkeypatch.setattr(health, "weight_file", Path)
    monkeypatch.setattr(health, "_memory", lambda: health.Finding("memory", "ok", ""))
    disk(monkeypatch, 50e9)


def disk(monkeypatch, free):
    usage = namedtuple("usage", "free")(free)
    monkeypatch.setattr(health.shutil, "disk_usage", lambda path: usage)


def found(about):
    return next(finding for finding in health.examine() if finding.about == about)


def test_a_machine_that_has_everything(capsys):
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("ok")][:3] == ["Python", "TensorFlow", "GPU"]
    assert not [line for line in lines if line.startswith("problem")]
    assert main(["doctor", "--json"]) == 0
    assert {"about", "status", "words", "mend"} == set(json.loads(capsys.readouterr().out)[0])


def test_a_problem_has_the_command_that_mends_it_and_fails(monkeypatch, capsys):
    monkeypatch.setattr(health.tex, "find_engine", lambda: None)
    monkeypatch.setattr(health.tex, "install_hint", lambda: "apt-get install tex")
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "problem  TeX" in out and "mend it: apt-get install tex" in out


def test_a_full_disk(monkeypatch):
    disk(monkeypatch, 1e9)
    assert (found("disk").status, found("disk").mend) == ("problem", "make clean")


def test_damaged_weights(monkeypatch):
    def damaged(name):
        raise CheckpointError(f"{name}: its sha256 is another; delete it")

    monkeypatch.setattr(health, "weight_file", damaged)
    assert found("weights") == health.Finding("weights", "problem", "squeezenet.pkl: its sha256 is another", "make env")


def test_a_missing_browser_is_only_noted():
    assert found("browser").status == "note"


def test_a_gpu_needs_the_build_for_gpus(monkeypatch):
    monkeypatch.setattr(health.gpu, "visible_gpus", lambda: ["GPU-1"])
    monkeypatch.setattr(health, "_version", lambda package: "2.21.0" if package == "tensorflow-cpu" else "")
    assert (found("GPU").status, found("GPU").mend) == ("problem", "make env")
    monkeypatch.setattr(health, "_version", lambda package: "2.21.0" if package == "tensorflow" else "")
    assert found("GPU").status == "ok"


def test_another_version_than_the_pinned_one(monkeypatch):
    monkeypatch.setattr(health, "_version", lambda package: "2.0" if package == "tensorflow-cpu" else "")
    assert found("TensorFlow").status == "problem"


def test_the_chosen_study_has_to_have_its_files_and_others_need_not(monkeypatch):
    assert found("study demo").status == "ok"
    assert found("study imagenet").status == "note"
    chosen = next(finding for finding in health.examine("imagenet") if finding.about == "study imagenet")
    assert chosen.status == "problem" and "no such folder" in chosen.words


def test_what_is_downloaded_comes_with_its_licence(tmp_path):
    cifar = found("study cifar10")
    assert cifar.status in ("note", "ok") and "cifar-10-binary.tar.gz: " in cifar.words


def test_a_study_that_does_not_exist_is_a_problem():
    first = next(finding for finding in health.examine("nowhere") if finding.about == "study nowhere")
    assert first.status == "problem" and "\n" not in first.words
    assert first.mend == "netlens new nowhere --network FILE --images FOLDER"


def test_what_a_study_lacks_is_mended_in_its_file():
    assert found("study imagenet").mend.startswith("${EDITOR:-vi} config/imagenet.yaml")


def test_outside_a_checkout_the_first_thing_is_to_go_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert found("study demo").mend == "cd CHECKOUT && netlens doctor"


def test_every_problem_and_every_missing_thing_has_a_command(tmp_path, monkeypatch):
    monkeypatch.setattr(health.tex, "find_engine", lambda: None)
    monkeypatch.setattr(health, "_version", lambda package: "")
    disk(monkeypatch, 1e9)
    monkeypatch.setattr(health, "_memory", MEMORY)
    monkeypatch.setattr(Path, "read_text", lambda path, **_: "MemAvailable: 1000 kB")
    found = [health._tensorflow(), health._gpu(), health._tex(), health._disk(), health._memory(), health._browser()]
    assert all(finding.mend for finding in found if finding.status != "ok")
    assert [finding.about for finding in found if finding.status != "ok"] == [
        "TensorFlow", "TeX", "disk", "memory", "browser",
    ]  # fmt: skip


class TestGpu:
    """``netlens doctor --gpu``."""

    def test_without_one_a_line_says_so(self, capsys):
        assert main(["doctor", "--gpu"]) == 0
        assert capsys.readouterr().out == "note     GPU  none to check (there is no nvidia-smi)\n"

    @pytest.mark.parametrize(
        ("deviation", "status"), [(0.0, "ok"), (9e-5, "ok"), (2e-4, "problem"), (float("nan"), "problem")]
    )
    def test_results_that_differ_are_a_problem(self, deviation, status):
        finding = health.gpu_verdict({"device": "H", "deviation": deviation, "cpu_s": 3.0, "gpu_s": 0.1})
        assert finding.status == status and "30.0 times as fast" in finding.words

    def test_a_device_that_tensorflow_does_not_see(self):
        assert health.gpu_verdict({"device": None}).mend == "make env"

    def test_a_computation_that_fails_is_a_line(self, monkeypatch):
        monkeypatch.setattr(health.gpu, "visible_gpus", lambda: ["GPU-1"])
        monkeypatch.setattr(health.sys, "executable", "false")
        assert health.examine_gpu().words == "the first computation failed: no words"
