"""The parameters cell and the values that fit it."""

import nbformat
import pytest

from netlens.workflow.parameters import ParameterError, check_values, read_parameters


def notebook(*sources, tagged=(0,)):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    for index in tagged:
        cells[index].metadata["tags"] = ["parameters"]
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# title"), *cells])


CELL = "count: int = 3  # how many\nscale: float = 0.5  # per pixel\nnames: list = []\nstem: str = 'x'"
VALUES = {"count": 4, "scale": 2, "names": ["a"], "stem": "y"}


def test_values_that_fit_pass_and_whole_numbers_may_be_floats():
    fitted = check_values(read_parameters(notebook(CELL), "a.ipynb"), VALUES, "a.ipynb")
    assert fitted == {"count": 4, "scale": 2.0, "names": ["a"], "stem": "y"}
    assert isinstance(fitted["scale"], float)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"cuont": 3}, "unknown parameter 'cuont' \\(did you mean 'count'\\?\\)"),
        ({"count": "3"}, "parameter 'count' is '3', not of type int"),
        ({"count": True}, "parameter 'count' is True, not of type int"),
        ({"scale": "1e-3"}, "parameter 'scale' is '1e-3', not of type float"),
        ({"names": "a"}, "parameter 'names' is 'a', not of type list"),
    ],
)
def test_values_that_do_not_fit_are_told_in_one_line(changes, told):
    with pytest.raises(ParameterError, match=told) as caught:
        check_values(read_parameters(notebook(CELL), "a.ipynb"), {**VALUES, **changes}, "a.ipynb")
    assert "\n" not in str(caught.value)


def test_a_missing_value_is_refused_although_there_is_a_default():
    values = {name: value for name, value in VALUES.items() if name != "scale"}
    with pytest.raises(ParameterError, match="missing parameter 'scale'"):
        check_values(read_parameters(notebook(CELL), "a.ipynb"), values, "a.ipynb")


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (notebook(CELL, tagged=()), "exactly one cell must be tagged `parameters`, but 0 are"),
        (notebook(CELL, CELL, tagged=(0, 1)), "exactly one cell must be tagged `parameters`, but 2 are"),
        (notebook("import os", CELL, tagged=(1,)), "must be the first code cell"),
        (notebook("count = 3"), "line 1: write `name: type = literal`"),
        (notebook("count: int = len([])"), "its value must be a literal"),
        (notebook("count: Path = 3"), "type 'Path' is not one of"),
        (notebook("count: int = 'three'"), "not of type int"),
    ],
)
def test_a_cell_that_cannot_be_used_is_refused(stored, told):
    with pytest.raises(ParameterError, match=told):
        read_parameters(stored, "a.ipynb")
