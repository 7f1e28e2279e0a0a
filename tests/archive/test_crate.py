"""A crate says what was run, and that its files are those that were described."""

import json
import zipfile
from pathlib import Path

import pytest

from netlens.archive.contents import copy_into, made_files, source_files
from netlens.archive.crate import CrateError, check_crate, save_crate
from netlens.files.hashing import sha256_of


@pytest.fixture
def crate(project, tmp_path, about):
    """Path of a crate."""
    sources, made = source_files("small"), made_files("small")
    copy_into([*sources, *made], tmp_path / "copy")
    save_crate(tmp_path / "copy", tmp_path / "small.zip", about=about, sources=sources, made=made)
    return tmp_path / "small.zip"


def entities(path):
    with zipfile.ZipFile(path) as packed:
        return {entity["@id"]: entity for entity in json.loads(packed.read("ro-crate-metadata.json"))["@graph"]}


def test_the_run_has_its_workflow_inputs_results_times_and_machine(crate):
    found = entities(crate)
    assert found["./"]["mainEntity"] == {"@id": "Snakefile"} and found["./"]["mentions"] == {"@id": "#run"}
    assert "https://w3id.org/ro/wfrun/workflow/0.5" in {part["@id"] for part in found["./"]["conformsTo"]}
    run = found["#run"]
    assert run["@type"] == "CreateAction" and run["instrument"] == {"@id": "Snakefile"}
    assert run["startTime"] == "2023-11-14T22:11:40+00:00" and run["endTime"] == "2023-11-14T22:14:20+00:00"
    assert {"@id": "config/small.yaml"} in run["object"] and {"@id": "paper/small.pdf"} in run["result"]
    assert found["#machine"]["value"] == "P, 2 cores, 8.0 GB, Linux x86_64, Python 3.11.7"
    assert "ComputationalWorkflow" in found["Snakefile"]["@type"]
    assert [found[f"#author-{n}"]["@type"] for n in (1, 2)] == ["Person", "Organization"]
    figure = found["figures/small/data/crops.pdf"]
    assert figure["sha256"] == sha256_of("figures/small/data/crops.pdf")
    assert figure["subjectOf"] == {"@id": "figures/small/data/crops.json"}


def test_the_library_reads_it_back(crate):
    with zipfile.ZipFile(crate) as packed:
        assert check_crate(crate) == len(packed.namelist()) - 1


def test_a_crate_has_no_folder_of_this_machine_in_it(crate, project):
    with zipfile.ZipFile(crate) as packed:
        assert not [name for name in packed.namelist() if str(project).encode() in packed.read(name)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Snakefile": b"other"}, "Snakefile: not the file"),
        ({"export_defs/small/classCount.tex": None}, "classCount.tex: either not described or not there"),
        ({"added.txt": b""}, "added.txt: either not described or not there"),
        ({"ro-crate-metadata.json": b"{}"}, "not a crate"),
        ({"ro-crate-metadata.json": b"{"}, "not a crate"),
    ],
)
def test_a_crate_that_was_changed_is_refused_in_a_line(crate, tmp_path, change, words):
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(crate) as before, zipfile.ZipFile(changed, "w") as after:
        contents = {name: before.read(name) for name in before.namelist()} | change
        for name, content in contents.items():
            if content is not None:
                after.writestr(name, content)
    with pytest.raises(CrateError, match=words) as refused:
        check_crate(changed)
    assert "\n" not in str(refused.value)


def test_what_is_no_zip_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(CrateError, match="not a crate"):
        check_crate(tmp_path / "a.zip")


def test_a_study_without_records_has_no_run(project, tmp_path, about):
    with pytest.raises(CrateError, match="no record of any job"):
        save_crate(Path(), tmp_path / "a.zip", about=about, sources=[Path("Snakefile")], made=[])
