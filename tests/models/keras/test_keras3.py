"""Configurations of Keras 3, as plain data; the files that Keras 3 saves are read in tests of `loading`."""

import pytest

from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.keras.config import LAYERS
from netlens.models.keras.keras3 import TRANSLATED, translated


def tensor(name, call=0, shape=(None, 4, 4, 3)):
    return {"class_name": "__keras_tensor__", "config": {"shape": [*shape], "keras_history": [name, call, 0]}}


def layer(kind, name, config, *calls):
    nodes = [{"args": list(arguments), "kwargs": {}} for arguments in calls]
    entry = {"class_name": kind, "config": {"name": name, "dtype": "float32", **config}, "name": name}
    return entry | {"module": "keras.layers", "inbound_nodes": nodes}


def network(name, *layers, output=("last", 0), inputs=(None, 4, 4, 3)):
    image = layer("InputLayer", f"{name}_image", {"batch_shape": [*inputs]})
    config = {"name": name, "layers": [image, *layers], "input_layers": [f"{name}_image", 0, 0]}
    return {"class_name": "Functional", "config": config | {"output_layers": [*output, 0]}, "name": name}


def called(model, *calls):
    return model | {"inbound_nodes": [{"args": list(arguments), "kwargs": {"mask": None}} for arguments in calls]}


def relu(name, *calls):
    return layer("ReLU", name, {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}, *calls)


def names(translation):
    return [entry["name"] for entry in translation.config["config"]["layers"]]


def test_a_model_that_is_called_twice_becomes_layers_that_are_called_twice():
    inner = network("inner", relu("relu", [tensor("inner_image")]), output=("relu", 0))
    outer = network(
        "outer",
        called(inner, [tensor("outer_image")], [tensor("inner", 0)]),
        relu("last", [tensor("inner", 1)]),
    )
    result = translated(outer)
    assert names(result) == ["outer_image", "relu", "last"]
    assert [len(entry["inbound_nodes"]) for entry in result.config["config"]["layers"]] == [0, 2, 1]
    assert result.stored == {"relu": ("inner", "relu"), "last": ("last",)}


@pytest.mark.parametrize("call", [0, 1])
def test_the_output_of_a_model_at_the_end_is_counted_from_zero_or_one(call):
    inner = network("inner", relu("last", [tensor("inner_image")]))
    outer = network("outer", called(inner, [tensor("outer_image")]), output=("inner", call))
    assert translated(outer).config["config"]["output_layers"] == [["last", 0, 0]]


def test_an_output_that_may_mean_two_calls_is_refused_by_name():
    inner = network("inner", relu("relu", [tensor("inner_image")]), output=("relu", 0))
    outer = network("outer", called(inner, [tensor("outer_image")], [tensor("outer_image")]), output=("inner", 1))
    with pytest.raises(
        NetworkError, match="the output is call 1 of the model 'inner', which is not clear; add a layer"
    ):
        translated(outer)


@pytest.mark.slow
def test_models_inside_models_that_multiply_their_calls_end():
    model = network("m0", relu("last", [tensor("m0_image")]))
    for depth in range(1, 30):
        name, inner = f"m{depth}", f"m{depth - 1}"
        calls = called(model, [tensor(f"{name}_image")], [tensor(inner, 0)])
        model = network(name, calls, relu("last", [tensor(inner, 1)]))
    with pytest.raises(NetworkError, match="calls its layers more than 50000 times"):
        translated(model)


def test_names_that_tensorflow_does_not_allow_are_changed():
    chain = network("a b", relu("my conv", [tensor("a b_image")]), relu("my_conv", [tensor("my conv")]),
                    relu("_é", [tensor("my_conv")]), output=("_é", 0))  # fmt: skip
    assert names(translated(chain)) == ["a_b_image", "my_conv", "my_conv_2", "layer__"]


def test_each_layer_of_the_legacy_keras_is_translated_or_refused_by_name():
    for kind in sorted(LAYERS - TRANSLATED):
        with pytest.raises(UnsupportedLayerError, match=rf"layer 'odd' \({kind}\) of Keras 3 is not supported"):
            translated(network("net", layer(kind, "odd", {}, [tensor("net_image")]), output=("odd", 0)))


@pytest.mark.parametrize("broken", [{"layers": 3}, {"input_layers": []}, {"output_layers": [["nobody", 0, 0]]}])
def test_what_is_no_configuration_is_told_in_one_line(broken):
    entry = network("net", relu("last", [tensor("net_image")]))
    with pytest.raises(NetworkError, match=r"is not that of a functional or Sequential network|no layers"):
        translated(entry | {"config": entry["config"] | broken})
