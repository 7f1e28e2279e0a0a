"""Safe configurations of Keras networks, which contain only layers, options and functions known to be harmless.

A configuration names classes and functions, and Keras calls whatever it names: a TensorFlow function that reads a
file, a loader of another network that contains code, a module to import. Keras therefore gets a new configuration that
is built here from parts on an allow-list. Losses, metrics, optimizers, initializers, regularizers and constraints are
omitted, since a trained network does not depend on them.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from netlens.models.errors import NetworkError, UnsupportedLayerError
from netlens.models.keras.call_order import CONSTANT, check_call_order

#: Largest size of a configuration. That of a network of a thousand layers is about 1 MB.
LARGEST_CONFIG_BYTES = 64 * 2**20
#: Largest nesting depth of lists and objects. Each level of nested models adds about six.
DEEPEST_CONFIG = 150
_LONGEST_NAME = 500

MODELS = frozenset({"Functional", "Sequential", "Model"})

#: What is wrong with a Sequential network that was saved before it was built.
WITHOUT_INPUT = (
    "was saved without an input shape; begin it with an Input layer, or call build((None, height, width, 3)), and save "
    "it again"
)

#: Layers whose options are plain values, and which neither contain code nor read files.
LAYERS = frozenset({
    "Activation", "ActivityRegularization", "Add", "AdditiveAttention", "AlphaDropout", "Attention", "Average",
    "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "BatchNormalization", "BatchNormalizationV1",
    "BatchNormalizationV2", "CenterCrop", "Concatenate", "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose",
    "Conv3D", "Conv3DTranspose", "Cropping1D", "Cropping2D", "Cropping3D", "Dense", "DepthwiseConv1D",
    "DepthwiseConv2D", "Dot", "Dropout", "ELU", "Embedding", "Flatten", "GaussianDropout", "GaussianNoise",
    "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalMaxPooling1D",
    "GlobalMaxPooling2D", "GlobalMaxPooling3D", "GroupNormalization", "InputLayer", "LayerNormalization", "LeakyReLU",
    "LocallyConnected1D", "LocallyConnected2D", "Masking", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "Maximum",
    "Minimum", "MultiHeadAttention", "Multiply", "Normalization", "PReLU", "Permute", "RandomBrightness",
    "RandomContrast", "RandomFlip", "RandomHeight", "RandomRotation", "RandomTranslation", "RandomWidth",
    "RandomZoom", "ReLU", "RepeatVector", "Rescaling", "Reshape", "Resizing", "SeparableConv1D", "SeparableConv2D",
    "SeparableConvolution2D", "Convolution2D", "SlicingOpLambda", "Softmax", "SpatialDropout1D", "SpatialDropout2D",
    "SpatialDropout3D", "Subtract", "TFOpLambda", "TensorFlowOpLayer", "ThresholdedReLU", "TimeDistributed",
    "UnitNormalization", "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D", "ZeroPadding2D",
    "ZeroPadding3D",
})  # fmt: skip
_ACTIVATION_LAYERS = frozenset({"ELU", "LeakyReLU", "PReLU", "ReLU", "Softmax", "ThresholdedReLU"})

#: Layers of both versions of Keras that change images at random in training and leave them alone otherwise. The legacy
#: Keras keeps them random in a network that is loaded without eager execution, so they become the identity.
AUGMENTATIONS = frozenset({
    "AugMix", "CutMix", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter",
    "RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale",
    "RandomHeight", "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation",
    "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomWidth", "RandomZoom",
})  # fmt: skip
#: Class and options of the layer that takes their place.
IDENTITY: tuple[str, dict[str, Any]] = ("Activation", {"activation": "linear"})

#: Functions of ``keras.activations``.
ACTIVATIONS = frozenset({
    "elu", "exponential", "gelu", "hard_sigmoid", "leaky_relu", "linear", "log_softmax", "mish", "relu", "relu6",
    "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "swish", "tanh",
})  # fmt: skip

#: TensorFlow functions that compute tensors from tensors and do nothing else, by their canonical names.
_FUNCTIONS = frozenset({
    *(f"__operators__.{name}" for name in ("add", "eq", "getitem", "ne")),
    *(f"math.{name}" for name in (
        "abs", "accumulate_n", "acos", "acosh", "add", "add_n", "argmax", "argmin", "asin", "asinh", "atan", "atan2",
        "atanh", "ceil", "cos", "cosh", "cumprod", "cumsum", "divide", "divide_no_nan", "equal", "erf", "erfc", "exp",
        "expm1", "floor", "floordiv", "floormod", "greater", "greater_equal", "is_finite", "is_inf", "is_nan",
        "l2_normalize", "less", "less_equal", "log", "log1p", "log_sigmoid", "log_softmax", "logical_and",
        "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "mod", "multiply", "multiply_no_nan",
        "negative", "not_equal", "pow", "reciprocal", "reciprocal_no_nan", "reduce_all", "reduce_any",
        "reduce_euclidean_norm", "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod",
        "reduce_std", "reduce_sum", "reduce_variance", "rint", "round", "rsqrt", "scalar_mul", "sigmoid", "sign",
        "sin", "sinh", "softmax", "softplus", "softsign", "sqrt", "square", "squared_difference", "subtract", "tan",
        "tanh", "top_k", "truediv", "xdivy", "xlogy",
    )),
    *(f"nn.{name}" for name in (
        "avg_pool", "avg_pool2d", "batch_normalization", "bias_add", "conv2d", "convolution", "crelu", "depth_to_space",
        "depthwise_conv2d", "elu", "gelu", "l2_normalize", "leaky_relu", "local_response_normalization",
        "log_softmax", "lrn", "max_pool", "max_pool2d", "moments", "pool", "relu", "relu6", "selu", "sigmoid", "silu",
        "softmax", "softplus", "softsign", "space_to_depth", "swish", "tanh", "top_k",
    )),
    "abs", "add", "argmax", "argmin", "broadcast_to", "cast", "clip_by_value",
    "concat", "divide", "equal", "expand_dims", "exp", "gather", "identity", "image.resize", "linalg.l2_normalize",
    "linalg.matmul", "linalg.normalize", "matmul", "maximum", "minimum", "multiply", "negative", "norm", "ones_like",
    "pad", "pow", "reduce_max", "reduce_mean", "reduce_min", "reduce_sum", "repeat", "reshape", "reverse", "roll",
    "shape", "sigmoid", "slice", "split", "sqrt", "square", "squeeze", "stack", "stop_gradient", "strided_slice",
    "subtract", "tanh", "tensordot", "tile", "transpose", "unstack", "where", "zeros_like",
})  # fmt: skip

#: TensorFlow 1 functions of the same names compute the same; Keras writes some of them as ``compat.v1.pad``.
FUNCTIONS = _FUNCTIONS | {f"compat.v1.{name}" for name in _FUNCTIONS}

#: TensorFlow operations that compute tensors from tensors and do nothing else.
OPERATIONS = frozenset({
    "Abs", "Add", "AddN", "AddV2", "ArgMax", "ArgMin", "AvgPool", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3",
    "BiasAdd", "BroadcastTo", "Cast", "Ceil", "ClipByValue", "Concat", "ConcatV2", "Conv2D", "Cos", "DepthToSpace",
    "DepthwiseConv2dNative", "Div", "DivNoNan", "Elu", "Equal", "Erf", "Exp", "ExpandDims", "Expm1", "Floor",
    "FloorDiv", "FloorMod", "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "GatherV2", "Greater",
    "GreaterEqual", "Identity", "L2Loss", "LRN", "LeakyRelu", "Less", "LessEqual", "Log", "Log1p", "LogSoftmax",
    "LogicalAnd", "LogicalNot", "LogicalOr", "MatMul", "Max", "MaxPool", "MaxPoolV2", "Maximum", "Mean", "Min",
    "Minimum", "MirrorPad", "Mul", "Neg", "NotEqual", "OnesLike", "Pack", "Pad", "PadV2", "Pow", "Prod", "RealDiv",
    "Reciprocal", "Relu", "Relu6", "Reshape", "ResizeBilinear", "ResizeNearestNeighbor", "ReverseV2", "Rint", "Round",
    "Rsqrt", "Select", "SelectV2", "Selu", "Shape", "Sigmoid", "Sign", "Sin", "Slice", "Softmax", "Softplus",
    "Softsign", "SpaceToDepth", "Split", "SplitV", "Sqrt", "Square", "SquaredDifference", "Squeeze", "StopGradient",
    "StridedSlice", "Sub", "Sum", "Tanh", "Tile", "TopKV2", "Transpose", "Unpack", "ZerosLike",
})  # fmt: skip

_DTYPES = frozenset({
    "bfloat16", "bool", "float16", "float32", "float64", "int16", "int32", "int64", "int8", "mixed_bfloat16",
    "mixed_float16", "uint16", "uint32", "uint64", "uint8",
})  # fmt: skip
#: Data types that a network is read without: it is computed in float32.
_OTHER_FLOATS = frozenset({"bfloat16", "float16", "float64", "mixed_bfloat16", "mixed_float16"})
_CHANNELS_FIRST = frozenset({"channels_first", "NCHW", "NCW", "NCDHW"})
#: All allowed strings for options, arguments and attributes.
_OPTIONS = _DTYPES | {
    "valid", "same", "causal", "VALID", "SAME", "EXPLICIT", "channels_last", "NHWC", "NWC", "NDHWC", "constant",
    "reflect", "symmetric", "wrap", "nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5", "gaussian",
    "mitchellcubic", "CONSTANT", "REFLECT", "SYMMETRIC", "horizontal", "vertical", "horizontal_and_vertical", "dot",
    "concat", "MAX", "AVG", "one_to_one", "auto", "euclidean", "Gelu", "batch",
}  # fmt: skip

_DROPPED = ("_initializer", "_regularizer", "_constraint")
_PACKAGES = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")
_KINDS = ("layers", "models", "activations", "engine", "src")
_ATTRIBUTE_VALUES = frozenset({"type", "i", "f", "b", "s", "list", "shape"})


def parsed_config(text: str | bytes) -> dict[str, Any]:
    """Configuration of a network, parsed from text whose size and depth are checked.

    Parameters
    ----------
    text
        JSON.

    Returns
    -------
    dict

    Raises
    ------
    NetworkError
        The configuration is larger than `LARGEST_CONFIG_BYTES`, nested deeper than `DEEPEST_CONFIG`, or not an object.
    json.JSONDecodeError
        The text is not JSON.
    """
    if len(text) > LARGEST_CONFIG_BYTES:
        raise NetworkError(
            f"its configuration is {len(text) / 2**20:.0f} MB large, but at most "
            f"{LARGEST_CONFIG_BYTES // 2**20} MB are read; this is not the configuration of a network"
        )
    too_deep = f"its configuration is nested deeper than {DEEPEST_CONFIG} levels; save the network without such nesting"
    try:
        config = json.loads(text)
    except RecursionError:
        raise NetworkError(too_deep) from None
    if not isinstance(config, dict):
        raise NetworkError(f"its configuration is a {type(config).__name__}, not an object; save the whole model again")
    level: list[Any] = [config]
    for _ in range(DEEPEST_CONFIG):
        level = [
            part
            for each in level
            for part in (each.values() if isinstance(each, dict) else each)
            if isinstance(part, (dict, list))
        ]
        if not level:
            return config
    raise NetworkError(too_deep)


def checked_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Configuration for the legacy Keras that contains only parts known to be harmless.

    Parameters
    ----------
    config
        Configuration of a network that the legacy Keras (version 2) saved, from `parsed_config`. It is not modified.

    Returns
    -------
    dict
        For ``keras.models.model_from_config``. It does not name modules, and its only layers, functions and string
        options are those listed in this module.

    Raises
    ------
    UnsupportedLayerError
        It contains something that is not listed; the message names the layer and the part.
    NetworkError
        It is not the configuration of a network.
    """
    check_architecture(config)
    _check_built(config)
    return _entry(config)


