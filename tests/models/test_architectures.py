from pathlib import Path

import pytest

from netlens.workflow.imports import code_of


@pytest.mark.parametrize("notebook", ["models/train.ipynb", "pattern_attribution/pattern_sums.ipynb"])
def test_training_and_patterns_do_not_depend_on_frozen_graphs(notebook):
    modules = {Path(file).stem for file in code_of(Path("notebooks") / notebook)}
    assert {"architectures", "building_blocks", "inception"} <= modules
    assert not {name for name in modules if name.startswith("frozen") or name == "inception_v1"}
