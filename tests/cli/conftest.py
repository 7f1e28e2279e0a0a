"""A small project whose records were written by the test: a macro made from counts, which were made from images."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from netlens.files.hashing import sha256_of

NOTEBOOK = "notebooks/data/table.ipynb"
MODULE = "src/netlens/tables.py"
MACHINE = {"processor": "P", "cores": 2, "memory_gb": 8.0, "system": "Linux x86_64", "python": "3.11.7"}


def write_record(path: str, rule: str, inputs: Sequence[str], outputs: Sequence[str], **more: object) -> None:
    """Write a record as the runner does."""
    record = {
        "study": "small",
        "rule": rule,
        "notebook": {"path": NOTEBOOK, "sha256": sha256_of(NOTEBOOK)},
        "parameters": {"rows": 3},
        "seed": 1,
        "code": {MODULE: sha256_of(MODULE)},
        "inputs": {name: sha256_of(name) for name in inputs},
        "outputs": {name: sha256_of(name) for name in outputs},
        "git": {"commit": "0123456789abcdef", "clean": True},
        "pins": {"path": "requirements/cpu.txt", "sha256": None},
        "devices": ["CPU"],
        "versions": {"numpy": "2.4.6"},
        "machine": MACHINE,
        "threads": 1,
        "duration_s": 12.0,
        "processor_s": 10.0,
        "peak_memory_mb": 300,
        **more,
    }
    Path(path).write_text(json.dumps(record))


@pytest.fixture
def records(tmp_path, monkeypatch):
    """Give the project's paths, in the working directory; its study is called ``small``."""
    monkeypatch.chdir(tmp_path)
    for folder in ("notebooks/data", "src/netlens", "export_defs/small", "results/small"):
        Path(folder).mkdir(parents=True)
    Path("notebooks/data/items.yaml").write_text(
        "tableRows: {kind: macro, shows: how many rows}\ntableLines: {kind: macro, shows: how many lines}\n"
    )
    cells = [nbformat.v4.new_code_cell("import netlens.tables"), nbformat.v4.new_code_cell("macro.save(stem, rows)")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), NOTEBOOK)
    Path(MODULE).write_text("ROWS = 3\n")
    images, counts, stem = "results/small/images.zip", "results/small/counts.npz", "export_defs/small/tableRows"
    for path in (images, counts, f"{stem}.tex"):
        Path(path).write_text(path)
    write_record("results/small/counts.json", "counts[counts]", [images], [counts], peak_memory_mb=900)
    write_record(
        *(f"{stem}.json", "tableRows", [counts], [f"{stem}.tex"]),
        **{"value": 3.14159, "text": "3.14", "rounding": "2 decimals", "unit": "rows", "kind": "macro"},
    )
    for name in ("diff", "explain", "study_items"):
        monkeypatch.setattr(f"netlens.cli.{name}.load_study", lambda name: {"study": name, "images_are": ""})
        monkeypatch.setattr(f"netlens.cli.{name}.check_files", lambda config: None, raising=False)
        monkeypatch.setattr(f"netlens.cli.{name}.absent_items", lambda config, items: {}, raising=False)
    monkeypatch.setattr("netlens.workflow.applicability.absent_items", lambda config, items: {})
    return SimpleNamespace(
        stem=stem, images=images, counts=counts, module=MODULE, notebook=NOTEBOOK, write=write_record
    )