def check_architecture(config: Mapping[str, Any]) -> None:
    """Check that a configuration is that of a network whose structure it describes.

    Parameters
    ----------
    config
        From `parsed_config`, of either version of Keras.

    Raises
    ------
    UnsupportedLayerError
        It is that of a subclassed model.
    NetworkError
        It is that of a layer, or of nothing.
    """
    kind = config.get("class_name")
    if isinstance(kind, str) and "config" in config and kind not in MODELS | LAYERS | {"Lambda"}:
        raise UnsupportedLayerError(
            f"holds a subclassed model ({_shown(kind)}), whose structure is Python code that is not in the file; make "
            "it a functional model, keras.Model(inputs, outputs), and save that"
        )
    check_class(config)
    if kind not in MODELS:
        raise NetworkError(f"its configuration is of a layer ({kind}), not of a network")


def _check_built(entry: Mapping[str, Any]) -> None:
    """Check that a Sequential network says what it takes, without which Keras makes no weights for it."""
    config = entry["config"]
    layers = config.get("layers") if isinstance(config, Mapping) else config
    if entry["class_name"] != "Sequential" or not isinstance(layers, list) or not layers:
        return
    first = layers[0].get("config") if isinstance(layers[0], Mapping) else None
    shapes = [config.get("build_input_shape")] if isinstance(config, Mapping) else []
    if isinstance(first, Mapping):
        shapes += [first.get("batch_input_shape"), first.get("batch_shape"), first.get("layers")]
    if isinstance(first, Mapping) and not any(shapes):
        raise NetworkError(f"{_where(entry)} {WITHOUT_INPUT}")


