"""An edit of a module makes exactly the notebooks stale that import it."""

import nbformat
import pytest

from netlens.workflow.imports import code_of


@pytest.fixture
def project(tmp_path):
    files = {
        "netlens/__init__.py": "",
        "netlens/spectra.py": "from netlens.data import arrays\n",
        "netlens/other.py": "",
        "netlens/data/__init__.py": "",
        "netlens/data/arrays.py": "from . import files\nfrom ..other import something\n",
        "netlens/data/files.py": "import numpy\n",
        "netlens/data/unused.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def closure(project, *lines):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(line) for line in lines])
    nbformat.write(notebook, project / "a.ipynb")
    return {path.split("/src/")[1] for path in code_of(project / "a.ipynb", project / "src")}


def test_imports_are_followed_through_modules_and_relative_ones(project):
    assert closure(project, "from netlens import spectra") == {
        "netlens/__init__.py",
        "netlens/spectra.py",
        "netlens/data/__init__.py",
        "netlens/data/arrays.py",
        "netlens/data/files.py",
        "netlens/other.py",
    }


def test_what_is_not_imported_is_not_there(project):
    assert closure(project, "import numpy", "import netlens.data.files") == {
        "netlens/__init__.py",
        "netlens/data/__init__.py",
        "netlens/data/files.py",
    }


def test_a_name_of_a_module_is_no_module(project):
    assert "netlens/other.py" not in closure(project, "from netlens.data.files import load")


def test_a_notebook_without_ours_depends_on_nothing_of_ours(project):
    assert closure(project, "import numpy as np") == set()


def test_a_modules_assets_are_followed_and_no_others(project):
    for name in ("files.css", "files.html", "unused.css"):
        (project / "src/netlens/data/assets").mkdir(exist_ok=True)
        (project / "src/netlens/data/assets" / name).write_text("")
    assert closure(project, "import netlens.data.files") == {
        "netlens/__init__.py",
        "netlens/data/__init__.py",
        "netlens/data/files.py",
        "netlens/data/assets/files.css",
        "netlens/data/assets/files.html",
    }
