"""Inputs of operations, and the operations that they name."""

from netlens.models.frozen.node_names import node_of


def test_an_input_names_an_operation_an_output_of_it_or_its_end():
    assert [node_of(source) for source in ("scope/conv", "scope/conv:1", "^scope/conv")] == ["scope/conv"] * 3