def check_training(value: Any, where: str) -> None:
    """Check that a call leaves open whether the network is trained.

    Parameters
    ----------
    value
        Its argument ``training``.
    where
        What the message calls the layer.

    Raises
    ------
    UnsupportedLayerError
        The call sets it, so that the output is random or depends on the batch.
    """
    if value:
        raise UnsupportedLayerError(
            f"{where} is called with training=True, so its output is random or depends on the batch; build the network "
            "without that"
        )


def check_class(entry: Any) -> None:
    """Check that a layer or model of a configuration is of a listed class that belongs to Keras.

    Parameters
    ----------
    entry
        Mapping with ``class_name`` and ``config``, as either version of Keras writes it.

    Raises
    ------
    UnsupportedLayerError
        The class is not listed, or does not belong to Keras.
    NetworkError
        `entry` is not a layer.
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("class_name"), str) or "config" not in entry:
        raise NetworkError(f"its configuration has {_shown(entry)} in place of a layer; save the whole model again")
    kind, where = entry["class_name"], _where(entry)
    if kind == "Lambda":
        raise UnsupportedLayerError(f"contains a Lambda layer, whose code is not run; replace it: {where}")
    if kind == "RandomCrop":
        raise UnsupportedLayerError(f"{where} crops images at random; replace it by CenterCrop or Resizing")
    if kind not in LAYERS | MODELS:
        raise UnsupportedLayerError(
            f"cannot be read as a Keras model: {where} is not a supported layer of Keras; replace it, or save the "
            "network without it"
        )
    check_origin(entry, where)


def check_origin(entry: Mapping[str, Any], where: str) -> None:
    """Check that a class or function belongs to Keras, since importing any other module would run its code.

    Raises
    ------
    UnsupportedLayerError
        It does not belong to Keras.
    """
    module, registered = entry.get("module"), entry.get("registered_name")
    if module is not None and not _is_of_keras(module):
        raise UnsupportedLayerError(
            f"{where} comes from the module {_shown(module)}, which is not imported; save the network without it"
        )
    for name in (registered, entry.get("package")):
        if name not in (None, entry["class_name"]) and not _is_of_keras(name):
            raise UnsupportedLayerError(
                f"{where} is registered as {_shown(name)}, which is custom code; save the network without it"
            )


def plain_value(value: Any, where: str) -> Any:
    """Copy of a layer's option: a number, boolean, None, listed string, or list of these.

    Parameters
    ----------
    value
        From JSON.
    where
        What the message calls it.

    Raises
    ------
    UnsupportedLayerError
        It is, or holds, something else.
    """
    if isinstance(value, str) and value in _CHANNELS_FIRST:
        raise UnsupportedLayerError(f"{where} is {value!r}: convert the network to channels last")
    if value is None or isinstance(value, (bool, int, float)) or (isinstance(value, str) and value in _OPTIONS):
        return "float32" if value in _OTHER_FLOATS else value
    if isinstance(value, list):
        return [plain_value(part, where) for part in value]
    if isinstance(value, Mapping) and set(value) == {"start", "stop", "step"}:
        return {key: plain_value(part, where) for key, part in value.items()}
    if isinstance(value, Mapping):
        kind, items, config = (value.get(key) for key in ("class_name", "items", "config"))
        if kind in ("__tuple__", "TensorShape") and isinstance(items, list):
            return tuple(plain_value(part, where) for part in items)
        if kind == "__numpy__" and isinstance(config, Mapping):
            return plain_value(config.get("value"), where)
        if kind == "__ellipsis__":
            return ...
    raise UnsupportedLayerError(
        f"{where} is {_shown(value)}, but only numbers and the usual options are supported; save the network without it"
    )


def _entry(entry: Any) -> dict[str, Any]:
    """Safe entry of one layer or model."""
    check_class(entry)
    kind, config, where = entry["class_name"], entry["config"], _where(entry)
    if kind == "Sequential" and isinstance(config, list):
        return {"class_name": kind, "config": [_entry(layer) for layer in config]}
    if not isinstance(config, Mapping):
        raise NetworkError(f"{where} has {_shown(config)} instead of options; save the whole model again")
    made: dict[str, Any] = {"class_name": kind}
    if kind in AUGMENTATIONS:
        first = {key: plain_value(config[key], f"{where}: {key}") for key in ("batch_input_shape",) if key in config}
        made = {"class_name": IDENTITY[0], "config": {"name": _name(config.get("name"), where), **first, **IDENTITY[1]}}
    elif kind in MODELS:
        made["config"] = _model(config, where)
    elif kind == "TensorFlowOpLayer":
        made["config"] = _operation(config, where)
    else:
        made["config"] = {
            key: _option(kind, key, value, where) for key, value in config.items() if not key.endswith(_DROPPED)
        }
    if "name" in entry:
        made["name"] = _name(entry["name"], where)
    if "inbound_nodes" in entry:
        made["inbound_nodes"] = _calls(entry["inbound_nodes"], where)
        if kind == "TFOpLambda" and _begins_with_constant(made["inbound_nodes"]):
            return _constant_last(made, where)
    return made


def _begins_with_constant(calls: Any) -> bool:
    return isinstance(calls, list) and any(isinstance(call, list) and call and call[0] == CONSTANT for call in calls)


def _constant_last(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Entry that computes the same as a TensorFlow function whose first argument is a constant, as in ``1 - x``.

    Without eager execution the legacy Keras calls no layer that way.
    """
    function = entry["config"]["function"].rsplit(".", maxsplit=1)[-1]
    tensors: list[list[Any]] = []
    constants: list[Any] = []
    for call in entry["inbound_nodes"]:
        other: Any = call[3].get("y") if len(call) == 4 else None
        is_simple = isinstance(other, list) and len(other) == 3 and isinstance(other[0], str) and call[0] == CONSTANT
        if not is_simple or function not in {"add", "multiply", "maximum", "minimum", "subtract"}:
            raise UnsupportedLayerError(
                f"{where} is called with a constant as its first argument, which is not supported; pass the layer first"
            )
        tensors.append(other)
        constants.append(call[2])
    if function != "subtract":
        calls = [[*tensor, {"y": constant, "name": None}] for tensor, constant in zip(tensors, constants, strict=True)]
        return {**entry, "inbound_nodes": calls}
    config = {"name": entry["config"].get("name"), "scale": -1.0, "offset": constants[0]}
    calls = [[[*tensor, {}]] for tensor in tensors]
    if any(constant != constants[0] for constant in constants):
        raise UnsupportedLayerError(f"{where} subtracts from different constants; use one layer for each")
    return {**entry, "class_name": "Rescaling", "config": config, "inbound_nodes": calls}


