"""What a study's archive has in it."""

import json
from pathlib import Path

from netlens.archive.contents import copy_into, made_files, source_files


def paths(files):
    return {path.as_posix() for path in files}


def test_sources_are_those_of_the_study_without_what_programs_leave(project):
    assert paths(source_files("small")) == {
        "Snakefile", "src/netlens/a.py", "src/netlens/__init__.py", "config/schema.yaml", "config/small.yaml",
        "models/small/net.h5", "paper/main.tex", "paper/style.tex", "paper/refs.bib",
    }  # fmt: skip


def test_intermediate_results_are_published_only_when_asked_for_but_their_records_are(project):
    found = paths(made_files("small"))
    assert {"figures/small/data/crops.pdf", "site/small/index.html", "paper/small.pdf"} <= found
    assert {"results/small/images/images.json", "results/small/executed/data/crops.ipynb"} <= found
    assert not [path for path in found if "logs" in path or "staging" in path or path.endswith(".npz")]
    assert paths(made_files("small", everything=True)) - found == {"results/small/images/images.npz"}


def test_executed_notebooks_are_copied_without_the_folders_of_this_machine(project, tmp_path):
    notebook = Path("results/small/executed/data/crops.ipynb")
    copy_into([notebook, Path("Snakefile")], tmp_path / "copy")
    assert json.loads((tmp_path / "copy" / notebook).read_text()) == {"at": "./src/netlens/a.py:3"}
    assert (tmp_path / "copy/Snakefile").read_bytes() == Path("Snakefile").read_bytes()
