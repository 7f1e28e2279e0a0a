import json

import pytest

from netlens.models.backend import keras
from netlens.models.errors import NetworkError
from netlens.models.keras.config import checked_config

L = keras.layers


def layer(kind, name, *calls, **config):
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": list(calls)}


def functional(*layers, output=("b", 0, 0)):
    image = layer("InputLayer", "image", batch_input_shape=[None, 4, 4, 3], dtype="float32")
    config = {"name": "net", "layers": [image, *layers], "input_layers": [["image", 0, 0]]}
    return {"class_name": "Functional", "config": config | {"output_layers": [list(output)]}}


def takes(name, node=0, tensor=0):
    return [[name, node, tensor, {}]]


def test_layers_may_be_written_in_any_order():
    checked_config(functional(layer("Flatten", "b", takes("a")), layer("ReLU", "a", takes("image"))))


@pytest.mark.parametrize(
    "call",
    [takes("b"), takes("missing"), takes("image", 1), takes("image", -1), takes("image", 0, 1), takes("a", 1)],
    ids=["a circle", "no such layer", "no such call", "a negative call", "no such output", "its own next call"],
)
def test_a_call_that_waits_for_ever_is_refused(call):
    config = functional(layer("ReLU", "a", call), layer("Flatten", "b", takes("a")))
    with pytest.raises(NetworkError, match="layer 'a' needs an input that no layer of the file provides"):
        checked_config(config)


def test_two_layers_of_one_name_are_refused():
    config = functional(layer("ReLU", "a", takes("image")), layer("Flatten", "a", takes("image")))
    with pytest.raises(NetworkError, match="two layers called 'a'"):
        checked_config(config)


def small():
    image = keras.Input((4, 4, 3))
    return keras.Model(image, [L.ReLU()(image), L.Flatten()(image)], name="two_outputs")


def shared():
    image, relu, nested = keras.Input((4, 4, 3)), L.ReLU(), small()
    sequence = keras.Sequential([L.Conv2D(3, 3, padding="same", input_shape=(4, 4, 3)), L.ReLU()])
    first, flat = nested(sequence(image))
    second, _ = nested(relu(relu(first)))
    return keras.Model(image, L.Concatenate()([L.Flatten()(sequence(second)), flat]))


def test_models_in_models_and_layers_that_are_used_again_pass():
    model = shared()
    config = checked_config(json.loads(model.to_json()))
    again = keras.models.model_from_config(config)
    assert [tuple(weight.shape) for weight in again.weights] == [tuple(weight.shape) for weight in model.weights]
    assert again.output_shape == model.output_shape


def test_an_operation_with_several_outputs_passes():
    split = layer("TFOpLambda", "s", ["image", 0, 0, {"num_or_size_splits": 3, "axis": -1}], function="split")
    checked_config(functional(split, layer("ReLU", "b", takes("s", 0, 2))))
    with pytest.raises(NetworkError, match="layer 'b' needs an input"):
        checked_config(functional(split, layer("ReLU", "b", takes("s", 0, 3))))