def _model(config: Mapping[str, Any], where: str) -> dict[str, Any]:
    layers = config.get("layers")
    if not isinstance(layers, list):
        raise NetworkError(f"{where} has no list of layers; save it as a functional or Sequential model")
    made: dict[str, Any] = {"name": _name(config.get("name", "network"), where), "layers": [_entry(x) for x in layers]}
    for key in ("input_layers", "output_layers"):
        if key in config:
            made[key] = _calls(config[key], where)
    for key in ("build_input_shape", "trainable"):
        if key in config:
            made[key] = plain_value(config[key], f"{where}: {key}")
    if "input_layers" in made:
        check_call_order(made, MODELS, where)
    return made


def _option(kind: str, key: str, value: Any, where: str) -> Any:
    told = f"{where}: {key}"
    if key == "name":
        return _name(value, where)
    if key == "function":
        return _function(kind, value, where)
    if key == "layer":
        return _entry(value)
    if key == "activation":
        return _activation(value, where)
    if key == "dtype" and isinstance(value, Mapping):
        policy = value.get("config")
        value = policy.get("name") if isinstance(policy, Mapping) else value
    return plain_value(value, told)


def _function(kind: str, value: Any, where: str) -> str:
    if kind not in {"TFOpLambda", "SlicingOpLambda"} or not isinstance(value, str) or value not in FUNCTIONS:
        raise UnsupportedLayerError(
            f"{where} calls the function {_shown(value)}, which is not one of the supported mathematical functions "
            "of TensorFlow; save the network without it"
        )
    return value


