import copy

import pytest

from netlens.models.keras.config import checked_config
from netlens.models.keras.merge_layers import with_merge_layers


def layer(kind, name, nodes, **options):
    return {"class_name": kind, "name": name, "config": {"name": name, **options}, "inbound_nodes": nodes}


def network(*layers):
    """Return a network whose layers ``a`` and ``b`` have outputs of one shape, and ``c`` that of one pixel."""
    given = [layer("InputLayer", "image", [], batch_input_shape=[None, 8, 8, 3])]
    given += [layer("ReLU", name, [[["image", 0, 0, {}]]]) for name in "ab"]
    given.append(layer("GlobalAveragePooling2D", "c", [[["image", 0, 0, {}]]], keepdims=True))
    config = {"name": "n", "layers": [*given, *layers], "input_layers": [["image", 0, 0]]}
    return checked_config(
        {"class_name": "Functional", "config": config | {"output_layers": [[layers[-1]["name"], 0, 0]]}}
    )


def function(name, y, **arguments):
    return layer("TFOpLambda", "op", [["a", 0, 0, {"y": y, "name": None, **arguments}]], function=name)


def last(config):
    return config["config"]["layers"][-1]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("__operators__.add", "Add"), ("math.add", "Add"), ("compat.v1.add", "Add"), ("math.subtract", "Subtract"),
     ("math.multiply", "Multiply"), ("math.maximum", "Maximum"), ("minimum", "Minimum")],
)  # fmt: skip
def test_functions_of_two_tensors_of_one_shape_are_layers(name, kind):
    made = last(with_merge_layers(network(function(name, ["b", 0, 0]))))
    assert (made["class_name"], made["name"]) == (kind, "op")
    assert made["inbound_nodes"] == [[["a", 0, 0, {}], ["b", 0, 0, {}]]]


def test_operations_of_earlier_versions_are_layers():
    node = {"name": "op", "op": "AddV2", "input": ["a", "b"], "attr": {"T": {"type": "DT_FLOAT"}}}
    entry = layer("TensorFlowOpLayer", "op", [[["a", 0, 0, {}], ["b", 0, 0, {}]]], node_def=node, constants={})
    made = last(with_merge_layers(network(entry)))
    assert (made["class_name"], made["inbound_nodes"]) == ("Add", entry["inbound_nodes"])


@pytest.mark.parametrize(
    "entry",
    [function("math.add", 2.0), function("math.add", ["c", 0, 0]), function("math.divide", ["b", 0, 0]),
     function("math.add", [1.0, 2.0, 3.0]),
     layer("TFOpLambda", "op", [["a", 0, 0, {"y": ["b", 0, 0]}], ["a", 0, 0, {"y": ["c", 0, 0]}]], function="add")],
    ids=["a constant", "another shape", "no layer for it", "a constant per channel", "another shape in a second"],
)  # fmt: skip
def test_other_functions_stay(entry):
    called = len(entry["inbound_nodes"]) - 1
    config = network(entry, layer("Add", "end", [[["op", 0, 0, {}], ["op", called, 0, {}]]]))
    assert with_merge_layers(copy.deepcopy(config)) == config


def test_a_function_in_a_model_is_judged_by_all_calls_of_the_model():
    def nested(other):
        inner = [layer("InputLayer", name, [], batch_input_shape=[None, None, None, 3]) for name in "xy"]
        inner.append(layer("TFOpLambda", "sum", [["x", 0, 0, {"y": ["y", 0, 0], "name": None}]], function="math.add"))
        ends = {"input_layers": [["x", 0, 0], ["y", 0, 0]], "output_layers": [["sum", 0, 0]]}
        calls = [[["a", 0, 0, {}], ["b", 0, 0, {}]], [["a", 0, 0, {}], [other, 0, 0, {}]]]
        model = layer("Functional", "inner", calls, layers=inner, **ends)
        end = layer("Add", "end", [[["inner", 1, 0, {}], ["inner", 2, 0, {}]]])
        return with_merge_layers(network(model, end))["config"]["layers"][-2]["config"]["layers"][-1]["class_name"]

    assert nested("b") == "Add"
    assert nested("c") == "TFOpLambda"
