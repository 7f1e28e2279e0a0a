"""The stored notebooks, the catalogue and the rules are in step."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from netlens.workflow.catalogue import load_catalogue
from netlens.workflow.parameters import read_parameters

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").glob("*/*.ipynb"))
# Notebooks that people open make no item, so no rule runs them.
RUN_BY_RULES = [path for path in NOTEBOOKS if not path.startswith("notebooks/explore/")]
RULES = "\n".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
BLOCKS = dict(re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", RULES, flags=re.MULTILINE))


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_notebooks_are_valid_without_outputs_and_with_one_parameters_cell(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec["name"] == "python3"
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs
            assert cell.execution_count is None
    assert read_parameters(json.loads(Path(path).read_text()), path)


@pytest.mark.parametrize("path", RUN_BY_RULES)
def test_every_notebook_is_run_by_a_rule_that_depends_on_it_and_its_code(path):
    users = [block for block in BLOCKS.values() if f'notebook="{path}"' in block]
    assert users
    for block in users:
        assert f'code=code_of("{path}")' in block
        assert "files=files" in block


def test_every_item_has_the_rule_of_its_name_and_every_such_rule_its_item():
    items = load_catalogue()
    assert set(items) <= set(BLOCKS)
    for name, block in BLOCKS.items():
        made = re.search(r'\b(figure|macro|page)\(\s*"(?:\w+/)?(\w+)"', block)
        assert (made is not None) == (name in items), name
        if made:
            assert (made[1], made[2]) == (items[name].kind, name)


def test_rules_hold_no_code():
    assert not re.search(r"^\s*(def |class |for |if |while |run:|script:)", RULES, flags=re.MULTILINE)