def _activation(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        if value.get("class_name") == "function":
            value = value.get("config")
        elif value.get("class_name") in _ACTIVATION_LAYERS:
            return _entry(value)
    if value is None or (isinstance(value, str) and value in ACTIVATIONS):
        return value
    raise UnsupportedLayerError(
        f"{where} has the activation {_shown(value)}, which does not belong to Keras; save the network without it"
    )


def _operation(config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Safe options of a layer that consists of one TensorFlow operation, written as a NodeDef."""
    node = config.get("node_def")
    if not isinstance(node, Mapping) or node.get("op") not in OPERATIONS:
        op = node.get("op") if isinstance(node, Mapping) else node
        raise UnsupportedLayerError(
            f"{where} is the operation {_shown(op)}, which is not one of the supported mathematical operations of "
            "TensorFlow; save the network without it"
        )
    inputs, attributes = node.get("input", []), node.get("attr", {})
    constants = config.get("constants") or {}
    if not isinstance(inputs, list) or not isinstance(attributes, Mapping) or not isinstance(constants, Mapping):
        raise NetworkError(f"{where} has a damaged operation; save the whole model again")
    return {
        "name": _name(config.get("name"), where),
        "trainable": False,
        "dtype": _option("TensorFlowOpLayer", "dtype", config.get("dtype"), where),
        "node_def": {
            "name": _name(node.get("name"), where),
            "op": node["op"],
            "input": [_name(source, where) for source in inputs],
            "attr": {
                _name(key, where): _attribute(value, f"{where}: {key}")
                for key, value in attributes.items()
                if not key.startswith("_")
            },
        },
        "constants": {
            str(int(key)): plain_value(value, f"{where}: constants")
            for key, value in constants.items()
            if key.isdecimal()
        },
    }


def _attribute(value: Any, where: str) -> Any:
    """Safe attribute of an operation: a number, type, shape, option, or list of them."""
    if not isinstance(value, Mapping) or not _ATTRIBUTE_VALUES.issuperset(value):
        raise UnsupportedLayerError(f"{where} is {_shown(value)}, which is not read; save the network without it")
    made: dict[str, Any] = {}
    for key, part in value.items():
        if key == "list":
            if not isinstance(part, Mapping) or not {"type", "i", "f", "b"}.issuperset(part):
                raise UnsupportedLayerError(
                    f"{where} is {_shown(part)}, which is not read; save the network without it"
                )
            made[key] = {name: [_scalar(item, where) for item in items] for name, items in part.items()}
        elif key == "shape":
            sizes = part.get("dim", []) if isinstance(part, Mapping) else []
            made[key] = {"dim": [{"size": _scalar(each.get("size", -1), where)} for each in sizes]}
        elif key == "s":
            made[key] = _encoded_option(part, where)
        else:
            made[key] = _scalar(part, where)
    return made


def _scalar(value: Any, where: str) -> Any:
    # In protobuf's JSON, 64-bit integers are strings, and so are types, such as "DT_FLOAT".
    if isinstance(value, str) and (value.lstrip("-").isdecimal() or value.startswith("DT_")) and len(value) < 30:
        return value
    if isinstance(value, (bool, int, float)):
        return value
    raise UnsupportedLayerError(f"{where} is {_shown(value)}, which is not read; save the network without it")


def _encoded_option(value: Any, where: str) -> str:
    try:
        text = base64.b64decode(value, validate=True).decode("ascii")
    except (TypeError, ValueError, binascii.Error):
        text = str(value)
    if text and text not in _OPTIONS:
        raise UnsupportedLayerError(f"{where} is {_shown(text)}, which is not read; save the network without it")
    return base64.b64encode(text.encode("ascii")).decode("ascii")


def _calls(value: Any, where: str) -> Any:
    """Safe description of a layer's inputs: ``[layer, node, tensor, arguments]``, or nested lists of these.

    There may be a constant instead of a layer: ``["_CONSTANT_VALUE", -1, constant, arguments]``.
    """
    if isinstance(value, Mapping):
        if value.get("class_name") == "__tuple__" and isinstance(value.get("items"), list):
            return [_calls(part, where) for part in value["items"]]
        return {_name(key, where): _calls(part, where) for key, part in value.items()}
    if not isinstance(value, list):
        raise NetworkError(f"{where} is called with {_shown(value)}, which is not the output of a layer")
    if not value or not isinstance(value[0], str):
        return [_calls(part, where) for part in value]
    if len(value) not in (3, 4) or type(value[1]) is not int:
        raise NetworkError(f"{where} is called with {_shown(value)}, which is not the output of a layer")
    if value[0] == CONSTANT:
        made = [CONSTANT, value[1], plain_value(value[2], f"{where}: a constant input")]
    elif type(value[2]) is int:
        made = [_name(value[0], where), value[1], value[2]]
    else:
        raise NetworkError(f"{where} is called with {_shown(value)}, which is not the output of a layer")
    if len(value) == 4:
        arguments = value[3] or {}
        if not isinstance(arguments, Mapping):
            raise NetworkError(
                f"{where} is called with {_shown(arguments)} instead of arguments; save the whole model again"
            )
        made.append({key: _argument(key, part, where) for key, part in arguments.items()})
    return made


def _argument(key: str, value: Any, where: str) -> Any:
    """Safe argument of a call; a list that begins with a string refers to a tensor."""
    if key == "name":
        return None if value is None else _name(value, where)
    if key == "training":
        check_training(value, where)
        return None if value is None else False
    if isinstance(value, list):
        if value and isinstance(value[0], str) and value[0] not in _OPTIONS:
            return _calls(value, where)
        return [_argument("", part, where) for part in value]
    return plain_value(value, f"{where}: the argument {key!r}" if key else f"{where}: an argument")


def _name(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise NetworkError(f"{where} has {_shown(value)} in place of a name; save the whole model again")
    return value


def _is_of_keras(name: Any) -> bool:
    if not isinstance(name, str):
        return False
    # Names such as "Custom>name" belong to objects that the network's author registered.
    return name == "builtins" or any(name == each or name.startswith(f"{each}.") for each in _PACKAGES)


def _where(entry: Mapping[str, Any]) -> str:
    config = entry["config"]
    name = entry.get("name", config.get("name") if isinstance(config, Mapping) else None)
    what = "network" if entry["class_name"] in MODELS else "layer"
    return f"{what} {_shown(name)} ({_shown(entry['class_name']).strip(chr(39))})"


def _shown(value: Any) -> str:
    """Value as one short line of text."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
