from pathlib import Path

import pytest

from netlens.workflow.imports import code_of


@pytest.mark.parametrize("notebook", ["models/train.ipynb", "pattern_attribution/pattern_sums.ipynb"])
def test_training_and_patterns_do_not_depend_on_frozen_graphs(notebook):
    modules = set(code_of(Path("notebooks") / notebook))
    builds = "src/netlens/models/architectures/building_blocks.py" in modules
    assert builds == (notebook == "models/train.ipynb")
    frozen = [file for file in modules if "/frozen/" in file or file.endswith("/inception_v1.py")]
    assert not frozen
